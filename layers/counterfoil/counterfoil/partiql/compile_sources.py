"""FROM clauses as loops over the frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from counterfoil.ion.timestamps import IonTimestamp
from counterfoil.ion.values import Value, pairs_of
from counterfoil.partiql.access import Access, Judge, document_ids, index_keys
from counterfoil.partiql.compilation import WORKSPACE, Bind, Compilation, Evaluate, Frame, Scope, truth_of
from counterfoil.partiql.compile_names import elements_of
from counterfoil.partiql.equality import instant_of
from counterfoil.partiql.faults import evaluator_fault
from counterfoil.partiql.kinds import Kind, bare, kind_of, type_name
from counterfoil.partiql.sources import Origin, Ranged, conjunction, conjuncts_of, flatten, range_over
from counterfoil.partiql.syntax import Expression, From, Position
from counterfoil.partiql.tables import Action, Row
from counterfoil.partiql.values import MISSING


class Ranging(NamedTuple):
    """A FROM clause with its WHERE: the sources as written, and the loop over the rows that meet the conditions."""

    sources: list[Ranged]
    bind: Bind


def compile_from(
    source: From,
    where: Expression | None,
    scope: Scope,
    compilation: Compilation,
    *,
    action: Action = Action.SELECT,
    replace: Replace | None = None,
) -> Ranging:
    """The loop over a FROM clause's rows; ``scope`` gets its variables. ``replace`` may give a source another loop."""
    nodes, conditions = flatten(source)
    ranged = [range_over(node, index, scope, compilation, action) for index, node in enumerate(nodes)]
    whole = conjunction([*conditions, *([where] if where else [])])
    bind = _nest(ranged, conjuncts_of(whole), Judge(ranged, scope, compilation), replace, compilation)
    if whole is not None:
        bind = _filtered(bind, truth_of(compilation.expression(whole, scope), whole.at))
    return Ranging(ranged, bind)


Replace = Callable[[int, Ranged], Bind | None]


def _nest(
    ranged: list[Ranged], conjuncts: list[Expression], judge: Judge, replace: Replace | None, compilation: Compilation
) -> Bind:
    """Loops in loops; a source that can be narrowed by what is bound comes before those that cannot."""
    waiting = list(range(len(ranged)))
    bound: set[int] = set()
    bind: Bind | None = None
    while waiting:
        index, access = _next(waiting, conjuncts, judge, bound)
        waiting.remove(index)
        if ranged[index].origin is Origin.TABLE and access is not None:
            compilation.keyed_loops += 1
        else:
            compilation.has_other_loops = True
        loop = (replace(index, ranged[index]) if replace else None) or _loop(ranged[index], access)
        bind = loop if bind is None else _inside(bind, loop)
        before, bound = bound, bound | {index}
        for condition in judge.filters(conjuncts, bound, before) if waiting else ():
            bind = _filtered(bind, _is_true(condition))
    assert bind is not None
    return bind


def _next(waiting: list[int], conjuncts: list[Expression], judge: Judge, bound: set[int]) -> tuple[int, Access | None]:
    ready = [index for index in waiting if judge.range_needs(index) <= bound]
    ready = ready or waiting[:1]
    for index in ready:
        access = judge.access(index, conjuncts, bound)
        if access is not None:
            return index, access
    return ready[0], None


def _is_true(condition: Evaluate) -> Callable[[Frame], bool]:
    return lambda frame: condition(frame) is True


def _inside(outer: Bind, inner: Bind) -> Bind:
    def nested(frame: Frame) -> Iterator[None]:
        for _ in outer(frame):
            yield from inner(frame)

    return nested


def _filtered(bind: Bind, holds: Callable[[Frame], bool]) -> Bind:
    def filtered(frame: Frame) -> Iterator[None]:
        for _ in bind(frame):
            if holds(frame):
                yield

    return filtered


# ---- one source


# Values between two looks at the time: few enough for a second, whatever is done with each.
_UNWATCHED: Final = 256


def _watched[Item](items: Iterable[Item], frame: Frame) -> Iterator[Item]:
    """The items, with a look at the transaction's time before the first and now and then."""
    workspace = frame[WORKSPACE]
    if workspace is None:
        yield from items
        return
    for count, item in enumerate(items):
        if not count % _UNWATCHED:
            workspace.check_time()
        yield item


def _loop(source: Ranged, access: Access | None) -> Bind:
    if source.origin is Origin.VALUE:
        return _over_fields(source) if source.node.unpivot else over_elements(source)
    return _over_rows(source, _rows_of(source, access))


Rows = Callable[[Frame], Iterator[Row]]


def _over_rows(source: Ranged, rows: Rows) -> Bind:
    slot, id_slot, position_slot = source.slot, source.id_slot, source.position_slot

    def loop(frame: Frame) -> Iterator[None]:
        if position_slot is not None:
            frame[position_slot] = MISSING
        for row in _watched(rows(frame), frame):
            frame[slot] = row.value
            if id_slot is not None:
                frame[id_slot] = row.document_id
            yield

    return loop


def _rows_of(source: Ranged, access: Access | None) -> Rows:
    table, view = source.table, source.view
    if source.origin is Origin.USER_TABLES:
        return lambda frame: (Row("", row) for row in frame[WORKSPACE].user_tables())
    if source.origin is Origin.HISTORY:
        return _history(source, access)
    if access is None:
        return lambda frame: frame[WORKSPACE].scan(table, view)
    return _fetched(source, access) if access.index is None else _probed(source, access)


def _fetched(source: Ranged, access: Access) -> Rows:
    table, view, values = source.table, source.view, access.values

    def rows(frame: Frame) -> Iterator[Row]:
        for document_id in document_ids(values(frame)):
            row = frame[WORKSPACE].fetch(table, view, document_id)
            if row is not None:
                yield row

    return rows


def _probed(source: Ranged, access: Access) -> Rows:
    table, view, index, values = source.table, source.view, access.index, access.values

    def rows(frame: Frame) -> Iterator[Row]:
        for key in index_keys(values(frame)):
            yield from frame[WORKSPACE].probe(table, view, index, key)

    return rows


def _history(source: Ranged, access: Access | None) -> Rows:
    table, bounds, at = source.table, source.bounds, source.node.at
    values = access.values if access else None

    def rows(frame: Frame) -> Iterator[Row]:
        workspace = frame[WORKSPACE]
        start, end = _checked_bounds([bound(frame) for bound in bounds], workspace.now, at)
        if values is None:
            yield from workspace.history(table, start, end)
            return
        for document_id in document_ids(values(frame)):
            yield from workspace.history(table, start, end, document_id)

    return rows


def _checked_bounds(
    bounds: list[Value], now: IonTimestamp, at: Position
) -> tuple[IonTimestamp | None, IonTimestamp | None]:
    """Start and end, of which start is not after end and end not after now."""
    start, end = (_bound(value, at) for value in (*bounds, None, None)[:2])
    if end is not None and instant_of(end) > instant_of(now):
        raise evaluator_fault(f"the end of the history, {end}, is in the future", at)
    if start is not None and instant_of(start) > instant_of(end or now):
        raise evaluator_fault(f"the start of the history, {start}, is after its end", at)
    return start, end


def _bound(value: Value, at: Position) -> IonTimestamp | None:
    if value is None:
        return None
    timestamp = bare(value)
    if type(timestamp) is not IonTimestamp:
        raise evaluator_fault(f"the range of a history takes timestamps, not a {type_name(value)}", at)
    return timestamp


def over_elements(source: Ranged) -> Bind:
    """The elements of a list or bag; any other value alone. Only a list has positions."""
    slot, position_slot, id_slot, values = source.slot, source.position_slot, source.id_slot, source.values
    assert values is not None

    def loop(frame: Frame) -> Iterator[None]:
        value = values(frame)
        if id_slot is not None:
            frame[id_slot] = MISSING
        ordered = type(bare(value)) is list
        for position, element in enumerate(_watched(elements_of(value), frame)):
            frame[slot] = element
            if position_slot is not None:
                frame[position_slot] = position if ordered else MISSING
            yield

    return loop


def _over_fields(source: Ranged) -> Bind:
    """UNPIVOT: the fields of a struct with their names; of MISSING none, any other value as ``_1``."""
    slot, position_slot, values = source.slot, source.position_slot, source.values
    assert values is not None

    def loop(frame: Frame) -> Iterator[None]:
        for name, field in _watched(_fields(values(frame)), frame):
            frame[slot] = field
            if position_slot is not None:
                frame[position_slot] = name
            yield

    return loop


def _fields(value: Value) -> list[tuple[str, Value]]:
    struct = bare(value)
    if kind_of(struct) is Kind.STRUCT:
        return list(pairs_of(struct))
    return [] if value is MISSING else [("_1", value)]
