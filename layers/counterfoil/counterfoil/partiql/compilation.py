"""What is shared while one statement is compiled: its frame, its scopes, its tables.

A compiled expression is a closure over the statement's frame: a list with the parameters, the workspace, and one slot for
each variable. Running a statement takes a frame of its own, so that a compiled statement may be run by several threads at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

from counterfoil.ion.values import Value
from counterfoil.partiql.faults import evaluator_fault
from counterfoil.partiql.kinds import bare, is_unknown, type_name
from counterfoil.partiql.syntax import Aggregate, Expression, Literal, Position, Select
from counterfoil.partiql.tables import Action, Catalogue, Table

Frame = list[Any]
Evaluate = Callable[[Frame], Value]
Bind = Callable[[Frame], Iterator[None]]
"""Goes through what a FROM clause gives: at each step the frame holds one more combination of its variables."""

PARAMETERS: Final = 0
WORKSPACE: Final = 1

Handler = Callable[[Any, "Scope", "Compilation"], Evaluate]
Shape = tuple[Any, ...]


class Collector:
    """Gathers the aggregate calls of a query's items; each gets a slot that holds its result when the items are computed.

    ``scope`` is where their arguments are understood: among the sources, before grouping.
    """

    def __init__(self, scope: Scope, *, with_arguments: bool) -> None:
        self.scope = scope
        self.with_arguments = with_arguments
        self.calls: dict[Shape, tuple[Aggregate, Evaluate | None, int]] = {}

    def collects(self, call: Aggregate) -> bool:
        return self.with_arguments or call.argument is None


class Scope:
    """Names that an expression may use: variables by slot, and the sources whose fields may be named alone."""

    def __init__(self, parent: Scope | None = None) -> None:
        self.parent = parent
        self.names: dict[str, int] = {}
        self.sources: list[int] = []
        self.hidden: frozenset[str] = frozenset()
        self.replacements: dict[Shape, Evaluate] = {}
        self.collector: Collector | None = None

    def variable(self, name: str) -> int | None:
        """The slot of a variable, the innermost first."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None

    def all_sources(self) -> list[int]:
        """The slots of all sources, the innermost first."""
        return self.sources + (self.parent.all_sources() if self.parent else [])

    def hides(self, name: str) -> bool:
        return name in self.hidden or (self.parent is not None and self.parent.hides(name))


class Compilation:
    """One statement being compiled. ``environment`` has values by name in place of a catalogue's tables."""

    def __init__(
        self,
        handlers: Mapping[type, Handler],
        catalogue: Catalogue | None = None,
        environment: Mapping[str, Value] | None = None,
    ) -> None:
        self._handlers = handlers
        self._catalogue = catalogue
        self._environment = environment or {}
        self.slot_count = 2
        self.parameter_count = 0
        self.actions: set[tuple[Action, str]] = set()
        # How many loops there are over documents found by id or key, and whether there is any other loop.
        self.keyed_loops = 0
        self.has_other_loops = False

    def new_slot(self) -> int:
        self.slot_count += 1
        return self.slot_count - 1

    def expression(self, node: Expression, scope: Scope) -> Evaluate:
        """The closure of an expression."""
        if scope.replacements:
            replaced = scope.replacements.get(shape_of(node))
            if replaced is not None:
                return replaced
        return self._handlers[type(node)](node, scope, self)

    def global_value(self, name: str) -> Evaluate | None:
        """A value of the environment."""
        if name not in self._environment:
            return None
        value = self._environment[name]
        return lambda _: value

    @property
    def has_tables(self) -> bool:
        """Whether names in FROM are of a catalogue, so that all of them are known."""
        return self._catalogue is not None

    def table(self, name: str) -> Table | None:
        """An active table."""
        return None if self._catalogue is None else self._catalogue.table(name)

    def table_by_id(self, table_id: str) -> Table | None:
        return None if self._catalogue is None else self._catalogue.table_by_id(table_id)


def reader_of(slot: int) -> Evaluate:
    return lambda frame: frame[slot]


def truth_of(condition: Evaluate, at: Position) -> Callable[[Frame], bool]:
    """Whether a condition holds: unknown does not, and what is no bool is an error."""

    def holds(frame: Frame) -> bool:
        value = condition(frame)
        if value is True or value is False:
            return value is True
        return truth(value, at) is True

    return holds


def truth(value: Value, at: Position) -> bool | None:
    """True, false or NULL."""
    if is_unknown(value):
        return None
    plain = bare(value)
    if plain is True or plain is False:
        return plain
    raise evaluator_fault(f"a condition must be true or false, not a {type_name(value)}", at)


def shape_of(node: Any) -> Shape:
    """A node as a value to compare with others: without places and quotes."""
    if isinstance(node, Literal):
        return ("Literal", type(node.value), repr(node.value))
    if is_dataclass(node):
        kept = (getattr(node, field.name) for field in fields(node) if field.name not in {"at", "quoted"})
        return (type(node), *map(_shape_of_part, kept))
    return (node,)


def _shape_of_part(part: Any) -> Any:
    if isinstance(part, tuple) and not hasattr(part, "_fields"):
        return tuple(map(_shape_of_part, part))
    return shape_of(part) if is_dataclass(part) else part


def walk(node: Any, *, into_queries: bool = True) -> Iterator[Any]:
    """The node and all nodes in it."""
    if isinstance(node, tuple) and not hasattr(node, "_fields"):
        for part in node:
            yield from walk(part, into_queries=into_queries)
    elif is_dataclass(node):
        yield node
        if into_queries or not isinstance(node, Select):
            for field in fields(node):
                yield from walk(getattr(node, field.name), into_queries=into_queries)
