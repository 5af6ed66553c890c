"""From a syntax tree to what can be run: statements over a ledger's tables, expressions, queries over plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import DecimalException
from typing import Final, NamedTuple

from counterfoil.errors import StatementError
from counterfoil.ion.values import Value
from counterfoil.partiql import compile_expressions, compile_names, compile_operators, compile_queries
from counterfoil.partiql.compilation import Compilation, Frame, Handler, Scope
from counterfoil.partiql.compile_changes import compile_delete, compile_insert, compile_update
from counterfoil.partiql.compile_queries import compile_query
from counterfoil.partiql.documents import storable
from counterfoil.partiql.faults import semantic_fault
from counterfoil.partiql.parser import parse
from counterfoil.partiql.plainness import is_plain
from counterfoil.partiql.syntax import Delete, Expression, Insert, Query, Select, SelectPivot, Update
from counterfoil.partiql.tables import Action, Catalogue, Workspace
from counterfoil.partiql.values import MISSING

Run = Callable[[Frame], Iterator[Value]]

_HANDLERS: Final[dict[type, Handler]] = {
    **compile_names.HANDLERS,
    **compile_operators.HANDLERS,
    **compile_expressions.HANDLERS,
    **compile_queries.HANDLERS,
}


class CompiledStatement(NamedTuple):
    """A query or change, ready to be run any number of times."""

    actions: frozenset[tuple[Action, str]]
    writes: bool
    is_point: bool
    parameter_count: int
    slot_count: int
    rows: Run

    def run(self, workspace: Workspace, parameters: tuple[Value, ...] = ()) -> Iterator[Value]:
        """The result's rows, as Ion has them; a ``StatementError`` or ``LimitError`` may come with any of them."""
        if len(parameters) < self.parameter_count:
            raise StatementError(
                "Evaluator", f"{len(parameters)} parameters for a statement that needs {self.parameter_count}"
            )
        return _guarded(self.rows, [parameters, workspace, *[MISSING] * (self.slot_count - 2)])


def compile_statement(statement: Query | Insert | Update | Delete, catalogue: Catalogue) -> CompiledStatement:
    """The plan of a statement; a table or function that is not there is a ``StatementError`` (Semantic)."""
    compilation = Compilation(_HANDLERS, catalogue)
    try:
        rows = _compile(statement, compilation)
    except RecursionError:
        raise semantic_fault("the statement is nested too deeply", statement.at) from None
    return CompiledStatement(
        frozenset(compilation.actions),
        not isinstance(statement, Query),
        compilation.keyed_loops <= 1 and not compilation.has_other_loops,
        compilation.parameter_count,
        compilation.slot_count,
        rows,
    )


def compile_expression(expression: Expression) -> Callable[[tuple[Value, ...]], Value]:
    """An expression that names nothing, as a function of the parameters."""
    compilation = Compilation(_HANDLERS)
    value = compilation.expression(expression, Scope())

    def run(parameters: tuple[Value, ...]) -> Value:
        if len(parameters) < compilation.parameter_count:
            raise StatementError(
                "Evaluator", f"{len(parameters)} parameters for an expression that needs {compilation.parameter_count}"
            )
        frame = [parameters, None, *[MISSING] * (compilation.slot_count - 2)]
        return next(_guarded(lambda frame: iter([value(frame)]), frame))

    return run


def evaluate(text: str, environment: Mapping[str, Value] | None = None, parameters: tuple[Value, ...] = ()) -> Value:
    """The value of a query or expression over values by name: a ``Bag`` of rows, a list if they are ordered, or any value.

    >>> evaluate("SELECT VALUE p.name FROM people AS p WHERE p.age > ?", {"people": [{"name": "Ada", "age": 36}]}, (30,))
    ['Ada']
    """
    statement = parse(text).statement
    if not isinstance(statement, Query):
        raise semantic_fault("only a query or an expression can be evaluated without a ledger", statement.at)
    compilation = Compilation(_HANDLERS, environment=environment)
    try:
        value = compilation.expression(statement.expression, Scope())
    except RecursionError:
        raise semantic_fault("the statement is nested too deeply", statement.at) from None
    if len(parameters) < compilation.parameter_count:
        raise StatementError("Evaluator", f"{len(parameters)} parameters, {compilation.parameter_count} needed")
    frame = [parameters, None, *[MISSING] * (compilation.slot_count - 2)]
    return next(_guarded(lambda frame: iter([value(frame)]), frame))


def _compile(statement: Query | Insert | Update | Delete, compilation: Compilation) -> Run:
    match statement:
        case Query():
            return _compile_query(statement.expression, compilation)
        case Insert():
            return compile_insert(statement, compilation)
        case Update():
            return compile_update(statement, compilation)
        case Delete():
            return compile_delete(statement, compilation)


def _compile_query(expression: Expression, compilation: Compilation) -> Run:
    """A SELECT's rows, or the one value of another expression; MISSING is no row."""
    if isinstance(expression, Select) and not isinstance(expression.projection, SelectPivot):
        rows = compile_query(expression, None, compilation).rows
        if _is_plain(expression):
            return rows
        return lambda frame: (storable(row) for row in rows(frame) if row is not MISSING)
    value = compilation.expression(expression, Scope())
    return lambda frame: (storable(row) for row in (value(frame),) if row is not MISSING)


def _is_plain(query: Select) -> bool:
    """Whether every row is a struct of plain values, so that none need be looked through."""
    return (
        query.group_as is None
        and is_plain((query.projection, query.source))
        and type(query.projection).__name__ in {"SelectStar", "SelectItems"}
    )


def _guarded(run: Run, frame: Frame) -> Iterator[Value]:
    """What Python raises for values too deep or too large becomes a ``StatementError``."""
    try:
        yield from run(frame)
    except RecursionError:
        raise StatementError("Evaluator", "a value is nested too deeply") from None
    except (DecimalException, OverflowError, MemoryError) as error:
        raise StatementError("Evaluator", f"a value is too large to calculate with ({type(error).__name__})") from None
