"""Changing documents, which are shared and immutable: only what lies on the way to a change is copied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from counterfoil.errors import LimitError
from counterfoil.ion.values import Annotated, RepeatedStruct, Sexp, Value, pairs_of
from counterfoil.partiql.faults import evaluator_fault
from counterfoil.partiql.kinds import Kind, bare, kind_of, type_name
from counterfoil.partiql.limits import MAX_VALUES
from counterfoil.partiql.syntax import Position
from counterfoil.partiql.values import MISSING, Bag

Location = tuple[str | int, ...]
"""Where in a document something is: names of fields and positions in lists."""


class _Removed(Enum):
    REMOVED = "removed"


# An element removed from a list keeps its place until the statement ends, so that the places of the others still hold.
_REMOVED: Final = _Removed.REMOVED


@dataclass(slots=True)
class Draft:
    """A document that a statement changes. ``document`` is ``None`` once it is deleted; ``changed`` counts its changes."""

    document: Value
    changed: int = 0
    shortened: set[Location] = field(default_factory=set)

    def set(self, location: Location, value: Value, at: Position) -> None:
        """Put a value there; structs that are missing on the way are made. MISSING takes the field away."""
        if self.document is None:
            return
        self.changed += 1
        if not location:
            self.document = as_document(value, at)
            return
        self.document = _edited(self.document, location, lambda _: value, at)

    def insert(self, location: Location, value: Value, place: Value, at: Position) -> None:
        """Add an element to a list, at a position or at its end, or a field to a struct by its name."""
        if self.document is None:
            return
        self.changed += 1
        self.document = _edited(self.document, location, lambda into: _with(into, value, place, at), at)

    def remove(self, location: Location, at: Position) -> None:
        """Take something away; of nothing there, nothing happens. The location of the document itself deletes it."""
        if self.document is None:
            return
        if not location:
            self.document, self.changed = None, 1
            return
        if not _is_there(self.document, location):
            return
        self.changed += 1
        self.document = _edited(self.document, location, lambda _: _REMOVED, at)
        if isinstance(location[-1], int):
            self.shortened.add(location[:-1])

    def finished(self) -> dict[str, Value] | None:
        """The document as it is to be stored."""
        for location in sorted(self.shortened, key=len, reverse=True):
            if self.document is not None and _is_there(self.document, location):
                self.document = _edited(self.document, location, _without_removed, Position(0, 0))
        return self.document  # type: ignore[no-any-return]


def as_document(value: Value, at: Position) -> dict[str, Value]:
    """The value, if it can be a document: a struct."""
    if isinstance(value, dict):
        return value
    what = "an annotated value" if type(value) is Annotated else f"a {type_name(value)}"
    raise evaluator_fault(f"a document must be a struct, not {what}", at)


Edit = Callable[[Value], Value]


def _edited(container: Value, location: Location, edit: Edit, at: Position) -> Value:
    """The container with one place of it edited."""
    if not location:
        return edit(container)
    step, rest = location[0], location[1:]
    inner = bare(container)
    edited = _edited_field if isinstance(step, str) else _edited_element
    changed = edited(inner, step, rest, edit, at)
    return Annotated(container.annotations, changed) if type(container) is Annotated else changed


def _edited_field(struct: Value, name: str | int, rest: Location, edit: Edit, at: Position) -> dict[str, Value]:
    assert isinstance(name, str)
    if struct is MISSING:
        struct = {}
    if kind_of(struct) is not Kind.STRUCT:
        raise evaluator_fault(f"a {type_name(struct)} has no field {name} to change", at)
    value = _edited(struct.get(name, MISSING), rest, edit, at)
    if type(struct) is RepeatedStruct:
        return _with_repeated(struct, name, value)
    changed = dict(struct)
    if value is MISSING or value is _REMOVED:
        changed.pop(name, None)
    else:
        changed[name] = value
    return changed


def _with_repeated(struct: RepeatedStruct, name: str, value: Value) -> dict[str, Value]:
    """A name that came twice comes once after a change."""
    pairs = [pair for pair in pairs_of(struct) if pair[0] != name]
    if value is not MISSING and value is not _REMOVED:
        pairs.append((name, value))
    made = dict(pairs)
    return made if len(made) == len(pairs) else RepeatedStruct(pairs)


def _edited_element(items: Value, position: str | int, rest: Location, edit: Edit, at: Position) -> list[Value]:
    if kind_of(items) not in {Kind.LIST, Kind.SEXP}:
        raise evaluator_fault(
            f"a {'missing value' if items is MISSING else type_name(items)} has no elements to change", at
        )
    assert isinstance(position, int)
    if not 0 <= position < len(items):
        raise evaluator_fault(f"a list of {len(items)} elements has no element {position}", at)
    value = _edited(items[position], rest, edit, at)
    changed: list[Value] = type(items)(items)
    changed[position] = None if value is MISSING else value
    return changed


def _with(into: Value, value: Value, place: Value, at: Position) -> Value:
    """The collection or struct with a value more."""
    inner, place = bare(into), bare(place)
    if inner is MISSING:
        inner = {} if isinstance(place, str) else []
    kind = kind_of(inner)
    if kind is Kind.STRUCT:
        changed: Value = _with_field(inner, value, place, at)
    elif kind in {Kind.LIST, Kind.SEXP}:
        changed = _with_element(inner, value, place, at)
    else:
        raise evaluator_fault(f"nothing can be inserted into a {type_name(inner)}", at)
    return Annotated(into.annotations, changed) if type(into) is Annotated else changed


def _with_field(struct: dict[str, Value], value: Value, name: Value, at: Position) -> dict[str, Value]:
    if not isinstance(name, str):
        raise evaluator_fault("an insert into a struct needs AT and a name", at)
    if name in struct:
        raise evaluator_fault(f"the field {name} is there already: SET changes it", at)
    return _with_repeated(RepeatedStruct(pairs_of(struct)), str(name), value)


def _with_element(items: list[Value], value: Value, position: Value, at: Position) -> list[Value]:
    end = len(items)
    if position is MISSING:
        position = end
    if type(position) is not int or not 0 <= position <= end:
        raise evaluator_fault(f"an insert into a list of {end} elements needs a position from 0 to {end}", at)
    added = None if value is MISSING else value
    return type(items)([*items[:position], added, *items[position:]])


def _without_removed(items: Value) -> Value:
    inner = bare(items)
    if not isinstance(inner, list):
        return items
    kept = type(inner)(item for item in inner if item is not _REMOVED)
    return Annotated(items.annotations, kept) if type(items) is Annotated else kept


def _is_there(container: Value, location: Location) -> bool:
    for step in location:
        inner = bare(container)
        if isinstance(step, str):
            if not isinstance(inner, dict) or step not in inner:
                return False
            container = inner[step]
        elif not isinstance(inner, list) or not 0 <= step < len(inner):
            return False
        else:
            container = inner[step]
        if container is _REMOVED:
            return False
    return True


def storable(value: Value) -> Value:
    """The value as Ion has it: bags are lists, MISSING fields are left out, a MISSING element is null.

    Constructors in constructors make values that are larger than any machine of a few shared ones; ``MAX_VALUES`` bounds what
    is gone through.
    """
    left = [MAX_VALUES]
    return _storable(value, left)


def _storable(value: Value, left: list[int]) -> Value:
    kind = type(value)
    if kind not in _CONTAINERS:
        return value
    if kind is Annotated:
        return Annotated(value.annotations, _storable(value.value, left))
    left[0] -= len(value)
    if left[0] < 0:
        raise LimitError(f"a value of more than {MAX_VALUES} elements and fields")
    if kind is dict or kind is RepeatedStruct:
        pairs = [(name, _storable(item, left)) for name, item in pairs_of(value) if item is not MISSING]
        return dict(pairs) if kind is dict else RepeatedStruct(pairs)
    items = [None if item is MISSING else _storable(item, left) for item in value]
    return Sexp(items) if kind is Sexp else items


_CONTAINERS: Final = frozenset({dict, RepeatedStruct, list, Bag, Sexp, Annotated})
