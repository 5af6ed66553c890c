"""Fields of a document that is like others of its table, taken out of it in one step.

Only what the long way (transfer.py) reads as well is read here, to the same values; of any other document nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Final

from counterfoil.detection.money import short_amount
from counterfoil.errors import InputError
from counterfoil.ion import IonType, IonValue
from counterfoil.ion.hashing import cut_struct
from counterfoil.ion.timestamps import parse_timestamp

_CONTAINERS: Final = frozenset({int(IonType.LIST), int(IonType.STRUCT)})

_Picker = Callable[[Sequence[bytes]], tuple[bytes, ...]]


def plain_fields(
    data: IonValue, texts: tuple[str | None, ...], amount: str, time: str | None
) -> tuple[Decimal, str, list[str]] | None:
    """What fields of these names say: an amount, a time as text, and texts, each ``""`` where the name is ``None``.

    ``None`` where one is not there, not of its type or not plain.
    """
    found = cut_struct(data)
    pick = None if found is None else _picker(found[0].names, found[0].kinds, texts, amount, time)
    if found is None or pick is None:
        return None
    number, moment, *bodies = pick((*found[1], b""))
    decimal = short_amount(number)
    if decimal is None:
        return None
    try:
        said = [body.decode("ascii") for body in bodies]
        return decimal, "" if time is None else str(parse_timestamp(moment)), said
    except (UnicodeDecodeError, InputError):
        return None


@lru_cache(maxsize=256)
def _picker(
    names: tuple[str, ...], kinds: tuple[int, ...], texts: tuple[str | None, ...], amount: str, time: str | None
) -> _Picker | None:
    """Takes the amount, the time and the texts out of a document's values; what is not asked for is their last."""
    of = dict(zip(names, kinds, strict=True))
    wanted: list[tuple[str | None, IonType]] = [(amount, IonType.DECIMAL), (time, IonType.TIMESTAMP)]
    wanted += [(text, IonType.STRING) for text in texts]
    if _CONTAINERS.intersection(kinds) or any(name is not None and of.get(name) != kind for name, kind in wanted):
        return None
    return itemgetter(*(len(names) if name is None else names.index(name) for name, _ in wanted))
