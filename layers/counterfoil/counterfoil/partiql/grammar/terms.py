"""Terms: what stands between operators. Literals, names, constructors, parentheses, CASE, and whatever has a word of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

from counterfoil.partiql.grammar.cursor import unquoted
from counterfoil.partiql.grammar.expressions import NEGATION, TIGHTEST, Expressions
from counterfoil.partiql.grammar.literals import decimal_of, int_of, ion_of
from counterfoil.partiql.reserved_words import FUNCTION_WORDS
from counterfoil.partiql.syntax import (
    BagLiteral,
    Case,
    Expression,
    ListLiteral,
    Literal,
    Name,
    Operator,
    Parameter,
    Position,
    Select,
    StructLiteral,
    Unary,
)
from counterfoil.partiql.values import MISSING

_CONSTANTS: Final = {"TRUE": True, "FALSE": False, "NULL": None, "MISSING": MISSING}


class Terms(Expressions, ABC):
    __slots__ = ()

    @abstractmethod
    def query(self) -> Select:
        """A SELECT or PIVOT; ``Queries`` says how."""

    @abstractmethod
    def call(self) -> Expression:
        """A function with its arguments; ``Calls`` says how."""

    def variable(self) -> Expression:
        index = self.index
        following = self.kinds[index + 1]
        if following == "(":
            return self.call()
        self.index = index + 1
        self.kind = following
        return Name(self.texts[index], quoted=False, local=False, at=self.places[index])

    def quoted_variable(self) -> Expression:
        at = self.at
        return Name(self.name("a name"), quoted=True, local=False, at=at)

    def local_variable(self) -> Expression:
        self.expect("@")
        at, quoted = self.at, self.kind == "quoted"
        return Name(self.name("a variable's name"), quoted, local=True, at=at)

    def function_word(self) -> Expression:
        if self.kinds[self.index + 1] != "(":
            raise self.no_term()
        return self.call()

    def parameter(self) -> Expression:
        at = self.expect("?")
        self.parameter_count += 1
        return Parameter(self.parameter_count - 1, at)

    def string(self) -> Expression:
        text, at = self._taken()
        return Literal(unquoted(text), at)

    def integer(self) -> Expression:
        text, at = self._taken()
        return Literal(int_of(text, at), at)

    def decimal(self) -> Expression:
        text, at = self._taken()
        return Literal(decimal_of(text, at), at)

    def ion(self) -> Expression:
        text, at = self._taken()
        return Literal(ion_of(text, at), at)

    def _taken(self) -> tuple[str, Position]:
        index = self.index
        self.advance()
        return self.texts[index], self.places[index]

    def constant(self) -> Expression:
        value = _CONSTANTS[self.kind]
        at = self.at
        self.advance()
        return Literal(value, at)

    def struct(self) -> Expression:
        at = self.expect("{")
        fields = []
        if self.kind != "}":
            fields.append(self._field())
            while self.accept(","):
                fields.append(self._field())
        if not self.accept("}"):
            raise self.unexpected("',' or '}'")
        return StructLiteral(tuple(fields), at)

    def _field(self) -> tuple[Expression, Expression]:
        name = self.expression()
        if not self.accept(":"):
            raise self.unexpected("':'")
        return name, self.expression()

    def array(self) -> Expression:
        at = self.expect("[")
        return ListLiteral(self.items("]"), at)

    def bag(self) -> Expression:
        at = self.expect("<<")
        return BagLiteral(self.items(">>"), at)

    def parenthesis(self) -> Expression:
        at = self.expect("(")
        first = self.expression()
        if self.accept(","):
            return ListLiteral((first, *self.some_items(")")), at)
        if not self.accept(")"):
            raise self.unexpected("')'")
        return first

    def rows(self) -> Expression:
        """``VALUES (a, b), (c, d)``: a bag of lists."""
        at = self.expect("VALUES")
        rows = [self._row()]
        while self.accept(","):
            rows.append(self._row())
        return BagLiteral(tuple(rows), at)

    def _row(self) -> Expression:
        at = self.expect("(")
        return ListLiteral(self.items(")"), at)

    def negation(self) -> Expression:
        at = self.expect("NOT")
        return Unary(Operator.NOT, self.expression(NEGATION), at)

    def minus(self) -> Expression:
        """The minus belongs to the number after it, so that the smallest int can be written."""
        at = self.expect("-")
        text = self.texts[self.index]
        if self.accept("int"):
            return Literal(int_of(text, at, negative=True), at)
        if self.accept("decimal"):
            return Literal(decimal_of(text, at, negative=True), at)
        return Unary(Operator.SUBTRACT, self.expression(TIGHTEST), at)

    def plus(self) -> Expression:
        at = self.expect("+")
        return Unary(Operator.ADD, self.expression(TIGHTEST), at)

    def case(self) -> Expression:
        at = self.expect("CASE")
        operand = None if self.kind == "WHEN" else self.expression()
        branches = [self._branch()]
        while self.kind == "WHEN":
            branches.append(self._branch())
        otherwise = self.expression() if self.accept("ELSE") else None
        self.expect("END")
        return Case(operand, tuple(branches), otherwise, at)

    def _branch(self) -> tuple[Expression, Expression]:
        self.expect("WHEN")
        condition = self.expression()
        self.expect("THEN")
        return condition, self.expression()


Terms.terms = {
    **dict.fromkeys(FUNCTION_WORDS, Terms.function_word),
    **dict.fromkeys(_CONSTANTS, Terms.constant),
    "name": Terms.variable,
    "quoted": Terms.quoted_variable,
    "@": Terms.local_variable,
    "?": Terms.parameter,
    "string": Terms.string,
    "int": Terms.integer,
    "decimal": Terms.decimal,
    "ion": Terms.ion,
    "{": Terms.struct,
    "[": Terms.array,
    "<<": Terms.bag,
    "(": Terms.parenthesis,
    "VALUES": Terms.rows,
    "SELECT": lambda parser: parser.query(),
    "PIVOT": lambda parser: parser.query(),
    "NOT": Terms.negation,
    "-": Terms.minus,
    "+": Terms.plus,
    "CASE": Terms.case,
}
