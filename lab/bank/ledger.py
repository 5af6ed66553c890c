"""The bank's ledger: documents in tables, changed by transactions, each of which becomes one block.

The books are kept as a QLDB application kept them: a transfer reads both accounts, updates both and inserts the transfer, in
one transaction. Shapes are those of the reference scenario: Accounts{accountId, accountNumber, accountType, balance,
currency, customerId, createdAt, status}, Transactions{transactionId, fromAccountId, toAccountId, amount, currency,
transactionType, timestamp, description, status}.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

from counterfoil.journal import BlockAddress
from counterfoil.journal.builder import (
    BuiltBlock,
    Change,
    JournalBuilder,
    Redaction,
    Statement,
    Transaction,
    ion_time,
)

CURRENCY: Final = "USD"
ID_SIZE: Final = 22
_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

READ_ACCOUNTS: Final = "SELECT a.accountId, a.balance, a.status FROM Accounts AS a WHERE a.accountId IN (?, ?)"
SET_BALANCE: Final = "UPDATE Accounts AS a SET a.balance = ? WHERE a.accountId = ?"
INSERT_TRANSFER: Final = "INSERT INTO Transactions ?"
TABLES: Final = ("Accounts", "Transactions", "AuditLog")
SCHEMA: Final = (
    *(f"CREATE TABLE {name}" for name in TABLES),
    "CREATE INDEX ON Accounts (accountId)",
    "CREATE INDEX ON Transactions (transactionId)",
    "CREATE INDEX ON Transactions (fromAccountId)",
    "CREATE INDEX ON Transactions (toAccountId)",
    "CREATE INDEX ON AuditLog (timestamp)",
)


@dataclass(slots=True)
class Document:
    """A document as it now stands. ``changed_in`` are the blocks of its versions, in order; ``version`` counts from 0."""

    document_id: str
    table_name: str
    data: dict[str, Any]
    version: int = 0
    changed_in: list[BlockAddress] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money to be moved.

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


@dataclass(slots=True)
class BankLedger:
    """Accounts by their id, and the journal that everything done to them became. One seed gives one ledger."""

    seed: int
    created_at: datetime
    blocks: list[BuiltBlock] = field(default_factory=list)
    accounts: dict[str, Document] = field(default_factory=dict)
    transfers: int = 0
    _chance: Random = field(init=False)
    _table_ids: dict[str, str] = field(default_factory=dict)
    _builder: JournalBuilder = field(init=False)

    def __post_init__(self) -> None:
        self._chance = Random(f"ledger {self.seed}")
        self._table_ids = {name: self.new_id() for name in TABLES}
        self._builder = JournalBuilder(self.new_id())

    @property
    def strand_id(self) -> str:
        return self._builder.strand_id

    @property
    def builder(self) -> JournalBuilder:
        """The journal's maker, which proves blocks and gives digests."""
        return self._builder

    def new_id(self) -> str:
        """An id as QLDB makes them: 128 random bits in Base62, 22 characters."""
        number = self._chance.getrandbits(128)
        digits = []
        for _ in range(ID_SIZE):
            number, digit = divmod(number, 62)
            digits.append(_BASE62[digit])
        return "".join(reversed(digits))

    def create_tables(self, at: datetime) -> list[BuiltBlock]:
        """One block per CREATE TABLE and CREATE INDEX."""
        return [self.execute(at + timedelta(milliseconds=40 * index), text) for index, text in enumerate(SCHEMA)]

    def execute(self, at: datetime, text: str, *parameters: Any) -> BuiltBlock:
        """A transaction of one statement that changes no document: schema changes and queries."""
        return self._commit(at, (Statement(text, parameters),))

    def open_account(
        self, at: datetime, account_id: str, balance: Decimal | int | str, account_type: str, customer_id: str
    ) -> BuiltBlock:
        """One block with the new document; a balance that is a text is one that no program can read."""
        data = {
            "accountId": account_id,
            "accountNumber": f"{self._chance.randrange(10**10):010}",
            "accountType": account_type,
            "balance": balance,
            "currency": CURRENCY,
            "customerId": customer_id,
            "createdAt": ion_time(self.created_at),
            "status": "ACTIVE",
        }
        account = Document(self.new_id(), "Accounts", data)
        self.accounts[account_id] = account
        block = self._commit(at, (Statement("INSERT INTO Accounts ?", (data,)),), (self._change(account, (0,)),))
        account.changed_in.append(block.address)
        return block

    def transfer(self, at: datetime, order: Transfer) -> BuiltBlock:
        """Read both accounts, update both, insert the transfer: one block with three revisions."""
        if not order.booked:
            return self._insert_alone(at, order)
        payer, payee = self.accounts[order.payer], self.accounts[order.payee]
        self._set_balance(payer, payer.data["balance"] - order.amount)
        self._set_balance(payee, payee.data["balance"] + order.amount + order.skew)
        self.transfers += 1
        document = Document(self.new_id(), "Transactions", self._transfer_data(at, order))
        statements = (
            Statement(READ_ACCOUNTS, (order.payer, order.payee)),
            Statement(SET_BALANCE, (payer.data["balance"], order.payer)),
            Statement(SET_BALANCE, (payee.data["balance"], order.payee)),
            Statement(INSERT_TRANSFER, (document.data,)),
        )
        changes = (self._change(payer, (1,)), self._change(payee, (2,)), self._change(document, (3,)))
        block = self._commit(at, statements, changes)
        payer.changed_in.append(block.address)
        payee.changed_in.append(block.address)
        return block

    def _insert_alone(self, at: datetime, order: Transfer) -> BuiltBlock:
        self.transfers += 1
        document = Document(self.new_id(), "Transactions", self._transfer_data(at, order))
        return self._commit(at, (Statement(INSERT_TRANSFER, (document.data,)),), (self._change(document, (0,)),))

    def read_balance(self, at: datetime, account_id: str) -> BuiltBlock:
        """A query: QLDB writes a block for a read-only transaction too."""
        return self.execute(at, "SELECT a.balance FROM Accounts AS a WHERE a.accountId = ?", account_id)

    def close_account(self, at: datetime, account_id: str) -> BuiltBlock:
        """Delete the account's document; its history stays in the journal."""
        account = self.accounts.pop(account_id)
        account.version += 1
        change = Change(
            account.document_id, account.version, "Accounts", self._table_ids["Accounts"], None, statements=(0,)
        )
        return self._commit(at, (Statement("DELETE FROM Accounts WHERE accountId = ?", (account_id,)),), (change,))

    def redact_first_version(self, at: datetime, account_id: str) -> BuiltBlock:
        """Redact what an account's document said when it was opened."""
        account, table_id = self.accounts[account_id], self._table_ids["Accounts"]
        first = account.changed_in[0]
        redaction = Redaction(first, table_id, account.document_id, 0)
        place = {"strandId": first.strand_id, "sequenceNo": first.sequence_no}
        text = "EXEC REDACT_REVISION ?, ?, ?"
        return self._commit(at, (Statement(text, (place, table_id, account.document_id)),), redactions=(redaction,))

    def _set_balance(self, account: Document, balance: Decimal) -> None:
        account.data = account.data | {"balance": balance}
        account.version += 1

    def _transfer_data(self, at: datetime, order: Transfer) -> dict[str, Any]:
        data = {
            "transactionId": order.transaction_id or f"TXN-{self.transfers:06}",
            "fromAccountId": order.payer,
            "toAccountId": order.payee,
            "amount": order.amount,
            "currency": CURRENCY,
            "transactionType": order.transaction_type,
            "timestamp": ion_time(at),
            "description": order.description,
            "status": "COMPLETED",
        }
        return {name: value for name, value in {**data, **order.document}.items() if value is not None}

    def _change(self, document: Document, statements: tuple[int, ...]) -> Change:
        return Change(
            document.document_id,
            document.version,
            document.table_name,
            self._table_ids[document.table_name],
            document.data,
            statements,
        )

    def _commit(
        self,
        at: datetime,
        statements: tuple[Statement, ...],
        changes: tuple[Change, ...] = (),
        redactions: tuple[Redaction, ...] = (),
    ) -> BuiltBlock:
        started = at - timedelta(milliseconds=self._chance.randint(2, 20))
        block = self._builder.append(Transaction(self.new_id(), started, at, statements, changes, redactions))
        self.blocks.append(block)
        return block
