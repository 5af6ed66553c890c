"""New payee, high value: the first payment to somebody is a large one, as after an account was taken over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar

from counterfoil.detection.account import MAX_PAYEES
from counterfoil.detection.expressions import Condition, Type
from counterfoil.detection.fraud_rules.event import Event
from counterfoil.detection.fraud_rules.kind import AccountKind, Sighting, Values
from counterfoil.detection.parameters import Amounts, money, whole


@dataclass(frozen=True, slots=True)
class NewPayeeHighValue(AccountKind):
    """A transfer of at least ``threshold`` to an account that was never paid before, once ``known_payees`` others were.

    Every account's first payment goes to a new payee, and so does every payment at the beginning of a stream: an account that has
    paid fewer than ``known_payees`` others has no habits yet to depart from.
    """

    kind: ClassVar[str] = "new-payee-high-value"
    state: ClassVar[str] = f"the {MAX_PAYEES} payees that the account paid last; one that fell out counts as new"
    has_edge: ClassVar[bool] = False
    values: ClassVar[Mapping[str, Type]] = {
        "account": Type.TEXT,
        "payee": Type.TEXT,
        "amount": Type.NUMBER,
        "currency": Type.TEXT,
        "threshold": Type.NUMBER,
        "payees_before": Type.NUMBER,
    }

    threshold: Amounts = field(default=Amounts(Decimal(5000)), metadata=money())
    known_payees: int = field(default=1, metadata=whole(0, 100))

    def sees(self, event: Event, when: Condition | None) -> Sighting | None:  # noqa: ARG002 - chose the event
        movement = event.movement
        threshold = self.threshold.of(movement.currency)
        if not movement.is_new or movement.amount < threshold or event.payees_before < self.known_payees:
            return None
        payee = event.transfer.to_account
        values: Values = {
            "account": event.account_id,
            "payee": payee,
            "amount": movement.amount,
            "currency": movement.currency,
            "threshold": threshold,
            "payees_before": event.payees_before,
        }
        return Sighting(payee, values, [movement])
