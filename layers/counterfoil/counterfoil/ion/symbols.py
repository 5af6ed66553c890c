"""Symbol tables of binary Ion: which text a symbol id stands for, and that text as Ion Hash wants it.

Source: Ion specification, "Symbols"; Ion Hash specification, section "Symbols".
"""

from __future__ import annotations

from typing import Final

SYSTEM_SYMBOLS: Final = (
    "$ion",
    "$ion_1_0",
    "$ion_symbol_table",
    "name",
    "version",
    "imports",
    "symbols",
    "max_id",
    "$ion_shared_symbol_table",
)

# A symbol table is read before anything can be judged; these bounds keep a hostile one cheap. QLDB's own records use
# fewer than 100 symbols; a 128 KB document of one-letter fields stays below 65,536.
MAX_SYMBOLS: Final = 65_536

BEGIN: Final = b"\x0b"
END: Final = b"\x0e"
ESCAPE: Final = b"\x0c"


def escape(representation: bytes) -> bytes:
    """Put 0x0C before each 0x0B, 0x0C and 0x0E (Ion Hash, "Escaping"); most bytes need nothing and are returned as is."""
    if ESCAPE in representation:
        representation = representation.replace(ESCAPE, b"\x0c\x0c")
    if BEGIN in representation:
        representation = representation.replace(BEGIN, b"\x0c\x0b")
    if END in representation:
        representation = representation.replace(END, b"\x0c\x0e")
    return representation


def serialize_symbol(text: str | None) -> bytes:
    """Ion Hash of a symbol token before hashing; ``None`` is symbol zero, whose text is unknown."""
    if text is None:
        return b"\x0b\x71\x0e"
    return b"\x0b\x70" + escape(text.encode()) + END


class SymbolTable:
    """An immutable list of symbol texts; index 0 is symbol zero.

    ``names[i]`` is the text of symbol ``i`` and ``serialized[i]`` its Ion Hash serialization. A text that is not known
    (symbol zero, or one imported from a shared table that is not at hand) has the name ``None``; only symbol zero has a
    serialization then, the others have ``b""``: Ion Hash does not define them.
    ``source`` holds the bytes of the local symbol table, so that a single value can be made a datagram again.
    """

    __slots__ = ("names", "serialized", "source")

    def __init__(self, names: tuple[str | None, ...], source: bytes = b"") -> None:
        self.names = names
        self.serialized = (
            serialize_symbol(None),
            *(b"" if name is None else serialize_symbol(name) for name in names[1:]),
        )
        self.source = source


SYSTEM_TABLE: Final = SymbolTable((None, *SYSTEM_SYMBOLS))
