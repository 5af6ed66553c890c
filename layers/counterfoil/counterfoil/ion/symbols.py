"""Symbol tables of binary Ion: which text a symbol id stands for, and that text as Ion Hash wants it.

Source: Ion specification, "Symbols"; Ion Hash specification, section "Symbols".
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

VERSION_MARKER: Final = b"\xe0\x01\x00\xea"

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
    # Asked for a number, ``in`` costs a tenth of what it costs asked for bytes.
    if 0x0C in representation:
        representation = representation.replace(ESCAPE, b"\x0c\x0c")
    if 0x0B in representation:
        representation = representation.replace(BEGIN, b"\x0c\x0b")
    if 0x0E in representation:
        representation = representation.replace(END, b"\x0c\x0e")
    return representation


class Symbol(NamedTuple):
    """A symbol's text, and that text serialized for Ion Hash.

    A text that is not known (symbol zero, or one imported from a shared table that is not at hand) is ``None``; only symbol
    zero has a serialization then, the others have ``b""``: Ion Hash does not define them.
    """

    name: str | None
    serialized: bytes


def serialize_symbol(text: str) -> bytes:
    """Ion Hash of a symbol token before hashing."""
    return b"\x0b\x70" + escape(text.encode()) + END


SYMBOL_ZERO: Final = Symbol(None, b"\x0b\x71\x0e")
UNKNOWN: Final = Symbol(None, b"")


@lru_cache(maxsize=8_192)
def symbol_of(encoded: bytes) -> Symbol:
    """The symbol of a UTF-8 text. The same field names come again in every table; only new ones cost anything."""
    text = encoded.decode()
    return Symbol(text, serialize_symbol(text))


class SymbolTable:
    """An immutable list of symbols; ``names[i]`` and ``serialized[i]`` belong to symbol id ``i``.

    ``source`` holds the bytes of the local symbol table, so that a single value can be made a datagram again.
    """

    __slots__ = ("names", "serialized", "source", "symbols")

    def __init__(self, symbols: tuple[Symbol, ...], source: bytes = b"") -> None:
        self.symbols = symbols
        self.names: tuple[str | None, ...]
        self.serialized: tuple[bytes, ...]
        self.names, self.serialized = zip(*symbols, strict=True)
        self.source = source


SYSTEM_TABLE: Final = SymbolTable((SYMBOL_ZERO, *(symbol_of(name.encode()) for name in SYSTEM_SYMBOLS)))
