"""Trees as Python closures: what rule-engine's own evaluation gives, some forty times faster, and exactly.

A tree that was checked cannot fail when it runs: types fit, nothing is null, and numbers are bounded (``vocabulary``), so that
``money.EXACT`` never has to round.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from counterfoil.detection.expressions.trees import Tree, literal, type_of
from counterfoil.detection.expressions.vocabulary import Type, Vocabulary
from counterfoil.detection.money import EXACT
from counterfoil.errors import InputError

# Takes what the kind hands to its conditions.
type Condition = Callable[[Any], bool]

_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
_COUNT: Final[Mapping[str, Callable[[Any, Any], Decimal]]] = {
    "add": EXACT.add,
    "sub": EXACT.subtract,
    "mul": EXACT.multiply,
}


def compile_tree(tree: Tree, vocabulary: Vocabulary) -> Condition:
    """The closure of a condition; ``InputError`` where the tree is none or is not about true and false."""
    found = type_of(tree, vocabulary)
    if found is not Type.FLAG:
        raise InputError(f"a condition says true or false; this one is a {found}")
    return _compiled(tree, vocabulary)


def _compiled(tree: Tree, vocabulary: Vocabulary) -> Callable[[Any], Any]:
    name, *parts = tree
    if name == "symbol":
        return vocabulary[parts[0]].read
    if (value := literal(tree)) is not None:
        return lambda _: value
    if name == "in":
        return _listed(parts[0], parts[1], vocabulary)
    if name in _COMPARE and (value := literal(parts[1])) is not None:
        return _against(_COMPARE[name], _compiled(parts[0], vocabulary), value)
    return _joined(name, [_compiled(part, vocabulary) for part in parts])


def _joined(name: str, parts: list[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    first, last = parts[0], parts[-1]
    match name:
        case "and":
            return lambda subject: first(subject) and last(subject)
        case "or":
            return lambda subject: first(subject) or last(subject)
        case "not":
            return lambda subject: not first(subject)
        case "minus":
            return lambda subject: EXACT.minus(first(subject))
        case "within":
            return lambda subject: first(subject) in last(subject)
    compute = _COMPARE[name] if name in _COMPARE else _COUNT[name]
    return lambda subject: compute(first(subject), last(subject))


def _against(compare: Callable[[Any, Any], bool], read: Callable[[Any], Any], value: Any) -> Callable[[Any], bool]:
    return lambda subject: compare(read(subject), value)


def _listed(member: Tree, listed: list[Tree], vocabulary: Vocabulary) -> Callable[[Any], bool]:
    read, values = _compiled(member, vocabulary), frozenset(literal(each) for each in listed)
    return lambda subject: read(subject) in values
