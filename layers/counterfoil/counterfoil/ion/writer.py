"""Writes Ion values in binary: version marker, local symbol table, value, exactly as amazon.ion's writer in C does.

The same bytes as QLDB's own writers made, so the same documents, blocks and records. Symbols are numbered as that writer meets
them: a symbol value before the name of its field, the name before the annotations, those before what a container holds.

What is written can be read: whatever ``counterfoil.ion`` would refuse to read is an ``InputError`` here.

Source: Ion specification 1.0, "Binary Encoding"; the order of symbols from amazon.ion 0.15 (tests/property/test_codec_laws.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from counterfoil.errors import InputError
from counterfoil.ion.amazon_values import from_amazon
from counterfoil.ion.reader import MAX_DEPTH
from counterfoil.ion.scalars import SCALARS, SHORT_VAR_UINTS, headed, var_uint, write_string
from counterfoil.ion.streams import MAX_SIZE_BYTES
from counterfoil.ion.symbols import MAX_SYMBOLS, SYSTEM_SYMBOLS, VERSION_MARKER
from counterfoil.ion.values import Annotated, Clob, IonSymbol, RepeatedStruct, Sexp, Value

_FIRST_LOCAL: Final = len(SYSTEM_SYMBOLS) + 1
_SYMBOL_TABLE: Final = "$ion_symbol_table"


def encode(value: Value) -> bytes:
    """One value as a stream of binary Ion. What Ion or this project's limits do not allow is an ``InputError``."""
    if type(value) is Annotated:
        _refuse_symbol_table(value)
    symbols = _Symbols()
    try:
        written = _write(value, symbols, 0)
        data = VERSION_MARKER + (_table(symbols) if symbols else b"") + written
    except UnicodeEncodeError as error:
        raise InputError(f"cannot be written as binary Ion: {error.reason} in a text") from None
    if len(data) > MAX_SIZE_BYTES:
        raise InputError(f"{len(data)} bytes of binary Ion; at most {MAX_SIZE_BYTES} are written")
    return data


class _Symbols(dict[str, bytes]):
    """The local symbols met so far, in order; each with its id as a VarUInt. System symbols are answered, never kept."""

    __slots__ = ()

    def __missing__(self, text: str) -> bytes:
        code = _SYSTEM_IDS.get(text)
        if code is None:
            number = len(self) + _FIRST_LOCAL
            if number >= MAX_SYMBOLS:
                raise InputError(f"a value with more than {MAX_SYMBOLS - _FIRST_LOCAL} symbols")
            code = self[text] = SHORT_VAR_UINTS[number] if number < 0x80 else var_uint(number)
        return code


_SYSTEM_IDS: Final = {text: SHORT_VAR_UINTS[number] for number, text in enumerate(SYSTEM_SYMBOLS, 1)}


# Symbol tables --------------------------------------------------------------------------------------------------------

# Documents of a kind have the same symbols: the table is written once. Bounded in number and size: 8 MB at the most.
_KNOWN_TABLES: dict[tuple[str, ...], bytes] = {}
_KNOWN_TABLES_MAX: Final = 1_024
_KNOWN_TABLE_MAX_BYTES: Final = 8_192


def _table(symbols: _Symbols) -> bytes:
    """``$ion_symbol_table::{symbols: [...]}``."""
    texts = tuple(symbols)
    table = _KNOWN_TABLES.get(texts)
    if table is None:
        listed = b"".join(map(write_string, texts))
        fields = b"\x87" + headed(0xB0, listed)
        table = headed(0xE0, b"\x81\x83" + headed(0xD0, fields))
        if len(table) <= _KNOWN_TABLE_MAX_BYTES:
            if len(_KNOWN_TABLES) >= _KNOWN_TABLES_MAX:
                _KNOWN_TABLES.pop(next(iter(_KNOWN_TABLES)), None)
            _KNOWN_TABLES[texts] = table
    return table


def _refuse_symbol_table(value: Annotated) -> None:
    if value.annotations[:1] == (_SYMBOL_TABLE,) and isinstance(value.value, dict):
        raise InputError(f"a struct annotated {_SYMBOL_TABLE} would be read as a symbol table, not as a value")


# Symbols, containers, annotations ---------------------------------------------------------------------------------------


def _write(value: Value, symbols: _Symbols, depth: int) -> bytes:
    kind = type(value)
    scalar = SCALARS.get(kind)
    if scalar is not None:
        return scalar(value)
    compound = _COMPOUNDS.get(kind)
    return (compound or _write_other)(value, symbols, depth)


def _name(text: str, symbols: _Symbols) -> bytes:
    """A field name's or annotation's id. Symbol zero equals the empty text, and is not it."""
    if text:
        return symbols[text]
    return b"\x80" if type(text) is IonSymbol and text.unknown else symbols[""]


def _symbol(symbol: IonSymbol, symbols: _Symbols, _depth: int) -> bytes:
    number = 0
    for byte in _name(symbol, symbols):
        number = number << 7 | byte & 0x7F
    return headed(0x70, number.to_bytes((number.bit_length() + 7) >> 3))


def _list(items: Sequence[Value], symbols: _Symbols, depth: int) -> bytes:
    if depth >= MAX_DEPTH:
        raise _too_deep()
    depth += 1
    scalars, parts = SCALARS, []
    for item in items:
        scalar = scalars.get(type(item))
        parts.append(_write(item, symbols, depth) if scalar is None else scalar(item))
    return headed(0xB0, b"".join(parts))


def _sexp(items: Sequence[Value], symbols: _Symbols, depth: int) -> bytes:
    if depth >= MAX_DEPTH:
        raise _too_deep()
    return headed(0xC0, b"".join([_write(item, symbols, depth + 1) for item in items]))


def _struct(fields: dict[str, Value], symbols: _Symbols, depth: int) -> bytes:
    return _fields(fields.items(), symbols, depth)


def _repeated_struct(fields: RepeatedStruct, symbols: _Symbols, depth: int) -> bytes:
    return _fields(fields.pairs, symbols, depth)


def _fields(pairs: Iterable[tuple[str, Value]], symbols: _Symbols, depth: int) -> bytes:
    if depth >= MAX_DEPTH:
        raise _too_deep()
    depth += 1
    parts: list[bytes] = []
    scalars, add = SCALARS, parts.append
    for name, value in pairs:
        kind = type(value)
        scalar = scalars.get(kind)
        if scalar is not None and name:
            add(symbols[name])
            add(scalar(value))
        elif kind is dict and name:
            add(symbols[name])
            add(_fields(value.items(), symbols, depth))
        else:
            parts += _field(name, value, symbols, depth)
    return headed(0xD0, b"".join(parts))


def _field(name: str, value: Value, symbols: _Symbols, depth: int) -> tuple[bytes, bytes]:
    """A field's name and its value; a symbol is numbered before its name, anything else behind it."""
    inner = value.value if type(value) is Annotated else value
    if type(inner) not in _KNOWN_TYPES:
        value = known(value)
        inner = value.value if type(value) is Annotated else value
    if type(inner) is IonSymbol:
        _name(inner, symbols)
    return _name(name, symbols), _write(value, symbols, depth)


def _annotated(annotated: Annotated, symbols: _Symbols, depth: int) -> bytes:
    annotations, value = annotated
    if type(value) not in _KNOWN_TYPES:
        value = known(value)
    if type(value) is Annotated or not annotations:
        raise InputError("an annotated value has one annotation or more, all at once")
    if type(value) is IonSymbol:
        _name(value, symbols)
    codes = b"".join([_name(text, symbols) for text in annotations])
    return headed(0xE0, var_uint(len(codes)) + codes + _write(value, symbols, depth))


def _too_deep() -> InputError:
    return InputError(f"a value nested deeper than {MAX_DEPTH} levels")


_COMPOUNDS: Final[dict[type, Callable[[Any, _Symbols, int], bytes]]] = {
    IonSymbol: _symbol,
    list: _list,
    tuple: _list,
    Sexp: _sexp,
    dict: _struct,
    RepeatedStruct: _repeated_struct,
    Annotated: _annotated,
}
_KNOWN_TYPES: Final = frozenset({*SCALARS, *_COMPOUNDS})


# Other types ----------------------------------------------------------------------------------------------------------


def _write_other(value: Any, symbols: _Symbols, depth: int) -> bytes:
    converted = known(value)
    if depth == 0 and type(converted) is Annotated:
        _refuse_symbol_table(converted)
    return _write(converted, symbols, depth)


def known(value: Any) -> Value:
    """A value of a type of the table in values.py for one of amazon.ion's, of datetime, or of a type that extends one."""
    if isinstance(value, Annotated):
        return Annotated(value.annotations, known(value.value))
    converted = from_amazon(value)
    if type(converted) in _KNOWN_TYPES:
        return converted
    for kind in _BY_EXTENSION:
        if isinstance(converted, kind):
            return kind(converted)
    raise InputError(f"cannot be written as binary Ion: a value of type {type(value).__name__}")


# bool, None and the named tuples are not extended; a Clob is a bytes, an IonSymbol a str: the narrower type comes first.
_BY_EXTENSION: Final[tuple[type[Any], ...]] = (
    Clob, Sexp, int, str, Decimal, float, bytes, dict, list, tuple,
)  # fmt: skip
