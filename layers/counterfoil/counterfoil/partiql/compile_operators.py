"""Operators as closures: logic of three values, comparison, arithmetic, IN, BETWEEN, LIKE, IS.

Each has a short way for values of plain Python types and leaves the rest (annotated, unknown, of two types) to its room.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from counterfoil.errors import LimitError
from counterfoil.ion.values import Value
from counterfoil.partiql.arithmetic import HIGHEST_INT, LOWEST_INT, affirm, calculate, negate
from counterfoil.partiql.casts import cast, is_of_type, resolve_type
from counterfoil.partiql.compilation import Compilation, Evaluate, Frame, Handler, Scope, truth
from counterfoil.partiql.equality import PLAINLY_EQUAL, equality, same
from counterfoil.partiql.faults import evaluator_fault
from counterfoil.partiql.kinds import SEQUENCE_KINDS, bare, is_text, is_unknown, kind_of, type_name
from counterfoil.partiql.like import check_escape, like
from counterfoil.partiql.limits import MAX_TEXT
from counterfoil.partiql.ordering import PLAINLY_ORDERED, order
from counterfoil.partiql.syntax import (
    BagLiteral,
    Between,
    Binary,
    Cast,
    Expression,
    In,
    Is,
    Item,
    Like,
    ListLiteral,
    Operator,
    Position,
    Select,
    SelectItems,
    Unary,
)
from counterfoil.partiql.values import MISSING


def _is_column(node: Expression) -> bool:
    """Whether it is a query ``SELECT e FROM``, whose rows have one column."""
    return (
        isinstance(node, Select)
        and isinstance(node.projection, SelectItems)
        and len(node.projection.items) == 1
        and isinstance(node.projection.items[0], Item)
    )


def _operand(node: Expression, scope: Scope, compilation: Compilation) -> Evaluate:
    """An expression where one value is asked for: such a query stands for the value in its only row, as in SQL."""
    value = compilation.expression(node, scope)
    if not _is_column(node):
        return value
    at = node.at

    def single(frame: Frame) -> Value:
        rows = value(frame)
        if len(rows) > 1:
            raise evaluator_fault(f"a query of {len(rows)} rows stands where one value is asked for", at)
        return _cell(rows[0]) if rows else None

    return single


def _cell(row: dict[str, Value]) -> Value:
    return next(iter(row.values()), MISSING)


def _column(members: Callable[[Frame], list[Value] | None], frame: Frame) -> list[Value]:
    return [_cell(row) for row in members(frame) or []]


def _compile_unary(node: Unary, scope: Scope, compilation: Compilation) -> Evaluate:
    operand, at = _operand(node.operand, scope, compilation), node.at
    if node.operator is Operator.NOT:
        return lambda frame: _opposite(truth(operand(frame), at))
    sign = negate if node.operator is Operator.SUBTRACT else affirm
    return lambda frame: sign(operand(frame), at)


def _opposite(value: bool | None) -> bool | None:  # noqa: FBT001 - one of the three truths
    return None if value is None else not value


def _compile_binary(node: Binary, scope: Scope, compilation: Compilation) -> Evaluate:
    left, right = _operand(node.left, scope, compilation), _operand(node.right, scope, compilation)
    return _BINARY[node.operator](left, right, node.operator, node.at)


def _junction(left: Evaluate, right: Evaluate, operator: Operator, at: Position) -> Evaluate:
    """AND and OR: what decides alone decides, whatever the other is; the right is not asked then."""
    deciding = operator is Operator.OR

    def junction(frame: Frame) -> bool | None:
        value = left(frame)
        first = value if value is True or value is False else truth(value, at)
        if first is deciding:
            return deciding
        second = truth(right(frame), at)
        if second is deciding:
            return deciding
        return None if first is None or second is None else not deciding

    return junction


def _equal(left: Evaluate, right: Evaluate, _operator: Operator, _at: Position) -> Evaluate:
    def equal(frame: Frame) -> bool | None:
        first, second = left(frame), right(frame)
        kind = type(first)
        if kind is type(second) and kind in PLAINLY_EQUAL:
            return bool(first == second)
        return equality(first, second)

    return equal


def _unequal(left: Evaluate, right: Evaluate, _operator: Operator, _at: Position) -> Evaluate:
    return lambda frame: _opposite(equality(left(frame), right(frame)))


_HOLDS: Final[dict[Operator, Callable[[int], bool]]] = {
    Operator.LESS: lambda sign: sign < 0,
    Operator.LESS_OR_EQUAL: lambda sign: sign <= 0,
    Operator.GREATER: lambda sign: sign > 0,
    Operator.GREATER_OR_EQUAL: lambda sign: sign >= 0,
}


def _compare(left: Evaluate, right: Evaluate, operator: Operator, at: Position) -> Evaluate:
    holds = _HOLDS[operator]

    def compare(frame: Frame) -> bool | None:
        first, second = left(frame), right(frame)
        if type(first) is type(second) and type(first) in PLAINLY_ORDERED:
            return holds((first > second) - (first < second))
        sign = order(first, second, at)
        return None if sign is None else holds(sign)

    return compare


def _arithmetic(left: Evaluate, right: Evaluate, operator: Operator, at: Position) -> Evaluate:
    return lambda frame: calculate(operator, left(frame), right(frame), at)


def _sum(left: Evaluate, right: Evaluate, operator: Operator, at: Position) -> Evaluate:
    """Addition and subtraction of ints without a detour."""
    plus = operator is Operator.ADD

    def add(frame: Frame) -> Value:
        first, second = left(frame), right(frame)
        if type(first) is int and type(second) is int:
            result = first + second if plus else first - second
            if LOWEST_INT <= result <= HIGHEST_INT:
                return result
        return calculate(operator, first, second, at)

    return add


def _concatenate(left: Evaluate, right: Evaluate, _operator: Operator, at: Position) -> Evaluate:
    def concatenate(frame: Frame) -> str | None:
        first, second = left(frame), right(frame)
        if is_unknown(first) or is_unknown(second):
            return None
        for operand in (first, second):
            if not is_text(operand):
                raise evaluator_fault(f"|| needs texts, not a {type_name(operand)}", at)
        left_text, right_text = str(bare(first)), str(bare(second))
        if len(left_text) + len(right_text) > MAX_TEXT:
            raise LimitError(f"a statement makes texts of at most {MAX_TEXT} characters")
        return left_text + right_text

    return concatenate


_BINARY: Final = {
    Operator.AND: _junction,
    Operator.OR: _junction,
    Operator.EQUAL: _equal,
    Operator.UNEQUAL: _unequal,
    Operator.LESS: _compare,
    Operator.LESS_OR_EQUAL: _compare,
    Operator.GREATER: _compare,
    Operator.GREATER_OR_EQUAL: _compare,
    Operator.ADD: _sum,
    Operator.SUBTRACT: _sum,
    Operator.MULTIPLY: _arithmetic,
    Operator.DIVIDE: _arithmetic,
    Operator.MODULO: _arithmetic,
    Operator.CONCATENATE: _concatenate,
}


def _compile_between(node: Between, scope: Scope, compilation: Compilation) -> Evaluate:
    value, low, high = (_operand(part, scope, compilation) for part in (node.value, node.low, node.high))
    negated, at = node.negated, node.at

    def between(frame: Frame) -> bool | None:
        middle = value(frame)
        above, below = order(middle, low(frame), at), order(middle, high(frame), at)
        if above is None or below is None:
            return None
        return (above >= 0 and below <= 0) is not negated

    return between


def _compile_in(node: In, scope: Scope, compilation: Compilation) -> Evaluate:
    value = _operand(node.value, scope, compilation)
    collection = _members(node.collection, scope, compilation, node.at)
    negated = node.negated

    def among(frame: Frame) -> bool | None:
        sought = value(frame)
        if is_unknown(sought):
            return None
        members = collection(frame)
        found = _found(sought, members) if members is not None else None
        return None if found is None else found is not negated

    return among


def _members(
    node: Expression, scope: Scope, compilation: Compilation, at: Position
) -> Callable[[Frame], list[Value] | None]:
    """The members of the collection behind IN; ``None`` if it is unknown."""
    if isinstance(node, ListLiteral | BagLiteral):
        items = [compilation.expression(item, scope) for item in node.items]
        return lambda frame: [item(frame) for item in items]
    members = partial(_collection, compilation.expression(node, scope), at)
    return partial(_column, members) if _is_column(node) else members


def _collection(collection: Evaluate, at: Position, frame: Frame) -> list[Value] | None:
    value = collection(frame)
    if is_unknown(value):
        return None
    if kind_of(value) not in SEQUENCE_KINDS:
        raise evaluator_fault(f"IN needs a collection, not a {type_name(value)}", at)
    return bare(value)  # type: ignore[no-any-return]


def _found(sought: Value, members: list[Value]) -> bool | None:
    """Whether a member equals; NULL if none does and one is unknown."""
    unknown = False
    kind = type(sought)
    plain = kind in PLAINLY_EQUAL
    for member in members:
        if plain and type(member) is kind:
            if member == sought:
                return True
        elif is_unknown(member):
            unknown = True
        elif same(sought, member):
            return True
    return None if unknown else False


def _compile_like(node: Like, scope: Scope, compilation: Compilation) -> Evaluate:
    value, pattern = _operand(node.value, scope, compilation), _operand(node.pattern, scope, compilation)
    escape = compilation.expression(node.escape, scope) if node.escape else None
    negated, at = node.negated, node.at

    def is_like(frame: Frame) -> bool | None:
        character = escape(frame) if escape else ""
        if escape:
            check_escape(character, at)
        found = like(value(frame), pattern(frame), character, at)
        return None if found is None else found is not negated

    return is_like


def _compile_is(node: Is, scope: Scope, compilation: Compilation) -> Evaluate:
    value, target, negated = compilation.expression(node.value, scope), resolve_type(node.type), node.negated
    return lambda frame: is_of_type(value(frame), target) is not negated


def _compile_cast(node: Cast, scope: Scope, compilation: Compilation) -> Evaluate:
    value, target, at = compilation.expression(node.value, scope), resolve_type(node.type), node.at
    return lambda frame: cast(value(frame), target, at)


HANDLERS: Final[dict[type, Handler]] = {
    Unary: _compile_unary,
    Binary: _compile_binary,
    Between: _compile_between,
    In: _compile_in,
    Like: _compile_like,
    Is: _compile_is,
    Cast: _compile_cast,
}
