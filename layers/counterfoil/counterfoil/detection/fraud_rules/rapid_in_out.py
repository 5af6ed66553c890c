"""Rapid in and out: what came in goes out again at once, as through the account of a mule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar

from counterfoil.detection.account import MAX_INFLOWS, MAX_OUTFLOWS, Movement
from counterfoil.detection.expressions import Condition, Type
from counterfoil.detection.fraud_rules.event import Event, outflows
from counterfoil.detection.fraud_rules.kind import MAX_WINDOW_SECONDS, AccountKind, Sighting, Values
from counterfoil.detection.fraud_rules.texts import span_text
from counterfoil.detection.money import EXACT, total
from counterfoil.detection.parameters import Amounts, money, ratio, whole
from counterfoil.errors import InputError


@dataclass(frozen=True, slots=True)
class RapidInOut(AccountKind):
    """Out/in between ``lower_ratio`` and ``upper_ratio``, both included, within ``window_seconds`` of an inflow.

    Inflows are those of at least ``minimum`` in the window, outflows those that came after the first of them; smaller inflows
    are left out, so that a mule's own wages do not hide what passes through.
    """

    kind: ClassVar[str] = "rapid-in-out"
    state: ClassVar[str] = (
        f"the account's newest {MAX_OUTFLOWS} movements out and {MAX_INFLOWS} in of at least `minimum`, as far back as the longest "
        "window of all rules"
    )
    values: ClassVar[Mapping[str, Type]] = {
        "account": Type.TEXT,
        "currency": Type.TEXT,
        "received": Type.NUMBER,
        "sent": Type.NUMBER,
        "percent": Type.NUMBER,
        "window": Type.TEXT,
    }

    minimum: Amounts = field(default=Amounts(Decimal(5000)), metadata=money())
    lower_ratio: Decimal = field(default=Decimal("0.9"), metadata=ratio("0.01", "10"))
    upper_ratio: Decimal = field(default=Decimal("1.1"), metadata=ratio("0.01", "10"))
    window_seconds: int = field(default=86_400, metadata=whole(1, MAX_WINDOW_SECONDS))

    def check(self) -> None:
        if self.lower_ratio > self.upper_ratio:
            raise InputError("lower_ratio is above upper_ratio: no ratio is between them")

    @property
    def horizon_seconds(self) -> int:
        return self.window_seconds

    @property
    def looks_at_inflows(self) -> bool:
        return True

    def needs(self, inflow: Movement, when: Condition | None) -> bool:  # noqa: ARG002 - chose the event
        return inflow.amount >= self.minimum.of(inflow.currency)

    def sees(self, event: Event, when: Condition | None) -> Sighting | None:  # noqa: ARG002 - as above
        currency = event.movement.currency
        recent = event.within(self.window_seconds)
        minimum = self.minimum.of(currency)
        large = [each.incoming and each.currency == currency and each.amount >= minimum for each in recent]
        if not any(large):
            return None
        inflows = [each for each, is_large in zip(recent, large, strict=True) if is_large]
        after = outflows(recent[large.index(True) :], currency)
        came, went = total(each.amount for each in inflows), total(each.amount for each in after)
        if not EXACT.multiply(came, self.lower_ratio) <= went <= EXACT.multiply(came, self.upper_ratio):
            return None
        values: Values = {
            "account": event.account_id,
            "currency": currency,
            "received": came,
            "sent": went,
            "percent": _percent(went, came),
            "window": span_text(self.window_seconds),
        }
        return Sighting(currency, values, [*inflows, *after], event.window_evidence(self.window_seconds))


def _percent(part: Decimal, whole_amount: Decimal) -> Decimal:
    """Percent to one digit, rounded down."""
    return EXACT.divide_int(EXACT.multiply(part, Decimal(1_000)), whole_amount).scaleb(-1)
