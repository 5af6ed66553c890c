"""Velocity: more transfers, or more money, out of an account than its window allows.

Sliding windows, one per event: neither midnight nor the top of the hour is a place to hide a burst on both sides of.
"""

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
from counterfoil.detection.money import plain, total
from counterfoil.detection.parameters import FLAG, LEVEL, Amounts, money, whole

MAX_WINDOW_SECONDS = 7 * 86_400


@dataclass(frozen=True, slots=True)
class VelocityCount(AccountRule):
    """More than ``limit`` transfers out of an account, of whatever currency, within ``window_seconds``."""

    rule_id: ClassVar[str] = "fraud.velocity-count"

    enabled: bool = field(default=True, metadata=FLAG)
    severity: Severity = field(default=Severity.MEDIUM, metadata=LEVEL)
    limit: int = field(default=20, metadata=whole(1, MAX_OUTFLOWS - 1))
    window_seconds: int = field(default=3_600, metadata=whole(1, MAX_WINDOW_SECONDS))

    @property
    def horizon_seconds(self) -> int:
        return self.window_seconds

    def scope(self, event: Event) -> str:  # noqa: ARG002 - a count is the same in every currency
        return ""

    def sees(self, account_id: str, account: AccountState, event: Event) -> Sighting | None:
        seen = [each for each in window(account, event, self.window_seconds) if not each.incoming]
        if len(seen) <= self.limit:
            return None
        reason = (
            f"{account_id} made {len(seen)} transfers within {span_text(self.window_seconds)}; {self.limit} are usual"
        )
        evidence = {"count": str(len(seen)), "limit": str(self.limit)}
        return Sighting("", reason, seen, evidence | window_evidence(event, self.window_seconds))


@dataclass(frozen=True, slots=True)
class VelocitySum(AccountRule):
    """More than ``limit`` out of an account in one currency within ``window_seconds``."""

    rule_id: ClassVar[str] = "fraud.velocity-sum"

    enabled: bool = field(default=True, metadata=FLAG)
    severity: Severity = field(default=Severity.MEDIUM, metadata=LEVEL)
    limit: Amounts = field(default=Amounts(Decimal(50000)), metadata=money())
    window_seconds: int = field(default=86_400, metadata=whole(1, MAX_WINDOW_SECONDS))

    @property
    def horizon_seconds(self) -> int:
        return self.window_seconds

    def sees(self, account_id: str, account: AccountState, event: Event) -> Sighting | None:
        currency = event.movement.currency
        seen = outflows(window(account, event, self.window_seconds), currency)
        moved, limit = total(each.amount for each in seen), self.limit.of(currency)
        if moved <= limit:
            return None
        reason = (
            f"{account_id} sent {money_text(moved, currency)} in {len(seen)} transfers within "
            f"{span_text(self.window_seconds)}; {money_text(limit, currency)} are usual"
        )
        evidence = {"sum": plain(moved), "limit": plain(limit), "count": str(len(seen))}
        return Sighting(currency, reason, seen, evidence | window_evidence(event, self.window_seconds))
