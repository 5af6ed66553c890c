"""Syntax trees as short text, so that a test can say in one line what a statement should be read as.

``1 + a.b`` is ``(+ 1 (Path a [.b]))``: an operator or the node's class, then its fields in order. What need not be there comes
with its name or, being ``None``, false or empty, not at all; places never come.
"""

from dataclasses import fields
from enum import Enum

from counterfoil.partiql.syntax import Binary, FieldStep, Literal, Name, Parameter, Unary


def shown(node):
    match node:
        case Literal(value=value):
            return "null" if value is None else repr(value)
        case Parameter(index=index):
            return f"?{index}"
        case Name(name=name, quoted=quoted, local=local):
            return "@" * local + (f'"{name}"' if quoted else name)
        case FieldStep(name=name, quoted=quoted):
            return "." + (f'"{name}"' if quoted else name)
        case Unary(operator=operator, operand=operand):
            return f"({operator.value} {shown(operand)})"
        case Binary(operator=operator, left=left, right=right):
            return f"({operator.value} {shown(left)} {shown(right)})"
        case tuple():
            return f"[{' '.join(map(shown, node))}]"
        case Enum():
            return node.value
        case str() | int():
            return str(node)
    parts = (_field(field, getattr(node, field.name)) for field in fields(node) if field.name != "at")
    return f"({' '.join([type(node).__name__, *filter(None, parts)])})"


def _field(field, value):
    if "None" in field.type:
        return "" if value is None else f"{field.name}={shown(value)}"
    if isinstance(value, bool):
        return field.name if value else ""
    return shown(value) if value != () else ""


def nodes_of(tree):
    """Every node of a tree, in no order."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            waiting.extend(node)
        elif hasattr(type(node), "__dataclass_fields__"):
            yield node
            waiting.extend(getattr(node, field.name) for field in fields(node))
