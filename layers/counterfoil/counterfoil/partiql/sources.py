"""What a FROM clause ranges over: tables, their history, other values; and the slots of its variables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from counterfoil.ion.values import Value
from counterfoil.partiql.compilation import Compilation, Evaluate, Frame, Scope
from counterfoil.partiql.faults import semantic_fault
from counterfoil.partiql.syntax import (
    Binary,
    Call,
    Expression,
    FieldStep,
    From,
    Join,
    JoinKind,
    Literal,
    Name,
    Operator,
    Path,
    Source,
)
from counterfoil.partiql.tables import Action, Table, View
from counterfoil.partiql.values import MISSING

COMMITTED_PREFIX: Final = "_ql_committed_"
MAX_SOURCES: Final = 64  # of one FROM clause; real statements have 6 at most


class Origin(Enum):
    """Where a source's values come from."""

    TABLE = "table"
    HISTORY = "history"
    USER_TABLES = "information_schema.user_tables"
    VALUE = "value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranged:
    """A source with its slots. ``values`` computes what a source of origin VALUE ranges over, ``bounds`` the range of a history."""

    node: Source
    alias: str
    origin: Origin
    slot: int
    position_slot: int | None = None
    id_slot: int | None = None
    table: Table | None = None
    view: View = View.USER
    values: Evaluate | None = None
    bounds: tuple[Evaluate, ...] = ()


def flatten(source: From) -> tuple[list[Source], list[Expression]]:
    """The sources from left to right, and the conditions of the joins: for inner joins the same as parts of WHERE."""
    if isinstance(source, Source):
        return [source], []
    if source.kind is not JoinKind.INNER:
        raise semantic_fault(f"{source.kind} joins are not supported, only inner joins", source.at)
    sources: list[Source] = []
    conditions: list[Expression] = []
    joins: list[From] = [source]
    while joins:
        join = joins.pop()
        if isinstance(join, Join):
            joins += [join.right, join.left]
            conditions += [join.condition] if join.condition else []
        else:
            sources.append(join)
    if len(sources) > MAX_SOURCES:
        raise semantic_fault(f"{len(sources)} sources; at most {MAX_SOURCES} can be joined", source.at)
    return sources, conditions


def conjunction(parts: list[Expression]) -> Expression | None:
    """All the conditions as one."""
    whole: Expression | None = None
    for part in parts:
        whole = part if whole is None else Binary(Operator.AND, whole, part, part.at)
    return whole


def conjuncts_of(condition: Expression | None) -> list[Expression]:
    """The conditions that AND joins."""
    parts: list[Expression] = []
    waiting = [condition] if condition else []
    while waiting:
        part = waiting.pop()
        if isinstance(part, Binary) and part.operator is Operator.AND:
            waiting += [part.right, part.left]
        else:
            parts.append(part)
    return parts


def range_over(source: Source, index: int, scope: Scope, compilation: Compilation, action: Action) -> Ranged:
    """The source at ``index`` of its FROM clause; its variables join the scope. ``action`` is what is done to a table there."""
    ranged = _resolve(source, f"_{index + 1}" if source.alias is None else source.alias, scope, compilation)
    if ranged.origin is Origin.TABLE and ranged.table is not None:
        compilation.actions.add((action, ranged.table.table_id))
    scope.names[ranged.alias] = ranged.slot
    if source.position_alias and ranged.position_slot is not None:
        scope.names[source.position_alias] = ranged.position_slot
    if source.id_alias and ranged.id_slot is not None:
        scope.names[source.id_alias] = ranged.id_slot
    scope.sources.append(ranged.slot)
    return ranged


def _resolve(source: Source, alias: str, scope: Scope, compilation: Compilation) -> Ranged:
    ranged = Ranged(
        node=source,
        alias=alias,
        origin=Origin.VALUE,
        slot=compilation.new_slot(),
        position_slot=compilation.new_slot() if source.position_alias else None,
        id_slot=compilation.new_slot() if source.id_alias else None,
    )
    node = source.expression
    if isinstance(node, Call) and node.function == "history":
        table, bounds = _history(node, scope, compilation)
        return replace(ranged, origin=Origin.HISTORY, table=table, bounds=bounds)
    if _is_user_tables(node):
        return replace(ranged, origin=Origin.USER_TABLES)
    found = named_table(node, compilation) if isinstance(node, Name) and not node.local else None
    if found is not None:
        return replace(ranged, origin=Origin.TABLE, table=found[0], view=found[1])
    return replace(ranged, values=_from_value(node, scope, compilation))


def named_table(node: Name, compilation: Compilation) -> tuple[Table, View] | None:
    """The table and the view of it that a name in FROM stands for."""
    table = compilation.table(node.name)
    if table is not None:
        return table, View.USER
    if node.name.startswith(COMMITTED_PREFIX):
        table = compilation.table(node.name.removeprefix(COMMITTED_PREFIX))
        if table is not None:
            return table, View.COMMITTED
    return None


def _is_user_tables(node: Expression) -> bool:
    return (
        isinstance(node, Path)
        and isinstance(node.root, Name)
        and node.root.name == "information_schema"
        and len(node.steps) == 1
        and isinstance(node.steps[0], FieldStep)
        and node.steps[0].name == "user_tables"
    )


def _from_value(node: Expression, scope: Scope, compilation: Compilation) -> Evaluate:
    """Any other expression. A ledger's names are all known: there a field of a source is named with the source."""
    root = node.root if isinstance(node, Path) else node
    if isinstance(root, Name):
        found = None if root.local or not isinstance(node, Name) else compilation.global_value(root.name)
        if found is not None:
            return found
        known = scope.variable(root.name) is not None or compilation.global_value(root.name) is not None
        if not known and (compilation.has_tables or not scope.all_sources()):
            raise semantic_fault(f"No such table: {root.name}", root.at)
        if not known:
            return _found(compilation.expression(node, scope), root)
    return compilation.expression(node, scope)


def _found(values: Evaluate, root: Name) -> Evaluate:
    """The field of some source, which must be there."""

    def found(frame: Frame) -> Value:
        value = values(frame)
        if value is MISSING:
            raise semantic_fault(f"No such table or field: {root.name}", root.at)
        return value

    return found


def _history(node: Call, scope: Scope, compilation: Compilation) -> tuple[Table, tuple[Evaluate, ...]]:
    if not 1 <= len(node.arguments) <= 3:
        raise semantic_fault("history takes a table and at most a start and an end", node.at)
    table = _history_table(node, compilation)
    compilation.actions.add((Action.HISTORY, table.table_id))
    return table, tuple(compilation.expression(bound, scope) for bound in node.arguments[1:])


def _history_table(node: Call, compilation: Compilation) -> Table:
    """By name while it is active; by id, in quotes, dropped or not."""
    named = node.arguments[0]
    if isinstance(named, Name):
        found = compilation.table(named.name)
    elif isinstance(named, Literal) and isinstance(named.value, str):
        found = compilation.table_by_id(named.value) or compilation.table(named.value)
    else:
        raise semantic_fault("history takes the name of a table, or its id in single quotes", named.at)
    if found is None:
        name = named.name if isinstance(named, Name) else str(named.value)
        raise semantic_fault(f"No such table: {name}", named.at)
    return found


def own_table(node: Name, compilation: Compilation) -> Table:
    """The table that a statement changes."""
    table = compilation.table(node.name)
    if table is None:
        if node.name.startswith(COMMITTED_PREFIX) and compilation.table(node.name.removeprefix(COMMITTED_PREFIX)):
            raise semantic_fault(f"{node.name} can be read but not changed", node.at)
        raise semantic_fault(f"No such table: {node.name}", node.at)
    return table
