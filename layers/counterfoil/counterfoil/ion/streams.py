"""Streams of binary Ion: version markers, local symbol tables, and the top-level values under them.

Source: Ion specification 1.0, "Symbols" and "Binary Encoding"; limits are this project's own.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from counterfoil.errors import InputError
from counterfoil.ion.reader import IonValue, behind_annotations, malformed, read_header, read_value, read_var_uint
from counterfoil.ion.symbols import (
    MAX_SYMBOLS,
    SYSTEM_TABLE,
    UNKNOWN,
    VERSION_MARKER,
    Symbol,
    SymbolTable,
    symbol_of,
)

# Kinesis carries at most 10 MiB in one record; an export's block may hold 4 MB of documents. Larger input is refused unread.
MAX_SIZE_BYTES: Final = 16 * 1024 * 1024

# Symbols of all tables of one stream together: each table that appends to the one before costs as much as it holds.
MAX_STREAM_SYMBOLS: Final = 4 * MAX_SYMBOLS


def read_values(data: bytes) -> Iterator[IonValue]:
    """The top-level values of a binary Ion stream, each with the symbol table in force; padding is passed over."""
    if len(data) > MAX_SIZE_BYTES:
        raise InputError(f"{len(data)} bytes of Ion; at most {MAX_SIZE_BYTES} are read")
    if data[:4] != VERSION_MARKER:
        raise InputError(
            f"not binary Ion 1.0: begins with {data[:4].hex() or 'nothing'}, expected {VERSION_MARKER.hex()}"
        )
    position, end, symbols, declared = 4, len(data), SYSTEM_TABLE, 0
    while position < end:
        first = data[position]
        if first == 0xE0:
            if data[position : position + 4] != VERSION_MARKER:
                raise malformed(position, "an Ion version other than 1.0")
            position, symbols = position + 4, SYSTEM_TABLE
        elif first < 15:
            position = read_header(data, position, end)[3]
        else:
            value_end, table = _local_table(data, position, end, symbols)
            if table is None:
                yield read_value(data, position, end, symbols)
            else:
                symbols = table
                declared += len(table.names)
                if declared > MAX_STREAM_SYMBOLS:
                    raise malformed(position, f"symbol tables of more than {MAX_STREAM_SYMBOLS} symbols in one stream")
            position = value_end


def read_value_stream(chunks: Iterable[bytes]) -> Iterator[IonValue]:
    """As ``read_values``, of a stream of any length that comes in pieces; one value at a time is in memory.

    A single value, and the symbol tables between two version markers, are bounded as those of a whole stream are.
    """
    window = _Window(iter(chunks))
    symbols, declared = SYSTEM_TABLE, 0
    if window.ahead(4) != VERSION_MARKER:
        raise InputError(f"not binary Ion 1.0: begins with {window.ahead(4).hex() or 'nothing'}")
    while first := window.ahead(1):
        if first == b"\xe0":
            if window.take(4) != VERSION_MARKER:
                raise malformed(window.offset, "an Ion version other than 1.0")
            symbols, declared = SYSTEM_TABLE, 0
            continue
        data = window.take(window.value_size())
        if data[0] < 15:
            continue
        value_end, table = _local_table(data, 0, len(data), symbols)
        if table is None:
            yield read_value(data, 0, value_end, symbols)
            continue
        symbols, declared = table, declared + len(table.names)
        if declared > MAX_STREAM_SYMBOLS:
            raise malformed(window.offset, f"symbol tables of more than {MAX_STREAM_SYMBOLS} symbols in one stream")


class _Window:
    """What has come of a stream and is not yet taken; ``offset`` counts the bytes taken."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = b""
        self._position = 0
        self.offset = 0

    def ahead(self, count: int) -> bytes:
        """The next bytes, left where they are; fewer where the stream ends."""
        missing = count - (len(self._buffer) - self._position)
        if missing > 0:
            parts = [self._buffer[self._position :]]
            for chunk in self._chunks:
                parts.append(chunk)
                missing -= len(chunk)
                if missing <= 0:
                    break
            self._buffer, self._position = b"".join(parts), 0
        return self._buffer[self._position : self._position + count]

    def take(self, count: int) -> bytes:
        data = self.ahead(count)
        if len(data) < count:
            raise malformed(self.offset, f"the stream ends {count - len(data)} bytes before its last value does")
        self._position += count
        self.offset += count
        return data

    def value_size(self) -> int:
        """Bytes of the value that comes next, its descriptor included."""
        head = self.ahead(10)
        kind, low = head[0] >> 4, head[0] & 15
        if kind == 1 or low == 15:
            return 1
        size = 1 + low
        if low == 14 or (kind == 13 and low == 1):
            length, position = read_var_uint(head, 1, len(head))
            size = position + length
        if size > MAX_SIZE_BYTES:
            raise malformed(self.offset, f"a value of {size} bytes; at most {MAX_SIZE_BYTES} are read")
        return size


def read_single(data: bytes) -> IonValue:
    """The one value of a binary Ion stream; none or a second one is refused."""
    whole = _read_record(data) if len(data) > 4 else None
    if whole is not None:
        return whole
    values = read_values(data)
    first = next(values, None)
    if first is None:
        raise InputError("an Ion stream without a value")
    if next(values, None) is not None:
        raise InputError("an Ion stream with more than one value where one was expected")
    return first


def _read_record(data: bytes) -> IonValue | None:
    """What producers write, in one go: a value to the end, behind a symbol table met before, or without any.

    ``None`` for the rest.
    """
    if data[:4] != VERSION_MARKER or len(data) > MAX_SIZE_BYTES:
        return None
    position = 4
    first = data[4]
    if first >= 0xE0:
        position = end_of_wrapper(data)
        table = _KNOWN_TABLES.get(data[4:position])
        if table is None:
            return None
    else:
        table = SYSTEM_TABLE
    if position >= len(data) or not 15 <= data[position] < 0xE0:
        return None
    value = read_value(data, position, len(data), table)
    return value if value.end == len(data) else None


def end_of_wrapper(data: bytes) -> int:
    """Where an annotation wrapper at byte 4 ends that is shorter than 16,384 bytes; 4 for any other."""
    low = data[4] & 15
    if low < 14:
        return 5 + low
    if len(data) < 8:
        return 4
    if data[5] & 0x80:
        return 6 + (data[5] & 0x7F)
    return 7 + (data[5] << 7 | data[6] & 0x7F) if data[6] & 0x80 else 4


# The same producer writes the same symbol table before each record of a kind; reading it once per kind instead of once
# per record is worth a third of the verification time. Bounded, so that a hostile stream cannot fill the memory.
_KNOWN_TABLES: dict[bytes, SymbolTable] = {}
_KNOWN_TABLES_MAX: Final = 512
_KNOWN_TABLE_MAX_BYTES: Final = 8_192
_KNOWN_TABLE_MAX_SYMBOLS: Final = 1_024


def _local_table(data: bytes, position: int, end: int, symbols: SymbolTable) -> tuple[int, SymbolTable | None]:
    """(end of the value at ``position``, the table it declares, or ``None`` where it is an ordinary value)."""
    kind, _, body, value_end = read_header(data, position, end)
    if kind != 14:
        return value_end, None
    inner = behind_annotations(data, body, value_end)
    first, _ = read_var_uint(data, read_var_uint(data, body, value_end)[1], inner)
    if first != 3 or data[inner] >> 4 != 13:
        return value_end, None
    source = data[position:value_end]
    if symbols is not SYSTEM_TABLE:
        return value_end, _parse_local_table(source, symbols)
    table = _KNOWN_TABLES.get(source)
    if table is None:
        table = _table_like_another(source) or _parse_local_table(source, symbols)
        if len(source) <= _KNOWN_TABLE_MAX_BYTES and len(table.names) <= _KNOWN_TABLE_MAX_SYMBOLS:
            if len(_KNOWN_TABLES) >= _KNOWN_TABLES_MAX:
                del _KNOWN_TABLES[next(iter(_KNOWN_TABLES))]
            _KNOWN_TABLES[source] = table
    return value_end, table


def _table_like_another(source: bytes) -> SymbolTable | None:
    """A table that differs from one read before in the texts of its symbols alone, as those of one producer's blocks do."""
    frame = _FRAMES.get(len(source))
    if frame is None:
        return None
    cut, skeleton = frame
    parts = cut(source)
    if parts[::2] != skeleton:
        return None
    try:
        return SymbolTable((*SYSTEM_TABLE.symbols, *map(symbol_of, parts[1::2])), source)
    except UnicodeDecodeError:
        return None


# By the length of a table's bytes: how to cut the texts out of them, and what must stand between.
_FRAMES: dict[int, tuple[Callable[[bytes], tuple[bytes, ...]], tuple[bytes, ...]]] = {}


def _remember_frame(source: bytes, listed: IonValue) -> None:
    """Remember how a table that has nothing but texts, listed as strings, is divided."""
    sizes: list[int] = []
    skeleton: list[bytes] = []
    position = 0
    for each in listed.items():
        if each.kind != 8 or each.low == 15 or each.buffer[each.position] >= 0xE0:
            return
        sizes += (each.body - position, each.end - each.body)
        skeleton.append(source[position : each.body])
        position = each.end
    if position != len(source) or len(source) > _KNOWN_TABLE_MAX_BYTES or len(skeleton) > _KNOWN_TABLE_MAX_SYMBOLS:
        return
    if len(_FRAMES) >= _KNOWN_TABLES_MAX:
        _FRAMES.pop(next(iter(_FRAMES)), None)
    cut = struct.Struct("".join(f"{size}s" for size in (*sizes, 0))).unpack
    _FRAMES[len(source)] = cut, (*skeleton, b"")


def _parse_local_table(source: bytes, current: SymbolTable) -> SymbolTable:
    """Read ``$ion_symbol_table::{imports, symbols}``. Source: Ion specification, "Local Symbol Tables"."""
    imported: tuple[Symbol, ...] = SYSTEM_TABLE.symbols
    kept_source = b""
    declared: list[Symbol] = []
    fields = read_value(source, 0, len(source), SYSTEM_TABLE).each_field()
    if current is SYSTEM_TABLE and len(fields) == 1 and fields[0][0] == "symbols" and _is_list(fields[0][1]):
        _remember_frame(source, fields[0][1])
    for name, value in fields:
        if name == "imports" and value.kind == 7 and value.low != 15 and value.as_text() == "$ion_symbol_table":
            imported, kept_source = current.symbols, current.source
        elif name == "imports" and _is_list(value):
            for each in value.items():
                imported += _imported_symbols(each)
                if len(imported) > MAX_SYMBOLS:
                    raise InputError(f"a symbol table that imports more than {MAX_SYMBOLS} symbols")
        elif name == "symbols" and _is_list(value):
            declared += _declared_symbols(value)
    if len(imported) + len(declared) > MAX_SYMBOLS:
        raise InputError(f"a symbol table of {len(imported) + len(declared)} symbols; at most {MAX_SYMBOLS} are read")
    return SymbolTable((*imported, *declared), kept_source + source)


def _is_list(value: IonValue) -> bool:
    return value.kind == 11 and value.low != 15


def _declared_symbols(listed: IonValue) -> Iterator[Symbol]:
    """The symbols that a local table lists; what is not a string has no known text."""
    buffer, position, limit = listed.buffer, listed.body, listed.end
    while position < limit:
        descriptor = buffer[position]
        end = position + descriptor - 0x7F
        if 0x80 <= descriptor <= 0x8D and end <= limit:
            encoded = buffer[position + 1 : end]
        elif descriptor < 15:
            position = read_header(buffer, position, limit)[3]
            continue
        else:
            value = read_value(buffer, position, limit, SYSTEM_TABLE)
            encoded, end = buffer[value.body : value.end], value.end
            if value.kind != 8 or value.low == 15:
                yield UNKNOWN
                position = end
                continue
        try:
            yield symbol_of(encoded)
        except UnicodeDecodeError:
            raise malformed(position, "a symbol that is not UTF-8") from None
        position = end


def _imported_symbols(table: IonValue) -> tuple[Symbol, ...]:
    """A shared table that is not at hand reserves ``max_id`` symbols of unknown text."""
    if table.kind != 13 or table.low == 15:
        return ()
    fields = table.fields()
    name, count = fields.get("name"), fields.get("max_id")
    if name is None or name.kind != 8 or name.as_text() in {"", "$ion"}:
        return ()
    size = count.as_int() if count is not None and count.kind == 2 else 0
    if size > MAX_SYMBOLS:
        raise InputError(f"a symbol table that imports {size} symbols; at most {MAX_SYMBOLS} are read")
    return (UNKNOWN,) * size
