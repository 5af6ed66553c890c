"""A document as JSON gives it, and which document in Ion it was: sought among those that read alike, and proved by its hash.

JSON says less than Ion (``ion.value_text``): a string may have been a string, a symbol, a time, a blob or a clob, a number an int,
a decimal or a float, a null one of any type, an array a list or an s-expression. The revision's hash tells: a document that reads
as this JSON and has that hash is the one that was written, since nobody can make another one of the same hash. Documents use types
alike, so what is sought first is one type for all values of a sort, and another type for few values; how long is bounded. What had
annotations, NaN or an infinity, or more surprises than the search has time for, is not found: that says nothing of whether it was
changed.
"""

from __future__ import annotations

import math
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from heapq import heappop, heappush
from itertools import islice
from typing import Final, NamedTuple

from counterfoil.errors import InputError
from counterfoil.ion import IonTimestamp, hash_of_python
from counterfoil.ion.reader import IonType
from counterfoil.ion.value_text import parse_text
from counterfoil.ion.values import Clob, IonNull, IonSymbol, Sexp, Value
from counterfoil.merkle import Hash

# Documents that are tried for one revision, and bytes of JSON that these may have together: some hundredths of a second. An export
# of a hostile maker costs that much for each of its revisions.
MAX_TRIED: Final = 500
MAX_TRIED_BYTES: Final = 2_000_000

# What hashing a value costs beside its text, in bytes of text.
_COST_OF_VALUE: Final = 32

# How unexpected it is that a value is not what JSON shows it as; and that one of several of its sort is unlike the others.
_COSTS: Final = {"time": 1, "base64": 2, "decimal": 2, "text": 3, "null": 3, "int": 4, "list": 4, "bool": 1}
_COST_OF_RARE: Final = 2
_COST_OF_ONE: Final = 1

# A time to the attosecond at an offset is shorter.
_MAX_TIME: Final = 64


class FoundDocument(NamedTuple):
    """The document that ``data`` was, and its Ion Hash."""

    document: Value
    hash: Hash


def find_document(data: Value, is_it: Callable[[Hash], bool]) -> FoundDocument | None:
    """A document that reads as ``data``, if ``is_it`` says of the hash of one of those tried that it is the one."""
    leaves: list[_Leaf] = []
    _collect(data, leaves)
    size_bytes = sum(
        _COST_OF_VALUE + len(each.readings[0] if isinstance(each.readings[0], str) else "") for each in leaves
    )
    for candidate in islice(_candidates(data, leaves), max(1, min(MAX_TRIED, MAX_TRIED_BYTES // max(1, size_bytes)))):
        try:
            found = Hash(hash_of_python(candidate))
        except InputError:
            continue
        if is_it(found):
            return FoundDocument(candidate, found)
    return None


class _Leaf(NamedTuple):
    """A value that may have had several types: its sort, and what it reads as under each of them, the likeliest first."""

    sort: str
    readings: tuple[Value, ...]


class _Surprise(NamedTuple):
    """Another reading than the likeliest, of all values of a sort or of one value; the higher its cost, the less it is expected."""

    cost: int
    leaves: tuple[int, ...]
    reading: int


def _candidates(data: Value, leaves: Sequence[_Leaf]) -> Iterator[Value]:
    """Documents that read as ``data``, the likeliest first."""
    yield _rebuilt(data, iter([each.readings[0] for each in leaves]))
    for surprises in islice(_cheapest_first(_surprises(leaves)), 1, None):
        chosen = [0] * len(leaves)
        for each in surprises:
            for place in each.leaves:
                chosen[place] = min(each.reading, len(leaves[place].readings) - 1)
        yield _rebuilt(data, iter([each.readings[place] for each, place in zip(leaves, chosen, strict=True)]))


def _surprises(leaves: Sequence[_Leaf]) -> list[_Surprise]:
    """All that may be, the cheapest first."""
    by_sort: dict[str, list[int]] = {}
    for place, each in enumerate(leaves):
        by_sort.setdefault(each.sort, []).append(place)
    found = []
    for sort, places in by_sort.items():
        for reading in range(1, max(len(leaves[place].readings) for place in places)):
            cost = _COSTS[sort] + min(reading - 1, _COST_OF_RARE)
            found.append(_Surprise(cost, tuple(places), reading))
            if len(places) > 1:
                found += [_Surprise(cost + _COST_OF_ONE, (place,), reading) for place in places[:MAX_TRIED]]
    return sorted(found)


def _cheapest_first(surprises: Sequence[_Surprise]) -> Iterator[list[_Surprise]]:
    """Sets of surprises in the order of what they cost together; in each the dearest is last, and what is last counts."""
    waiting: list[tuple[int, tuple[int, ...]]] = [(0, ())]
    while waiting:
        cost, chosen = heappop(waiting)
        yield [surprises[each] for each in chosen]
        following = chosen[-1] + 1 if chosen else 0
        if following < len(surprises):
            heappush(waiting, (cost + surprises[following].cost, (*chosen, following)))
            if chosen:
                swapped = cost - surprises[chosen[-1]].cost + surprises[following].cost
                heappush(waiting, (swapped, (*chosen[:-1], following)))


def _collect(value: Value, leaves: list[_Leaf]) -> None:
    """The values of a document in the order in which ``_rebuilt`` comes to them."""
    if isinstance(value, dict):
        for each in value.values():
            _collect(each, leaves)
        return
    leaves.append(_leaf(value))
    if isinstance(value, list):
        for each in value:
            _collect(each, leaves)


def _rebuilt(value: Value, readings: Iterator[Value]) -> Value:
    if isinstance(value, dict):
        return {name: _rebuilt(each, readings) for name, each in value.items()}
    reading = next(readings)
    if isinstance(value, list):
        items = [_rebuilt(each, readings) for each in value]
        return Sexp(items) if isinstance(reading, Sexp) else items
    return reading


def _leaf(value: Value) -> _Leaf:
    match value:
        case bool():
            return _Leaf("bool", (value,))
        case None:
            return _Leaf("null", (None, *_NULLS))
        case str():
            return _text_leaf(value)
        case int():
            return _Leaf("int", (value, Decimal(value)))
        case Decimal():
            return _Leaf("decimal", (value, *_float_of(value)))
        case list():
            return _Leaf("list", ([], Sexp()))
        case _:
            raise InputError(f"JSON has no value of type {type(value).__name__}")


def _text_leaf(text: str) -> _Leaf:
    times = tuple(_times_of(text))
    if times:
        return _Leaf("time", (text, *times))
    blob = _blob_of(text)
    others = (IonSymbol(text), *_clob_of(text))
    return _Leaf("text", (text, *others)) if blob is None else _Leaf("base64", (text, blob, *others))


def _times_of(text: str) -> Iterator[IonTimestamp]:
    """Times that may have been written like this: with a year or month alone, or with zeros put there by whoever wrote JSON."""
    if not text[:4].isdigit() or len(text) > _MAX_TIME:
        return
    for written in dict.fromkeys((text, f"{text}T", text.replace(".000", "", 1), text.removesuffix("T00:00:00.000Z"))):
        try:
            read = parse_text(written)
        except InputError:
            continue
        if isinstance(read, IonTimestamp):
            yield read


def _blob_of(text: str) -> bytes | None:
    try:
        data = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        return None
    return data if b64encode(data).decode() == text else None


def _clob_of(text: str) -> Iterator[Clob]:
    try:
        yield Clob(text.encode("latin-1"))
    except UnicodeEncodeError:
        return


def _float_of(number: Decimal) -> tuple[float, ...]:
    read = float(number)
    return (read,) if math.isfinite(read) and Decimal(repr(read)) == number else ()


_NULLS: Final = tuple(
    IonNull(each)
    for each in (
        IonType.STRING,
        IonType.INT,
        IonType.DECIMAL,
        IonType.TIMESTAMP,
        IonType.FLOAT,
        IonType.BOOL,
        IonType.SYMBOL,
        IonType.STRUCT,
        IonType.LIST,
        IonType.BLOB,
        IonType.CLOB,
        IonType.SEXP,
    )
)
