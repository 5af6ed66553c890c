"""New payee, high value: the first payment to somebody is a large one, as after an account was taken over."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar

from counterfoil.detection.account import AccountState
from counterfoil.detection.finding import Severity
from counterfoil.detection.fraud_rules.sighting import AccountRule, Event, Sighting, money_text
from counterfoil.detection.money import plain
from counterfoil.detection.parameters import FLAG, LEVEL, Amounts, money, whole


@dataclass(frozen=True, slots=True)
class NewPayeeHighValue(AccountRule):
    """A transfer of at least ``threshold`` to an account that was never paid before, once ``known_payees`` others were.

    Every account's first payment goes to a new payee, and so does every payment at the beginning of a stream: an account that has
    paid fewer than ``known_payees`` others has no habits yet to depart from.
    """

    rule_id: ClassVar[str] = "fraud.new-payee-high-value"
    has_edge: ClassVar[bool] = False

    enabled: bool = field(default=True, metadata=FLAG)
    severity: Severity = field(default=Severity.MEDIUM, metadata=LEVEL)
    threshold: Amounts = field(default=Amounts(Decimal(5000)), metadata=money())
    known_payees: int = field(default=1, metadata=whole(0, 100))

    def sees(self, account_id: str, account: AccountState, event: Event) -> Sighting | None:  # noqa: ARG002 - judges the event alone
        movement = event.movement
        threshold = self.threshold.of(movement.currency)
        if not event.payee_is_new or movement.amount < threshold or event.payees_before < self.known_payees:
            return None
        reason = (
            f"{account_id} sent {money_text(movement.amount, movement.currency)} to {event.payee}, whom it never paid before; "
            f"{money_text(threshold, movement.currency)} and more are looked at"
        )
        evidence = {"payee": event.payee, "threshold": plain(threshold), "payees_before": str(event.payees_before)}
        return Sighting(event.payee, reason, [movement], evidence)
