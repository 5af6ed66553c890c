"""Numbers, spans and lists as people read them in reasons and evidence."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from counterfoil.detection.money import plain
from counterfoil.detection.network.entries import dumped

# Evidence lists at most this many movements, the newest; their number is always given.
MAX_LISTED: Final = 50


def span_text(seconds: int) -> str:
    """``3600`` as ``1 hour``: the largest unit that fits exactly."""
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds % size == 0:
            return f"{seconds // size} {unit}{'s' * (seconds != size)}"
    return f"{seconds} second{'s' * (seconds != 1)}"


def money_text(amount: Decimal, currency: str) -> str:
    return f"{plain(amount)} {currency}"


def listed(texts: Iterable[str]) -> str:
    """A JSON list of the last ``MAX_LISTED`` texts."""
    return dumped(list(texts)[-MAX_LISTED:])
