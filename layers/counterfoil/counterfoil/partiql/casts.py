"""``CAST``, ``IS`` and the names of types.

Source: partiql-lang-kotlin of 2021, ExprValueExtensions.cast, in its legacy mode: the numbers in ``DECIMAL(5, 2)`` or
``CHAR(3)`` count for nothing; float and decimal lose their fraction on the way to int.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, DecimalException
from typing import Final

from counterfoil.errors import InputError
from counterfoil.ion.timestamps import IonTimestamp
from counterfoil.ion.values import Clob, IonSymbol, Sexp, Value
from counterfoil.partiql.arithmetic import HIGHEST_INT, checked_int, to_decimal, to_float
from counterfoil.partiql.equality import is_nan
from counterfoil.partiql.faults import evaluator_fault, semantic_fault
from counterfoil.partiql.kinds import SEQUENCE_KINDS, Kind, bare, is_unknown, kind_of, type_name
from counterfoil.partiql.number_text import render_number
from counterfoil.partiql.syntax import DataType, Position
from counterfoil.partiql.timestamp_text import parse_timestamp_text, render_timestamp
from counterfoil.partiql.values import MISSING, Bag

# Every name of a type that may follow IS and AS, and the type it stands for.
TYPES: Final = {
    "missing": "missing",
    "null": "null",
    "bool": "bool",
    "boolean": "bool",
    "int": "int",
    "integer": "int",
    "int2": "int",
    "int4": "int",
    "int8": "int",
    "integer2": "int",
    "integer4": "int",
    "integer8": "int",
    "smallint": "int",
    "bigint": "int",
    "float": "float",
    "real": "float",
    "double": "float",
    "double precision": "float",
    "double_precision": "float",
    "decimal": "decimal",
    "dec": "decimal",
    "numeric": "decimal",
    "timestamp": "timestamp",
    "symbol": "symbol",
    "string": "string",
    "varchar": "string",
    "char": "string",
    "character": "string",
    "character varying": "string",
    "character_varying": "string",
    "clob": "clob",
    "blob": "blob",
    "struct": "struct",
    "tuple": "struct",
    "list": "list",
    "array": "list",
    "sexp": "sexp",
    "bag": "bag",
    "any": "any",
}

# Longer digits than this are no number of 64 bits, nor of 38 digits.
MAX_NUMBER_TEXT: Final = 1_000
_INT_TEXT: Final = re.compile(
    r"([+-]?)(?:0[xX]([0-9A-Fa-f](?:_?[0-9A-Fa-f])*)|0[bB]([01](?:_?[01])*)|(\d(?:_?\d)*))", re.ASCII
)
_FLOAT_TEXT: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?Infinity|NaN", re.ASCII)
_DECIMAL_TEXT: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d{1,9})?", re.ASCII)


def resolve_type(written: DataType) -> str:
    """The type that a written name stands for."""
    found = TYPES.get(written.name)
    if found is None:
        raise semantic_fault(f"No such type: {written.name}", written.at)
    return found


def is_of_type(value: Value, target: str) -> bool:
    """``IS``: MISSING is null too; every other type is exact, and no null is of any."""
    if target == "null":
        return is_unknown(value)
    if target == "missing":
        return value is MISSING
    if target == "any":
        return True
    return type_name(value) == target


def cast(value: Value, target: str, at: Position) -> Value:
    """The value as another type. Unknown values stay as they are; a conversion that fails is an error."""
    if is_unknown(value):
        return {"null": None, "missing": MISSING}.get(target, value)
    if type_name(value) == target:
        return value
    convert = _CONVERSIONS.get(target)
    plain = bare(value)
    converted = convert(plain, kind_of(plain), at) if convert else None
    if converted is None:
        raise evaluator_fault(f"Cannot convert {type_name(value)} to {target}", at)
    return converted


def _bool(value: Value, kind: Kind, _: Position) -> bool | None:
    if kind is Kind.NUMBER:
        return bool(value != 0)
    return value.lower() == "true" if kind is Kind.TEXT else None


def _int(value: Value, kind: Kind, at: Position) -> int | None:
    if kind is Kind.BOOL:
        return int(value)
    if kind is Kind.NUMBER:
        if is_nan(value) or abs(value) > 1 << 64:  # a decimal of a huge exponent must never become digits
            raise evaluator_fault(f"{render_number(value)} does not fit an int of 64 bits", at)
        # As Java narrows: the float nearest to the highest int, which is one more, is taken for it.
        return HIGHEST_INT if type(value) is float and value == HIGHEST_INT + 1 else checked_int(int(value), at)
    return _int_of_text(value, at) if kind is Kind.TEXT else None


def _int_of_text(text: str, at: Position) -> int:
    found = _INT_TEXT.fullmatch(text) if len(text) <= MAX_NUMBER_TEXT else None
    if found is None:
        raise evaluator_fault("Cannot convert this text to int", at)
    sign, hexadecimal, binary, digits = found.groups()
    magnitude = int(hexadecimal, 16) if hexadecimal else int(binary, 2) if binary else int(digits)
    return checked_int(-magnitude if sign == "-" else magnitude, at)


def _float(value: Value, kind: Kind, at: Position) -> float | None:
    if kind is Kind.BOOL or kind is Kind.NUMBER:
        return to_float(value, at)
    if kind is not Kind.TEXT:
        return None
    if len(value) > MAX_NUMBER_TEXT or not _FLOAT_TEXT.fullmatch(value.strip()):
        raise evaluator_fault("Cannot convert this text to float", at)
    return float(value)


def _decimal(value: Value, kind: Kind, at: Position) -> Decimal | None:
    if kind is Kind.BOOL:
        return Decimal(int(value))
    if kind is Kind.NUMBER:
        return to_decimal(value, at)
    if kind is not Kind.TEXT:
        return None
    if len(value) > MAX_NUMBER_TEXT or not _DECIMAL_TEXT.fullmatch(value):
        raise evaluator_fault("Cannot convert this text to decimal", at)
    try:
        return to_decimal(Decimal(value.replace("d", "e").replace("D", "e")), at)
    except DecimalException:
        raise evaluator_fault("Cannot convert this text to decimal", at) from None


def _timestamp(value: Value, kind: Kind, at: Position) -> IonTimestamp | None:
    if kind is not Kind.TEXT:
        return None
    try:
        return parse_timestamp_text(value)
    except InputError as error:
        raise evaluator_fault(f"Cannot convert this text to timestamp: {error}", at) from None


def _string(value: Value, kind: Kind, at: Position) -> str | None:
    if kind is Kind.TEXT:
        return str(value)
    if kind is Kind.BOOL:
        return "true" if value else "false"
    if kind is Kind.NUMBER:
        return render_number(value)
    return render_timestamp(value, at) if kind is Kind.TIMESTAMP else None


def _symbol(value: Value, kind: Kind, at: Position) -> IonSymbol | None:
    text = _string(value, kind, at)
    return None if text is None else IonSymbol(text)


def _clob(value: Value, kind: Kind, _: Position) -> Clob | None:
    return Clob(value) if kind is Kind.LOB else None


def _blob(value: Value, kind: Kind, _: Position) -> bytes | None:
    return bytes(value) if kind is Kind.LOB else None


def _sequence(make: Callable[[list[Value]], list[Value]]) -> Callable[[Value, Kind, Position], list[Value] | None]:
    return lambda value, kind, _: make(value) if kind in SEQUENCE_KINDS else None


def _struct(value: Value, kind: Kind, _: Position) -> dict[str, Value] | None:
    return value if kind is Kind.STRUCT else None


_CONVERSIONS: Final[dict[str, Callable[[Value, Kind, Position], Value]]] = {
    "bool": _bool,
    "int": _int,
    "float": _float,
    "decimal": _decimal,
    "timestamp": _timestamp,
    "string": _string,
    "symbol": _symbol,
    "clob": _clob,
    "blob": _blob,
    "list": _sequence(list),
    "sexp": _sequence(Sexp),
    "bag": _sequence(Bag),
    "struct": _struct,
}
