"""Names and paths as closures.

A name is a variable, the innermost first; else a field of the sources' values, searched when the row is there; else a value of the
environment. A path over a value of another type gives MISSING, and so does a field that is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from counterfoil.ion.values import RepeatedStruct, Sexp, Value, pairs_of
from counterfoil.partiql.compilation import Compilation, Evaluate, Frame, Handler, Scope, reader_of, shape_of
from counterfoil.partiql.faults import evaluator_fault, semantic_fault
from counterfoil.partiql.kinds import Kind, bare, is_unknown, kind_of, type_name
from counterfoil.partiql.syntax import (
    AllElementsStep,
    AllFieldsStep,
    Expression,
    FieldStep,
    IndexStep,
    Literal,
    Name,
    Path,
    Position,
    Step,
)
from counterfoil.partiql.values import MISSING, Bag


def field_of(value: Value, name: str, at: Position) -> Value:
    """The field of a struct; MISSING if it is not there or the value is no struct. A name that comes twice is ambiguous."""
    struct = bare(value)
    if type(struct) is RepeatedStruct and sum(other == name for other, _ in struct.pairs) > 1:
        raise evaluator_fault(f"the field {name} comes more than once", at)
    return struct.get(name, MISSING) if isinstance(struct, dict) else MISSING


def element_of(value: Value, index: Value, at: Position) -> Value:
    """``value[index]``: an element of a list by position, or a field of a struct by name."""
    key = bare(index)
    if type(key) is int:
        items = bare(value)
        ordered = type(items) is list or type(items) is Sexp
        return items[key] if ordered and 0 <= key < len(items) else MISSING
    if isinstance(key, str):
        return field_of(value, key, at)
    if is_unknown(key):
        return MISSING
    raise evaluator_fault(f"a {type_name(index)} in brackets is neither a position nor a name", at)


def compile_name(node: Name, scope: Scope, compilation: Compilation) -> Evaluate:
    slot = scope.variable(node.name)
    if slot is not None:
        return reader_of(slot)
    if scope.hides(node.name):
        raise semantic_fault(f"{node.name} is neither grouped nor aggregated", node.at)
    sources = [] if node.local else scope.all_sources()
    otherwise = compilation.global_value(node.name)
    if not sources:
        if otherwise is None:
            raise semantic_fault(f"No such variable: {node.name}", node.at)
        return otherwise
    return _search(sources, node, otherwise)


def _search(slots: list[int], node: Name, otherwise: Evaluate | None) -> Evaluate:
    """A field of the first source that has it."""
    name, at = node.name, node.at
    if len(slots) == 1 and otherwise is None:
        slot = slots[0]

        def field(frame: Frame) -> Value:
            value = frame[slot]
            return value.get(name, MISSING) if type(value) is dict else field_of(value, name, at)

        return field

    def search(frame: Frame) -> Value:
        for slot in slots:
            found = field_of(frame[slot], name, at)
            if found is not MISSING:
                return found
        return MISSING if otherwise is None else otherwise(frame)

    return search


def compile_path(node: Path, scope: Scope, compilation: Compilation) -> Evaluate:
    """Steps up to the first ``[*]`` or ``.*`` go one by one, those behind it over every element."""
    replaced = _grouped_prefix(node, scope)
    if replaced is not None:
        return compilation.expression(replaced, scope)
    root = compilation.expression(node.root, scope)
    steps = list(node.steps)
    while steps and not isinstance(steps[0], AllElementsStep | AllFieldsStep):
        root = _step(root, steps.pop(0), scope, compilation)
    return _spread(root, steps, scope, compilation) if steps else root


def _grouped_prefix(node: Path, scope: Scope) -> Path | None:
    """``t.a.b`` where ``t.a`` is grouped: the path from there."""
    for length in range(len(node.steps) - 1, 0, -1) if scope.replacements else ():
        prefix = Path(node.root, node.steps[:length], node.at)
        if shape_of(prefix) in scope.replacements:
            return Path(prefix, node.steps[length:], node.at)
    return None


def static_field(step: Step) -> str | None:
    """The name in ``.name`` and ``['name']``."""
    if isinstance(step, FieldStep):
        return step.name
    if isinstance(step, IndexStep) and isinstance(step.index, Literal) and isinstance(step.index.value, str):
        return str(step.index.value)
    return None


def _step(of: Evaluate, step: Step, scope: Scope, compilation: Compilation) -> Evaluate:
    at = step.at
    name = static_field(step)
    if name is not None:
        return _field_step(of, name, at)
    assert isinstance(step, IndexStep)
    index = compilation.expression(step.index, scope)
    return lambda frame: element_of(of(frame), index(frame), at)


def _field_step(of: Evaluate, name: str, at: Position) -> Evaluate:
    def field(frame: Frame) -> Value:
        value = of(frame)
        return value.get(name, MISSING) if type(value) is dict else field_of(value, name, at)

    return field


def _spread(of: Evaluate, steps: list[Step], scope: Scope, compilation: Compilation) -> Evaluate:
    """A bag of what the steps lead to."""
    walkers = [_walker(step, scope, compilation) for step in steps]

    def spread(frame: Frame) -> Bag:
        values: list[Value] = [of(frame)]
        for walker in walkers:
            values = [found for value in values for found in walker(value, frame)]
        return Bag(values)

    return spread


Walker = Callable[[Value, Frame], Iterator[Value] | list[Value]]


def _walker(step: Step, scope: Scope, compilation: Compilation) -> Walker:
    if isinstance(step, AllElementsStep):
        return lambda value, _: elements_of(value)
    if isinstance(step, AllFieldsStep):
        return lambda value, _: _fields_of(value)
    slot = compilation.new_slot()
    follow = _step(reader_of(slot), step, scope, compilation)

    def one(value: Value, frame: Frame) -> list[Value]:
        frame[slot] = value
        return [follow(frame)]

    return one


def elements_of(value: Value) -> list[Value]:
    """What FROM and ``[*]`` range over: the elements of a list or bag, or the value itself."""
    items = bare(value)
    return items if type(items) is list or type(items) is Bag else [value]


def _fields_of(value: Value) -> list[Value]:
    struct = bare(value)
    return [field for _, field in pairs_of(struct)] if kind_of(struct) is Kind.STRUCT else [value]


def last_name(node: Expression) -> str | None:
    """The name that an expression has without an alias: of a variable or of the last step of a path."""
    if isinstance(node, Name):
        return node.name
    return static_field(node.steps[-1]) if isinstance(node, Path) and node.steps else None


HANDLERS: Final[dict[type, Handler]] = {Name: compile_name, Path: compile_path}
