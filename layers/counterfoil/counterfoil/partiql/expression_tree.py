"""The syntax tree of an expression, queries included.

Nodes are immutable and know where they stand (``at``: line and column, from 1), so that whoever refuses one can say where.
Names of functions are in lower case; identifiers are as written, since QLDB compares them exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, dataclass_transform

from counterfoil.ion.values import Value


@dataclass_transform(frozen_default=True)
def node[Node](shape: type[Node]) -> type[Node]:
    """A class of nodes. That nobody changes one is checked by mypy: at run time it would make each three times as dear."""
    return dataclass(slots=True, unsafe_hash=True)(shape)


class Position(NamedTuple):
    """A place in the statement's text, from 1."""

    line: int
    column: int


NOWHERE: Final = Position(0, 0)


# ---- expressions -----------------------------------------------------------------------------------------------------


@node
class Literal:
    """A value written into the statement, Ion in backticks included; ``MISSING`` and null too."""

    value: Value
    at: Position


@node
class Parameter:
    """A ``?``; ``index`` counts from 0 in the order of the text."""

    index: int
    at: Position


@node
class Name:
    """A reference to a variable, a table or a field of the only source. ``local`` (``@name``) looks at variables alone."""

    name: str
    quoted: bool
    local: bool
    at: Position


@node
class FieldStep:
    """``.name`` or ``."name"``."""

    name: str
    quoted: bool
    at: Position


@node
class IndexStep:
    """``[expression]``: an element by number or a field by name."""

    index: Expression
    at: Position


@node
class AllElementsStep:
    """``[*]``"""

    at: Position


@node
class AllFieldsStep:
    """``.*``"""

    at: Position


Step = FieldStep | IndexStep | AllElementsStep | AllFieldsStep


@node
class Path:
    root: Expression
    steps: tuple[Step, ...]
    at: Position


class Operator(StrEnum):
    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"
    MODULO = "%"
    CONCATENATE = "||"
    EQUAL = "="
    UNEQUAL = "<>"
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    AND = "AND"
    OR = "OR"
    NOT = "NOT"


@node
class Unary:
    """``NOT``, ``+`` or ``-``."""

    operator: Operator
    operand: Expression
    at: Position


@node
class Binary:
    operator: Operator
    left: Expression
    right: Expression
    at: Position


@node
class Between:
    value: Expression
    low: Expression
    high: Expression
    negated: bool
    at: Position


@node
class Like:
    value: Expression
    pattern: Expression
    escape: Expression | None
    negated: bool
    at: Position


@node
class In:
    """``collection`` is any expression; ``IN (a, b)`` is a ``ListLiteral``."""

    value: Expression
    collection: Expression
    negated: bool
    at: Position


@node
class DataType:
    """A type as written, in lower case: ``varchar``, ``decimal``, ``missing``, ``double precision``; with its numbers, if any."""

    name: str
    arguments: tuple[int, ...]
    at: Position


@node
class Is:
    value: Expression
    type: DataType
    negated: bool
    at: Position


@node
class Cast:
    value: Expression
    type: DataType
    at: Position


@node
class Call:
    """A function with its arguments.

    Those with words of their own among the arguments become literals of lower-case text: ``extract(year FROM x)`` is
    ``("year", x)``, ``date_add(day, 1, x)`` is ``("day", 1, x)``, ``trim(both 'a' FROM x)`` is ``("both", 'a', x)`` with a
    blank for characters that are not given; ``substring(x FROM 2 FOR 3)`` is ``(x, 2, 3)``.
    """

    function: str
    arguments: tuple[Expression, ...]
    at: Position


@node
class Aggregate:
    """``COUNT``, ``SUM``, ``AVG``, ``MIN`` or ``MAX`` (lower case); without an argument it is ``COUNT(*)``."""

    function: str
    argument: Expression | None
    distinct: bool
    at: Position


@node
class Case:
    """With an ``operand`` the branches are compared with it, without they are conditions."""

    operand: Expression | None
    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None
    at: Position


@node
class StructLiteral:
    fields: tuple[tuple[Expression, Expression], ...]
    at: Position


@node
class ListLiteral:
    """``[a, b]`` and ``(a, b)``."""

    items: tuple[Expression, ...]
    at: Position


@node
class BagLiteral:
    items: tuple[Expression, ...]
    at: Position


@node
class SexpLiteral:
    """``sexp(a, b)``"""

    items: tuple[Expression, ...]
    at: Position


# ---- queries ---------------------------------------------------------------------------------------------------------


@node
class Item:
    """``expression AS alias``"""

    expression: Expression
    alias: str | None
    at: Position


@node
class AllOf:
    """``source.*`` in a list of items."""

    expression: Expression
    at: Position


@node
class SelectStar:
    at: Position


@node
class SelectItems:
    items: tuple[Item | AllOf, ...]
    at: Position


@node
class SelectValue:
    expression: Expression
    at: Position


@node
class SelectPivot:
    """``PIVOT value AT name``"""

    value: Expression
    name: Expression
    at: Position


Projection = SelectStar | SelectItems | SelectValue | SelectPivot


@node
class Source:
    """``expression AS alias AT position BY document_id``; without ``AS`` the alias is the last name of the expression, if any."""

    expression: Expression
    alias: str | None
    position_alias: str | None
    id_alias: str | None
    unpivot: bool
    at: Position


class JoinKind(StrEnum):
    """A comma and ``CROSS JOIN`` are ``INNER`` without a condition; the parser refuses the others by name."""

    INNER = "INNER"
    LEFT = "LEFT"
    RIGHT = "RIGHT"
    FULL = "FULL"


@node
class Join:
    kind: JoinKind
    left: From
    right: From
    condition: Expression | None
    at: Position


From = Source | Join


@node
class GroupKey:
    expression: Expression
    alias: str | None
    at: Position


@node
class OrderKey:
    expression: Expression
    descending: bool
    nulls_first: bool | None
    at: Position


@node
class Select:
    """A query. ``partial`` groups (``GROUP PARTIAL BY``) are refused by the parser."""

    projection: Projection
    distinct: bool
    source: From | None
    where: Expression | None
    group_by: tuple[GroupKey, ...]
    group_as: str | None
    having: Expression | None
    order_by: tuple[OrderKey, ...]
    limit: Expression | None
    offset: Expression | None
    at: Position


Expression = (
    Literal
    | Parameter
    | Name
    | Path
    | Unary
    | Binary
    | Between
    | Like
    | In
    | Is
    | Cast
    | Call
    | Aggregate
    | Case
    | StructLiteral
    | ListLiteral
    | BagLiteral
    | SexpLiteral
    | Select
)


def name_of(expression: Expression) -> str | None:
    """The name that a value goes by where none was given: a variable's own, or the last of a path."""
    if isinstance(expression, Name):
        return expression.name
    if not isinstance(expression, Path):
        return None
    last = expression.steps[-1]
    if isinstance(last, FieldStep):
        return last.name
    if isinstance(last, IndexStep) and isinstance(last.index, Literal) and type(last.index.value) is str:
        return last.index.value
    return None
