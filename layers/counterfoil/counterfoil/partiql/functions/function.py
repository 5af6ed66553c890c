"""What a function is to the compiler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from counterfoil.ion.values import Value
from counterfoil.partiql.faults import evaluator_fault
from counterfoil.partiql.kinds import bare, is_text, type_name
from counterfoil.partiql.syntax import Position


class Function(NamedTuple):
    """``call`` gets as many arguments as the two bounds allow, none of them unknown unless ``takes_unknown``."""

    fewest: int
    most: int
    call: Callable[[Sequence[Value], Position], Value]
    takes_unknown: bool = False


def text_argument(value: Value, function: str, at: Position) -> str:
    """The argument, which must be a string or symbol."""
    if is_text(value):
        return str(bare(value))
    raise evaluator_fault(f"{function} needs a text, not a {type_name(value)}", at)


def int_argument(value: Value, function: str, at: Position) -> int:
    """The argument, which must be an int."""
    number = bare(value)
    if type(number) is int:
        return number
    raise evaluator_fault(f"{function} needs an int, not a {type_name(value)}", at)
