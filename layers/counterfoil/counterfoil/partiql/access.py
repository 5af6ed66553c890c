"""How the documents of a table are found: by id, by an index, or by a look at all of them.

A condition ``field = e`` or ``field IN e`` on an indexed top-level field, or on the document's id, narrows what is read if ``e`` needs
nothing but constants, parameters and sources that come before. Whatever was narrowed, WHERE is asked again of every row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from counterfoil.partiql.compilation import Compilation, Evaluate, Frame, Scope, walk
from counterfoil.partiql.compile_names import static_field
from counterfoil.partiql.dependencies import free_names
from counterfoil.partiql.equality import key_of
from counterfoil.partiql.kinds import SEQUENCE_KINDS, bare, is_text, kind_of
from counterfoil.partiql.sources import Origin, Ranged, named_table
from counterfoil.partiql.syntax import (
    BagLiteral,
    Binary,
    Call,
    Expression,
    FieldStep,
    In,
    IndexStep,
    ListLiteral,
    Literal,
    Name,
    Operator,
    Parameter,
    Path,
)
from counterfoil.partiql.tables import Index, View

Keys = Callable[[Frame], list[object]]
"""The values that a field must equal, some of them perhaps unknown or alike."""


@dataclass(frozen=True, slots=True)
class Access:
    """``index`` is the one to probe; without it the keys are document ids."""

    index: Index | None
    values: Keys


class Judge:
    """The sources of one FROM clause, asked which conditions narrow which of them."""

    def __init__(self, ranged: list[Ranged], scope: Scope, compilation: Compilation) -> None:
        self._ranged = ranged
        self._scope = scope
        self._compilation = compilation
        self._owners = {name: index for index, source in enumerate(ranged) for name in _variables(source)}

    def needs(self, node: object) -> set[int]:
        """The sources that an expression may look at. A name that is no variable may be a field of any of them."""
        needed: set[int] = set()
        for name in free_names(node, self._is_table):
            if name.name in self._owners:
                needed.add(self._owners[name.name])
            elif self._scope.variable(name.name) is None:
                needed.update(range(len(self._ranged)))
        return needed

    def _is_table(self, name: Name) -> bool:
        return not name.local and named_table(name, self._compilation) is not None

    def range_needs(self, index: int) -> set[int]:
        """The sources that must be bound before this one can be ranged over."""
        source = self._ranged[index]
        if source.origin is Origin.TABLE or source.origin is Origin.USER_TABLES:
            return set()
        node = source.node.expression
        return self.needs(node.arguments[1:] if isinstance(node, Call) and source.bounds else node) - {index}

    def access(self, index: int, conjuncts: list[Expression], bound: set[int]) -> Access | None:
        """The narrowest way to a source once others are bound: its id, else ``=`` on an index, else ``IN``."""
        found = [access for part in conjuncts if (access := self._narrowed(index, part, bound))]
        return min(found, key=lambda access: access[0], default=(0, None))[1]

    def _narrowed(self, index: int, part: Expression, bound: set[int]) -> tuple[int, Access] | None:
        if isinstance(part, Binary) and part.operator is Operator.EQUAL:
            return self._by(index, part.left, part.right, bound) or self._by(index, part.right, part.left, bound)
        if isinstance(part, In) and not part.negated:
            return self._by(index, part.value, part.collection, bound, many=True)
        return None

    def _by(
        self, index: int, field: Expression, value: Expression, bound: set[int], *, many: bool = False
    ) -> tuple[int, Access] | None:
        source = self._ranged[index]
        target = self._target(source, field)
        if target is None or not self.needs(value) <= bound:
            return None
        if isinstance(target, Index):
            return 1 + many, Access(target, self._keys(value, many=many))
        return (
            (0, Access(None, self._keys(value, many=many))) if source.origin is not Origin.HISTORY or not many else None
        )

    def _target(self, source: Ranged, node: Expression) -> Index | str | None:
        """The index of the field that an expression names, or ``"id"``."""
        if isinstance(node, Name) and node.name == source.node.id_alias and source.origin is Origin.TABLE:
            return "id"
        path = self._path_in(source, node)
        if path is None or source.origin not in {Origin.TABLE, Origin.HISTORY}:
            return None
        committed = source.origin is Origin.HISTORY or source.view is View.COMMITTED
        if committed and path == ("metadata", "id"):
            return "id"
        if source.origin is Origin.HISTORY or source.table is None or (committed and path[:1] != ("data",)):
            return None
        indexed: dict[tuple[str, ...], Index] = {(index.field,): index for index in source.table.indexes}
        return indexed.get(path[1:] if committed else path)

    def _path_in(self, source: Ranged, node: Expression) -> tuple[str, ...] | None:
        """The names of the fields that lead to what an expression names inside a source."""
        root, steps = (node.root, node.steps) if isinstance(node, Path) else (node, ())
        names = [static_field(step) for step in steps]
        if not isinstance(root, Name) or None in names:
            return None
        path = tuple(name for name in names if name is not None)
        if root.name == source.alias:
            return path
        alone = self._scope.variable(root.name) is None and len(self._scope.all_sources()) == 1
        return (root.name, *path) if alone and not root.local else None

    def _keys(self, value: Expression, *, many: bool) -> Keys:
        if not many:
            single = self._compilation.expression(value, self._scope)
            return lambda frame: [single(frame)]
        if isinstance(value, ListLiteral | BagLiteral):
            items = [self._compilation.expression(item, self._scope) for item in value.items]
            return lambda frame: [item(frame) for item in items]
        return _members(self._compilation.expression(value, self._scope))

    def filters(self, conjuncts: list[Expression], bound: set[int], before: set[int]) -> list[Evaluate]:
        """The conditions that can first be asked when ``bound`` are: only those that cannot fail, since AND may spare them."""
        return [
            self._compilation.expression(part, self._scope)
            for part in conjuncts
            if _cannot_fail(part) and (needed := self.needs(part)) <= bound and not needed <= before
        ]


def _members(collection: Evaluate) -> Keys:
    def members(frame: Frame) -> list[object]:
        value = collection(frame)
        return list(bare(value)) if kind_of(value) in SEQUENCE_KINDS else []

    return members


def _variables(source: Ranged) -> list[str]:
    return [name for name in (source.alias, source.node.position_alias, source.node.id_alias) if name]


def _cannot_fail(part: Expression) -> bool:
    """Whether a condition is a comparison for equality of constants and paths of names."""
    if isinstance(part, Binary):
        return part.operator in {Operator.EQUAL, Operator.UNEQUAL} and all(
            map(_is_plain, walk((part.left, part.right)))
        )
    return (
        isinstance(part, In)
        and isinstance(part.collection, ListLiteral)
        and all(map(_is_plain, walk((part.value, part.collection.items))))
    )


def _is_plain(node: object) -> bool:
    if isinstance(node, IndexStep):
        return static_field(node) is not None
    return isinstance(node, Name | Path | FieldStep | Literal | Parameter)


def index_keys(values: list[object]) -> list[bytes]:
    """The keys to probe: each once, and none for unknown values, which equal nothing."""
    if len(values) == 1:
        key = key_of(values[0])
        return [] if key is None else [key]
    return list(dict.fromkeys(key for value in values if (key := key_of(value)) is not None))


def document_ids(values: list[object]) -> list[str]:
    """The ids to fetch, each once; what is no text is no id."""
    return list(dict.fromkeys(str(bare(value)) for value in values if is_text(value)))
