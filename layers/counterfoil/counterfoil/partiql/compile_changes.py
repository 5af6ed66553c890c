"""INSERT, UPDATE, FROM … SET/INSERT/REMOVE and DELETE as plans.

A statement reads first and changes then: right-hand sides and conditions see every row as it was before the statement.
The changes of one document are applied in the order of the rows and of the text, and the document is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from counterfoil.ion.values import Value
from counterfoil.partiql.compilation import WORKSPACE, Bind, Compilation, Evaluate, Frame, Scope
from counterfoil.partiql.compile_names import static_field
from counterfoil.partiql.compile_sources import compile_from, over_elements
from counterfoil.partiql.documents import Draft, Location, as_document, storable
from counterfoil.partiql.faults import evaluator_fault, semantic_fault
from counterfoil.partiql.kinds import bare, is_text, type_name
from counterfoil.partiql.plainness import is_plain
from counterfoil.partiql.sources import Origin, Ranged, own_table
from counterfoil.partiql.syntax import (
    Change,
    Delete,
    Expression,
    From,
    IndexStep,
    Insert,
    InsertInto,
    Join,
    Name,
    Path,
    Position,
    Remove,
    SetField,
    Source,
    Step,
    Update,
)
from counterfoil.partiql.tables import Action, Table
from counterfoil.partiql.values import MISSING, Bag

Run = Callable[[Frame], Iterator[Value]]
Locate = Callable[[Frame], Location]


def compile_insert(node: Insert, compilation: Compilation) -> Run:
    table = own_table(node.table, compilation)
    compilation.actions.add((Action.INSERT, table.table_id))
    documents = _stored(node.documents, Scope(), compilation)
    at = node.documents.at

    def insert(frame: Frame) -> Iterator[Value]:
        value = documents(frame)
        several = value if type(value) is list or type(value) is Bag else [value]
        for document in [as_document(item, at) for item in several]:
            yield {"documentId": frame[WORKSPACE].insert(table, document)}

    return insert


def _stored(node: Expression, scope: Scope, compilation: Compilation) -> Evaluate:
    """An expression's value as it may be stored."""
    value = compilation.expression(node, scope)
    return value if is_plain(node) else lambda frame: storable(value(frame))


def compile_delete(node: Delete, compilation: Compilation) -> Run:
    changed = _compile_changed(node.source, node.where, Action.DELETE, compilation)

    def delete(frame: Frame) -> Iterator[Value]:
        for document_id in dict.fromkeys([frame[changed.id_slot] for _ in changed.bind(frame)]):
            frame[WORKSPACE].replace(changed.table, document_id, None, 1)
            yield {"documentId": document_id}

    return delete


def compile_update(node: Update, compilation: Compilation) -> Run:
    alias = _first(node.source).alias
    deletes = any(
        isinstance(change, Remove) and isinstance(change.target, Name) and change.target.name == alias
        for change in node.changes
    )
    action = Action.DELETE if deletes else Action.UPDATE
    changed = _compile_changed(node.source, node.where, action, compilation)
    changes = [_COMPILE[type(change)](change, changed, compilation) for change in node.changes]

    def update(frame: Frame) -> Iterator[Value]:
        drafts: dict[str, Draft] = {}
        for _ in changed.bind(frame):
            document_id = frame[changed.id_slot]
            draft = drafts.get(document_id)
            if draft is None:
                draft = drafts[document_id] = Draft(frame[changed.slot])
            for change in changes:
                change(frame, draft)
        for document_id, draft in drafts.items():
            if draft.changed:
                frame[WORKSPACE].replace(changed.table, document_id, draft.finished(), draft.changed)
                yield {"documentId": document_id}

    return update


# ---- what is changed


class _Changed(NamedTuple):
    """The rows of a change: the document's slots, and where in it each variable's value stands."""

    table: Table
    slot: int
    id_slot: int
    bind: Bind
    scope: Scope
    locations: dict[str, Locate]


# The id of a changed document has a variable in any case; no statement can write this name.
_ID: Final = "\0id"


def _first(source: From) -> Source:
    while isinstance(source, Join):
        source = source.left
    return source


def _with_id(source: From) -> From:
    if isinstance(source, Join):
        return replace(source, left=_with_id(source.left))
    return source if source.id_alias else replace(source, id_alias=_ID)


def _compile_changed(source: From, where: Expression | None, action: Action, compilation: Compilation) -> _Changed:
    """The FROM clause of a change: one table, and collections inside its documents."""
    first = _first(source)
    if not isinstance(first.expression, Name):
        raise semantic_fault("a table is changed by its name", first.at)
    table = own_table(first.expression, compilation)
    scope = Scope()
    locations: dict[str, Locate] = {}

    def loop_of(index: int, ranged: Ranged) -> Bind | None:
        if index == 0:
            locations[ranged.alias] = lambda _: ()
            return None
        return _over_located(ranged, locations, scope, compilation)

    ranging = compile_from(_with_id(source), where, scope, compilation, action=action, replace=loop_of)
    document = ranging.sources[0]
    assert document.id_slot is not None
    return _Changed(table, document.slot, document.id_slot, ranging.bind, scope, locations)


def _over_located(ranged: Ranged, locations: dict[str, Locate], scope: Scope, compilation: Compilation) -> Bind:
    """The elements of a collection inside the document, each with where it stands."""
    node = ranged.node.expression
    if ranged.origin is not Origin.VALUE or ranged.node.unpivot or not isinstance(node, Path | Name):
        raise semantic_fault("beside the table only collections inside its documents may stand here", ranged.node.at)
    base = _locate(node, locations, scope, compilation, alone=False)
    slot, position_slot = compilation.new_slot(), ranged.position_slot or compilation.new_slot()
    elements = over_elements(replace(ranged, position_slot=position_slot))
    locations[ranged.alias] = lambda frame: frame[slot]

    def loop(frame: Frame) -> Iterator[None]:
        around = base(frame)
        for _ in elements(frame):
            position = frame[position_slot]
            frame[slot] = around if position is MISSING else (*around, position)
            yield

    return loop


def _locate(
    target: Expression, locations: dict[str, Locate], scope: Scope, compilation: Compilation, *, alone: bool
) -> Locate:
    """Where a target stands. A name that is no variable is a field of the document, if the table stands ``alone``."""
    root, steps = (target.root, target.steps) if isinstance(target, Path) else (target, ())
    if not isinstance(root, Name):
        raise semantic_fault("only what a path leads to can be changed", target.at)
    walkers = [_walker(step, scope, compilation) for step in steps]
    base = locations.get(root.name)
    if base is None:
        if not alone or scope.variable(root.name) is not None:
            raise semantic_fault(f"{root.name} is no part of the document", root.at)
        name = root.name
        return lambda frame: (name, *[walk(frame) for walk in walkers])
    if not walkers:
        return base
    return lambda frame: (*base(frame), *[walk(frame) for walk in walkers])


def _walker(step: Step, scope: Scope, compilation: Compilation) -> Callable[[Frame], str | int]:
    name = static_field(step)
    if name is not None:
        return lambda _: name
    if not isinstance(step, IndexStep):
        raise semantic_fault("a wildcard leads to no one place that could be changed", step.at)
    index, at = compilation.expression(step.index, scope), step.at
    return lambda frame: _step(index(frame), at)


def _step(index: Value, at: Position) -> str | int:
    key = bare(index)
    if type(key) is int:
        return key
    if is_text(key):
        return str(key)
    raise evaluator_fault(f"a {type_name(index)} in brackets is neither a position nor a name", at)


# ---- the changes


Apply = Callable[[Frame, Draft], None]


def _target(node: Change, changed: _Changed, compilation: Compilation) -> Locate:
    alone = len(changed.locations) == 1
    return _locate(node.target, changed.locations, changed.scope, compilation, alone=alone)


def _compile_set(node: SetField, changed: _Changed, compilation: Compilation) -> Apply:
    locate, value, at = _target(node, changed, compilation), _stored(node.value, changed.scope, compilation), node.at
    return lambda frame, draft: draft.set(locate(frame), value(frame), at)


def _compile_insert_into(node: InsertInto, changed: _Changed, compilation: Compilation) -> Apply:
    locate, value, at = _target(node, changed, compilation), _stored(node.value, changed.scope, compilation), node.at
    place = compilation.expression(node.position, changed.scope) if node.position else None
    return lambda frame, draft: draft.insert(
        locate(frame), value(frame), MISSING if place is None else place(frame), at
    )


def _compile_remove(node: Remove, changed: _Changed, compilation: Compilation) -> Apply:
    locate, at = _target(node, changed, compilation), node.at
    return lambda frame, draft: draft.remove(locate(frame), at)


_COMPILE: Final[dict[type, Callable[..., Apply]]] = {
    SetField: _compile_set,
    InsertInto: _compile_insert_into,
    Remove: _compile_remove,
}
