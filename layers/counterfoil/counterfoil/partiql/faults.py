"""What a statement's failure is raised as: the one error type, with the place in the text."""

from __future__ import annotations

from counterfoil.errors import StatementError
from counterfoil.partiql.syntax import Position


def evaluator_fault(what: str, at: Position) -> StatementError:
    """The statement met a value with which it cannot be carried out."""
    return StatementError("Evaluator", what, at.line, at.column)


def semantic_fault(what: str, at: Position) -> StatementError:
    """The statement cannot be carried out with any values."""
    return StatementError("Semantic", what, at.line, at.column)
