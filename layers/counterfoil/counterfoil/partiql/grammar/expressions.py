"""Operators and paths: a Pratt parser. Operators in a row are read in a loop, never by recursion.

Precedence, loosest first: OR, AND, NOT, predicates (``= <> < <= > >= IS IN LIKE BETWEEN``), ``||``, ``+ -``, ``* / %``, signs,
paths. Source: the grammar of partiql-lang-kotlin.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from counterfoil.errors import StatementError
from counterfoil.partiql.grammar.cursor import MAX_DEPTH, Cursor, too_deep, unquoted
from counterfoil.partiql.grammar.literals import int_of
from counterfoil.partiql.reserved_words import RESERVED_WORDS, TYPE_NAMES
from counterfoil.partiql.syntax import (
    AllElementsStep,
    AllFieldsStep,
    Between,
    Binary,
    DataType,
    Expression,
    FieldStep,
    In,
    IndexStep,
    Is,
    Like,
    ListLiteral,
    Operator,
    Path,
    Position,
    Step,
)

LOOSEST: Final = 0
_OR: Final = 1
_AND: Final = 2
NEGATION: Final = 3
_PREDICATE: Final = 4
_CONCATENATION: Final = 5
_SUM: Final = 6
_PRODUCT: Final = 7
TIGHTEST: Final = 8

_STEPS: Final = frozenset(".[")

_QUANTIFIERS: Final = frozenset({"ALL", "ANY", "SOME"})

# Reserved words that nobody means as names: where one stands instead of an expression, the expression was left out.
_CLAUSE_WORDS: Final = frozenset(
    {
        "AND",
        "AS",
        "BETWEEN",
        "BY",
        "ELSE",
        "END",
        "FROM",
        "HAVING",
        "IN",
        "INTO",
        "IS",
        "LIKE",
        "ON",
        "OR",
        "SET",
        "THEN",
    }
    | {"WHEN", "WHERE"}
)

_BINARY: Final = {
    "=": (_PREDICATE, Operator.EQUAL),
    "<>": (_PREDICATE, Operator.UNEQUAL),
    "!=": (_PREDICATE, Operator.UNEQUAL),
    "<": (_PREDICATE, Operator.LESS),
    "<=": (_PREDICATE, Operator.LESS_OR_EQUAL),
    ">": (_PREDICATE, Operator.GREATER),
    ">=": (_PREDICATE, Operator.GREATER_OR_EQUAL),
    "||": (_CONCATENATION, Operator.CONCATENATE),
    "+": (_SUM, Operator.ADD),
    "-": (_SUM, Operator.SUBTRACT),
    "*": (_PRODUCT, Operator.MULTIPLY),
    "/": (_PRODUCT, Operator.DIVIDE),
    "%": (_PRODUCT, Operator.MODULO),
}


class Expressions(Cursor):
    """Each method takes one construct, from its first token to the one after its last."""

    __slots__ = ()

    terms: ClassVar[dict[str, Callable[[Any], Expression]]]
    """What operators and paths stand on, by its first token; ``Terms`` has them."""

    def no_term(self) -> StatementError:
        """What to raise where an expression should begin and does not."""
        word = self.kind
        if word == "malformed":
            return StatementError("Lexer", "a number that is malformed, or runs into a name", *self.at)
        if word.startswith("CURRENT_"):
            return self.unsupported(f"{word}; UTCNOW() is")
        if word in _QUANTIFIERS:
            return self.unsupported(f"{word} before a query")
        if word in RESERVED_WORDS - _CLAUSE_WORDS:
            return self.reserved("an expression")
        return self.unexpected("an expression")

    def items(self, end: str) -> tuple[Expression, ...]:
        """Expressions with commas between them, perhaps none, and the token that ends them."""
        if self.accept(end):
            return ()
        return self.some_items(end)

    def some_items(self, end: str) -> tuple[Expression, ...]:
        """The same, but at least one."""
        items = [self.expression()]
        while self.accept(","):
            items.append(self.expression())
        if not self.accept(end):
            raise self.unexpected(f"',' or '{end}'")
        return tuple(items)

    def expression(self, power: int = LOOSEST) -> Expression:
        """An expression whose operators bind more tightly than ``power``."""
        self.depth = depth = self.depth + 1
        if depth > MAX_DEPTH:
            raise too_deep()
        read = self.terms.get(self.kind)
        if read is None:
            raise self.no_term()
        left = read(self)
        if self.kind in _STEPS:
            left = self.path(left)
        while True:
            infix = _INFIXES.get(self.kind)
            if infix is None or infix[0] <= power:
                break
            left = infix[1](self, left)
        self.depth = depth - 1
        return left

    def path(self, root: Expression) -> Expression:
        """The steps that follow ``root``, at least one."""
        steps: list[Step] = []
        while True:
            if self.accept("."):
                steps.append(self._field_step())
            elif self.kind == "[":
                steps.append(self._index_step())
            else:
                return Path(root, tuple(steps), root.at)

    def _field_step(self) -> Step:
        index, kind = self.index, self.kind
        text, at = self.texts[index], self.places[index]
        if kind == "name" or kind in RESERVED_WORDS:
            self.index = index = index + 1
            self.kind = self.kinds[index]
            return FieldStep(text, quoted=False, at=at)
        if kind == "quoted":
            self.advance()
            return FieldStep(unquoted(text), quoted=True, at=at)
        if kind == "*":
            self.advance()
            return AllFieldsStep(at)
        raise self.unexpected("a field's name or '*'")

    def _index_step(self) -> Step:
        at = self.expect("[")
        if self.accept("*"):
            step: Step = AllElementsStep(at)
        else:
            step = IndexStep(self.expression(), at)
        if self.kind != "]":
            raise self.unexpected("']'")
        self.advance()
        return step

    def binary(self, left: Expression) -> Expression:
        power, operator = _BINARY[self.kind]
        at = self.places[self.index]
        self.advance()
        return Binary(operator, left, self.expression(power), at)

    def conjunction(self, left: Expression) -> Expression:
        return self._chain(left, "AND", Operator.AND, _AND)

    def disjunction(self, left: Expression) -> Expression:
        return self._chain(left, "OR", Operator.OR, _OR)

    def _chain(self, left: Expression, kind: str, operator: Operator, power: int) -> Expression:
        operands, places = [left], []
        while self.kind == kind:
            places.append(self.at)
            self.advance()
            operands.append(self.expression(power))
        return _balanced(operator, operands, places)

    def type_test(self, left: Expression) -> Expression:
        at = self.expect("IS")
        negated = self.accept("NOT")
        return Is(left, self.data_type(), negated, at)

    def negated(self, left: Expression) -> Expression:
        at = self.expect("NOT")
        predicate = _NEGATABLE.get(self.kind)
        if predicate is None:
            raise self.unexpected("IN, LIKE or BETWEEN")
        return predicate(self, left, at)

    def membership(self, left: Expression, not_at: Position | None = None) -> Expression:
        at = self.expect("IN")
        return In(left, self._collection(), not_at is not None, not_at or at)

    def _collection(self) -> Expression:
        """``(a)`` is a list of one here, while ``(SELECT …)`` is what the query gives."""
        if self.kind != "(" or self.kinds[self.index + 1] in {"SELECT", "PIVOT", "VALUES"}:
            return self.expression(_PREDICATE)
        at = self.expect("(")
        return ListLiteral(self.some_items(")"), at)

    def likeness(self, left: Expression, not_at: Position | None = None) -> Expression:
        at = self.expect("LIKE")
        pattern = self.expression(_PREDICATE)
        escape = self.expression(_PREDICATE) if self.accept("ESCAPE") else None
        return Like(left, pattern, escape, not_at is not None, not_at or at)

    def betweenness(self, left: Expression, not_at: Position | None = None) -> Expression:
        at = self.expect("BETWEEN")
        low = self.expression(_PREDICATE)
        self.expect("AND")
        return Between(left, low, self.expression(_PREDICATE), not_at is not None, not_at or at)

    def data_type(self) -> DataType:
        at = self.at
        name = self.texts[self.index].lower()
        if name not in TYPE_NAMES:
            raise self.unexpected("a type")
        self.advance()
        if name == "double" and self.accept("PRECISION"):
            name = "double precision"
        elif name in {"character", "char"} and self.accept("VARYING"):
            name = "varchar"
        return DataType(name, self._type_arguments(), at)

    def _type_arguments(self) -> tuple[int, ...]:
        if not self.accept("("):
            return ()
        numbers = [self._number()]
        while self.accept(","):
            numbers.append(self._number())
        self.expect(")")
        return tuple(numbers)

    def _number(self) -> int:
        text = self.texts[self.index]
        at = self.expect("int")
        return int_of(text, at)


def _balanced(operator: Operator, operands: list[Expression], places: list[Position]) -> Expression:
    """A chain of one associative operator as a tree of logarithmic depth: generated conditions have hundreds of links.

    Operands keep their order, so that what is evaluated first, and what is not evaluated at all, stay the same.
    """
    if len(operands) == 1:
        return operands[0]
    middle = (len(operands) + 1) // 2
    left = _balanced(operator, operands[:middle], places[: middle - 1])
    right = _balanced(operator, operands[middle:], places[middle:])
    return Binary(operator, left, right, places[middle - 1])


_NEGATABLE: Final[dict[str, Callable[[Expressions, Expression, Position | None], Expression]]] = {
    "IN": Expressions.membership,
    "LIKE": Expressions.likeness,
    "BETWEEN": Expressions.betweenness,
}

_INFIXES: Final[dict[str, tuple[int, Callable[[Expressions, Expression], Expression]]]] = {
    **{kind: (power, Expressions.binary) for kind, (power, _) in _BINARY.items()},
    "AND": (_AND, Expressions.conjunction),
    "OR": (_OR, Expressions.disjunction),
    "IS": (_PREDICATE, Expressions.type_test),
    "NOT": (_PREDICATE, Expressions.negated),
    "IN": (_PREDICATE, Expressions.membership),
    "LIKE": (_PREDICATE, Expressions.likeness),
    "BETWEEN": (_PREDICATE, Expressions.betweenness),
}
