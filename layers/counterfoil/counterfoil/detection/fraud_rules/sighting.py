"""What a rule on one account is, and what it says when its condition holds."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Final, NamedTuple

from counterfoil.detection.account import AccountState, Movement
from counterfoil.detection.finding import Severity
from counterfoil.detection.money import plain

# Evidence lists at most this many movements, the newest; their number is always given.
MAX_LISTED: Final = 50

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = -int((_EPOCH - datetime(1, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


class Event(NamedTuple):
    """A transfer out of an account, as the last of the account's movements. ``payees_before`` counts the payees known before it."""

    movement: Movement
    payee: str
    payee_is_new: bool
    payees_before: int


class Sighting(NamedTuple):
    """``scope`` tells apart what one rule sees in one block on one account; ``movements`` are what it judged, oldest first."""

    scope: str
    reason: str
    movements: Sequence[Movement]
    evidence: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AccountRule(ABC):
    """A rule on the recent past of one account, asked at each transfer out of it.

    A rule whose condition can last ``has_edge``: it is reported when the condition begins to hold, and again only after an event
    at which it did not hold. Without an edge every event is judged for itself.
    """

    rule_id: ClassVar[str]
    has_edge: ClassVar[bool] = True

    enabled: bool
    severity: Severity

    @property
    def horizon_seconds(self) -> int:
        """How far back the rule looks."""
        return 0

    def scope(self, event: Event) -> str:
        """What the rule's condition is kept apart by: the currency, for rules about money."""
        return event.movement.currency

    def needs(self, inflow: Movement) -> bool:  # noqa: ARG002 - most rules look at outflows alone
        """Whether the rule must find this inflow in the account's past later."""
        return False

    @abstractmethod
    def sees(self, account_id: str, account: AccountState, event: Event) -> Sighting | None:
        """What the rule sees if its condition holds at this event."""


def window(account: AccountState, event: Event, seconds: int) -> list[Movement]:
    """Movements less than ``seconds`` away from the event in verified time, the event included.

    With a clock that never goes back these are the events of the last ``seconds``; should it go back (an audit finding), an
    event counts for as long as before.
    """
    span = seconds * 1_000_000
    return [each for each in account.movements if abs(event.movement.at - each.at) < span]


def outflows(movements: Iterable[Movement], currency: str) -> list[Movement]:
    return [each for each in movements if not each.incoming and each.currency == currency]


def window_evidence(event: Event, seconds: int) -> dict[str, str]:
    at = event.movement.at
    return {
        "window_start": instant(at - seconds * 1_000_000),
        "window_end": instant(at),
        "window_seconds": str(seconds),
    }


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970: what windows are measured in."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def instant(at: int) -> str:
    """A time in microseconds since 1970 as ISO 8601 in UTC; what lies before the year 1 is shown as its beginning."""
    moment = _EPOCH + timedelta(microseconds=max(at, _FIRST))
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


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
    return json.dumps(list(texts)[-MAX_LISTED:], ensure_ascii=False, separators=(",", ":"))
