"""Settings of the rules that judge a block and not one account's past; ``judgement`` and ``conservation`` apply them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar

from counterfoil.detection.finding import Severity
from counterfoil.detection.parameters import FLAG, LEVEL, Amounts, money


@dataclass(frozen=True, slots=True)
class BlockRule:
    rule_id: ClassVar[str]

    enabled: bool
    severity: Severity


@dataclass(frozen=True, slots=True)
class UnreadableTransfer(BlockRule):
    """A document in the table of transfers that is not one: a float or no amount, nothing or less, more than 38 digits, no id."""

    rule_id: ClassVar[str] = "fraud.unreadable-transfer"

    enabled: bool = field(default=True, metadata=FLAG)
    severity: Severity = field(default=Severity.MEDIUM, metadata=LEVEL)


@dataclass(frozen=True, slots=True)
class UnreadableAccount(BlockRule):
    """A document in the table of accounts whose account, balance or currency cannot be read."""

    rule_id: ClassVar[str] = "fraud.unreadable-account"

    enabled: bool = field(default=True, metadata=FLAG)
    severity: Severity = field(default=Severity.MEDIUM, metadata=LEVEL)


@dataclass(frozen=True, slots=True)
class DuplicateTransactionId(BlockRule):
    """A business transaction id that another document already carries."""

    rule_id: ClassVar[str] = "fraud.duplicate-transaction-id"

    enabled: bool = field(default=True, metadata=FLAG)
    severity: Severity = field(default=Severity.HIGH, metadata=LEVEL)


@dataclass(frozen=True, slots=True)
class NegativeBalance(BlockRule):
    """A balance that falls below ``minimum``; reported when it falls, and again only after it was back."""

    rule_id: ClassVar[str] = "fraud.negative-balance"

    enabled: bool = field(default=True, metadata=FLAG)
    severity: Severity = field(default=Severity.HIGH, metadata=LEVEL)
    minimum: Amounts = field(default=Amounts(Decimal(0)), metadata=money(above=None))


@dataclass(frozen=True, slots=True)
class ConservationOfMoney(BlockRule):
    """Balances that a transaction changed do not add up with its transfers (``conservation`` says exactly when)."""

    rule_id: ClassVar[str] = "fraud.conservation-of-money"

    enabled: bool = field(default=True, metadata=FLAG)
    severity: Severity = field(default=Severity.CRITICAL, metadata=LEVEL)
