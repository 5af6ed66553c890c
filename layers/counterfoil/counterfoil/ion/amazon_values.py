"""Between this project's Ion values (values.py) and the Python values of amazon.ion and ``datetime``.

amazon.ion's reader and writer of text need its own types; callers with times of the standard library need none of either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from types import NoneType
from typing import Any, Final

from amazon.ion import core, simple_types
from amazon.ion.symbols import SymbolToken

from counterfoil.errors import InputError
from counterfoil.ion.reader import IonType
from counterfoil.ion.timestamps import IonTimestamp
from counterfoil.ion.values import Annotated, Clob, IonNull, IonSymbol, RepeatedStruct, Sexp, Value, pairs_of

# Fields that a precision of amazon.ion's stands for, and the other way round.
_FIELD_COUNTS: Final = {
    core.TimestampPrecision.YEAR: 1,
    core.TimestampPrecision.MONTH: 2,
    core.TimestampPrecision.DAY: 3,
    core.TimestampPrecision.MINUTE: 5,
    core.TimestampPrecision.SECOND: 6,
}
_PRECISIONS: Final = {count: precision for precision, count in _FIELD_COUNTS.items()}


# From amazon.ion --------------------------------------------------------------------------------------------------------


def from_amazon(value: Any) -> Value:
    """One of amazon.ion's values, or a ``datetime``, as a value of this project; its items and fields stay as they are.

    A value of no such type is returned unchanged. A symbol whose text is not known is an ``InputError``, symbol zero excepted.
    """
    if isinstance(value, SymbolToken) and not hasattr(value, "ion_type"):
        return _symbol(value)
    kind = getattr(value, "ion_type", None)
    if kind is None:
        return timestamp_of(value) if isinstance(value, datetime) else value
    bare = IonNull(IonType[kind.name]) if simple_types.is_null(value) else _BARE[IonType[kind.name]](value)
    annotations = tuple(map(_symbol, value.ion_annotations or ()))
    return Annotated(annotations, bare) if annotations else bare


def value_of(value: Any) -> Value:
    """As ``from_amazon``, with everything inside; a value of a type that stands for none of Ion's is an ``InputError``.

    Subclasses of the plain types, such as those of ``enum``, count as the plain ones, and a tuple as a list.
    """
    try:
        return _value_of(value)
    except RecursionError:
        raise InputError("a value that is nested too deeply, or stands in itself") from None


def _value_of(value: Any) -> Value:
    value = from_amazon(value)
    kind = type(value)
    if kind in _SCALARS:
        return None if value == IonNull(IonType.NULL) else value
    if kind is Annotated:
        return Annotated(value.annotations, _value_of(value.value))
    if isinstance(value, Sexp):
        return Sexp(map(_value_of, value))
    if isinstance(value, list | tuple):
        return [_value_of(item) for item in value]
    if isinstance(value, dict):
        return struct_of((_field_text(name), _value_of(field)) for name, field in pairs_of(value))
    for types, plain in _PLAIN:
        if isinstance(value, types):
            return plain(value)
    raise InputError(f"a value of type {kind.__name__} is none that Ion has")


_SCALARS: Final = frozenset({NoneType, bool, int, float, Decimal, str, bytes, IonNull, IonSymbol, IonTimestamp, Clob})
_PLAIN: Final[tuple[tuple[Any, Callable[[Any], Value]], ...]] = (
    (str, str),
    (int, int),
    (float, float),
    (Decimal, Decimal),
    (bytes | bytearray, bytes),
)


def _field_text(name: Any) -> str:
    if not isinstance(name, str):
        raise InputError(f"the name of a field is a text, not a {type(name).__name__}")
    return name if isinstance(name, IonSymbol) else str(name)


def struct_of(pairs: Iterable[tuple[str, Value]]) -> dict[str, Value]:
    """The struct with these fields, in order; names may come twice."""
    listed = tuple(pairs)
    fields = dict(listed)
    return fields if len(fields) == len(listed) else RepeatedStruct(listed)


def timestamp_of(moment: datetime) -> IonTimestamp:
    """The same time; a ``datetime`` is precise to the microsecond, amazon.ion's own to what it says.

    An offset that is not of whole minutes, or a time outside the calendar in UTC, is an ``InputError``.
    """
    offset = moment.utcoffset()
    try:
        utc = moment.replace(tzinfo=None) - (offset or timedelta())
    except OverflowError:
        raise InputError(f"the time {moment} leaves the calendar in UTC") from None
    minutes, rest = divmod(offset or timedelta(), timedelta(minutes=1))
    if rest:
        raise InputError(f"the time {moment} has an offset of parts of a minute, which Ion cannot say")
    precision = getattr(moment, "precision", None)
    count = 6 if precision is None else _FIELD_COUNTS[precision]
    fraction = getattr(moment, "fractional_seconds", Decimal(moment.microsecond).scaleb(-6)) if count == 6 else None
    if fraction == 0 and int(fraction.as_tuple().exponent) >= 0:
        fraction = None
    return IonTimestamp(tuple(utc.timetuple()[:count]), fraction, None if offset is None else minutes)


def _symbol(token: SymbolToken | str) -> IonSymbol:
    if isinstance(token, str):
        return IonSymbol(token)
    if token.text is not None:
        return IonSymbol(token.text)
    if token.sid == 0 or token.sid is None:
        return IonSymbol("", unknown=True)
    raise InputError(f"the text of symbol ${token.sid} is not known")


def _symbol_or_text(value: SymbolToken | str) -> IonSymbol:
    return _symbol(value)


def _field_name(name: Any) -> str:
    if name is None:
        return IonSymbol("", unknown=True)
    return str(name) if isinstance(name, str) else _symbol(name)


_BARE: Final[dict[IonType, Callable[[Any], Value]]] = {
    IonType.BOOL: bool,
    IonType.INT: int,
    IonType.FLOAT: float,
    IonType.DECIMAL: Decimal,
    IonType.TIMESTAMP: timestamp_of,
    IonType.SYMBOL: _symbol_or_text,
    IonType.STRING: str,
    IonType.CLOB: Clob,
    IonType.BLOB: bytes,
    IonType.LIST: list,
    IonType.SEXP: Sexp,
    IonType.STRUCT: lambda struct: struct_of((_field_name(name), field) for name, field in struct.items()),
}


# To amazon.ion ------------------------------------------------------------------------------------------------------------


def amazon_of(value: Value) -> Any:
    """A value of this project as one of amazon.ion's, annotations and precision kept."""
    if isinstance(value, Annotated):
        inner = amazon_of(value.value)
        inner.ion_annotations = tuple(map(_token, value.annotations))
        return inner
    if value is None or isinstance(value, IonNull):
        kind = IonType.NULL if value is None else value.type
        return simple_types.IonPyNull.from_value(core.IonType[kind.name], None)
    for types, maker, kind in _MAKERS:
        if isinstance(value, types):
            return maker.from_value(kind, _PREPARE.get(types, _as_it_is)(value))
    raise InputError(f"cannot be written as Ion text: a value of type {type(value).__name__}")


def _token(text: str) -> SymbolToken:
    unknown = isinstance(text, IonSymbol) and text.unknown
    return SymbolToken(None, 0) if unknown else SymbolToken(str(text), None)


def _as_it_is(value: Any) -> Any:
    return value


def _amazon_timestamp(moment: IonTimestamp) -> core.Timestamp:
    """In amazon.ion's the fields are those of the local time."""
    count = len(moment.fields)
    year, month, day, hour, minute, second = (*moment.fields, *(1, 1, 1, 0, 0, 0)[count:])
    zone = None if moment.offset_minutes is None else timezone(timedelta(minutes=moment.offset_minutes))
    local = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - moved by its offset below
    try:
        local += timedelta(minutes=moment.offset_minutes or 0)
    except OverflowError:
        raise InputError(f"the time {moment} leaves the calendar at its offset") from None
    return core.Timestamp(
        *local.timetuple()[:6],
        tzinfo=zone,
        precision=_PRECISIONS[count],
        fractional_seconds=moment.fraction if moment.fraction is not None else Decimal(0),
    )


def _amazon_struct(struct: dict[str, Value]) -> simple_types.IonPyDict:
    fields = simple_types.IonPyDict.from_value(core.IonType.STRUCT, {})
    for name, value in pairs_of(struct):
        unknown = isinstance(name, IonSymbol) and name.unknown
        fields.add_item(None if unknown else str(name), amazon_of(value))
    return fields


def _amazon_items(items: list[Value]) -> list[Any]:
    return [amazon_of(item) for item in items]


# The narrower type comes first: a bool is an int, a symbol a str, a named tuple a tuple.
_MAKERS: Final[tuple[tuple[Any, Any, core.IonType], ...]] = (
    (bool, simple_types.IonPyBool, core.IonType.BOOL),
    (int, simple_types.IonPyInt, core.IonType.INT),
    (float, simple_types.IonPyFloat, core.IonType.FLOAT),
    (Decimal, simple_types.IonPyDecimal, core.IonType.DECIMAL),
    (IonTimestamp, simple_types.IonPyTimestamp, core.IonType.TIMESTAMP),
    (IonSymbol, simple_types.IonPySymbol, core.IonType.SYMBOL),
    (str, simple_types.IonPyText, core.IonType.STRING),
    (Clob, simple_types.IonPyBytes, core.IonType.CLOB),
    (bytes, simple_types.IonPyBytes, core.IonType.BLOB),
    (Sexp, simple_types.IonPyList, core.IonType.SEXP),
    (list, simple_types.IonPyList, core.IonType.LIST),
    (dict, simple_types.IonPyDict, core.IonType.STRUCT),
)
_PREPARE: Final[dict[Any, Callable[[Any], Any]]] = {
    IonTimestamp: _amazon_timestamp,
    IonSymbol: _token,
    Sexp: _amazon_items,
    list: _amazon_items,
    dict: _amazon_struct,
}
