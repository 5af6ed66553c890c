"""Literals, parameters, constructors, calls and CASE as closures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from counterfoil.ion.values import RepeatedStruct, Sexp, Value
from counterfoil.partiql.compilation import (
    PARAMETERS,
    WORKSPACE,
    Compilation,
    Evaluate,
    Frame,
    Handler,
    Scope,
    reader_of,
    shape_of,
    truth,
)
from counterfoil.partiql.equality import equality
from counterfoil.partiql.faults import evaluator_fault, semantic_fault
from counterfoil.partiql.functions import FUNCTIONS, Function
from counterfoil.partiql.functions.aggregates import aggregate_collection
from counterfoil.partiql.kinds import bare, is_text, is_unknown, type_name
from counterfoil.partiql.syntax import (
    Aggregate,
    BagLiteral,
    Call,
    Case,
    ListLiteral,
    Literal,
    Parameter,
    Position,
    SexpLiteral,
    StructLiteral,
)
from counterfoil.partiql.values import MISSING, Bag


def _compile_literal(node: Literal, _scope: Scope, _compilation: Compilation) -> Evaluate:
    value = node.value
    return lambda _: value


def _compile_parameter(node: Parameter, _scope: Scope, compilation: Compilation) -> Evaluate:
    index = node.index
    compilation.parameter_count = max(compilation.parameter_count, index + 1)
    return lambda frame: frame[PARAMETERS][index]


def _compile_sequence(node: ListLiteral | BagLiteral | SexpLiteral, scope: Scope, compilation: Compilation) -> Evaluate:
    items = [compilation.expression(item, scope) for item in node.items]
    make: Callable[[list[Value]], list[Value]] = _SEQUENCES[type(node)]
    return lambda frame: make([item(frame) for item in items])


_SEQUENCES: Final[dict[type, Callable[[list[Value]], list[Value]]]] = {
    ListLiteral: lambda items: items,
    BagLiteral: Bag,
    SexpLiteral: Sexp,
}


def _compile_struct(node: StructLiteral, scope: Scope, compilation: Compilation) -> Evaluate:
    values = [compilation.expression(value, scope) for _, value in node.fields]
    names = [name.value for name, _ in node.fields if isinstance(name, Literal) and isinstance(name.value, str)]
    if len(names) == len(values):
        return struct_of(list(zip(map(str, names), values, strict=True)))
    keys = [compilation.expression(name, scope) for name, _ in node.fields]
    at = node.at
    return lambda frame: make_struct(
        [(_field_name(key(frame), at), value(frame)) for key, value in zip(keys, values, strict=True)]
    )


def struct_of(fields: list[tuple[str, Evaluate]]) -> Evaluate:
    """A struct of fields whose names are known; those that are MISSING are left out."""
    if len({name for name, _ in fields}) < len(fields):
        return lambda frame: make_struct([(name, value(frame)) for name, value in fields])

    def struct(frame: Frame) -> dict[str, Value]:
        made = {}
        for name, value in fields:
            field = value(frame)
            if field is not MISSING:
                made[name] = field
        return made

    return struct


def make_struct(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    """A struct of the fields that are not MISSING; a name may come twice."""
    present = [(name, value) for name, value in pairs if value is not MISSING]
    made = dict(present)
    return made if len(made) == len(present) else RepeatedStruct(present)


def _field_name(value: Value, at: Position) -> str:
    if is_text(value):
        return str(bare(value))
    raise evaluator_fault(f"the name of a field must be a text, not a {type_name(value)}", at)


def _compile_call(node: Call, scope: Scope, compilation: Compilation) -> Evaluate:
    at = node.at
    if node.function in _OF_TRANSACTION:
        if node.arguments:
            raise semantic_fault(f"{node.function.upper()} takes no arguments", at)
        return _OF_TRANSACTION[node.function]
    function = FUNCTIONS.get(node.function)
    if function is None:
        raise semantic_fault(f"No such function: {node.function}", at)
    _check_count(node, function)
    arguments = [compilation.expression(argument, scope) for argument in node.arguments]
    if node.function == "coalesce":
        return _coalesce(arguments)
    return _call(function, arguments, at)


def _check_count(node: Call, function: Function) -> None:
    if not function.fewest <= len(node.arguments) <= function.most:
        expected = f"{function.fewest}" + (f" to {function.most}" if function.most > function.fewest else "")
        raise semantic_fault(f"{node.function.upper()} takes {expected} arguments, not {len(node.arguments)}", node.at)


def _coalesce(arguments: list[Evaluate]) -> Evaluate:
    """The arguments behind the first known one are not computed."""
    return lambda frame: next((value for part in arguments if not is_unknown(value := part(frame))), None)


def _call(function: Function, arguments: list[Evaluate], at: Position) -> Evaluate:
    call, takes_unknown = function.call, function.takes_unknown

    def run(frame: Frame) -> Value:
        values = [argument(frame) for argument in arguments]
        if not takes_unknown and any(map(is_unknown, values)):
            return None
        return call(values, at)

    return run


_OF_TRANSACTION: Final[dict[str, Evaluate]] = {
    "utcnow": lambda frame: frame[WORKSPACE].now,
    "txid": lambda frame: frame[WORKSPACE].transaction_id,
}


def _compile_aggregate(node: Aggregate, scope: Scope, compilation: Compilation) -> Evaluate:
    collector = scope.collector
    if collector is not None and collector.collects(node):
        shape = shape_of(node)
        if shape not in collector.calls:
            argument = compilation.expression(node.argument, collector.scope) if node.argument else None
            collector.calls[shape] = (node, argument, compilation.new_slot())
        return reader_of(collector.calls[shape][2])
    if node.argument is None:
        raise semantic_fault("COUNT(*) stands only among the items of a query, in HAVING or in ORDER BY", node.at)
    function, distinct, at = node.function, node.distinct, node.at
    collection = compilation.expression(node.argument, scope)
    return lambda frame: aggregate_collection(function, collection(frame), at, distinct=distinct)


def _compile_case(node: Case, scope: Scope, compilation: Compilation) -> Evaluate:
    branches = [
        (compilation.expression(when, scope), compilation.expression(then, scope)) for when, then in node.branches
    ]
    otherwise = compilation.expression(node.otherwise, scope) if node.otherwise else _nothing
    at = node.at
    if node.operand is None:
        return lambda frame: next((then for when, then in branches if truth(when(frame), at)), otherwise)(frame)
    operand = compilation.expression(node.operand, scope)

    def choose(frame: Frame) -> Value:
        value = operand(frame)
        return next((then for when, then in branches if equality(value, when(frame))), otherwise)(frame)

    return choose


def _nothing(_: Frame) -> Value:
    return None


HANDLERS: Final[dict[type, Handler]] = {
    Literal: _compile_literal,
    Parameter: _compile_parameter,
    ListLiteral: _compile_sequence,
    BagLiteral: _compile_sequence,
    SexpLiteral: _compile_sequence,
    StructLiteral: _compile_struct,
    Call: _compile_call,
    Aggregate: _compile_aggregate,
    Case: _compile_case,
}
