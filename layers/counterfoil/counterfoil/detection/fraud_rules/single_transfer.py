"""Kinds that judge one transfer at a time: by what it says alone, by the account's own history, or by a list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar, Final

from counterfoil.detection.account import MAX_PAST, MAX_PAYEES
from counterfoil.detection.alert_terms import AlertPart
from counterfoil.detection.expressions import Condition, Type
from counterfoil.detection.fraud_rules.event import EVENT, Event
from counterfoil.detection.fraud_rules.kind import OF_A_TRANSFER, AccountKind, Sighting, Values
from counterfoil.detection.money import EXACT, total
from counterfoil.detection.parameters import Amounts, choice, money, ratio, text, whole
from counterfoil.detection.watch_list import MAX_EDITS

# The standard deviation of a normal distribution is 1.4826 times its median absolute deviation.
_NORMAL: Final = Decimal("1.4826")
_HALF: Final = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class SingleTransfer(AccountKind):
    """A transfer of ``direction`` that meets the condition, whatever came before it."""

    kind: ClassVar[str] = "transfer"
    state: ClassVar[str] = (
        f"the {MAX_PAYEES} payees paid last, when money last left the account, and the balances last seen, where the condition asks"
    )
    has_edge: ClassVar[bool] = False
    values: ClassVar[Mapping[str, Type]] = {name: symbol.type for name, symbol in EVENT.items()}

    direction: str = field(default="out", metadata=choice("out", "in", "both"))

    def hears(self, *, incoming: bool) -> bool:
        return self.direction == "both" or incoming == (self.direction == "in")

    def sees(self, event: Event, when: Condition | None) -> Sighting | None:  # noqa: ARG002 - chose the event
        values: Values = {name: symbol.read(event) for name, symbol in EVENT.items()}
        return Sighting(event.movement.transaction_id, values, [event.movement])


@dataclass(frozen=True, slots=True)
class OwnHistory(AccountKind):
    """An amount far above what the account usually sends in this currency, once it has sent ``history`` amounts.

    ``robust-z``: the distance from the median of the past amounts, in standard deviations as their median absolute deviation
    estimates them, taken for at least ``spread`` of the median so that an account which always pays the same may pay a little more.
    ``times-average``: the amount as a multiple of the past amounts' average. Above ``threshold``, and at least ``minimum``.
    """

    kind: ClassVar[str] = "own-history"
    state: ClassVar[str] = f"the {MAX_PAST} amounts that left the account last; the oldest are forgotten"
    has_edge: ClassVar[bool] = False
    values: ClassVar[Mapping[str, Type]] = {
        "account": Type.TEXT,
        "amount": Type.NUMBER,
        "currency": Type.TEXT,
        "value": Type.NUMBER,
        "typical": Type.NUMBER,
        "history": Type.NUMBER,
        "threshold": Type.NUMBER,
    }

    measure: str = field(default="robust-z", metadata=choice("robust-z", "times-average"))
    threshold: Decimal = field(default=Decimal(6), metadata=ratio("1", "1000"))
    history: int = field(default=10, metadata=whole(3, MAX_PAST))
    spread: Decimal = field(default=Decimal("0.1"), metadata=ratio("0.001", "10"))
    minimum: Amounts = field(default=Amounts(Decimal(1000)), metadata=money())

    def sees(self, event: Event, when: Condition | None) -> Sighting | None:  # noqa: ARG002 - chose the event
        amount, currency = event.movement.amount, event.movement.currency
        if amount < self.minimum.of(currency):
            return None
        past = sorted(each.amount for each in event.account.past if each.currency == currency)
        if len(past) < self.history:
            return None
        typical, part, unit = self._compared(amount, past)
        if part <= EXACT.multiply(self.threshold, unit):
            return None
        values: Values = {
            "account": event.account_id,
            "amount": amount,
            "currency": currency,
            "value": _tenths(part, unit),
            "typical": typical,
            "history": len(past),
            "threshold": self.threshold,
        }
        return Sighting(event.movement.transaction_id, values, [event.movement])

    def _compared(self, amount: Decimal, past: list[Decimal]) -> tuple[Decimal, Decimal, Decimal]:
        """What is typical, and the two numbers whose quotient is the measure: nothing is divided, nothing rounded."""
        if self.measure == "times-average":
            count, whole_sum = Decimal(len(past)), total(past)
            return _tenths(whole_sum, count), EXACT.multiply(amount, count), whole_sum
        middle = _median(past)
        deviation = _median(sorted(EXACT.subtract(each, middle).copy_abs() for each in past))
        unit = max(EXACT.multiply(deviation, _NORMAL), EXACT.multiply(middle, self.spread))
        return middle, EXACT.subtract(amount, middle), unit


@dataclass(frozen=True, slots=True)
class OnWatchList(AccountKind):
    """A transfer with somebody on the list ``list``: by the other account's id, or by the name of the payee.

    ``fuzzy`` also takes names of at least ``shortest`` characters within ``edits`` insertions, deletions and replacements; ids are
    always compared exactly. Names are compared without case, accents, punctuation and the order of words.
    """

    kind: ClassVar[str] = "watch-list"
    state: ClassVar[str] = "none; lists come with the rules, and are read anew when they change"
    has_edge: ClassVar[bool] = False
    values: ClassVar[Mapping[str, Type]] = {
        "account": Type.TEXT,
        "amount": Type.NUMBER,
        "currency": Type.TEXT,
        "name": Type.TEXT,
        "entry": Type.TEXT,
        "edits": Type.NUMBER,
        "list": Type.TEXT,
        "list_version": Type.NUMBER,
    }
    alert_parts: ClassVar[frozenset[AlertPart]] = OF_A_TRANSFER | {AlertPart.ENTRY}

    list: str = field(default="watch-list", metadata=text(1, 75))
    match: str = field(default="exact", metadata=choice("exact", "fuzzy"))
    edits: int = field(default=1, metadata=whole(1, MAX_EDITS))
    shortest: int = field(default=8, metadata=whole(4, 64))

    def hears(self, *, incoming: bool) -> bool:  # noqa: ARG002 - both sides have a counterparty
        return True

    def sees(self, event: Event, when: Condition | None) -> Sighting | None:  # noqa: ARG002 - chose the event
        found = self._found(event)
        watched = event.lists.get(self.list)
        if found is None or watched is None:
            return None
        name, entry, edits = found
        values: Values = {
            "account": event.account_id,
            "amount": event.movement.amount,
            "currency": event.movement.currency,
            "name": name,
            "entry": entry,
            "edits": edits,
            "list": watched.name,
            "list_version": watched.version,
        }
        return Sighting(event.movement.transaction_id, values, [event.movement], {"list_hash": watched.hash})

    def _found(self, event: Event) -> tuple[str, str, int] | None:
        """The name that is listed, the entry, and the edits between them."""
        watched = event.lists.get(self.list)
        if watched is None:
            return None
        payee_name = "" if event.movement.incoming else event.transfer.payee_name
        for name in (event.counterparty, payee_name):
            if name and (entry := watched.find(name)) is not None:
                return name, entry, 0
        if self.match == "exact" or len(payee_name) < self.shortest:
            return None
        near = watched.find_near(payee_name, self.edits)
        return None if near is None else (payee_name, *near)


def _median(ordered: list[Decimal]) -> Decimal:
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return EXACT.multiply(EXACT.add(ordered[half - 1], ordered[half]), _HALF)


def _tenths(part: Decimal, unit: Decimal) -> Decimal:
    """A quotient to one digit, rounded down, for people; what is decided is decided exactly."""
    return EXACT.divide_int(EXACT.multiply(part, Decimal(10)), unit).scaleb(-1)
