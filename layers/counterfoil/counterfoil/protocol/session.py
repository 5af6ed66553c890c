"""One session of ``qldb-session``: of one ledger and one caller, with at most one open transaction.

Decided here where the service's documents say nothing (docs/protocol.md, "Sessions"):

- A second StartTransaction while one is open is a BadRequest; both official drivers then give the session up.
- AbortTransaction without an open transaction succeeds: drivers send it after a transaction that ended by itself.
- A transaction that ended by an error answers every later command with that error; a commit that is repeated on its session
  is answered as the first time, so a client whose connection broke learns what happened.
- The token of a page is good once, in order.
- A statement that failed is not in the journal, and both official drivers count it into their digest none the less. A commit is
  taken with either digest, so that a client may catch an error and go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

from counterfoil.errors import ClosedError, CounterfoilError, DeferredError, LimitError
from counterfoil.ion.codec import decode_datagram
from counterfoil.ion.value_text import parse_text
from counterfoil.ion.values import Value
from counterfoil.journal.builder import Statement, digest_of_statement
from counterfoil.ledger.limits import Limits
from counterfoil.merkle import Hash, dot
from counterfoil.partiql.parser import parse
from counterfoil.partiql.syntax import Query
from counterfoil.protocol.cursor import Cursor
from counterfoil.protocol.faults import CODE_REFUSED, ProtocolError, bad_request, session_error
from counterfoil.protocol.hosting import Authorise, Caller, Results, Transaction

Command = Mapping[str, Any]
Answer = dict[str, Any]


@dataclass(slots=True)
class Ended:
    """How a transaction ended: with its commit's digest and answer, or with an error."""

    transaction_id: str
    digest: bytes = b""
    answer: Answer | None = None
    error: ProtocolError | None = None


@dataclass(slots=True)
class Session:
    """Its commands are called under its ``lock``; they raise this library's errors, or a ``ProtocolError`` where only that will do.

    ``begin`` begins a transaction of its ledger. ``used_at`` counts seconds on a clock that never goes back. ``authorise`` gives
    the check of a statement's actions, or none. ``cursors`` are those with pages to come, by the token of the next. ``attempted``
    is the digest of the transaction's statements with those that failed; ``None`` while none did.
    """

    session_id: str
    ledger_name: str
    begin: Callable[[], Transaction]
    caller: Caller
    limits: Limits
    authorise: Callable[[], Authorise | None]
    new_token: Callable[[], str]
    used_at: float
    lock: Lock = field(default_factory=Lock)
    transaction: Transaction | None = None
    attempted: Hash | None = None
    cursors: dict[str, Cursor] = field(default_factory=dict)
    last: Ended | None = None

    def start_transaction(self, _: Command) -> Answer:
        self.close_if_expired()
        if self.transaction is not None:
            raise bad_request(f"Transaction already open: {self.transaction.transaction_id}", CODE_REFUSED)
        self.transaction = self.begin()
        self.last = None
        return {"TransactionId": self.transaction.transaction_id}

    def execute_in_brief(self, command: Command) -> Answer:
        """ExecuteStatement if that takes a moment only; otherwise ``DeferredError``, and nothing was done."""
        return self.execute_statement(command, in_brief=True)

    def execute_statement(self, command: Command, *, in_brief: bool = False) -> Answer:
        with self._open_transaction(command["TransactionId"]) as transaction:
            parameters = [
                self._parameter(holder, f"Parameters[{at}]")
                for at, holder in enumerate(command.get("Parameters") or ())
            ]
            text = command["Statement"]
            execute = transaction.execute_in_brief if in_brief else transaction.execute
            results = self._execute(transaction, execute, text, parameters)
            return self._page("FirstPage", Cursor(results, changes=not isinstance(parse(text).statement, Query)))

    def _execute(
        self, transaction: Transaction, execute: Callable[..., Results], text: str, parameters: list[Value]
    ) -> Results:
        before = transaction.commit_digest if self.attempted is None else self.attempted
        try:
            results = execute(text, parameters, self.authorise())
        except DeferredError:
            raise
        except BaseException:
            self._attempt(before, text, parameters)
            raise
        if self.attempted is not None:
            self._attempt(before, text, parameters)
        return results

    def _attempt(self, before: Hash, text: str, parameters: list[Value]) -> None:
        self.attempted = dot(before, digest_of_statement(Statement(text, tuple(parameters))))

    def fetch_page(self, command: Command) -> Answer:
        with self._open_transaction(command["TransactionId"]):
            cursor = self.cursors.pop(command["NextPageToken"], None)
            if cursor is None:
                raise bad_request(
                    "NextPageToken names no page that comes next; each is good once, within its transaction"
                )
            return self._page("Page", cursor)

    def commit_transaction(self, command: Command) -> Answer:
        transaction_id, digest = command["TransactionId"], command["CommitDigest"]
        last = self.last
        if last is not None and last.transaction_id == transaction_id and last.answer is not None:
            _check_digest(last.digest, digest)
            return last.answer
        with self._open_transaction(transaction_id) as transaction:
            if digest != self.attempted:
                _check_digest(transaction.commit_digest, digest)
            address = transaction.commit()
        consumed = {"ReadIOs": 0, "WriteIOs": 0 if address is None else 1}
        answer: Answer = {"TransactionId": transaction_id, "CommitDigest": digest, "ConsumedIOs": consumed}
        self.close_transaction(Ended(transaction_id, digest, answer))
        return answer

    def abort_transaction(self, _: Command) -> Answer:
        self.close_transaction()
        return {}

    def close_transaction(self, ended: Ended | None = None) -> None:
        """Forget the transaction; one that is still open is aborted."""
        if self.transaction is not None:
            self.transaction.abort()
        self.transaction = None
        self.attempted = None
        self.cursors.clear()
        self.last = ended

    def close_if_expired(self) -> None:
        """Close the transaction if its time is up: it holds back what others want removed."""
        if self.transaction is not None:
            try:
                self.transaction.check_open()
            except ClosedError as error:
                self.close_transaction(Ended(self.transaction.transaction_id, error=session_error(error)))

    @contextmanager
    def _open_transaction(self, transaction_id: str) -> Iterator[Transaction]:
        """The open transaction, if it is the one meant. An error that ends it is noted, for later commands to be told the same."""
        transaction = self.transaction
        if transaction is None or transaction.transaction_id != transaction_id:
            if self.last is not None and self.last.transaction_id == transaction_id and self.last.error is not None:
                raise self.last.error
            raise bad_request(f"Transaction {transaction_id} is not open on this session")
        try:
            transaction.check_open()
            yield transaction
        except CounterfoilError as error:
            if transaction.ended:
                self.close_transaction(Ended(transaction_id, error=session_error(error)))
            raise

    def _page(self, name: str, cursor: Cursor) -> Answer:
        page = cursor.page()
        shown: Answer = {"Values": [{"IonBinary": value} for value in page.values]}
        if page.more:
            token = self.new_token()
            self.cursors[token] = cursor
            shown["NextPageToken"] = token
        return {name: shown, "ConsumedIOs": {"ReadIOs": page.read_ios, "WriteIOs": page.write_ios}}

    def _parameter(self, holder: Mapping[str, Any], place: str) -> Value:
        if len(holder) != 1:
            raise bad_request(f"{place} needs exactly one of IonBinary and IonText")
        if "IonText" in holder:
            text = holder["IonText"]
            _check_size(f"{place}.IonText", len(text), self.limits.parameter_text_characters, "characters")
            return parse_text(text)
        data = holder["IonBinary"]
        _check_size(f"{place}.IonBinary", len(data), self.limits.parameter_binary_bytes, "bytes")
        return decode_datagram(data)


CarryOut = Callable[[Session, Command], Answer]

COMMANDS: Final[Mapping[str, CarryOut]] = {
    "StartTransaction": Session.start_transaction,
    "ExecuteStatement": Session.execute_statement,
    "FetchPage": Session.fetch_page,
    "CommitTransaction": Session.commit_transaction,
    "AbortTransaction": Session.abort_transaction,
}


def _check_digest(expected: bytes, given: bytes) -> None:
    if expected != given:
        raise bad_request("Digests don't match", CODE_REFUSED)


def _check_size(place: str, size: int, at_most: int, unit: str) -> None:
    if size > at_most:
        raise LimitError(f"{place} has {size} {unit}; at most {at_most} are allowed")
