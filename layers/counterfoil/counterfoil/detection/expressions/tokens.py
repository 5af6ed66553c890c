"""The gate before rule-engine: only text made of a closed set of tokens reaches it.

rule-engine evaluates what is constant while it parses, so that a power or a regular expression would do its harm before a tree
is there to look at. No such token gets past here: no regular expression, power, shift, division, attribute, function,
comprehension, date or escape.
"""

from __future__ import annotations

import re
from typing import Final

from counterfoil.detection.expressions.vocabulary import (
    MAX_CHARACTERS,
    MAX_DIGITS,
    MAX_NESTING,
    MAX_OPERATORS,
    MAX_PRODUCTS,
    Vocabulary,
)
from counterfoil.errors import InputError

KEYWORDS: Final = frozenset({"and", "or", "not", "in", "true", "false"})

_TOKEN: Final = re.compile(
    r"""(?P<space>[ \n]+)
    | (?P<number>[0-9]+(?:\.[0-9]+)?(?![0-9A-Za-z_.]))
    | (?P<text>"[^"\\\n]*" | '[^'\\\n]*')
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?!["'A-Za-z0-9_]))
    | (?P<operator>(?:==|!=|<=|>=|<|>)(?![<>=~!]) | [+*-](?![*]))
    | (?P<mark>[(),\[\]])""",
    re.VERBOSE,
)


def check_tokens(expression: str, vocabulary: Vocabulary) -> None:
    """Refuse what is too long, too deep, or holds anything but known names, literals and operators."""
    if not 0 < len(expression) <= MAX_CHARACTERS:
        raise InputError(f"a condition has 1 to {MAX_CHARACTERS} characters, not {len(expression)}")
    place, depth, operators, products = 0, 0, 0, 0
    while place < len(expression):
        match = _TOKEN.match(expression, place)
        if match is None:
            raise InputError(f"a condition may not contain {expression[place : place + 12]!r} (character {place + 1})")
        word = match[0]
        if match.lastgroup == "name" and word not in KEYWORDS:
            _check_name(word, vocabulary)
        if match.lastgroup == "number" and len(word.replace(".", "")) > MAX_DIGITS:
            raise InputError(f"a number of more than {MAX_DIGITS} digits in a condition: {word[:60]}")
        depth += (word in {"(", "["}) - (word in {")", "]"})
        operators += match.lastgroup == "operator" or word in {"and", "or", "not", "in"}
        products += word == "*"
        if depth > MAX_NESTING or operators > MAX_OPERATORS or products > MAX_PRODUCTS:
            raise InputError(
                f"a condition has at most {MAX_NESTING} brackets within each other, {MAX_OPERATORS} operators and "
                f"{MAX_PRODUCTS} products"
            )
        place = match.end()


def _check_name(name: str, vocabulary: Vocabulary) -> None:
    if name not in vocabulary:
        raise InputError(
            f"a condition knows no {name[:60]!r} here; it knows {', '.join(sorted(vocabulary)) or 'nothing'}"
        )
