"""A transfer as one of its two accounts meets it, and the names by which conditions speak of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from counterfoil.detection.account import AccountState, Movement
from counterfoil.detection.expressions import flag, number, text
from counterfoil.detection.expressions.vocabulary import Vocabulary
from counterfoil.detection.money import ZERO, plain
from counterfoil.detection.transfer import Transfer
from counterfoil.detection.watch_list import WatchList

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = -int((_EPOCH - datetime(1, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))

_SECOND: Final = 1_000_000
_HOUR: Final = 3_600 * _SECOND
_DAY: Final = 24 * _HOUR


@dataclass(slots=True)
class Event:
    """A movement of an account whose state holds everything up to and with it.

    ``payees_before`` counts the payees known before it, ``last_out`` is when money last left the account before it, ``balance_before``
    what the account held in this currency before the block, where that is known. ``lists`` are the lists in force, by name.
    """

    account_id: str
    account: AccountState
    movement: Movement
    transfer: Transfer
    payees_before: int = 0
    last_out: int | None = None
    balance_before: Decimal | None = None
    lists: Mapping[str, WatchList] = field(default_factory=dict)
    _windows: dict[int, Sequence[Movement]] = field(default_factory=dict)
    _claimed: list[int | None] = field(default_factory=list)

    @property
    def counterparty(self) -> str:
        """The other account's id, in full."""
        return self.transfer.from_account if self.movement.incoming else self.transfer.to_account

    @property
    def claimed(self) -> int | None:
        """The time that the document claims, in microseconds since 1970; ``None`` where it claims none that can be read."""
        if not self._claimed:
            self._claimed.append(claimed_time(self.transfer.business_time))
        return self._claimed[0]

    def within(self, seconds: int) -> Sequence[Movement]:
        """Movements less than ``seconds`` away from the event in verified time, the event included.

        With a clock that never goes back these are the events of the last ``seconds``; should it go back (an audit finding), an
        event counts for as long as before.
        """
        found = self._windows.get(seconds)
        if found is None:
            found = self._windows[seconds] = self.account.movements.within(self.movement.at, seconds * _SECOND)
        return found

    def window_evidence(self, seconds: int) -> dict[str, str]:
        at = self.movement.at
        return {
            "window_start": instant(at - seconds * _SECOND),
            "window_end": instant(at),
            "window_seconds": str(seconds),
        }


def outflows(movements: Iterable[Movement], currency: str) -> list[Movement]:
    return [each for each in movements if not each.incoming and each.currency == currency]


# Amounts of the movements in windows, which are asked about again and again.
@lru_cache(maxsize=4_096)
def trailing_zeros(amount: Decimal) -> int:
    """How many zeros a whole amount ends in: 3 for 5,000 and for 5,000.00, none for 5,000.50."""
    digits = plain(amount)
    whole, _, cents = digits.partition(".")
    return 0 if cents.strip("0") else len(whole) - len(whole.rstrip("0"))


def hour_of(at: int) -> int:
    return at // _HOUR % 24


def weekday_of(at: int) -> int:
    """1 is Monday; 1970 began on a Thursday."""
    return (at // _DAY + 3) % 7 + 1


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970: what windows are measured in."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def instant(at: int) -> str:
    """A time in microseconds since 1970 as ISO 8601 in UTC; what lies before the year 1 is shown as its beginning."""
    moment = _EPOCH + timedelta(microseconds=max(at, _FIRST))
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def delay_seconds(event: Event) -> int:
    """Whole seconds from the time that the document claims to the verified one; 0 where it claims none that can be read."""
    claimed = event.claimed
    return 0 if claimed is None else (event.movement.at - claimed) // _SECOND


def claimed_time(text: str) -> int | None:
    """A time with its offset in ISO 8601, in microseconds since 1970; ``None`` for anything else, a bare date among it."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else microseconds(moment)


EVENT: Final[Vocabulary] = {
    "account": text(lambda event: event.account_id, "the account that the rule is asked about"),
    "amount": number(lambda event: event.movement.amount, "the transfer's amount"),
    "balance_before": number(
        lambda event: ZERO if event.balance_before is None else event.balance_before,
        "what the account held in this currency before the block, 0 where that is not known",
    ),
    "balance_known": flag(lambda event: event.balance_before is not None, "whether `balance_before` is known"),
    "business_delay_seconds": number(
        delay_seconds, "verified time less the time that the document claims, in whole seconds; negative: in the future"
    ),
    "business_time_known": flag(
        lambda event: event.claimed is not None,
        "whether the document claims a time with an offset",
    ),
    "counterparty": text(lambda event: event.counterparty, "the other account"),
    "counterparty_is_new": flag(
        lambda event: event.movement.is_new, "of a transfer out: whether the account never paid this one before"
    ),
    "currency": text(lambda event: event.movement.currency, "the transfer's currency"),
    "hour": number(lambda event: hour_of(event.movement.at), "0 to 23, verified time in UTC"),
    "idle_known": flag(lambda event: event.last_out is not None, "whether money left the account before"),
    "idle_seconds": number(
        lambda event: 0 if event.last_out is None else (event.movement.at - event.last_out) // _SECOND,
        "whole seconds since money last left the account, 0 where it never did",
    ),
    "incoming": flag(lambda event: event.movement.incoming, "whether the money came into the account"),
    "payees_before": number(
        lambda event: event.payees_before, "how many payees the account is remembered to have paid"
    ),
    "trailing_zeros": number(
        lambda event: trailing_zeros(event.movement.amount), "zeros that a whole amount ends in, 3 for 5000"
    ),
    "transaction_id": text(lambda event: event.movement.transaction_id, "the business transaction id"),
    "weekday": number(lambda event: weekday_of(event.movement.at), "1 (Monday) to 7, verified time in UTC"),
}
