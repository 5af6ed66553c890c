"""A condition as a tree of plain JSON: lists that begin with the name of their node, checked for their types.

["and", ["ge", ["symbol", "amount"], ["number", "5000"]], ["symbol", "counterparty_is_new"]]
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from counterfoil.detection.expressions.vocabulary import MAX_LISTED, MAX_NESTING, MAX_OPERATORS, Type, Vocabulary
from counterfoil.detection.money import parse_amount_text
from counterfoil.errors import InputError

# A node: its name, then its parts.
type Tree = Sequence[Any]

COMPARED: Final = ("lt", "le", "gt", "ge")
COUNTED: Final = ("add", "sub", "mul")

_NUMBERS: Final = (Type.NUMBER, Type.NUMBER)
_FLAGS: Final = (Type.FLAG, Type.FLAG)

# Of each operator the types that it takes and the one that it gives.
_OPERATORS: Final[Mapping[str, tuple[tuple[Type, ...], Type]]] = {
    "and": (_FLAGS, Type.FLAG),
    "or": (_FLAGS, Type.FLAG),
    "not": ((Type.FLAG,), Type.FLAG),
    "minus": ((Type.NUMBER,), Type.NUMBER),
    "within": ((Type.TEXT, Type.TEXT), Type.FLAG),
    **dict.fromkeys(COMPARED, (_NUMBERS, Type.FLAG)),
    **dict.fromkeys(COUNTED, (_NUMBERS, Type.NUMBER)),
}

# A chain of operators without brackets leans to one side: it is as deep as it has operators.
_MAX_DEPTH: Final = MAX_NESTING + MAX_OPERATORS


def type_of(tree: Any, vocabulary: Vocabulary, depth: int = 0) -> Type:
    """The type of a tree; ``InputError`` where it is none, or where types do not fit."""
    if not isinstance(tree, (list, tuple)) or len(tree) < 2 or depth > _MAX_DEPTH:
        raise InputError(f"not a node of a condition: {repr(tree)[:80]}")
    name, *parts = tree
    match name, parts:
        case "symbol", [str() as symbol] if symbol in vocabulary:
            return vocabulary[symbol].type
        case "number", [str() as digits]:
            parse_amount_text(digits)
            return Type.NUMBER
        case "text", [str()]:
            return Type.TEXT
        case "flag", [bool()]:
            return Type.FLAG
        case (("eq" | "ne"), [left, right]):
            _same(type_of(left, vocabulary, depth + 1), type_of(right, vocabulary, depth + 1), name)
            return Type.FLAG
        case "in", [member, [*listed]] if 0 < len(listed) <= MAX_LISTED:
            expected = type_of(member, vocabulary, depth + 1)
            for each in listed:
                if not isinstance(each, (list, tuple)) or not each or each[0] not in {"number", "text"}:
                    raise InputError("a list in a condition holds numbers or texts, written out")
                _same(expected, type_of(each, vocabulary), name)
            return Type.FLAG
    return _operator(name, [type_of(part, vocabulary, depth + 1) for part in parts])


def literal(tree: Tree) -> Decimal | str | bool | None:
    """The value of a number, a text or a flag that is written out; ``None`` for anything else."""
    match tree:
        case "number", str() as digits:
            return Decimal(digits)
        case (("text" | "flag"), (str() | bool()) as value):
            return value
    return None


def asked_first(tree: Tree) -> Tree:
    """The part of a condition that is looked at first, and without which it does not hold."""
    while tree[0] == "and":
        tree = tree[1]
    return tree


def render_tree(tree: Tree) -> str:
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":"))


def _operator(name: Any, given: list[Type]) -> Type:
    taken, gives = _OPERATORS.get(name, ((), Type.FLAG)) if isinstance(name, str) else ((), Type.FLAG)
    if not taken:
        raise InputError(f"a condition has no node {repr(name)[:40]} of {len(given)} parts")
    if tuple(given) != taken:
        raise InputError(f"{name!r} takes {' and '.join(taken)}, not {' and '.join(given)}")
    return gives


def _same(left: Type, right: Type, name: str) -> None:
    if left is not right:
        raise InputError(f"{name!r} compares a {left} with a {right}")
