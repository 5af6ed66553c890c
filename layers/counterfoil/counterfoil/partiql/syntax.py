"""The syntax tree of a statement.

Nodes are immutable and know where they stand (``at``: line and column, from 1), so that whoever refuses one can say where.
Names of functions are in lower case; identifiers are as written, since QLDB compares them exactly.
"""

from __future__ import annotations

from typing import NamedTuple

from counterfoil.partiql.expression_tree import (
    NOWHERE,
    Aggregate,
    AllElementsStep,
    AllFieldsStep,
    AllOf,
    BagLiteral,
    Between,
    Binary,
    Call,
    Case,
    Cast,
    DataType,
    Expression,
    FieldStep,
    From,
    GroupKey,
    In,
    IndexStep,
    Is,
    Item,
    Join,
    JoinKind,
    Like,
    ListLiteral,
    Literal,
    Name,
    Operator,
    OrderKey,
    Parameter,
    Path,
    Position,
    Projection,
    Select,
    SelectItems,
    SelectPivot,
    SelectStar,
    SelectValue,
    SexpLiteral,
    Source,
    Step,
    StructLiteral,
    Unary,
    name_of,
    node,
)

__all__ = [
    "NOWHERE",
    "Aggregate",
    "AllElementsStep",
    "AllFieldsStep",
    "AllOf",
    "BagLiteral",
    "Between",
    "Binary",
    "Call",
    "Case",
    "Cast",
    "Change",
    "CreateIndex",
    "CreateTable",
    "DataType",
    "Delete",
    "DropIndex",
    "DropTable",
    "Execute",
    "Expression",
    "FieldStep",
    "From",
    "GroupKey",
    "In",
    "IndexStep",
    "Insert",
    "InsertInto",
    "Is",
    "Item",
    "Join",
    "JoinKind",
    "Like",
    "ListLiteral",
    "Literal",
    "Name",
    "Operator",
    "OrderKey",
    "Parameter",
    "Parsed",
    "Path",
    "Position",
    "Projection",
    "Query",
    "Remove",
    "Select",
    "SelectItems",
    "SelectPivot",
    "SelectStar",
    "SelectValue",
    "SetField",
    "SexpLiteral",
    "Source",
    "Statement",
    "Step",
    "StructLiteral",
    "Unary",
    "UndropTable",
    "Update",
    "name_of",
]


@node
class Query:
    """A ``SELECT``, or a bare expression, whose value is the only row."""

    expression: Expression
    at: Position


@node
class Insert:
    """``INSERT INTO table VALUE d`` and ``INSERT INTO table d``.

    With ``many`` ``documents`` gives a collection of documents (``<< … >>``, ``VALUES``, or a parameter that holds a list, which only
    the value can tell: see ``evaluate``); else it gives one document.
    """

    table: Name
    documents: Expression
    many: bool
    at: Position


@node
class SetField:
    """``SET target = value``"""

    target: Expression
    value: Expression
    at: Position


@node
class InsertInto:
    """``INSERT INTO target VALUE value [AT position]`` inside an update."""

    target: Expression
    value: Expression
    position: Expression | None
    at: Position


@node
class Remove:
    """``REMOVE target``; of the alias itself it deletes the document."""

    target: Expression
    at: Position


Change = SetField | InsertInto | Remove


@node
class Update:
    """``UPDATE … SET``, ``UPDATE … INSERT``, ``UPDATE … REMOVE`` and the same that begin with ``FROM``.

    ``source`` is the table with its alias; in the ``FROM`` form it may be a join of the table with collections inside it.
    """

    source: From
    changes: tuple[Change, ...]
    where: Expression | None
    at: Position


@node
class Delete:
    source: Source
    where: Expression | None
    at: Position


@node
class CreateTable:
    table: str
    tags: Literal | None
    at: Position


@node
class DropTable:
    table: str
    at: Position


@node
class UndropTable:
    table_id: str
    at: Position


@node
class CreateIndex:
    table: str
    field: str
    at: Position


@node
class DropIndex:
    """``DROP INDEX "id" ON table WITH (purge = true)``"""

    index_id: str
    table: str
    at: Position


@node
class Execute:
    """``EXEC procedure argument, …``; the procedures are ``REDACT_REVISION`` and ``ERASE_DOCUMENT``."""

    procedure: str
    arguments: tuple[Expression, ...]
    at: Position


Statement = Query | Insert | Update | Delete | CreateTable | DropTable | UndropTable | CreateIndex | DropIndex | Execute


class Parsed(NamedTuple):
    """A statement with the number of its parameters."""

    statement: Statement
    parameter_count: int
