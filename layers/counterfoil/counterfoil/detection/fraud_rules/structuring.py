"""Structuring: several amounts kept just below the threshold at which somebody would have to be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar

from counterfoil.detection.account import MAX_OUTFLOWS, AccountState
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
class Structuring(AccountRule):
    """``count`` or more transfers of [``lower_ratio`` x ``threshold``, ``threshold``) out of an account within ``window_seconds``.

    The threshold is that of the United States' currency transaction report; other currencies may have their own.
    """

    rule_id: ClassVar[str] = "fraud.structuring"

    enabled: bool = field(default=True, metadata=FLAG)
    severity: Severity = field(default=Severity.HIGH, metadata=LEVEL)
    threshold: Amounts = field(default=Amounts(Decimal(10000)), metadata=money())
    lower_ratio: Decimal = field(default=Decimal("0.8"), metadata=ratio("0.01", "0.999999"))
    count: int = field(default=3, metadata=whole(2, MAX_OUTFLOWS))
    window_seconds: int = field(default=86_400, metadata=whole(1, MAX_WINDOW_SECONDS))

    @property
    def horizon_seconds(self) -> int:
        return self.window_seconds

    def sees(self, account_id: str, account: AccountState, event: Event) -> Sighting | None:
        currency = event.movement.currency
        threshold = self.threshold.of(currency)
        lowest = EXACT.multiply(threshold, self.lower_ratio)
        sent = outflows(window(account, event, self.window_seconds), currency)
        seen = [each for each in sent if lowest <= each.amount < threshold]
        if len(seen) < self.count:
            return None
        moved = total(each.amount for each in seen)
        reason = (
            f"{account_id} made {len(seen)} transfers of at least {plain(lowest)} but below {money_text(threshold, currency)} "
            f"within {span_text(self.window_seconds)}, {money_text(moved, currency)} together"
        )
        evidence = {
            "count": str(len(seen)),
            "sum": plain(moved),
            "threshold": plain(threshold),
            "lowest": plain(lowest),
        }
        return Sighting(currency, reason, seen, evidence | window_evidence(event, self.window_seconds))
