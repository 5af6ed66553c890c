"""The bank's ledger built in this process: documents in tables, changed by transactions, each of which becomes one block.

The clock and the ids are ours, so one seed gives one ledger, byte for byte, and even what no server would do can be done: the
clock can be set back. What is done, and with which statements, is described in ``acts``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
)
from lab.bank.acts import (
    DELETE_ACCOUNT,
    SCHEMA,
    TABLES,
    Account,
    Act,
    Balance,
    CloseAccount,
    Execute,
    OpenAccounts,
    RedactFirstVersion,
    Request,
    SetClockBack,
    Transfer,
    account_document,
    read_balance,
    requests_to_open,
    requests_to_redact,
    requests_to_transfer,
    transfer_document,
)

ID_SIZE: Final = 22
_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CLOCK_STEP_BACK: Final = timedelta(seconds=3)


@dataclass(slots=True)
class Document:
    """A document as it now stands. ``changed_in`` are the blocks of its versions, in order; ``version`` counts from 0."""

    document_id: str
    table_name: str
    data: dict[str, Any]
    version: int = 0
    changed_in: list[BlockAddress] = field(default_factory=list)


@dataclass(slots=True)
class BankLedger:
    """Accounts by their id, and the journal that everything done to them became. One seed gives one ledger."""

    seed: int
    created_at: datetime
    blocks: list[BuiltBlock] = field(default_factory=list)
    accounts: dict[str, Document] = field(default_factory=dict)
    closed: dict[str, Document] = field(default_factory=dict)
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

    def perform(self, at: datetime, act: Act) -> BuiltBlock:
        """Do what is described; one block."""
        match act:
            case Execute(text, parameters):
                return self.execute(at, text, *parameters)
            case OpenAccounts(accounts):
                return self.open_accounts(at, accounts)
            case Transfer():
                return self.transfer(at, act)
            case CloseAccount(account_id):
                return self.close_account(at, account_id)
            case RedactFirstVersion(account_id):
                return self.redact_first_version(at, account_id)
            case SetClockBack(account_id):
                return self.read_balance(at - CLOCK_STEP_BACK, account_id)

    def execute(self, at: datetime, text: str, *parameters: Any) -> BuiltBlock:
        """A transaction of one statement that changes no document: schema changes and queries."""
        return self._commit(at, (Request(text, parameters),))

    def open_account(
        self, at: datetime, account_id: str, balance: Decimal | int | str, account_type: str, customer_id: str
    ) -> BuiltBlock:
        """One block with the new document."""
        return self.open_accounts(at, [Account(account_id, balance, account_type, customer_id)])

    def open_accounts(self, at: datetime, accounts: Sequence[Account]) -> BuiltBlock:
        """One block with all the new documents."""
        opened = [self._new_account(each) for each in accounts]
        requests = requests_to_open([each.data for each in opened])
        block = self._commit(at, requests, [self._change(each, 0) for each in opened])
        _note(block, opened)
        return block

    def transfer(self, at: datetime, order: Transfer) -> BuiltBlock:
        """Read both accounts, update both, insert the transfer: one block with three revisions."""
        changed = []
        if order.booked:
            changed = [self.accounts[order.payer], self.accounts[order.payee]]
            _add_to_balance(changed[0], -order.amount)
            _add_to_balance(changed[1], order.amount + order.skew)
        self.transfers += 1
        document = Document(self.new_id(), "Transactions", transfer_document(order, self.transfers, at))
        requests = requests_to_transfer(order, document.data)
        changes = [self._change(each, index) for index, each in enumerate(changed, 1)]
        block = self._commit(at, requests, [*changes, self._change(document, len(requests) - 1)])
        _note(block, changed)
        return block

    def read_balance(self, at: datetime, account_id: str) -> BuiltBlock:
        return self.perform(at, read_balance(account_id))

    def close_account(self, at: datetime, account_id: str) -> BuiltBlock:
        """Delete the account's document; its history stays in the journal."""
        account = self.closed[account_id] = self.accounts.pop(account_id)
        account.version += 1
        change = Change(
            account.document_id, account.version, "Accounts", self._table_ids["Accounts"], None, statements=(0,)
        )
        return self._commit(at, (Request(DELETE_ACCOUNT, (account_id,)),), [change])

    def redact_first_version(self, at: datetime, account_id: str) -> BuiltBlock:
        """Redact what an account's document said when it was opened."""
        account, table_id = (self.accounts | self.closed)[account_id], self._table_ids["Accounts"]
        first = account.changed_in[0]
        found, named, redact = requests_to_redact(account_id)
        place = {"strandId": first.strand_id, "sequenceNo": first.sequence_no}
        requests = (found, named, Request(redact.text, (place, table_id, account.document_id)))
        return self._commit(at, requests, redactions=(Redaction(first, table_id, account.document_id, 0),))

    def _new_account(self, account: Account) -> Document:
        data = account_document(account, self._chance.randrange(10**10), self.created_at)
        document = self.accounts[account.account_id] = Document(self.new_id(), "Accounts", data)
        return document

    def _change(self, document: Document, statement: int) -> Change:
        return Change(
            document.document_id,
            document.version,
            document.table_name,
            self._table_ids[document.table_name],
            document.data,
            (statement,),
        )

    def _commit(
        self,
        at: datetime,
        requests: Sequence[Request],
        changes: Sequence[Change] = (),
        redactions: tuple[Redaction, ...] = (),
    ) -> BuiltBlock:
        statements = tuple(Statement(text, tuple(map(self._known, parameters))) for text, parameters in requests)
        started = at - timedelta(milliseconds=self._chance.randint(2, 20))
        block = self._builder.append(Transaction(self.new_id(), started, at, statements, tuple(changes), redactions))
        self.blocks.append(block)
        return block

    def _known(self, parameter: Any) -> Any:
        """A parameter's value; balances were set before the block is built."""
        return self.accounts[parameter.account_id].data["balance"] if isinstance(parameter, Balance) else parameter


def _add_to_balance(account: Document, change: Decimal) -> None:
    account.data = account.data | {"balance": account.data["balance"] + change}
    account.version += 1


def _note(block: BuiltBlock, documents: Iterable[Document]) -> None:
    for each in documents:
        each.changed_in.append(block.address)
