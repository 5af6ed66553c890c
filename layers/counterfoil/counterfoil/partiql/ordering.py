"""Which of two values is less: ``<`` among values of one kind, and the total order of ORDER BY, MIN and MAX.

Source: PartiQL specification, section 12.2; partiql-lang-kotlin, NaturalExprValueComparators.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from counterfoil.ion.values import Value, pairs_of
from counterfoil.partiql.equality import exact, instant_of, is_nan
from counterfoil.partiql.faults import evaluator_fault
from counterfoil.partiql.kinds import Kind, bare, kind_of, type_name
from counterfoil.partiql.syntax import Position

# Python types whose values Python orders as PartiQL does.
PLAINLY_ORDERED: Final = frozenset({int, str})


def order(left: Value, right: Value, at: Position) -> int | None:
    """-1, 0 or 1; ``None`` (NULL) if either is unknown. Values of two kinds cannot be compared."""
    kind, other = kind_of(left), kind_of(right)
    if kind is Kind.UNKNOWN or other is Kind.UNKNOWN:
        return None
    if kind is not other:
        raise evaluator_fault(f"Cannot compare {type_name(left)} with {type_name(right)}", at)
    first, second = sort_key(left), sort_key(right)
    return (first > second) - (first < second)


def sort_key(value: Value) -> tuple[Any, ...]:
    """A Python value that sorts as ORDER BY does: unknown, bool, number, timestamp, text, lob, list, sexp, struct, bag."""
    value = bare(value)
    kind = kind_of(value)
    return (int(kind), *_PARTS[kind](value))


def _nothing(_: Value) -> tuple[Any, ...]:
    return ()


def _itself(value: Value) -> tuple[Any, ...]:
    return (value,)


def _number(value: Value) -> tuple[Any, ...]:
    return (0,) if is_nan(value) else (1, exact(value))


def _list(value: list[Value]) -> tuple[Any, ...]:
    return ([sort_key(item) for item in value],)


def _bag(value: list[Value]) -> tuple[Any, ...]:
    return (sorted(sort_key(item) for item in value),)


def _struct(value: dict[str, Value]) -> tuple[Any, ...]:
    return (sorted((name, sort_key(item)) for name, item in pairs_of(value)),)


_PARTS: Final[dict[Kind, Callable[[Any], tuple[Any, ...]]]] = {
    Kind.UNKNOWN: _nothing,
    Kind.BOOL: _itself,
    Kind.NUMBER: _number,
    Kind.TIMESTAMP: instant_of,
    Kind.TEXT: _itself,
    Kind.LOB: _itself,
    Kind.LIST: _list,
    Kind.SEXP: _list,
    Kind.STRUCT: _struct,
    Kind.BAG: _bag,
}
