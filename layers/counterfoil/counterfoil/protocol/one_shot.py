"""A whole transaction in one request: statements in, their rows out, committed or nothing of it.

A request with a key may be sent any number of times and is committed once. Its transaction's id follows from the key, whoever sent
it and the ledger; so whether it was committed is in the journal, and nothing else has to remember it. The block holds the digests of
the statements with their parameters, so another request under the same key is told from a repetition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

from counterfoil.errors import LimitError, OccConflictError, PreconditionError, UnknownOutcomeError
from counterfoil.ion.codec import decode_datagram, encode
from counterfoil.ion.values import Value
from counterfoil.journal import BlockAddress
from counterfoil.journal.builder import Statement
from counterfoil.ledger.ids import ID_BYTES, NewId, render_id
from counterfoil.ledger.times import milliseconds_of, moment_of, timestamp_of
from counterfoil.ledger.transaction import Givens
from counterfoil.partiql.parser import parse
from counterfoil.partiql.syntax import Delete, Insert, Update
from counterfoil.protocol.directory import Directory
from counterfoil.protocol.hosting import Authorise, Caller, Engine, Transaction
from counterfoil.protocol.outcomes import look_for
from counterfoil.protocol.session_rules import PERMISSION, statement_check

# What has changed under a transaction is read anew this often before its client is told.
ATTEMPTS: Final = 6

# Rows of all statements together, as binary Ion. They are held until the commit, and in JSON are about twice as large.
MAX_RESULT_BYTES: Final = 2 * 1024 * 1024


class OtherRequestError(PreconditionError):
    """The key was used before, for other statements."""


class Asked(NamedTuple):
    """``statements`` are texts with their parameters; ``key`` is the client's, if the request may come twice."""

    ledger_name: str
    statements: tuple[Statement, ...]
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """A committed transaction. ``rows`` has those of each statement.

    Of a request that was repeated only the documents that a statement changed are known, and ``None`` stands for the rest: what a
    query read is not in the journal.
    """

    transaction_id: str
    address: BlockAddress
    rows: tuple[list[Value] | None, ...]
    read_ios: int = 0
    attempts: int = 1
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class OneShot:
    """Carries out whole transactions. Errors are this library's. ``pause`` waits for some seconds."""

    directory: Directory
    clock: Callable[[], datetime]
    new_id: NewId
    pause: Callable[[float], None]

    def run(self, asked: Asked, caller: Caller, check_time: Callable[[], None] = lambda: None) -> Done:
        """Commit; ``OccConflictError`` after so many attempts, ``OtherRequestError`` for a key that is taken."""
        caller.check(PERMISSION, asked.ledger_name)
        engine = self.directory.engine(asked.ledger_name)
        run = _Run(self, asked, engine, caller, check_time)
        for number in range(1, ATTEMPTS):
            with suppress(OccConflictError):
                return run.attempt(number)
        return run.attempt(ATTEMPTS)


@dataclass(slots=True)
class _Run:
    """One request, and what its present attempt has drawn."""

    service: OneShot
    asked: Asked
    engine: Engine
    caller: Caller
    check_time: Callable[[], None]
    transaction_id: str | None = None
    at: datetime = field(default_factory=lambda: moment_of(0))
    drawn: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.asked.key is not None:
            self.transaction_id = id_of_key(self.caller.name, self.engine.strand_id, self.asked.key)

    def attempt(self, number: int) -> Done:
        self.at = moment_of(milliseconds_of(self.service.clock()))
        self.drawn.clear()
        transaction = self.engine.begin(self.transaction_id, Givens(lambda: self.at, self._watch, self._new_id))
        try:
            # Asked behind the snapshot's beginning: what is committed later is found by the commit itself.
            before = self._committed()
            if before is not None:
                return self._repeated(before, self._block(before))
            rows, read_ios = self._execute(transaction)
            dated_at = transaction.dated_at
            address = self._commit(transaction)
        finally:
            transaction.abort()
        assert address is not None  # there is a statement
        if self.transaction_id is not None:
            block = self._block(address)
            if not self._is_own(block, dated_at):
                return self._repeated(address, block)
        return Done(transaction.transaction_id, address, rows, read_ios, number)

    def _commit(self, transaction: Transaction) -> BlockAddress | None:
        try:
            return transaction.commit()
        except UnknownOutcomeError:
            found = look_for(self.engine, transaction.transaction_id, self.check_time, self.service.pause)
            if found is None:
                raise
            return found

    def _execute(self, transaction: Transaction) -> tuple[tuple[list[Value], ...], int]:
        authorise = self._authorise()
        found: list[list[Value]] = []
        size = read_ios = 0
        for statement in self.asked.statements:
            rows: list[Value] = []
            results = transaction.execute(statement.text, statement.parameters, authorise)
            for row in results:
                size += len(encode(row))
                if size > MAX_RESULT_BYTES:
                    raise LimitError(
                        f"the rows of one request have at most {MAX_RESULT_BYTES} bytes; a session gives them page by page"
                    )
                rows.append(row)
            read_ios += results.read_ios
            found.append(rows)
        return tuple(found), read_ios

    def _authorise(self) -> Authorise | None:
        return statement_check(self.service.directory, self.engine, self.asked.ledger_name, self.caller)

    def _committed(self) -> BlockAddress | None:
        return None if self.transaction_id is None else self.engine.committed(self.transaction_id)

    def _block(self, address: BlockAddress) -> dict[str, Any]:
        """The block that was committed under the key; ``OtherRequestError`` where it was for another request."""
        block: dict[str, Any] = decode_datagram(self.engine.block(address))
        if not self.engine.is_of(block, self.asked.statements):
            raise OtherRequestError("the idempotency key was used before, for another request")
        return block

    def _repeated(self, address: BlockAddress, block: dict[str, Any]) -> Done:
        """What the journal says of the transaction that was committed under the key."""
        documents = block["transactionInfo"].get("documents", {})
        rows = tuple(_changed_by(number, each, documents) for number, each in enumerate(self.asked.statements))
        return Done(block["transactionId"], address, rows, repeated=True)

    def _is_own(self, block: dict[str, Any], dated_at: datetime) -> bool:
        """Whether this attempt wrote the block, and not another one of the same key that was under way meanwhile.

        Ids of new documents are drawn by chance. Without any, only an attempt that falls into the same millisecond is taken for
        this one.
        """
        made = {each["metadata"]["id"] for each in block["revisions"] if each.get("metadata", {}).get("version") == 0}
        (first, *_) = block["transactionInfo"]["statements"]
        return made <= self.drawn and first["startTime"] == timestamp_of(milliseconds_of(dated_at))

    def _watch(self) -> datetime:
        self.check_time()
        return max(self.service.clock(), self.at)

    def _new_id(self) -> str:
        new = self.service.new_id()
        self.drawn.add(new)
        return new


def _changed_by(number: int, statement: Statement, documents: Mapping[str, Any]) -> list[Value] | None:
    """The rows of a statement that was committed before, as far as the journal has them."""
    if not isinstance(parse(statement.text).statement, Insert | Update | Delete):
        return None
    return [{"documentId": name} for name, each in documents.items() if number in each["statements"]]


def id_of_key(caller_name: str, strand_id: str, key: str) -> str:
    """The id of the transaction that a caller's key stands for. Ledgers that had one name after each other have different keys."""
    known = sha256(b"counterfoil idempotency key")
    for each in (caller_name, strand_id, key):
        data = each.encode(errors="surrogatepass")
        known.update(len(data).to_bytes(4) + data)
    return render_id(known.digest()[:ID_BYTES])
