"""Which expressions can only give values that Ion has, without a look at each value."""

from __future__ import annotations

from typing import Final

from counterfoil.partiql.compilation import walk
from counterfoil.partiql.syntax import (
    AllElementsStep,
    AllFieldsStep,
    BagLiteral,
    Cast,
    ListLiteral,
    Literal,
    Parameter,
    Select,
    SexpLiteral,
)

_MAKES_BAGS: Final = (BagLiteral, Select, AllElementsStep, AllFieldsStep)


def is_plain(node: object) -> bool:
    """Whether the value has neither bags nor MISSING in it, if what its names stand for has not; it may itself be MISSING."""
    return not any(_is_doubtful(part) for part in walk(node))


def _is_doubtful(part: object) -> bool:
    if isinstance(part, ListLiteral | SexpLiteral):
        return not all(isinstance(item, Literal | Parameter) for item in part.items)
    return isinstance(part, _MAKES_BAGS) or (isinstance(part, Cast) and part.type.name == "bag")
