"""Rapid in and out: what came in goes out again at once, as through the account of a mule."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar

from counterfoil.detection.account import AccountState, Movement
from counterfoil.detection.finding import Severity
from counterfoil.detection.fraud_rules.sighting import (
    AccountRule,
    Event,
    Sighting,
    money_text,
    outflows,
    span_text,
    window,
    window_evidence,
)
from counterfoil.detection.fraud_rules.velocity import MAX_WINDOW_SECONDS
from counterfoil.detection.money import EXACT, plain, total
from counterfoil.detection.parameters import FLAG, LEVEL, Amounts, money, ratio, whole


@dataclass(frozen=True, slots=True)
class RapidInOut(AccountRule):
    """Out/in between ``lower_ratio`` and ``upper_ratio``, both included, within ``window_seconds`` of an inflow.

    Inflows are those of at least ``minimum`` in the window, outflows those that came after the first of them; smaller inflows
    are left out, so that a mule's own wages do not hide what passes through.
    """

    rule_id: ClassVar[str] = "fraud.rapid-in-out"

    enabled: bool = field(default=True, metadata=FLAG)
    severity: Severity = field(default=Severity.HIGH, metadata=LEVEL)
    minimum: Amounts = field(default=Amounts(Decimal(5000)), metadata=money())
    lower_ratio: Decimal = field(default=Decimal("0.9"), metadata=ratio("0.01", "10"))
    upper_ratio: Decimal = field(default=Decimal("1.1"), metadata=ratio("0.01", "10"))
    window_seconds: int = field(default=86_400, metadata=whole(1, MAX_WINDOW_SECONDS))

    @property
    def horizon_seconds(self) -> int:
        return self.window_seconds

    def needs(self, inflow: Movement) -> bool:
        return inflow.amount >= self.minimum.of(inflow.currency)

    def sees(self, account_id: str, account: AccountState, event: Event) -> Sighting | None:
        currency = event.movement.currency
        recent = window(account, event, self.window_seconds)
        minimum = self.minimum.of(currency)
        large = [each.incoming and each.currency == currency and each.amount >= minimum for each in recent]
        if not any(large):
            return None
        inflows = [each for each, is_large in zip(recent, large, strict=True) if is_large]
        after = outflows(recent[large.index(True) :], currency)
        came, went = total(each.amount for each in inflows), total(each.amount for each in after)
        if not EXACT.multiply(came, self.lower_ratio) <= went <= EXACT.multiply(came, self.upper_ratio):
            return None
        reason = (
            f"{account_id} received {money_text(came, currency)} and sent {money_text(went, currency)} "
            f"({_percent(went, came)} %) on within {span_text(self.window_seconds)}"
        )
        evidence = {"received": plain(came), "sent": plain(went), "percent": _percent(went, came)}
        return Sighting(currency, reason, [*inflows, *after], evidence | window_evidence(event, self.window_seconds))


def _percent(part: Decimal, whole_amount: Decimal) -> str:
    """Percent to one digit, rounded down."""
    return plain(EXACT.divide_int(EXACT.multiply(part, Decimal(1_000)), whole_amount).scaleb(-1))
