"""Functions of unknown values, and of how much a value holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from counterfoil.ion.values import RepeatedStruct, Value
from counterfoil.partiql.equality import same
from counterfoil.partiql.faults import evaluator_fault
from counterfoil.partiql.functions.function import Function
from counterfoil.partiql.kinds import SEQUENCE_KINDS, Kind, bare, is_unknown, kind_of, type_name
from counterfoil.partiql.syntax import Position

ANY_NUMBER: Final = 1_000  # of arguments: more than a statement of 100,000 characters needs


def _coalesce(arguments: Sequence[Value], _: Position) -> Value:
    """The first that is not unknown."""
    return next((value for value in arguments if not is_unknown(value)), None)


def _nullif(arguments: Sequence[Value], _: Position) -> Value:
    """NULL if both are equal, unknown ones included; else the first."""
    return None if same(arguments[0], arguments[1]) else arguments[0]


def _exists(arguments: Sequence[Value], _: Position) -> bool:
    """Whether a collection or struct has anything in it; whatever is none has nothing."""
    value = bare(arguments[0])
    return kind_of(value) in {*SEQUENCE_KINDS, Kind.STRUCT} and len(value) > 0


def _size(arguments: Sequence[Value], at: Position) -> int:
    value = bare(arguments[0])
    if kind_of(value) not in {*SEQUENCE_KINDS, Kind.STRUCT}:
        raise evaluator_fault(f"SIZE needs a collection or a struct, not a {type_name(value)}", at)
    return len(value.pairs) if isinstance(value, RepeatedStruct) else len(value)


CONDITIONALS: Final = {
    "coalesce": Function(1, ANY_NUMBER, _coalesce, takes_unknown=True),
    "nullif": Function(2, 2, _nullif, takes_unknown=True),
    "exists": Function(1, 1, _exists, takes_unknown=True),
    "size": Function(1, 1, _size),
}
