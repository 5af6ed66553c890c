"""What a query makes of each row: ``SELECT *``, ``SELECT a, b``, ``SELECT VALUE``, ``PIVOT``."""

from __future__ import annotations

from collections.abc import Callable

from counterfoil.ion.values import Value, pairs_of
from counterfoil.partiql.compilation import Compilation, Evaluate, Frame, Scope
from counterfoil.partiql.compile_expressions import make_struct, struct_of
from counterfoil.partiql.compile_grouping import Grouping
from counterfoil.partiql.compile_names import last_name
from counterfoil.partiql.kinds import Kind, bare, is_text, kind_of
from counterfoil.partiql.sources import Ranged
from counterfoil.partiql.syntax import (
    AllOf,
    Expression,
    Item,
    Projection,
    SelectItems,
    SelectPivot,
    SelectStar,
    SelectValue,
)

Pairs = Callable[[Frame, int], list[tuple[str, Value]]]
"""The fields that an item gives, when there are so many before it."""


def compile_projection(
    projection: Projection, sources: list[Ranged], grouping: Grouping | None, scope: Scope, compilation: Compilation
) -> Evaluate:
    """The row, once the frame holds the variables. PIVOT gives (name, value), or ``None`` for what has no name."""
    match projection:
        case SelectValue():
            return compilation.expression(projection.expression, scope)
        case SelectPivot():
            return _pivot(projection, scope, compilation)
        case SelectStar():
            return _star(sources, grouping)
        case SelectItems():
            return _items(projection.items, scope, compilation)


def explicit_aliases(projection: Projection) -> dict[str, Expression]:
    """The columns that were given a name with AS."""
    if not isinstance(projection, SelectItems):
        return {}
    return {
        item.alias: item.expression for item in projection.items if isinstance(item, Item) and item.alias is not None
    }


def _pivot(projection: SelectPivot, scope: Scope, compilation: Compilation) -> Evaluate:
    value = compilation.expression(projection.value, scope)
    name = compilation.expression(projection.name, scope)

    def pair(frame: Frame) -> tuple[str, Value] | None:
        key = name(frame)
        return (str(bare(key)), value(frame)) if is_text(key) else None

    return pair


def _star(sources: list[Ranged], grouping: Grouping | None) -> Evaluate:
    """All the fields of all the sources, or what grouping leaves."""
    if grouping is not None:
        return struct_of([(name, lambda frame, slot=slot: frame[slot]) for name, slot in grouping.variables])  # type: ignore[misc]
    slots = [source.slot for source in sources]
    if len(slots) == 1:
        slot = slots[0]
        return lambda frame: frame[slot] if type(frame[slot]) is dict else make_struct(_fields(frame[slot], 0))

    def star(frame: Frame) -> dict[str, Value]:
        pairs: list[tuple[str, Value]] = []
        for slot in slots:
            pairs += _fields(frame[slot], len(pairs))
        return make_struct(pairs)

    return star


def _fields(value: Value, before: int) -> list[tuple[str, Value]]:
    """The fields of a struct; another value is a field named by its place."""
    struct = bare(value)
    return list(pairs_of(struct)) if kind_of(struct) is Kind.STRUCT else [(f"_{before + 1}", value)]


def _items(items: tuple[Item | AllOf, ...], scope: Scope, compilation: Compilation) -> Evaluate:
    named = [(_name(item, index), compilation.expression(item.expression, scope)) for index, item in enumerate(items)]
    if not any(isinstance(item, AllOf) for item in items):
        return struct_of(named)
    parts = [(name, value, isinstance(item, AllOf)) for (name, value), item in zip(named, items, strict=True)]

    def mixed(frame: Frame) -> dict[str, Value]:
        pairs: list[tuple[str, Value]] = []
        for name, value, spreads in parts:
            pairs += _fields(value(frame), len(pairs)) if spreads else [(name, value(frame))]
        return make_struct(pairs)

    return mixed


def _name(item: Item | AllOf, index: int) -> str:
    alias = item.alias if isinstance(item, Item) else None
    name = last_name(item.expression) if alias is None else alias
    return f"_{index + 1}" if name is None else name
