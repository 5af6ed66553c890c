"""GROUP BY, GROUP AS, HAVING and aggregates among a query's items.

Behind a grouping only its keys are known, by their names or by the expressions that were grouped, and what aggregates say of the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from counterfoil.errors import LimitError
from counterfoil.ion.values import Value
from counterfoil.partiql.compilation import (
    Bind,
    Collector,
    Compilation,
    Evaluate,
    Frame,
    Scope,
    reader_of,
    shape_of,
    truth_of,
)
from counterfoil.partiql.compile_names import last_name
from counterfoil.partiql.equality import identity
from counterfoil.partiql.functions.aggregates import Accumulator, accumulator
from counterfoil.partiql.kinds import is_unknown
from counterfoil.partiql.limits import MAX_HELD_ROWS
from counterfoil.partiql.syntax import Aggregate, Select, SelectValue
from counterfoil.partiql.values import Bag


class Key(NamedTuple):
    """An expression to group by, and the slot for its value."""

    name: str
    value: Evaluate
    slot: int


class Call(NamedTuple):
    """An aggregate to compute, and the slot for its result."""

    node: Aggregate
    argument: Evaluate | None
    slot: int


class _Group(NamedTuple):
    values: list[Value]
    accumulators: list[Accumulator]
    members: list[dict[str, Value]]


class Grouping:
    """The loop over groups: ``bind`` leaves in the frame each group's keys, aggregates and members.

    ``scope`` is what the items see. Aggregates are found while the items are compiled; ``finish`` takes what was found.
    """

    def __init__(self, scope: Scope, rows: Bind, keys: list[Key], collector: Collector) -> None:
        self.scope = scope
        self._rows = rows
        self._keys = keys
        self._collector = collector
        self._calls: list[Call] = []
        self._group_as: int | None = None
        self._variables: list[tuple[str, int]] = []
        self.having: Evaluate | None = None

    @property
    def variables(self) -> list[tuple[str, int]]:
        """What ``SELECT *`` gives: the keys, then GROUP AS."""
        return [(key.name, key.slot) for key in self._keys] + [
            (name, slot) for name, slot in self.scope.names.items() if slot == self._group_as
        ]

    def gather_as(self, slot: int, variables: list[tuple[str, int]]) -> None:
        """Keep each group's rows, with these variables, in a slot (GROUP AS)."""
        self._group_as = slot
        self._variables = variables

    def finish(self) -> None:
        self._calls = [Call(*call) for call in self._collector.calls.values()]

    def bind(self, frame: Frame) -> Iterator[None]:
        having = self.having
        for group in self._groups(frame):
            for key, value in zip(self._keys, group.values, strict=True):
                frame[key.slot] = value
            for call, kept in zip(self._calls, group.accumulators, strict=True):
                frame[call.slot] = kept.result()
            if self._group_as is not None:
                frame[self._group_as] = Bag(group.members)
            if having is None or having(frame):
                yield

    def _groups(self, frame: Frame) -> list[_Group]:
        groups: dict[bytes, _Group] = {}
        held = 0
        for _ in self._rows(frame):
            group = self._group_of(frame, groups)
            held += 1 if self._group_as is not None else 0
            if len(groups) > MAX_HELD_ROWS or held > MAX_HELD_ROWS:
                raise LimitError(f"GROUP BY holds at most {MAX_HELD_ROWS} groups or rows at a time")
            self._add(frame, group)
        if not groups and not self._keys:
            return [self._empty([])]
        return list(groups.values())

    def _group_of(self, frame: Frame, groups: dict[bytes, _Group]) -> _Group:
        values = [key.value(frame) for key in self._keys]
        names = [identity(value) for value in values]
        name = names[0] if len(names) == 1 else b"".join(len(part).to_bytes(4) + part for part in names)
        group = groups.get(name)
        if group is None:
            group = groups[name] = self._empty([None if is_unknown(value) else value for value in values])
        return group

    def _empty(self, values: list[Value]) -> _Group:
        calls = [accumulator(call.node.function, call.node.at, distinct=call.node.distinct) for call in self._calls]
        return _Group(values, calls, [])

    def _add(self, frame: Frame, group: _Group) -> None:
        for call, kept in zip(self._calls, group.accumulators, strict=True):
            value = call.argument(frame) if call.argument else True
            if not is_unknown(value):
                kept.add(value)
        if self._group_as is not None:
            group.members.append({name: frame[slot] for name, slot in self._variables})


def compile_grouping(node: Select, rows_scope: Scope, rows: Bind, compilation: Compilation) -> Grouping:
    """The groups of a query; without keys all rows are one group, which is there even when they are not."""
    scope = Scope(rows_scope.parent)
    scope.hidden = frozenset(rows_scope.names)
    scope.collector = Collector(rows_scope, with_arguments=not isinstance(node.projection, SelectValue))
    keys = [_key(index, node, rows_scope, compilation) for index in range(len(node.group_by))]
    for key, written in zip(keys, node.group_by, strict=True):
        scope.names[key.name] = key.slot
        scope.replacements[shape_of(written.expression)] = reader_of(key.slot)
    grouping = Grouping(scope, rows, keys, scope.collector)
    if node.group_as is not None:
        slot = scope.names[node.group_as] = compilation.new_slot()
        grouping.gather_as(slot, list(rows_scope.names.items()))
    if node.having is not None:
        grouping.having = truth_of(compilation.expression(node.having, scope), node.having.at)
    return grouping


def _key(index: int, node: Select, scope: Scope, compilation: Compilation) -> Key:
    written = node.group_by[index]
    name = last_name(written.expression) if written.alias is None else written.alias
    return Key(
        f"_{index + 1}" if name is None else name,
        compilation.expression(written.expression, scope),
        compilation.new_slot(),
    )
