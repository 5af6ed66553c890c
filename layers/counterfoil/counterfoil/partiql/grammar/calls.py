"""Functions: arguments with commas, and those with words among their arguments (``EXTRACT(year FROM x)``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from counterfoil.partiql.grammar.terms import Terms
from counterfoil.partiql.syntax import (
    Aggregate,
    BagLiteral,
    Call,
    Cast,
    Expression,
    ListLiteral,
    Literal,
    Position,
    SexpLiteral,
)

DATE_PARTS: Final = ("year", "month", "day", "hour", "minute", "second", "timezone_hour", "timezone_minute")
_TRIM_SIDES: Final = ("both", "leading", "trailing")


class Calls(Terms):
    __slots__ = ()

    def call(self) -> Expression:
        """The token is the function's name and a parenthesis follows."""
        function, at = self.texts[self.index].lower(), self.at
        self.advance()
        self.advance()
        special = _SPECIAL.get(function)
        called = special(self, function, at) if special else Call(function, self.items(")"), at)
        if self.says("OVER") and self.kinds[self.index + 1] == "(":
            raise self.unsupported("OVER (window functions)")
        return called

    def aggregate(self, function: str, at: Position) -> Expression:
        if function == "count" and self.accept("*"):
            self.close()
            return Aggregate(function, None, distinct=False, at=at)
        distinct = self.accept("DISTINCT")
        if not distinct:
            self.accept("ALL")
        argument = self.expression()
        self.close()
        return Aggregate(function, argument, distinct, at)

    def cast(self, _function: str, at: Position) -> Expression:
        value = self.expression()
        self.expect("AS")
        data_type = self.data_type()
        self.close()
        return Cast(value, data_type, at)

    def extract(self, function: str, at: Position) -> Expression:
        part = self.date_part()
        self.expect("FROM")
        value = self.expression()
        self.close()
        return Call(function, (part, value), at)

    def date_arithmetic(self, function: str, at: Position) -> Expression:
        part = self.date_part()
        if not self.accept(","):
            raise self.unexpected("','")
        return Call(function, (part, *self.some_items(")")), at)

    def date_part(self) -> Expression:
        at = self.at
        return Literal(self.expect_word(*DATE_PARTS), at)

    def trim(self, function: str, at: Position) -> Expression:
        """``trim(x)``, or ``trim([side] [characters] FROM x)``."""
        side_at, characters_at = self.at, self.at
        given = self.texts[self.index].lower()
        side = given if given in _TRIM_SIDES else "both"
        if side == given:
            self.advance()
        characters = Literal(" ", characters_at) if self.kind == "FROM" else self.expression()
        if side != given and self.accept(")"):
            return Call(function, (Literal(side, side_at), Literal(" ", at), characters), at)
        self.expect("FROM")
        value = self.expression()
        self.close()
        return Call(function, (Literal(side, side_at), characters, value), at)

    def substring(self, function: str, at: Position) -> Expression:
        value = self.expression()
        if self.accept(","):
            return Call(function, (value, *self.some_items(")")), at)
        self.expect("FROM")
        bounds = [self.expression()]
        if self.accept("FOR"):
            bounds.append(self.expression())
        self.close()
        return Call(function, (value, *bounds), at)

    def list_of(self, _function: str, at: Position) -> Expression:
        return ListLiteral(self.items(")"), at)

    def bag_of(self, _function: str, at: Position) -> Expression:
        return BagLiteral(self.items(")"), at)

    def sexp_of(self, _function: str, at: Position) -> Expression:
        return SexpLiteral(self.items(")"), at)

    def close(self) -> None:
        if not self.accept(")"):
            raise self.unexpected("')'")


_SPECIAL: Final[dict[str, Callable[[Calls, str, Position], Expression]]] = {
    **dict.fromkeys(("avg", "count", "max", "min", "sum"), Calls.aggregate),
    "bag": Calls.bag_of,
    "cast": Calls.cast,
    "date_add": Calls.date_arithmetic,
    "date_diff": Calls.date_arithmetic,
    "extract": Calls.extract,
    "list": Calls.list_of,
    "sexp": Calls.sexp_of,
    "substring": Calls.substring,
    "trim": Calls.trim,
}
