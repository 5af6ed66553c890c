"""A condition read and type-checked by rule-engine, then translated into our own closed set of nodes.

Importing rule-engine costs more than half a second of CPU, and it evaluates a clause in some 45 us: it is imported here alone,
when a condition is checked, and never runs one in production (docs/decisions/0025-rules-as-data.md).
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any, Final

from counterfoil.detection.expressions.tokens import check_tokens
from counterfoil.detection.expressions.trees import Tree, type_of
from counterfoil.detection.expressions.vocabulary import MAX_LISTED, Type, Vocabulary
from counterfoil.detection.money import EXACT, plain
from counterfoil.errors import InputError

_LOGIC: Final = {"and": "and", "or": "or"}
_COMPARISON: Final = {"eq": "eq", "ne": "ne"}
_ORDER: Final = {"lt": "lt", "le": "le", "gt": "gt", "ge": "ge"}


def check(expression: str, vocabulary: Vocabulary) -> Tree:
    """The tree of a condition; ``InputError`` says what is wrong with it."""
    check_tokens(expression, vocabulary)
    import rule_engine  # noqa: PLC0415 - paid for only where a condition is checked

    try:
        # Parsing computes what is constant, and takes this thread's context for it.
        with localcontext(EXACT):
            statement = rule_engine.Rule(expression, context_of(vocabulary)).statement
    except rule_engine.errors.EngineError as error:
        raise InputError(f"the condition {expression[:120]!r} is refused: {error.message[:200]}") from None
    except RecursionError:
        raise InputError(f"the condition {expression[:120]!r} is nested too deeply") from None
    tree = _translated(statement.expression)
    if (found := type_of(tree, vocabulary)) is not Type.FLAG:
        raise InputError(f"a condition says true or false; {expression[:120]!r} is a {found}")
    return tree


def context_of(vocabulary: Vocabulary) -> Any:
    """rule-engine's context for a vocabulary: closed names, exact decimals. ``Symbol.read`` gives their values."""
    from rule_engine import Context, DataType  # noqa: PLC0415 - as above

    types = {Type.NUMBER: DataType.FLOAT, Type.TEXT: DataType.STRING, Type.FLAG: DataType.BOOLEAN}
    return Context(
        resolver=lambda subject, name: vocabulary[name].read(subject),
        type_resolver={name: types[symbol.type] for name, symbol in vocabulary.items()},
        default_timezone="utc",
        decimal_context=EXACT,
    )


def _translated(node: Any) -> Tree:  # noqa: C901, PLR0912 - one case per node
    from rule_engine import ast  # noqa: PLC0415 - as above

    match node:
        case ast.SymbolExpression(scope=None):
            return ["symbol", node.name]
        case ast.FloatExpression() if isinstance(node.value, Decimal) and node.value.is_finite():
            return ["number", plain(node.value)]
        case ast.StringExpression():
            return ["text", node.value]
        case ast.BooleanExpression():
            return ["flag", node.value]
        case ast.LogicExpression():
            return [_LOGIC[node.type], _translated(node.left), _translated(node.right)]
        case ast.ArithmeticComparisonExpression():
            return [_ORDER[node.type], _translated(node.left), _translated(node.right)]
        case ast.ComparisonExpression():
            return [_COMPARISON[node.type], _translated(node.left), _translated(node.right)]
        case ast.AddExpression():
            return ["add", _translated(node.left), _translated(node.right)]
        case ast.SubtractExpression():
            return ["sub", _translated(node.left), _translated(node.right)]
        case ast.ArithmeticExpression(type="mul"):
            return ["mul", _translated(node.left), _translated(node.right)]
        case ast.UnaryExpression(type="not"):
            return ["not", _translated(node.right)]
        case ast.UnaryExpression(type="uminus"):
            return ["minus", _translated(node.right)]
        case ast.ContainsExpression(container=ast.ArrayExpression()):
            return ["in", _translated(node.member), _members(node.container.value)]
        case ast.ContainsExpression():
            return ["within", _translated(node.member), _translated(node.container)]
    raise InputError(f"a condition may not contain a {type(node).__name__.removesuffix('Expression').lower()}")


def _members(members: Any) -> list[Tree]:
    listed = [_translated(each) for each in members]
    if not 0 < len(listed) <= MAX_LISTED:
        raise InputError(f"a list in a condition holds 1 to {MAX_LISTED} literals, not {len(listed)}")
    return listed
