"""``+ - * / %`` and signs, over int, decimal and float.

As in partiql-lang-kotlin of 2021: ints are of 64 bits and overflow is an error; int with decimal gives decimal, rounded half-even to
38 digits; a float with an int gives a float, with a decimal a decimal; division of ints truncates, ``%`` has the sign of the dividend.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal, DecimalException, DivisionByZero, InvalidOperation, Overflow
from typing import Final

from counterfoil.ion.values import Value
from counterfoil.partiql.equality import Number, exact
from counterfoil.partiql.faults import evaluator_fault
from counterfoil.partiql.kinds import bare, is_unknown, type_name
from counterfoil.partiql.syntax import Operator, Position

HIGHEST_INT: Final = (1 << 63) - 1
LOWEST_INT: Final = -(1 << 63)

# Java's MathContext(38, HALF_EVEN), and exponents beyond which a result is refused.
DECIMALS: Final = Context(
    prec=38,
    rounding=ROUND_HALF_EVEN,
    Emin=-999_999,
    Emax=999_999,
    traps=[InvalidOperation, DivisionByZero, Overflow],
)


def checked_int(value: int, at: Position) -> int:
    """The int, if 64 bits hold it."""
    if LOWEST_INT <= value <= HIGHEST_INT:
        return value
    raise evaluator_fault("Int overflow or underflow: a result of int arithmetic must fit 64 bits", at)


def calculate(operator: Operator, left: Value, right: Value, at: Position) -> Value:
    """The result of an operator; NULL if either operand is unknown."""
    if is_unknown(left) or is_unknown(right):
        return None
    left, right = _number(left, operator, at), _number(right, operator, at)
    if operator in {Operator.DIVIDE, Operator.MODULO} and right == 0:
        raise evaluator_fault(f"Division by zero ({operator})", at)
    if type(left) is int and type(right) is int:
        return checked_int(_INT[operator](left, right), at)
    if type(left) is Decimal or type(right) is Decimal:
        return _decimal(_DECIMAL[operator], left, right, at)
    return _float(_FLOAT[operator], left, right, at)


def negate(value: Value, at: Position) -> Value:
    """``-value``; zero has no sign."""
    if is_unknown(value):
        return None
    number = _number(value, Operator.SUBTRACT, at)
    if type(number) is int:
        return checked_int(-number, at)
    return number.copy_negate() if isinstance(number, Decimal) and number else -number if number else number


def affirm(value: Value, at: Position) -> Value:
    """``+value``"""
    return None if is_unknown(value) else _number(value, Operator.ADD, at)


def to_decimal(number: Number, at: Position) -> Decimal:
    """A number as a decimal of at most 38 digits."""
    if type(number) is float and not math.isfinite(number):
        raise evaluator_fault(f"{number} is not a number that a decimal can be", at)
    try:
        return DECIMALS.plus(Decimal(exact(number)))
    except DecimalException:
        raise evaluator_fault("the number is too large or too small for a decimal", at) from None


def to_float(number: Number, at: Position) -> float:
    try:
        return float(number)
    except OverflowError:
        raise evaluator_fault("the number is too large for a float", at) from None


def _number(value: Value, operator: Operator, at: Position) -> Number:
    number = bare(value)
    if type(number) in {int, float, Decimal}:
        return number  # type: ignore[no-any-return]
    raise evaluator_fault(f"{operator} needs numbers, not a {type_name(value)}", at)


def _decimal(operate: Callable[[Decimal, Decimal], Decimal], left: Number, right: Number, at: Position) -> Decimal:
    first, second = to_decimal(left, at), to_decimal(right, at)
    try:
        return operate(first, second)
    except DecimalException:
        raise evaluator_fault(
            "the result is no decimal of at most 38 digits and an exponent below a million", at
        ) from None


def _float(operate: Callable[[float, float], float], left: Number, right: Number, at: Position) -> float:
    first, second = to_float(left, at), to_float(right, at)
    try:
        return operate(first, second)
    except OverflowError:
        raise evaluator_fault("the result is too large for a float", at) from None
    except ValueError:
        return math.nan  # the remainder of an infinite number


def divide_ints(left: int, right: int) -> int:
    """Towards zero."""
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def remainder_of_ints(left: int, right: int) -> int:
    return left - right * divide_ints(left, right)


_INT: Final[dict[Operator, Callable[[int, int], int]]] = {
    Operator.ADD: int.__add__,
    Operator.SUBTRACT: int.__sub__,
    Operator.MULTIPLY: int.__mul__,
    Operator.DIVIDE: divide_ints,
    Operator.MODULO: remainder_of_ints,
}
_DECIMAL: Final[dict[Operator, Callable[[Decimal, Decimal], Decimal]]] = {
    Operator.ADD: DECIMALS.add,
    Operator.SUBTRACT: DECIMALS.subtract,
    Operator.MULTIPLY: DECIMALS.multiply,
    Operator.DIVIDE: DECIMALS.divide,
    Operator.MODULO: DECIMALS.remainder,
}
_FLOAT: Final[dict[Operator, Callable[[float, float], float]]] = {
    Operator.ADD: float.__add__,
    Operator.SUBTRACT: float.__sub__,
    Operator.MULTIPLY: float.__mul__,
    Operator.DIVIDE: float.__truediv__,
    Operator.MODULO: math.fmod,
}
