"""What the fraud rules read from a document: a transfer, the balance of an account, or why it is neither.

The shapes of the documents are configurable; everything a rule relies on is read strictly here, so that the rules only see
values that cannot be wrong. Whatever is wrong with a document is said at once, in one reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, NamedTuple

from counterfoil.detection.money import ZERO, parse_amount
from counterfoil.detection.parameters import NAME, NAMES, OPTIONAL_NAME
from counterfoil.detection.plain_document import plain_fields
from counterfoil.errors import InputError
from counterfoil.ion import IonTimestamp, IonValue
from counterfoil.journal import Revision

# Ids become parts of keys (2,048 bytes at most) and of states of many entries (400 KB at most).
MAX_ID_BYTES: Final = 128
MAX_CURRENCY_CHARACTERS: Final = 12
MAX_EVIDENCE_CHARACTERS: Final = 64


@dataclass(frozen=True, slots=True)
class AccountShape:
    """Where accounts are kept and what their fields are called."""

    table: str = field(default="Accounts", metadata=NAME)
    account_id: str = field(default="accountId", metadata=NAME)
    balance: str = field(default="balance", metadata=NAME)
    currency: str = field(default="currency", metadata=NAME)


@dataclass(frozen=True, slots=True)
class TransactionShape:
    """Where transfers are kept and what their fields are called.

    A transfer moves money in the first revision whose ``status`` is one of ``effective``, and only there; with a ``status``
    of ``None`` the documents have no such field and move money when they are written. ``timestamp`` is evidence, never a
    time to judge by: whoever writes the document chooses it.
    """

    table: str = field(default="Transactions", metadata=NAME)
    transaction_id: str = field(default="transactionId", metadata=NAME)
    from_account: str = field(default="fromAccountId", metadata=NAME)
    to_account: str = field(default="toAccountId", metadata=NAME)
    amount: str = field(default="amount", metadata=NAME)
    currency: str = field(default="currency", metadata=NAME)
    timestamp: str | None = field(default="timestamp", metadata=OPTIONAL_NAME)
    status: str | None = field(default="status", metadata=OPTIONAL_NAME)
    payee_name: str | None = field(default=None, metadata=OPTIONAL_NAME)
    effective: tuple[str, ...] = field(default=("COMPLETED",), metadata=NAMES)


class Source(NamedTuple):
    """The revision that something was read from. ``at`` is the verified time of its transaction."""

    document_id: str
    version: int
    revision_hash: str
    at: datetime


class Transfer(NamedTuple):
    source: Source
    transaction_id: str
    from_account: str
    to_account: str
    amount: Decimal
    currency: str
    effective: bool
    business_time: str
    payee_name: str = ""


class Balance(NamedTuple):
    source: Source
    account_id: str
    amount: Decimal
    currency: str


class Statement(NamedTuple):
    """A PartiQL statement of a verified block, committed ``at``; ``number`` is its place among the transaction's, from 0."""

    number: int
    text: str
    at: datetime


class Unreadable(NamedTuple):
    """A document of one of the two tables that is not what it should be. ``account_id`` is there where it could be read."""

    source: Source
    what: str
    reason: str
    account_id: str | None


Reading = Transfer | Balance | Unreadable


def read_document(
    table_name: str, revision: Revision, accounts: AccountShape, transactions: TransactionShape
) -> Reading | None:
    """What a verified revision says; ``None`` for other tables and for revisions without data (deleted, redacted, internal)."""
    if revision.data is None or revision.metadata is None or table_name not in {accounts.table, transactions.table}:
        return None
    metadata = revision.metadata
    source = Source(metadata.document_id, metadata.version, str(revision.hash), _moment_of(metadata.tx_time))
    if table_name == transactions.table:
        return _plain_transfer(source, revision.data, transactions) or _read_transfer(
            source, _Document(revision.data), transactions
        )
    return _plain_balance(source, revision.data, accounts) or _read_balance(source, _Document(revision.data), accounts)


# The moment read last: all revisions of a block have one and the same. Whoever looks here gets a pair that belongs together.
_last_moment: tuple[IonTimestamp | None, datetime] = (None, datetime.min.replace(tzinfo=UTC))


def _moment_of(time: IonTimestamp) -> datetime:
    global _last_moment  # noqa: PLW0603 - see there
    last = _last_moment
    if last[0] is not time:
        last = _last_moment = (time, time.to_datetime())
    return last[1]


def _plain_transfer(source: Source, data: IonValue, shape: TransactionShape) -> Transfer | None:
    """The transfer, if nothing about its document is unusual; of any other nothing is said here."""
    texts = (shape.transaction_id, shape.from_account, shape.to_account, shape.currency, shape.status, shape.payee_name)
    found = plain_fields(data, texts, shape.amount, shape.timestamp)
    if found is None:
        return None
    amount, time, (transaction_id, from_account, to_account, currency, status, payee) = found
    ids = (
        (transaction_id, from_account, to_account)
        if shape.status is None
        else (transaction_id, from_account, to_account, status)
    )
    if amount <= ZERO or from_account == to_account or not (all(map(_is_id, ids)) and _is_currency(currency)):
        return None
    effective = shape.status is None or status in shape.effective
    name = payee[:MAX_EVIDENCE_CHARACTERS]
    return Transfer(source, transaction_id, from_account, to_account, amount, currency, effective, time, name)


def _plain_balance(source: Source, data: IonValue, shape: AccountShape) -> Balance | None:
    found = plain_fields(data, (shape.account_id, shape.currency), shape.balance, None)
    if found is None:
        return None
    amount, _, (account_id, currency) = found
    return Balance(source, account_id, amount, currency) if _is_id(account_id) and _is_currency(currency) else None


def _is_id(text: str) -> bool:
    return text.isprintable() and 0 < len(text.encode()) <= MAX_ID_BYTES


def _is_currency(text: str) -> bool:
    return text.isascii() and text.isalnum() and len(text) <= MAX_CURRENCY_CHARACTERS


def _read_transfer(source: Source, document: _Document, shape: TransactionShape) -> Transfer | Unreadable:
    transaction_id = document.id(shape.transaction_id)
    from_account, to_account = document.id(shape.from_account), document.id(shape.to_account)
    amount, currency = document.amount(shape.amount), document.currency(shape.currency)
    status = None if shape.status is None else document.id(shape.status)
    if amount <= ZERO and not document.problems:
        document.problems.append(f"{shape.amount} is {amount}, not more than 0")
    if from_account == to_account and not document.problems:
        document.problems.append(f"{shape.from_account} and {shape.to_account} are the same account")
    if document.problems:
        return Unreadable(source, "transfer", "; ".join(document.problems), from_account or to_account or None)
    effective = status is None or status in shape.effective
    business_time = "" if shape.timestamp is None else document.shown(shape.timestamp)
    name = "" if shape.payee_name is None else document.shown(shape.payee_name)
    return Transfer(source, transaction_id, from_account, to_account, amount, currency, effective, business_time, name)


def _read_balance(source: Source, document: _Document, shape: AccountShape) -> Balance | Unreadable:
    account_id = document.id(shape.account_id)
    amount, currency = document.amount(shape.balance), document.currency(shape.currency)
    if document.problems:
        return Unreadable(source, "account", "; ".join(document.problems), account_id or None)
    return Balance(source, account_id, amount, currency)


class _Document:
    """Fields of a document, read one by one; what is wrong with them is collected in ``problems``."""

    def __init__(self, data: IonValue) -> None:
        self.problems: list[str] = []
        self._fields: dict[str, IonValue] = {}
        try:
            self._fields = data.fields()
        except InputError as error:
            self.problems.append(f"the document cannot be read: {error}")

    def id(self, field: str) -> str:
        text = self._text(field)
        if text is not None and not _is_id(text):
            self.problems.append(f"{field} is not a printable text of 1 to {MAX_ID_BYTES} bytes")
            return ""
        return text or ""

    def currency(self, field: str) -> str:
        text = self._text(field)
        if text is None or not _is_currency(text):
            if text is not None:
                self.problems.append(f"{field} is not 1 to {MAX_CURRENCY_CHARACTERS} letters and digits")
            return ""
        return text

    def amount(self, field: str) -> Decimal:
        value = self._value(field)
        try:
            return ZERO if value is None else parse_amount(value)
        except InputError as error:
            self.problems.append(f"{field} is {error}")
            return ZERO

    def shown(self, field: str) -> str:
        """What a field that nothing depends on says, or what is wrong with it."""
        value = self._fields.get(field)
        if value is None or value.is_null:
            return ""
        try:
            return str(value.as_timestamp()) if value.kind == 6 else value.as_text()[:MAX_EVIDENCE_CHARACTERS]
        except InputError:
            return f"(a {value.type.name.lower()})"

    def _value(self, field: str) -> IonValue | None:
        value = self._fields.get(field)
        if value is None and self._fields:
            self.problems.append(f"{field} is missing")
        elif value is None and not self.problems:
            self.problems.append("the document is empty")
        return value

    def _text(self, field: str) -> str | None:
        value = self._value(field)
        try:
            return None if value is None else value.as_text()
        except InputError:
            null = "null " if value is not None and value.is_null else ""
            self.problems.append(f"{field} is a {null}{'' if value is None else value.type.name.lower()}, not a text")
            return None
