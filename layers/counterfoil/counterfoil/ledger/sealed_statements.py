"""Which statements a table with sealed fields takes: a statement's text is in the journal for ever, so values come as parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any, Final

from counterfoil.errors import StatementError
from counterfoil.partiql.syntax import Call, IndexStep, Literal, Select, StructLiteral
from counterfoil.partiql.values import MISSING

# Functions whose first argument is a word of the language: extract(year FROM x), trim(both FROM x).
_WORDED: Final = frozenset({"extract", "date_add", "date_diff", "trim"})


def refuse_literals(statement: Any, table_name: str) -> None:
    """Raise ``StatementError`` if a statement's text has a value in it: a string, a number, Ion.

    Not meant are names of fields, places in lists, LIMIT and OFFSET, true, false, null and missing.
    """
    for literal in _literals(statement):
        if not _says_nothing(literal.value):
            raise StatementError(
                "Semantic",
                f"table {table_name} has sealed fields, and the text of a statement stays in the journal: "
                "hand every value over as a parameter (?)",
                *literal.at,
            )


def _says_nothing(value: Any) -> bool:
    # A blank is what trim() takes away where nothing is said.
    return value is None or value is MISSING or type(value) is bool or value == " "


def _literals(tree: Any) -> Iterator[Literal]:
    if isinstance(tree, Literal):
        yield tree
    else:
        for each in _children(tree):
            yield from _literals(each)


def _children(tree: Any) -> Iterable[Any]:
    """The parts of a tree in which a value may stand."""
    match tree:
        case tuple():
            return tree
        case IndexStep(index=Literal()):
            return ()
        case Call():
            return tree.arguments[tree.function in _WORDED :]
        case StructLiteral():
            return (part for pair in tree.fields for part in (pair[isinstance(pair[0], Literal) :]))
        case Select():
            bounds = {"limit", "offset"}
            parts = ((each.name, getattr(tree, each.name)) for each in fields(tree))
            return [part for name, part in parts if not (name in bounds and isinstance(part, Literal))]
        case _ if is_dataclass(tree):
            return [getattr(tree, each.name) for each in fields(tree)]
        case _:
            return ()
