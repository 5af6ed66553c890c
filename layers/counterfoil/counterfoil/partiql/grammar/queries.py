"""SELECT and PIVOT, and the sources of every statement."""

from __future__ import annotations

from typing import Final

from counterfoil.partiql.grammar.calls import Calls
from counterfoil.partiql.syntax import (
    AllElementsStep,
    AllFieldsStep,
    AllOf,
    Expression,
    FieldStep,
    From,
    GroupKey,
    Item,
    Join,
    JoinKind,
    OrderKey,
    Path,
    Projection,
    Select,
    SelectItems,
    SelectPivot,
    SelectStar,
    SelectValue,
    Source,
    name_of,
)

# A query in a query costs the frames of several levels of expression.
QUERY_LEVELS: Final = 4

_JOIN_WORDS: Final = frozenset({"JOIN", "INNER"})


class Queries(Calls):
    __slots__ = ()

    def query(self) -> Select:
        self.descend(QUERY_LEVELS)
        at = self.at
        distinct, projection = self.projection()
        if self.kind == "INTO":
            raise self.unsupported("SELECT INTO")
        self.expect("FROM")
        source = self.sources()
        where = self.where()
        group_by, group_as = self.grouping()
        having = self.expression() if self.accept("HAVING") else None
        order_by = self.ordering()
        limit = self.expression() if self.accept("LIMIT") else None
        offset = self.expression() if self.accept_word("OFFSET") else None
        self.depth -= QUERY_LEVELS
        return Select(projection, distinct, source, where, group_by, group_as, having, order_by, limit, offset, at)

    # ---- what is selected

    def projection(self) -> tuple[bool, Projection]:
        """With whether it is DISTINCT."""
        at = self.at
        if self.accept("PIVOT"):
            value = self.expression()
            self.expect("AT")
            return False, SelectPivot(value, self.expression(), at)
        self.expect("SELECT")
        distinct = self.accept("DISTINCT")
        if not distinct:
            self.accept("ALL")
        return distinct, self.selected()

    def selected(self) -> Projection:
        at = self.at
        if self.accept("VALUE"):
            return SelectValue(self.expression(), at)
        if self.accept("*"):
            if self.kind == ",":
                raise self.refusal("'*' stands alone in a SELECT list")
            return SelectStar(at)
        items = [self.item()]
        while self.accept(","):
            items.append(self.item())
        return SelectItems(tuple(items), at)

    def item(self) -> Item | AllOf:
        at = self.at
        expression = self.expression()
        if isinstance(expression, Path) and _has_wildcard(expression):
            return self.all_of(expression)
        return Item(expression, self.alias(), at)

    def all_of(self, path: Path) -> AllOf:
        """``source.*``; any other wildcard in a list of items would make one column of many values."""
        *steps, last = path.steps
        if not isinstance(last, AllFieldsStep) or not all(isinstance(step, FieldStep) for step in steps):
            raise self.refusal("a wildcard in a SELECT list only ends a path of names, as in t.*", path.at)
        return AllOf(Path(path.root, tuple(steps), path.at) if steps else path.root, path.at)

    def alias(self) -> str | None:
        """``AS name``, or the name alone."""
        if self.accept("AS"):
            return self.name("a name")
        if self.kind == "quoted" or (self.kind == "name" and not self.says("OFFSET")):
            return self.name("a name")
        return None

    # ---- where it comes from

    def sources(self) -> From:
        """What follows FROM. A comma and JOIN make one tree, from the left."""
        left: From = self.source()
        while True:
            at = self.at
            if self.accept(","):
                left = Join(JoinKind.INNER, left, self.source(), None, at)
            elif self.accept("CROSS"):
                self.expect("JOIN")
                left = Join(JoinKind.INNER, left, self.source(), None, at)
            elif self.kind in _JOIN_WORDS:
                left = self.join(left)
            else:
                return left

    def join(self, left: From) -> Join:
        at = self.at
        self.accept("INNER")
        self.expect("JOIN")
        right = self.source()
        self.expect("ON")
        return Join(JoinKind.INNER, left, right, self.expression(), at)

    def source(self) -> Source:
        at = self.at
        unpivot = self.accept("UNPIVOT")
        expression = self.expression()
        alias = self.alias() or name_of(expression)
        position_alias = self.name("a variable's name") if self.accept("AT") else None
        return Source(expression, alias, position_alias, self.id_alias(), unpivot, at)

    def id_alias(self) -> str | None:
        return self.name("a variable's name") if self.accept("BY") else None

    def where(self) -> Expression | None:
        return self.expression() if self.accept("WHERE") else None

    # ---- how it is grouped and ordered

    def grouping(self) -> tuple[tuple[GroupKey, ...], str | None]:
        if not self.accept("GROUP"):
            return (), None
        if self.kind == "PARTIAL":
            raise self.unsupported("GROUP PARTIAL BY")
        self.expect("BY")
        keys = [self.group_key()]
        while self.accept(","):
            keys.append(self.group_key())
        return tuple(keys), self.group_alias()

    def group_key(self) -> GroupKey:
        at = self.at
        return GroupKey(self.expression(), self.name("a name") if self.accept("AS") else None, at)

    def group_alias(self) -> str | None:
        if not self.accept("GROUP"):
            return None
        self.expect("AS")
        return self.name("a name")

    def ordering(self) -> tuple[OrderKey, ...]:
        if not self.accept("ORDER"):
            return ()
        self.expect("BY")
        keys = [self.order_key()]
        while self.accept(","):
            keys.append(self.order_key())
        return tuple(keys)

    def order_key(self) -> OrderKey:
        at = self.at
        expression = self.expression()
        descending = self.accept("DESC")
        if not descending:
            self.accept("ASC")
        nulls_first = self.expect_word("first", "last") == "first" if self.accept_word("NULLS") else None
        return OrderKey(expression, descending, nulls_first, at)


def _has_wildcard(path: Path) -> bool:
    return any(isinstance(step, AllFieldsStep | AllElementsStep) for step in path.steps)
