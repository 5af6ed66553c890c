"""A small bank whose books become blocks and stream records, and whose history is kept as plain values beside them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from counterfoil.adapters.memory import MemoryFindings
from counterfoil.adapters.memory.accounts import MemoryAccounts
from counterfoil.adapters.memory.set_aside import MemorySetAside
from counterfoil.detection.rule_config import parse_rule_config
from counterfoil.detection.stream_cursor import CURSORS, parse_cursor
from counterfoil.journal.builder import BuiltBlock, Change, JournalBuilder, Statement, Transaction
from counterfoil.services.batch import KinesisRecord
from counterfoil.services.detect import Detector
from tests.journals import OTHER_STRAND, START, STRAND, STREAM_ARN, TABLE_ID, made_id

GRACE = timedelta(seconds=60)
NOW = datetime(2025, 3, 2, tzinfo=UTC)


class Written(NamedTuple):
    """One revision as it was meant: the history that expectations are worked out from."""

    table: str
    document_id: str
    version: int
    data: dict[str, Any]


class Chapter(NamedTuple):
    """One block as it was meant; ``at`` is its transaction time."""

    number: int
    at: datetime
    written: tuple[Written, ...]


@dataclass
class Bank:
    """Accounts with one balance each. Times only go on: each block is ``after`` seconds behind the one before."""

    strand_id: str = STRAND
    currency: str = "EUR"
    builder: JournalBuilder = None
    blocks: list[BuiltBlock] = field(default_factory=list)
    history: list[Chapter] = field(default_factory=list)
    balances: dict[str, Decimal] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    now: datetime = START
    ids: int = 0

    def __post_init__(self):
        self.builder = self.builder or JournalBuilder(self.strand_id)

    def open(self, account_id, balance, *, after=1):
        return self.commit([self.account(account_id, Decimal(balance))], after=after)

    def account(self, account_id, balance):
        self.balances[account_id] = balance
        data = {"accountId": account_id, "balance": balance, "currency": self.currency, "status": "ACTIVE"}
        return "Accounts", self.name("A", account_id), data

    def name(self, kind, text):
        return made_id(kind, int.from_bytes(text.encode()[:8]) % 10**18)

    def transfer(self, payer, payee, amount, *, after=1, skew=0, transaction_id=None, booked=True, status="COMPLETED"):
        """One block: the transfer, and the balances of those who have one, the payee's too high by ``skew``."""
        amount = Decimal(amount)
        self.ids += 1
        data = {
            "transactionId": transaction_id or f"T{self.ids}",
            "fromAccountId": payer,
            "toAccountId": payee,
            "amount": amount,
            "currency": self.currency,
            "status": status,
        }
        rows = [("Transactions", made_id("T", self.ids), data)]
        if booked:
            for account_id, change in ((payer, -amount), (payee, amount + Decimal(skew))):
                if account_id in self.balances:
                    rows.append(self.account(account_id, self.balances[account_id] + change))
        return self.commit(rows, after=after)

    def update(self, document_id, data, *, after=1):
        """A new version of a transfer's document."""
        return self.commit([("Transactions", document_id, data)], after=after)

    def query(self, *, after=1):
        """A block that changes nothing."""
        return self.commit([], after=after)

    def commit(self, rows, *, after=1):
        self.now += timedelta(seconds=after)
        written = tuple(Written(table, name, self._next(name), data) for table, name, data in rows)
        changes = tuple(Change(each.document_id, each.version, each.table, TABLE_ID, each.data) for each in written)
        number = len(self.blocks)
        moment = self.now.replace(microsecond=self.now.microsecond // 1000 * 1000)
        transaction = Transaction(
            made_id("tx", number), moment, moment + timedelta(milliseconds=5), (Statement("EXEC"),), changes
        )
        self.blocks.append(self.builder.append(transaction))
        self.history.append(Chapter(number, moment, written))
        return self.blocks[-1]

    def _next(self, document_id):
        self.versions[document_id] = self.versions.get(document_id, -1) + 1
        return self.versions[document_id]

    def records(self):
        """The stream's records in QLDB's order."""
        return [data for block in self.blocks for data in block.stream_records(STREAM_ARN)]


def outer(*records, key="strand"):
    """Kinesis records with one user record each."""
    return [KinesisRecord("shard-0", f"{index:05}", key, data, NOW) for index, data in enumerate(records)]


@dataclass
class Desk:
    """A detector with its tables in memory and a clock that is set by hand."""

    rules: str = "{}"
    accounts: MemoryAccounts = field(default_factory=MemoryAccounts)
    findings: MemoryFindings = field(default_factory=MemoryFindings)
    now: datetime = NOW

    def __post_init__(self):
        self.detector = self.detector_on(self.accounts, self.findings)

    def detector_on(self, accounts, findings):
        set_aside = MemorySetAside(lambda: self.now)
        return Detector(accounts, findings, set_aside, parse_rule_config(self.rules), lambda: self.now, GRACE)

    def detect(self, *records):
        return self.detector.detect(outer(*records))

    def sweep(self, *, after=0):
        self.now += timedelta(seconds=after)
        return self.detector.sweep()

    def found(self):
        """(rule, block number, account) of every finding that is told."""
        return {key_of(finding) for finding in self.findings.findings.values() if not finding.shadow}

    def tables(self):
        """Everything kept, versions and wall-clock times apart."""
        return tables_of(self.accounts, self.findings)

    def cursor(self, strand_id=STRAND):
        stored = {key.item: state for key, state in self.accounts.states.items() if key.key == CURSORS}
        return parse_cursor(strand_id, stored[strand_id].body)


def progress_of(cursor):
    return cursor.next_no, cursor.last_hash, cursor.passed, cursor.holds


def key_of(finding):
    return finding.rule_id.removeprefix("fraud."), int(finding.place.rpartition("#")[2]), finding.account_id


def tables_of(accounts, findings):
    states = {key: state.body for key, state in accounts.states.items() if key.key != CURSORS}
    cursors = {
        key.item: progress_of(parse_cursor(key.item, state.body))
        for key, state in accounts.states.items()
        if key.key == CURSORS
    }
    kept = {name: (each.reason, dict(each.evidence), each.severity) for name, each in findings.findings.items()}
    return states, cursors, kept


__all__ = [
    "GRACE",
    "NOW",
    "OTHER_STRAND",
    "START",
    "STRAND",
    "Bank",
    "Chapter",
    "Desk",
    "Written",
    "key_of",
    "outer",
    "tables_of",
]
