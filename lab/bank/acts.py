"""What is done at the bank, and the statements with which an application does it.

One description serves both ways to keep the books: ``BankLedger`` builds blocks from it in this process, ``Clerks`` carry it out
through the official driver. Shapes are those of the reference scenario: Accounts{accountId, accountNumber, accountType, balance,
currency, customerId, createdAt, status}, Transactions{transactionId, fromAccountId, toAccountId, amount, currency,
transactionType, timestamp, description, status}.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from counterfoil.journal.builder import ion_time

CURRENCY: Final = "USD"
TABLES: Final = ("Accounts", "Transactions", "AuditLog")
SCHEMA: Final = (
    *(f"CREATE TABLE {name}" for name in TABLES),
    "CREATE INDEX ON Accounts (accountId)",
    "CREATE INDEX ON Transactions (transactionId)",
    "CREATE INDEX ON Transactions (fromAccountId)",
    "CREATE INDEX ON Transactions (toAccountId)",
    'CREATE INDEX ON AuditLog ("timestamp")',
)

READ_ACCOUNTS: Final = "SELECT a.accountId, a.balance, a.status FROM Accounts AS a WHERE a.accountId IN (?, ?)"
READ_BALANCE: Final = "SELECT a.balance FROM Accounts AS a WHERE a.accountId = ?"
SET_BALANCE: Final = "UPDATE Accounts AS a SET a.balance = ? WHERE a.accountId = ?"
INSERT_TRANSFER: Final = "INSERT INTO Transactions ?"
DELETE_ACCOUNT: Final = "DELETE FROM Accounts WHERE accountId = ?"
FIND_FIRST_VERSION: Final = (
    "SELECT h.blockAddress, h.metadata.id AS id FROM history(Accounts) AS h "
    "WHERE h.data.accountId = ? AND h.metadata.version = 0"
)
FIND_TABLE: Final = "SELECT t.tableId FROM information_schema.user_tables AS t WHERE t.name = ?"
REDACT: Final = "EXEC REDACT_REVISION ?, ?, ?"


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it is opened; a balance that is a text is one that no program can read."""

    account_id: str
    balance: Decimal | int | str
    account_type: str
    customer_id: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money to be moved: read both accounts, update both, insert the transfer.

    ``document`` overrides fields of the Transactions document (``None`` leaves one out), ``skew`` is added to the payee's
    new balance, and without ``booked`` no balance changes at all: all three are for clerks who cheat or blunder.
    """

    payer: str
    payee: str
    amount: Decimal
    transaction_type: str = "TRANSFER"
    description: str = ""
    transaction_id: str | None = None
    document: Mapping[str, Any] = field(default_factory=dict)
    skew: Decimal = Decimal(0)
    booked: bool = True


@dataclass(frozen=True, slots=True)
class Order:
    """A transfer and when it is committed."""

    at: datetime
    transfer: Transfer


@dataclass(frozen=True, slots=True)
class Execute:
    """A transaction of one statement that changes no document: schema changes and queries."""

    text: str
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenAccounts:
    """Accounts opened in one transaction."""

    accounts: tuple[Account, ...]


@dataclass(frozen=True, slots=True)
class CloseAccount:
    """The account's document is deleted; its history stays in the journal."""

    account_id: str


@dataclass(frozen=True, slots=True)
class RedactFirstVersion:
    """What an account's document said when it was opened is redacted; it must not be the current version."""

    account_id: str


@dataclass(frozen=True, slots=True)
class SetClockBack:
    """The ledger's clock steps back for one block, a query. Only a ledger whose clock is ours can be made to do so."""

    account_id: str


type Act = Execute | OpenAccounts | Transfer | CloseAccount | RedactFirstVersion | SetClockBack


class Balance(NamedTuple):
    """A parameter: what the transaction read as the account's balance, and ``change``."""

    account_id: str
    change: Decimal


class Found(NamedTuple):
    """A parameter: a field of the one row that an earlier statement of the transaction found."""

    statement: int
    name: str


class Request(NamedTuple):
    """A statement with its parameters, some of which depend on what the transaction has read."""

    text: str
    parameters: tuple[Any, ...] = ()


def read_balance(account_id: str) -> Execute:
    """A query: QLDB writes a block for a read-only transaction too."""
    return Execute(READ_BALANCE, (account_id,))


def requests_to_open(documents: list[dict[str, Any]]) -> tuple[Request, ...]:
    if len(documents) == 1:
        return (Request("INSERT INTO Accounts ?", tuple(documents)),)
    return (Request(f"INSERT INTO Accounts <<{', '.join('?' * len(documents))}>>", tuple(documents)),)


def requests_to_transfer(order: Transfer, document: Mapping[str, Any]) -> tuple[Request, ...]:
    insert = Request(INSERT_TRANSFER, (document,))
    if not order.booked:
        return (insert,)
    return (
        Request(READ_ACCOUNTS, (order.payer, order.payee)),
        Request(SET_BALANCE, (Balance(order.payer, -order.amount), order.payer)),
        Request(SET_BALANCE, (Balance(order.payee, order.amount + order.skew), order.payee)),
        insert,
    )


def requests_to_redact(account_id: str) -> tuple[Request, ...]:
    """Where the first version is must be asked first."""
    return (
        Request(FIND_FIRST_VERSION, (account_id,)),
        Request(FIND_TABLE, ("Accounts",)),
        Request(REDACT, (Found(0, "blockAddress"), Found(1, "tableId"), Found(0, "id"))),
    )


def account_document(account: Account, number: int, created_at: datetime) -> dict[str, Any]:
    """``number`` is the account's for its customer, of ten digits."""
    return {
        "accountId": account.account_id,
        "accountNumber": f"{number:010}",
        "accountType": account.account_type,
        "balance": account.balance,
        "currency": CURRENCY,
        "customerId": account.customer_id,
        "createdAt": ion_time(created_at),
        "status": "ACTIVE",
    }


def transfer_document(order: Transfer, number: int, at: datetime) -> dict[str, Any]:
    """``number`` counts the bank's transfers from 1; it names a transfer that has no id of its own."""
    document = {
        "transactionId": order.transaction_id or f"TXN-{number:06}",
        "fromAccountId": order.payer,
        "toAccountId": order.payee,
        "amount": order.amount,
        "currency": CURRENCY,
        "transactionType": order.transaction_type,
        "timestamp": ion_time(at),
        "description": order.description,
        "status": "COMPLETED",
    }
    return {name: value for name, value in {**document, **order.document}.items() if value is not None}
