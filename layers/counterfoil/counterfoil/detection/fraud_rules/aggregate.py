"""Aggregate: a number over a true sliding window of an account's movements, compared with a threshold.

Sliding windows, one per event: neither midnight nor the top of the hour is a place to hide a burst on both sides of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar, Final, NamedTuple

from counterfoil.detection.account import MAX_INFLOWS, MAX_OUTFLOWS, Movement
from counterfoil.detection.expressions import Condition, Type, flag, number, text
from counterfoil.detection.expressions.vocabulary import Vocabulary
from counterfoil.detection.fraud_rules.event import Event, hour_of, trailing_zeros, weekday_of
from counterfoil.detection.fraud_rules.kind import MAX_WINDOW_SECONDS, AccountKind, Sighting, Values
from counterfoil.detection.fraud_rules.texts import span_text
from counterfoil.detection.money import EXACT, total
from counterfoil.detection.parameters import Amounts, choice, money, whole
from counterfoil.errors import InputError

# An average is shown with this many digits behind the point, rounded down; it is compared exactly.
_AVERAGE_DIGITS: Final = 4


class Counted(NamedTuple):
    """What a condition of an aggregate is asked about: one movement in the window, and the threshold in its currency."""

    movement: Movement
    threshold: Decimal


MOVEMENT: Final[Vocabulary] = {
    "amount": number(lambda each: each.movement.amount, "the movement's amount"),
    "counterparty": text(
        lambda each: each.movement.counterparty, "the other account; of an id of over 64 bytes its hash"
    ),
    "counterparty_is_new": flag(
        lambda each: each.movement.is_new, "of a transfer out: whether the account had never paid this one before"
    ),
    "currency": text(lambda each: each.movement.currency, "the movement's currency"),
    "hour": number(lambda each: hour_of(each.movement.at), "0 to 23, verified time in UTC"),
    "incoming": flag(lambda each: each.movement.incoming, "whether the money came into the account"),
    "threshold": number(lambda each: each.threshold, "the parameter, in the movement's currency"),
    "trailing_zeros": number(
        lambda each: trailing_zeros(each.movement.amount), "zeros that a whole amount ends in, 3 for 5000"
    ),
    "weekday": number(lambda each: weekday_of(each.movement.at), "1 (Monday) to 7, verified time in UTC"),
}

_OF_MONEY: Final = frozenset({"sum", "min", "max", "avg"})


@dataclass(frozen=True, slots=True)
class Aggregate(AccountKind):
    """``aggregate`` of the movements of ``direction`` within ``window_seconds`` that have the event's ``key`` and meet the condition.

    The rule holds where that is above ``threshold``, or at it with ``reached`` of ``at``; and where at least ``at_least`` movements
    are in it. Money of different currencies is never put together: all aggregates but ``count`` and ``counterparties`` need the
    currency in their key.
    """

    kind: ClassVar[str] = "aggregate"
    state: ClassVar[str] = (
        f"the account's newest {MAX_OUTFLOWS} movements out and {MAX_INFLOWS} in, as far back as the longest window of all rules; "
        "beyond that the oldest are forgotten. Of movements in, only those are kept that some rule's condition lets through"
    )
    vocabulary: ClassVar[Vocabulary] = MOVEMENT
    chooses_events: ClassVar[bool] = False
    values: ClassVar[Mapping[str, Type]] = {
        "account": Type.TEXT,
        "counterparty": Type.TEXT,
        "currency": Type.TEXT,
        "value": Type.NUMBER,
        "limit": Type.NUMBER,
        "count": Type.NUMBER,
        "window": Type.TEXT,
    }

    aggregate: str = field(default="count", metadata=choice("count", "sum", "min", "max", "avg", "counterparties"))
    direction: str = field(default="out", metadata=choice("out", "in", "both"))
    key: str = field(
        default="account",
        metadata=choice("account", "account+currency", "account+counterparty", "account+counterparty+currency"),
    )
    threshold: Amounts = field(default=Amounts(Decimal(20)), metadata=money())
    reached: str = field(default="above", metadata=choice("above", "at"))
    at_least: int = field(default=1, metadata=whole(1, MAX_OUTFLOWS))
    window_seconds: int = field(default=3_600, metadata=whole(1, MAX_WINDOW_SECONDS))

    def check(self) -> None:
        if self.aggregate in _OF_MONEY and "currency" not in self.key:
            raise InputError(f"the {self.aggregate} of amounts needs the currency in its key, not {self.key!r}")
        most = {"out": MAX_OUTFLOWS, "in": MAX_INFLOWS}.get(self.direction, MAX_OUTFLOWS + MAX_INFLOWS)
        highest = max(self.threshold.default, *(amount for _, amount in self.threshold.by_currency), Decimal(0))
        if self.aggregate not in _OF_MONEY and highest > most - (self.reached == "above"):
            raise InputError(f"threshold: at most {most} movements {self.direction} of an account are remembered")

    @property
    def horizon_seconds(self) -> int:
        return self.window_seconds

    def hears(self, *, incoming: bool) -> bool:
        return self.direction == "both" or incoming == (self.direction == "in")

    @property
    def looks_at_inflows(self) -> bool:
        return self.direction != "out"

    def needs(self, inflow: Movement, when: Condition | None) -> bool:
        return self.looks_at_inflows and self._counts(inflow, when)

    def scope(self, event: Event) -> str:
        movement = event.movement
        parts = (("counterparty", movement.counterparty), ("currency", movement.currency))
        return ":".join(part for name, part in parts if name in self.key)

    def sees(self, event: Event, when: Condition | None) -> Sighting | None:
        movement = event.movement
        limit = self.threshold.of(movement.currency)
        found: Sequence[Movement] = event.within(self.window_seconds)
        # No condition makes more of what is there, and mostly there is too little.
        if self._are_too_few(found, limit):
            return None
        found = self._belonging(found, movement)
        if when is not None and not self._are_too_few(found, limit):
            threshold_of = self.threshold.of
            found = [each for each in found if when(Counted(each, threshold_of(each.currency)))]
        if self._are_too_few(found, limit) or not self._is_beyond(found, limit):
            return None
        values: Values = {
            "account": event.account_id,
            "counterparty": movement.counterparty,
            "currency": movement.currency,
            "value": self._value(found),
            "limit": limit,
            "count": len(found),
            "window": span_text(self.window_seconds),
        }
        return Sighting(self.scope(event), values, found, event.window_evidence(self.window_seconds))

    def _are_too_few(self, found: Sequence[Movement], limit: Decimal) -> bool:
        """Whether these are fewer movements than the rule can hold for."""
        count = len(found)
        if count < self.at_least:
            return True
        return self.aggregate not in _OF_MONEY and (count < limit if self.reached == "at" else count <= limit)

    def _belonging(self, found: Sequence[Movement], movement: Movement) -> Sequence[Movement]:
        """Those of the rule's direction that have the event's key; what leaves the fewest comes first."""
        if "counterparty" in self.key:
            counterparty = movement.counterparty
            found = [each for each in found if each.counterparty == counterparty]
        if self.direction != "both":
            incoming = self.direction == "in"
            found = [each for each in found if each.incoming is incoming]
        if "currency" in self.key:
            currency = movement.currency
            found = [each for each in found if each.currency == currency]
        return found

    def _counts(self, each: Movement, when: Condition | None) -> bool:
        return when is None or when(Counted(each, self.threshold.of(each.currency)))

    def _is_beyond(self, found: Sequence[Movement], limit: Decimal) -> bool:
        """Compares exactly: an average as the sum with as many times the limit."""
        if self.aggregate == "avg":
            value, limit = total(each.amount for each in found), EXACT.multiply(limit, Decimal(len(found)))
        else:
            value = self._value(found)
        return value >= limit if self.reached == "at" else value > limit

    def _value(self, found: Sequence[Movement]) -> Decimal:
        match self.aggregate:
            case "count":
                return Decimal(len(found))
            case "counterparties":
                return Decimal(len({each.counterparty for each in found}))
            case "min":
                return min(each.amount for each in found)
            case "max":
                return max(each.amount for each in found)
        whole_sum = total(each.amount for each in found)
        if self.aggregate == "sum":
            return whole_sum
        shifted = EXACT.divide_int(whole_sum.scaleb(_AVERAGE_DIGITS, EXACT), Decimal(len(found)))
        return shifted.scaleb(-_AVERAGE_DIGITS, EXACT)
