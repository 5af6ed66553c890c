"""What the names in a condition mean: each a type, and where its value comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

# A condition's length, its brackets within each other, its operators, and the literals in one of its lists. Eight products of
# numbers of 38 digits stay below the 400 digits that ``money.EXACT`` holds, so that no condition ever rounds.
MAX_CHARACTERS: Final = 1_000
MAX_NESTING: Final = 16
MAX_OPERATORS: Final = 100
MAX_PRODUCTS: Final = 8
MAX_LISTED: Final = 200
MAX_DIGITS: Final = 38


class Type(StrEnum):
    """``NUMBER`` is an exact decimal, ``TEXT`` a string, ``FLAG`` true or false. There is no null: what may be missing has a flag."""

    NUMBER = "number"
    TEXT = "text"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Symbol:
    """``read`` takes what the kind hands to its conditions; its value is never ``None``."""

    type: Type
    read: Callable[[Any], Any]
    meaning: str


type Vocabulary = Mapping[str, Symbol]


def number(read: Callable[[Any], Any], meaning: str) -> Symbol:
    return Symbol(Type.NUMBER, read, meaning)


def text(read: Callable[[Any], Any], meaning: str) -> Symbol:
    return Symbol(Type.TEXT, read, meaning)


def flag(read: Callable[[Any], Any], meaning: str) -> Symbol:
    return Symbol(Type.FLAG, read, meaning)
