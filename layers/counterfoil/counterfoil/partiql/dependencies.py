"""Which names an expression takes from outside, queries in it included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from counterfoil.partiql.compile_names import last_name
from counterfoil.partiql.sources import flatten
from counterfoil.partiql.syntax import Name, Select, Source

IsTable = Callable[[Name], bool]


def free_names(node: Any, is_table: IsTable, own: frozenset[str] = frozenset()) -> Iterator[Name]:
    """The names that are neither variables of a query inside nor tables it ranges over; ``own`` are such variables already met."""
    if isinstance(node, Name):
        if node.name not in own:
            yield node
    elif isinstance(node, Select):
        yield from _of_query(node, is_table, own)
    elif isinstance(node, tuple) and not hasattr(node, "_fields"):
        for part in node:
            yield from free_names(part, is_table, own)
    elif is_dataclass(node):
        for field in fields(node):
            yield from free_names(getattr(node, field.name), is_table, own)


def _of_query(node: Select, is_table: IsTable, own: frozenset[str]) -> Iterator[Name]:
    """A source sees the variables to its left, conditions those of all sources, items those of groups too."""
    yield from free_names((node.limit, node.offset), is_table, own)
    sources, conditions = flatten(node.source) if node.source else ([], [])
    for source in sources:
        if not (isinstance(source.expression, Name) and is_table(source.expression)):
            yield from free_names(source.expression, is_table, own)
        own |= _variables(source)
    yield from free_names((node.where, *conditions, node.group_by), is_table, own)
    own |= {
        name for name in (*[key.alias or last_name(key.expression) for key in node.group_by], node.group_as) if name
    }
    yield from free_names((node.projection, node.having, node.order_by), is_table, own)


def _variables(source: Source) -> set[str]:
    return {name for name in (source.alias, source.position_alias, source.id_alias) if name}
