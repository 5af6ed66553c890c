"""Kinds of rules that judge what a block says and not one account's movements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar

from counterfoil.detection.account import MAX_DOCUMENTS, MAX_HOLDINGS, TransactionState
from counterfoil.detection.alert_terms import AlertPart
from counterfoil.detection.expressions import Type
from counterfoil.detection.fraud_rules.kind import OF_A_DOCUMENT, BalanceKind, EntryKind, Kind, Sighting, Values
from counterfoil.detection.money import EXACT
from counterfoil.detection.parameters import Amounts, choice, money, ratio
from counterfoil.detection.transfer import Balance, Transfer


@dataclass(frozen=True, slots=True)
class UnreadableDocument(Kind):
    """A document of the table of transfers, or of accounts, that is not what it should be: ``problem`` lists all that is wrong."""

    kind: ClassVar[str] = "unreadable"
    values: ClassVar[Mapping[str, Type]] = {"document": Type.TEXT, "what": Type.TEXT, "problem": Type.TEXT}

    what: str = field(default="transfer", metadata=choice("transfer", "account"))


@dataclass(frozen=True, slots=True)
class DuplicateTransactionId(EntryKind):
    """A business transaction id that another document already carries."""

    kind: ClassVar[str] = "duplicate-transaction-id"
    state: ClassVar[str] = (
        f"per transaction id the first {MAX_DOCUMENTS} documents that carry it, for `transaction_memory_days`"
    )
    values: ClassVar[Mapping[str, Type]] = {
        "account": Type.TEXT,
        "transaction_id": Type.TEXT,
        "document": Type.TEXT,
        "first_document_id": Type.TEXT,
        "amount": Type.NUMBER,
        "currency": Type.TEXT,
    }

    def sees(self, transfer: Transfer, state: TransactionState) -> Sighting | None:
        source = transfer.source
        if not state.is_new_duplicate(source.document_id, source.version):
            return None
        values: Values = {
            "account": transfer.from_account,
            "transaction_id": transfer.transaction_id,
            "document": source.document_id,
            "first_document_id": next(iter(state.carriers)),
            "amount": transfer.amount,
            "currency": transfer.currency,
        }
        return Sighting(f"{transfer.transaction_id}:{source.document_id}", values)


@dataclass(frozen=True, slots=True)
class NegativeBalance(BalanceKind):
    """A balance that falls below ``minimum``; reported when it falls, and again only after it was back."""

    kind: ClassVar[str] = "balance-below"
    state: ClassVar[str] = (
        f"whether the rule fired; the last {MAX_HOLDINGS} documents of an account that hold a balance"
    )
    stands_alone: ClassVar[bool] = True
    values: ClassVar[Mapping[str, Type]] = {
        "account": Type.TEXT,
        "balance": Type.NUMBER,
        "currency": Type.TEXT,
        "minimum": Type.NUMBER,
        "missing": Type.NUMBER,
    }
    alert_parts: ClassVar[frozenset[AlertPart]] = OF_A_DOCUMENT | {AlertPart.CURRENCY}

    minimum: Amounts = field(default=Amounts(Decimal(0)), metadata=money(above=None))

    def sees(self, balance: Balance, previous_version: int | None) -> Sighting | None:  # noqa: ARG002 - what is there is enough
        minimum = self.minimum.of(balance.currency)
        if balance.amount >= minimum:
            return None
        values: Values = {
            "account": balance.account_id,
            "balance": balance.amount,
            "currency": balance.currency,
            "minimum": minimum,
            "missing": EXACT.subtract(minimum, balance.amount),
        }
        return Sighting(f"{balance.account_id}:{balance.currency}", values)


@dataclass(frozen=True, slots=True)
class VersionGap(BalanceKind):
    """A balance whose document skipped versions: what was between the last one seen and this one was never seen here."""

    kind: ClassVar[str] = "version-gap"
    state: ClassVar[str] = f"the last version of the {MAX_HOLDINGS} documents of an account that changed last"
    has_edge: ClassVar[bool] = False
    values: ClassVar[Mapping[str, Type]] = {
        "account": Type.TEXT,
        "document": Type.TEXT,
        "previous_version": Type.NUMBER,
        "found_version": Type.NUMBER,
        "missing": Type.NUMBER,
    }

    def sees(self, balance: Balance, previous_version: int | None) -> Sighting | None:
        document_id, version = balance.source.document_id, balance.source.version
        if previous_version is None or version <= previous_version + 1:
            return None
        values: Values = {
            "account": balance.account_id,
            "document": document_id,
            "previous_version": previous_version,
            "found_version": version,
            "missing": version - previous_version - 1,
        }
        return Sighting(f"{document_id}-{version}", values)


@dataclass(frozen=True, slots=True)
class ConservationOfMoney(Kind):
    """Balances that a transaction changed do not add up with its transfers (``conservation`` says exactly when).

    ``tolerance`` is for balances that were rounded elsewhere: 0 in a ledger of its own.
    """

    kind: ClassVar[str] = "conservation-of-money"
    state: ClassVar[str] = (
        f"the last version and balance of the {MAX_HOLDINGS} documents of an account that changed last"
    )
    values: ClassVar[Mapping[str, Type]] = {
        "account": Type.TEXT,
        "currency": Type.TEXT,
        "finding": Type.TEXT,
        "off_by": Type.NUMBER,
    }
    alert_parts: ClassVar[frozenset[AlertPart]] = OF_A_DOCUMENT | {AlertPart.CURRENCY}

    tolerance: Decimal = field(default=Decimal(0), metadata=ratio("0", "1000"))
