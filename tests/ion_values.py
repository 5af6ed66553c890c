"""Hypothesis strategies for Ion values of every type, as amazon.ion's own Python values with annotations."""

import struct
from datetime import timedelta, timezone
from decimal import Decimal

from amazon.ion.core import IonType, Timestamp, TimestampPrecision
from amazon.ion.simple_types import (
    IonPyBool,
    IonPyBytes,
    IonPyDecimal,
    IonPyDict,
    IonPyFloat,
    IonPyInt,
    IonPyList,
    IonPyNull,
    IonPySymbol,
    IonPyText,
    IonPyTimestamp,
)
from amazon.ion.symbols import SymbolToken
from hypothesis import strategies as st

# Every plane of Unicode, surrogates apart, and often the three bytes that Ion Hash escapes.
_characters = st.characters(exclude_categories=["Cs"]) | st.sampled_from("\x0b\x0c\x0e\x00é漢😀\U0010ffff")
texts = st.text(_characters, max_size=20)

# "$10" would be read as a symbol id, "$ion..." as part of the format.
symbol_texts = texts.filter(lambda text: not text.startswith("$"))
tokens = symbol_texts.map(lambda text: SymbolToken(text, None))
annotations = st.lists(tokens, max_size=3).map(tuple)

octets = st.binary(max_size=40) | st.lists(st.sampled_from([0x0B, 0x0C, 0x0E, 0x00, 0xFF]), max_size=20).map(bytes)
integers = st.integers() | st.integers(-(2**300), 2**300) | st.sampled_from([0, 127, 128, -128, 2**63, -(2**64)])
floats = st.floats() | st.floats(width=32) | st.sampled_from([0.0, -0.0, float("nan"), float("inf"), float("-inf")])


@st.composite
def decimals(draw, digits: int = 40):
    """Any sign, up to 40 digits, scale kept; negative zeros included.

    Beyond 34 digits amazon.ion's writer drops zeros at the end, and with them the scale: such values are not drawn.
    """
    coefficient = draw(st.sampled_from([0, 1, 127, 128]) | st.integers(0, 10**digits - 1))
    coefficient += coefficient >= 10**34 and coefficient % 10 == 0
    exponent = draw(st.integers(-60, 60) | st.sampled_from([0, -1, -2, 63, 64, -63, -64, 5000, -6000]))
    return Decimal((draw(st.integers(0, 1)), tuple(map(int, str(coefficient))), exponent))


@st.composite
def timestamps(draw):
    """Every precision from the year to the nanosecond, every offset, unknown ones included."""
    precision = draw(st.sampled_from(list(TimestampPrecision)))
    fields = [draw(st.integers(*bounds)) for bounds in [(2, 9998), (1, 12), (1, 28), (0, 23), (0, 59), (0, 59)]]
    given = fields[: 1 + precision] if precision < TimestampPrecision.MINUTE else fields[: 2 + precision]
    offset = draw(st.none() | st.integers(-1439, 1439)) if precision >= TimestampPrecision.MINUTE else None
    digits = draw(st.integers(0, 9)) if precision is TimestampPrecision.SECOND else 0
    coefficient = draw(st.integers(0, 10**digits - 1))
    return Timestamp(
        *given,
        tzinfo=None if offset is None else timezone(timedelta(minutes=offset)),
        precision=precision,
        fractional_seconds=Decimal(coefficient).scaleb(-digits),
    )


def _typed(python_type, ion_type, payloads):
    return st.builds(lambda payload, notes: python_type.from_value(ion_type, payload, notes), payloads, annotations)


nulls = _typed(IonPyNull, IonType.NULL, st.none()) | st.builds(
    lambda ion_type, notes: IonPyNull.from_value(ion_type, None, notes), st.sampled_from(list(IonType)), annotations
)
scalars = st.one_of(
    nulls,
    _typed(IonPyBool, IonType.BOOL, st.booleans()),
    _typed(IonPyInt, IonType.INT, integers),
    _typed(IonPyFloat, IonType.FLOAT, floats),
    _typed(IonPyDecimal, IonType.DECIMAL, decimals()),
    _typed(IonPyTimestamp, IonType.TIMESTAMP, timestamps()),
    _typed(IonPySymbol, IonType.SYMBOL, tokens),
    _typed(IonPyText, IonType.STRING, texts),
    _typed(IonPyBytes, IonType.CLOB, octets),
    _typed(IonPyBytes, IonType.BLOB, octets),
)


@st.composite
def _structs(draw, children):
    struct_value = IonPyDict.from_value(IonType.STRUCT, {}, draw(annotations))
    for name, value in draw(st.lists(st.tuples(symbol_texts, children), max_size=4)):
        struct_value.add_item(name, value)
    return struct_value


def _sequences(children):
    lists = st.lists(children, max_size=4)
    return _typed(IonPyList, IonType.LIST, lists) | _typed(IonPyList, IonType.SEXP, lists)


ion_values = st.recursive(scalars, lambda each: _sequences(each) | _structs(each), max_leaves=8)


@st.composite
def nested(draw, depth: int):
    """A value inside ``depth`` containers."""
    value = draw(scalars)
    for kind in draw(st.lists(st.sampled_from("[({"), min_size=depth, max_size=depth)):
        if kind == "{":
            outer = IonPyDict.from_value(IonType.STRUCT, {}, ())
            outer.add_item("in", value)
        else:
            outer = IonPyList.from_value(IonType.LIST if kind == "[" else IonType.SEXP, [value], ())
        value = outer
    return value


def bits_of(number: float) -> bytes:
    """A float's 8 bytes, by which NaN, infinities and both zeros can be compared."""
    return struct.pack(">d", number)
