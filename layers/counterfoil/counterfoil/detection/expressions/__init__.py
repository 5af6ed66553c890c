"""Conditions of rules: a closed, typed, exact subset of rule-engine's language, checked once and run as closures.

``check`` reads and type-checks a condition by rule-engine and gives its tree; ``compile_tree`` makes a closure of a tree. A tree
is JSON and is kept beside the document it belongs to, so that whoever only runs rules never imports rule-engine.
"""

from counterfoil.detection.expressions.checking import check
from counterfoil.detection.expressions.closures import Condition, compile_tree
from counterfoil.detection.expressions.trees import Tree, asked_first, render_tree
from counterfoil.detection.expressions.vocabulary import Symbol, Type, flag, number, text

__all__ = [
    "Condition",
    "Symbol",
    "Tree",
    "Type",
    "asked_first",
    "check",
    "compile_tree",
    "flag",
    "number",
    "render_tree",
    "text",
]
