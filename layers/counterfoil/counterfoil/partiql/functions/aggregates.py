"""``COUNT``, ``SUM``, ``AVG``, ``MIN`` and ``MAX``: unknown values do not count.

Of no values ``COUNT`` is 0 and the others are NULL. ``AVG`` of ints is a decimal. ``MIN`` and ``MAX`` take the total
order, so that values of different kinds may stand together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final, Protocol

from counterfoil.errors import LimitError
from counterfoil.ion.values import Value
from counterfoil.partiql.arithmetic import calculate
from counterfoil.partiql.equality import identity
from counterfoil.partiql.faults import evaluator_fault
from counterfoil.partiql.kinds import SEQUENCE_KINDS, bare, is_unknown, kind_of, type_name
from counterfoil.partiql.limits import MAX_HELD_ROWS
from counterfoil.partiql.ordering import sort_key
from counterfoil.partiql.syntax import Operator, Position


class Accumulator(Protocol):
    """What is kept of a group's values."""

    def add(self, value: Value) -> None: ...

    def result(self) -> Value: ...


class _Count:
    __slots__ = ("_count",)

    def __init__(self, _: Position) -> None:
        self._count = 0

    def add(self, _: Value) -> None:
        self._count += 1

    def result(self) -> int:
        return self._count


class _Sum:
    __slots__ = ("_at", "_sum")

    def __init__(self, at: Position) -> None:
        self._at = at
        self._sum: Value = None

    def add(self, value: Value) -> None:
        zero = 0 if self._sum is None else self._sum
        self._sum = calculate(Operator.ADD, zero, value, self._at)

    def result(self) -> Value:
        return self._sum


class _Average(_Sum):
    __slots__ = ("_count",)

    def __init__(self, at: Position) -> None:
        super().__init__(at)
        self._count = 0

    def add(self, value: Value) -> None:
        super().add(value)
        self._count += 1

    def result(self) -> Value:
        return calculate(Operator.DIVIDE, self._sum, Decimal(self._count), self._at) if self._count else None


class _Least:
    __slots__ = ("_key", "_value")

    def __init__(self, _: Position) -> None:
        self._value: Value = None
        self._key: tuple[Any, ...] | None = None

    def add(self, value: Value) -> None:
        key = sort_key(value)
        if self._key is None or self.before(key, self._key):
            self._value, self._key = value, key

    @staticmethod
    def before(key: tuple[Any, ...], kept: tuple[Any, ...]) -> bool:
        return key < kept

    def result(self) -> Value:
        return self._value


class _Greatest(_Least):
    __slots__ = ()

    @staticmethod
    def before(key: tuple[Any, ...], kept: tuple[Any, ...]) -> bool:
        return key > kept


class _Distinct:
    """Lets each value through once."""

    __slots__ = ("_inner", "_seen")

    def __init__(self, inner: Accumulator) -> None:
        self._inner = inner
        self._seen: set[bytes] = set()

    def add(self, value: Value) -> None:
        key = identity(value)
        if key not in self._seen:
            if len(self._seen) >= MAX_HELD_ROWS:
                raise LimitError(f"DISTINCT over more than {MAX_HELD_ROWS} different values")
            self._seen.add(key)
            self._inner.add(value)

    def result(self) -> Value:
        return self._inner.result()


_ACCUMULATORS: Final[dict[str, Callable[[Position], Accumulator]]] = {
    "count": _Count,
    "sum": _Sum,
    "avg": _Average,
    "min": _Least,
    "max": _Greatest,
}


def accumulator(function: str, at: Position, *, distinct: bool) -> Accumulator:
    """A fresh accumulator of one aggregate call."""
    inner = _ACCUMULATORS[function](at)
    return _Distinct(inner) if distinct else inner


def aggregate_collection(function: str, collection: Value, at: Position, *, distinct: bool) -> Value:
    """An aggregate called outside a query's list of items, on a collection: ``SUM([1, 2])``."""
    if is_unknown(collection):
        return None
    items = bare(collection)
    if kind_of(items) not in SEQUENCE_KINDS:
        raise evaluator_fault(f"{function.upper()} needs a collection here, not a {type_name(items)}", at)
    return fold(accumulator(function, at, distinct=distinct), items)


def fold(into: Accumulator, values: Iterable[Value]) -> Value:
    """The aggregate of all the values that are known."""
    for value in values:
        if not is_unknown(value):
            into.add(value)
    return into.result()
