"""Structuring: several amounts kept just below the threshold at which somebody would have to be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar

from counterfoil.detection.account import MAX_OUTFLOWS
from counterfoil.detection.expressions import Condition, Type
from counterfoil.detection.fraud_rules.event import Event, outflows
from counterfoil.detection.fraud_rules.kind import MAX_WINDOW_SECONDS, AccountKind, Sighting, Values
from counterfoil.detection.fraud_rules.texts import span_text
from counterfoil.detection.money import EXACT, total
from counterfoil.detection.parameters import Amounts, money, ratio, whole


@dataclass(frozen=True, slots=True)
class Structuring(AccountKind):
    """``count`` or more transfers of [``lower_ratio`` x ``threshold``, ``threshold``) out of an account within ``window_seconds``.

    The threshold is that of the United States' currency transaction report; other currencies may have their own.
    """

    kind: ClassVar[str] = "structuring"
    state: ClassVar[str] = (
        f"the account's newest {MAX_OUTFLOWS} movements out, as far back as the longest window of all rules"
    )
    values: ClassVar[Mapping[str, Type]] = {
        "account": Type.TEXT,
        "currency": Type.TEXT,
        "count": Type.NUMBER,
        "sum": Type.NUMBER,
        "threshold": Type.NUMBER,
        "lowest": Type.NUMBER,
        "window": Type.TEXT,
    }

    threshold: Amounts = field(default=Amounts(Decimal(10000)), metadata=money())
    lower_ratio: Decimal = field(default=Decimal("0.8"), metadata=ratio("0.01", "0.999999"))
    count: int = field(default=3, metadata=whole(2, MAX_OUTFLOWS))
    window_seconds: int = field(default=86_400, metadata=whole(1, MAX_WINDOW_SECONDS))

    @property
    def horizon_seconds(self) -> int:
        return self.window_seconds

    def sees(self, event: Event, when: Condition | None) -> Sighting | None:  # noqa: ARG002 - chose the event
        currency = event.movement.currency
        threshold = self.threshold.of(currency)
        lowest = EXACT.multiply(threshold, self.lower_ratio)
        sent = outflows(event.within(self.window_seconds), currency)
        seen = [each for each in sent if lowest <= each.amount < threshold]
        if len(seen) < self.count:
            return None
        values: Values = {
            "account": event.account_id,
            "currency": currency,
            "count": len(seen),
            "sum": total(each.amount for each in seen),
            "threshold": threshold,
            "lowest": lowest,
            "window": span_text(self.window_seconds),
        }
        return Sighting(currency, values, seen, event.window_evidence(self.window_seconds))
