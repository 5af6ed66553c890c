"""From a statement's text to its syntax tree."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from counterfoil.partiql.grammar.cursor import MAX_DEPTH
from counterfoil.partiql.grammar.depth import check_depth
from counterfoil.partiql.grammar.statements import Statements
from counterfoil.partiql.syntax import Expression, Parsed

# A client repeats a few short statements with other parameters. Longer texts are parsed each time, so that what is kept
# stays below some tens of megabytes whatever clients send.
MAX_CACHED_CHARACTERS: Final = 2_000
CACHED_STATEMENTS: Final = 512


def parse(text: str) -> Parsed:
    """Read a statement.

    Raises ``StatementError`` (phase Lexer or Parser; Semantic for numbers that do not fit), which says where, and
    ``LimitError`` for too long or too deep a statement.
    """
    return _parse_and_keep(text) if len(text) <= MAX_CACHED_CHARACTERS else parse_anew(text)


def parse_anew(text: str) -> Parsed:
    """As ``parse``, without looking whether the text was read before."""
    parser = Statements(text)
    statement = parser.statement()
    # A tree has no more levels than the text has tokens.
    if len(parser.kinds) > MAX_DEPTH:
        check_depth(statement)
    return Parsed(statement, parser.parameter_count)


_parse_and_keep: Final = lru_cache(maxsize=CACHED_STATEMENTS)(parse_anew)


def parse_expression(text: str) -> Expression:
    """Read an expression, a query included; errors as in ``parse``."""
    parser = Statements(text)
    expression = parser.expression()
    parser.finish()
    check_depth(expression)
    return expression
