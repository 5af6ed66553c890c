"""How deep a syntax tree is, without recursion: a row of operators is a deep tree though nothing in it is nested."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from counterfoil.partiql.grammar.cursor import MAX_DEPTH, too_deep


def check_depth(tree: Any) -> None:
    """``LimitError`` for a tree of more levels than ``MAX_DEPTH``."""
    level: list[Any] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node)]
        if not level:
            return
    raise too_deep()


def _children(node: Any) -> list[Any]:
    """The nodes of the next level; a tuple of nodes is no level of its own."""
    children: list[Any] = []
    waiting = [getattr(node, name) for name in _names(node.__class__)]
    while waiting:
        value = waiting.pop()
        if type(value) is tuple:
            waiting.extend(value)
        elif is_dataclass(value):
            children.append(value)
    return children


@cache
def _names(node: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(node))
