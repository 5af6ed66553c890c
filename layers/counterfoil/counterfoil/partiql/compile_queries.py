"""``SELECT`` and ``PIVOT`` as generators of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final, NamedTuple

from counterfoil.errors import LimitError
from counterfoil.ion.values import Value
from counterfoil.partiql.compilation import Bind, Compilation, Evaluate, Frame, Handler, Scope, walk
from counterfoil.partiql.compile_expressions import make_struct
from counterfoil.partiql.compile_grouping import Grouping, compile_grouping
from counterfoil.partiql.compile_sources import compile_from
from counterfoil.partiql.equality import identity
from counterfoil.partiql.faults import evaluator_fault, semantic_fault
from counterfoil.partiql.kinds import bare, is_unknown, type_name
from counterfoil.partiql.limits import MAX_HELD_ROWS
from counterfoil.partiql.ordering import sort_key
from counterfoil.partiql.projection import compile_projection, explicit_aliases
from counterfoil.partiql.syntax import Aggregate, Expression, Name, OrderKey, Position, Select, SelectItems, SelectPivot
from counterfoil.partiql.values import Bag

Rows = Callable[[Frame], Iterator[Value]]


class CompiledQuery(NamedTuple):
    """``rows`` gives the rows one by one; ``ordered`` if their order means something."""

    rows: Rows
    ordered: bool


def compile_query(node: Select, outer: Scope | None, compilation: Compilation) -> CompiledQuery:
    """A query as its rows. PIVOT has no rows: see ``compile_select``."""
    scope = Scope(outer)
    sources, bind = compile_from(node.source, node.where, scope, compilation) if node.source else ([], _once)
    grouping = _grouping(node, scope, bind, compilation)
    if grouping is not None:
        scope, bind = grouping.scope, grouping.bind
    project = compile_projection(node.projection, sources, grouping, scope, compilation)
    keys = _order_keys(node, scope, compilation)
    if grouping is not None:
        grouping.finish()
    rows = _ordered(bind, project, keys) if keys else _projected(bind, project)
    if node.distinct:
        rows = _distinct(rows)
    return CompiledQuery(_cut(node, rows, outer, compilation), ordered=bool(keys))


def _compile_select(node: Select, scope: Scope, compilation: Compilation) -> Evaluate:
    """A query as a value: a bag, a list if it is ordered, a struct if it is pivoted."""
    query = compile_query(node, scope, compilation)
    if isinstance(node.projection, SelectPivot):
        return lambda frame: make_struct([pair for pair in held(query.rows(frame)) if pair is not None])
    if query.ordered:
        return lambda frame: held(query.rows(frame))
    return lambda frame: Bag(held(query.rows(frame)))


def held(rows: Iterable[Value]) -> list[Value]:
    """All the rows at once, up to the limit."""
    found = list(islice(rows, MAX_HELD_ROWS + 1))
    if len(found) > MAX_HELD_ROWS:
        raise LimitError(f"a statement holds at most {MAX_HELD_ROWS} rows at a time")
    return found


def _once(_: Frame) -> Iterator[None]:
    yield


def _grouping(node: Select, scope: Scope, bind: Bind, compilation: Compilation) -> Grouping | None:
    """The groups of a query with GROUP BY or with aggregates among its items."""
    whole = isinstance(node.projection, SelectItems)
    asked = (node.projection if whole else (), node.having, node.order_by)
    aggregates = [part for part in walk(asked, into_queries=False) if isinstance(part, Aggregate)]
    counts = [
        part
        for part in walk(node.projection, into_queries=False)
        if isinstance(part, Aggregate) and part.argument is None
    ]
    if node.having is not None and not node.group_by:
        raise semantic_fault("HAVING needs GROUP BY", node.having.at)
    if not (node.group_by or ((aggregates or counts) and node.source)):
        return None
    return compile_grouping(node, scope, bind, compilation)


def _projected(bind: Bind, project: Evaluate) -> Rows:
    def rows(frame: Frame) -> Iterator[Value]:
        for _ in bind(frame):
            yield project(frame)

    return rows


# ---- order


class _OrderKey(NamedTuple):
    value: Evaluate
    descending: bool
    nulls_first: bool


def _order_keys(node: Select, scope: Scope, compilation: Compilation) -> list[_OrderKey]:
    aliases = explicit_aliases(node.projection)
    return [_order_key(key, aliases, scope, compilation) for key in node.order_by]


def _order_key(key: OrderKey, aliases: dict[str, Expression], scope: Scope, compilation: Compilation) -> _OrderKey:
    """The name of a column stands for what the column is. Unless told, unknown values are greater than all others."""
    expression = key.expression
    if isinstance(expression, Name) and not expression.local:
        expression = aliases.get(expression.name, expression)
    first = key.descending if key.nulls_first is None else key.nulls_first
    return _OrderKey(compilation.expression(expression, scope), key.descending, first)


def _ordered(bind: Bind, project: Evaluate, keys: list[_OrderKey]) -> Rows:
    def rows(frame: Frame) -> Iterator[Value]:
        found: list[tuple[Any, ...]] = held(
            (*[_sortable(key, frame) for key in keys], project(frame)) for _ in bind(frame)
        )
        for position in reversed(range(len(keys))):
            found.sort(key=lambda row, at=position: row[at], reverse=keys[position].descending)  # type: ignore[misc]
        for row in found:
            yield row[-1]

    return rows


def _sortable(key: _OrderKey, frame: Frame) -> tuple[Any, ...]:
    value = key.value(frame)
    unknown = is_unknown(value)
    return (unknown is not (key.nulls_first is not key.descending), *sort_key(value))


# ---- fewer rows


def _distinct(rows: Rows) -> Rows:
    def distinct(frame: Frame) -> Iterator[Value]:
        seen: set[bytes] = set()
        for row in rows(frame):
            key = identity(row)
            if key in seen:
                continue
            if len(seen) >= MAX_HELD_ROWS:
                raise LimitError(f"DISTINCT over more than {MAX_HELD_ROWS} different rows")
            seen.add(key)
            yield row

    return distinct


def _cut(node: Select, rows: Rows, outer: Scope | None, compilation: Compilation) -> Rows:
    """OFFSET and LIMIT; they see nothing of the rows."""
    if node.limit is None and node.offset is None:
        return rows
    scope = Scope(outer)
    limit = compilation.expression(node.limit, scope) if node.limit else None
    offset = compilation.expression(node.offset, scope) if node.offset else None

    def cut(frame: Frame) -> Iterator[Value]:
        begin = _count(offset(frame), "OFFSET", node.at) if offset else 0
        end = begin + _count(limit(frame), "LIMIT", node.at) if limit else None
        return islice(rows(frame), begin, end)

    return cut


_MOST: Final = 1 << 61  # two of them are still a number that islice takes


def _count(value: Value, word: str, at: Position) -> int:
    count = bare(value)
    if type(count) is not int:
        raise evaluator_fault(f"{word} needs an int, not a {type_name(value)}", at)
    if count < 0:
        raise evaluator_fault(f"{word} needs a number of at least 0, not {count}", at)
    return min(count, _MOST)


HANDLERS: Final[dict[type, Handler]] = {Select: _compile_select}
