"""Ledgers that do what a test says: for the protocols' own rules, and for errors that a real ledger gives seldom."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.adapters.memory.registry import MemoryLedgerRegistry
from counterfoil.adapters.memory.session_log import MemorySessionLog
from counterfoil.errors import ClosedError, DeferredError, ForbiddenError, NotFoundError
from counterfoil.journal import BlockAddress
from counterfoil.journal.builder import Statement as JournaledStatement
from counterfoil.journal.builder import digest_of_statement, hash_of_value
from counterfoil.ledger.catalogue import EMPTY_CATALOGUE
from counterfoil.ledger.jobs import ExportStatus, StreamStatus
from counterfoil.ledger.limits import QLDB_LIMITS
from counterfoil.ledger.registry import LedgerState, PermissionsMode, RegisteredLedger
from counterfoil.merkle import dot
from counterfoil.protocol.control import ControlPlane
from counterfoil.protocol.directory import Directory
from counterfoil.protocol.faults import ProtocolError
from counterfoil.protocol.job_operations import JobOperations
from counterfoil.protocol.ledger_operations import LedgerOperations
from counterfoil.protocol.noted import Surroundings
from counterfoil.protocol.place import Place
from counterfoil.protocol.proof_operations import ProofOperations
from counterfoil.protocol.sessions import Sessions
from counterfoil.protocol.stored_sessions import StoredSessions
from counterfoil.protocol.tag_operations import TagOperations
from counterfoil.server.identities import ANYBODY

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STRAND = "0123456789abcdefABCDEF"


class Time:
    """Seconds of a clock that only a test moves."""

    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


@dataclass
class Rows:
    """``drawn`` counts the rows that were asked for; an error among them is raised in its turn. Each row costs two reads."""

    rows: list
    read_ios: int = 0
    drawn: int = 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.drawn == len(self.rows):
            raise StopIteration
        row = self.rows[self.drawn]
        self.drawn += 1
        self.read_ios += 2
        if isinstance(row, Exception):
            raise row
        return row


@dataclass
class ScriptedTransaction:
    """``script`` gives rows or an error for a statement; ``actions`` what it does to which table."""

    transaction_id: str
    engine: "ScriptedEngine"
    commit_digest: object = None
    ended: bool = False
    expired: bool = False
    executed: list = field(default_factory=list)
    expires_at: datetime = datetime(9999, 1, 1, tzinfo=UTC)
    snapshot_no: int = -1

    def __post_init__(self):
        self.commit_digest = hash_of_value(self.transaction_id)

    def check_open(self):
        if self.expired:
            self.ended = True
            raise ClosedError(f"Transaction {self.transaction_id} has expired")

    def execute_in_brief(self, text, parameters=(), authorise=None):
        raise DeferredError("whatever is scripted may take longer than a moment")

    def execute(self, text, parameters=(), authorise=None):
        with self.engine.alone():
            outcome = self.engine.script.get(text, [])
            if isinstance(outcome, Exception):
                raise outcome
            if authorise is not None:
                authorise(self.engine.actions.get(text, frozenset()))
            self.executed.append((text, tuple(parameters)))
            self.commit_digest = dot(
                self.commit_digest, digest_of_statement(JournaledStatement(text, tuple(parameters)))
            )
            self.engine.results = Rows(list(outcome))
            return self.engine.results

    def commit(self):
        self.ended = True
        if self.engine.commit_error is not None:
            raise self.engine.commit_error
        self.engine.commits.append(self.executed)
        return BlockAddress(STRAND, len(self.engine.commits) - 1)

    def abort(self):
        self.ended = True


@dataclass
class ScriptedEngine:
    script: dict = field(default_factory=dict)
    actions: dict = field(default_factory=dict)
    catalogue: object = EMPTY_CATALOGUE
    commit_error: Exception | None = None
    begin_error: Exception | None = None
    strand_id: str = STRAND
    commits: list = field(default_factory=list)
    transactions: list = field(default_factory=list)
    results: Rows | None = None
    busy: threading.Lock = field(default_factory=threading.Lock)
    pause: threading.Event | None = None
    entered: threading.Event = field(default_factory=threading.Event)
    overlapped: bool = False

    def begin(self, _=None, givens=None):
        if self.begin_error is not None:
            raise self.begin_error
        if givens is not None:
            givens.watch()
        self.transactions.append(ScriptedTransaction(f"{len(self.transactions):022}", self))
        return self.transactions[-1]

    def digest(self):
        raise NotFoundError("no block yet")

    def alone(self):
        """Notes whether two statements were carried out at once."""
        engine = self

        class Alone:
            def __enter__(self):
                engine.overlapped |= not engine.busy.acquire(blocking=False)
                engine.entered.set()
                if engine.pause is not None:
                    engine.pause.wait(10)

            def __exit__(self, *_):
                engine.busy.release()

        return Alone()


@dataclass
class ScriptedLedgers:
    """``error`` is raised by the next call that makes or removes a ledger."""

    engines: dict = field(default_factory=dict)
    made: list = field(default_factory=list)
    removed: list = field(default_factory=list)
    error: Exception | None = None

    def _fail(self):
        error, self.error = self.error, None
        if error is not None:
            raise error

    def create(self, ledger):
        self._fail()
        self.made.append(ledger.ledger_id)
        self.engines[ledger.name] = ScriptedEngine()

    def open(self, ledger):
        return self.engines[ledger.name]

    def delete(self, ledger):
        self._fail()
        self.removed.append(ledger.ledger_id)
        self.engines.pop(ledger.name, None)


@dataclass
class ScriptedJobs:
    kept_exports: list = field(default_factory=list)
    kept_streams: list = field(default_factory=list)
    cancelled: list = field(default_factory=list)
    forgotten: list = field(default_factory=list)

    def start_export(self, job):
        self.kept_exports.append(job)

    def start_stream(self, job):
        self.kept_streams.append(job)

    def cancel_stream(self, stream_id):
        self.cancelled.append(stream_id)

    def exports(self):
        return self.kept_exports

    def streams(self):
        return self.kept_streams

    def forget_ledger(self, ledger_name):
        self.forgotten.append(ledger_name)


# Sessions in a process's memory, and sessions in a log.
SESSIONS = ("held", "stored")


def no_pause(_seconds):
    """Nobody waits in a test."""


class Service:
    """Both protocols over scripted ledgers; ledger ``bank`` is there from the start. ``kind`` is one of ``SESSIONS``."""

    kind = "held"

    def __init__(self, mode=PermissionsMode.ALLOW_ALL, max_sessions=3_000, max_ledgers=10):
        self.seconds = Time()
        self.now = NOW
        self.tokens = self.requests = 0
        self.registry = MemoryLedgerRegistry()
        self.ledgers = ScriptedLedgers()
        self.jobs = ScriptedJobs()
        bank = RegisteredLedger("bank", STRAND, NOW, LedgerState.ACTIVE, mode)
        self.registry.save(None, bank)
        self.ledgers.create(bank)
        self.ledgers.made.clear()
        self.directory = Directory(self.registry, self.ledgers)
        self.log = MemorySessionLog()
        self.sessions = self._sessions(max_sessions)
        self.operations = LedgerOperations(
            self.directory,
            self.registry,
            self.ledgers,
            self.jobs,
            Place(),
            lambda: self.now,
            self._id,
            self.sessions.forget_ledger,
            max_ledgers,
        )
        self.control = ControlPlane(
            self.operations,
            ProofOperations(self.directory),
            JobOperations(self.directory, self.registry, self.jobs, Place(), lambda: self.now, self._id),
            TagOperations(self.directory, self.registry, self.jobs, Place()),
        )

    def _sessions(self, max_sessions):
        if self.kind == "held":
            return Sessions(self.directory, QLDB_LIMITS, self.seconds, self._token, max_sessions)
        return StoredSessions(
            self.log, self.directory, QLDB_LIMITS, Surroundings(self._clock, self._id, self._token, no_pause)
        )

    def _clock(self):
        return NOW + timedelta(seconds=self.seconds.now)

    @property
    def engine(self):
        return self.ledgers.engines["bank"]

    def _token(self):
        self.tokens += 1
        return f"token{self.tokens:04}"

    def _id(self):
        self.tokens += 1
        return f"{self.tokens:022}"

    def send(self, caller=ANYBODY, **request):
        """Each request has an id of its own, the first one of a session the first."""
        self.requests = 1 if "StartSession" in request else self.requests + 1
        return self.sessions.send(request, caller, f"request-{self.requests}")

    def call(self, operation, caller=ANYBODY, **parameters):
        return self.control.call(operation, parameters, caller)

    def session(self, caller=ANYBODY):
        return self.send(caller, StartSession={"LedgerName": "bank"})["StartSession"]["SessionToken"]

    def begin(self, token, caller=ANYBODY):
        return self.send(caller, SessionToken=token, StartTransaction={})["StartTransaction"]["TransactionId"]

    def execute(self, token, transaction_id, text, *parameters, caller=ANYBODY):
        command = {"TransactionId": transaction_id, "Statement": text, "Parameters": list(parameters)}
        return self.send(caller, SessionToken=token, ExecuteStatement=command)["ExecuteStatement"]

    def fetch(self, token, transaction_id, page_token):
        command = {"TransactionId": transaction_id, "NextPageToken": page_token}
        return self.send(SessionToken=token, FetchPage=command)["FetchPage"]

    def commit(self, token, transaction_id, digest=None):
        digest = self.engine.transactions[-1].commit_digest if digest is None else digest
        command = {"TransactionId": transaction_id, "CommitDigest": bytes(digest)}
        return self.send(SessionToken=token, CommitTransaction=command)["CommitTransaction"]

    def abort(self, token):
        return self.send(SessionToken=token, AbortTransaction={})["AbortTransaction"]


@dataclass(frozen=True)
class Restricted:
    """A caller who may do some things; ``seen`` holds what was asked."""

    name: str
    actions: frozenset = frozenset()
    tables: frozenset = frozenset()
    seen: list = field(default_factory=list)
    unrestricted: bool = False

    def check(self, action, ledger_name):
        self.seen.append((action, ledger_name))
        if action not in self.actions:
            raise ForbiddenError(f"{self.name} may not {action}")

    def check_table(self, action, ledger_name, table_id, table_name):
        self.seen.append((action, ledger_name, table_id, table_name))
        if table_name not in self.tables:
            raise ForbiddenError(f"{self.name} may not {action} {table_name}")


ENDED_EXPORT = ExportStatus.COMPLETED
ENDED_STREAM = StreamStatus.CANCELED


def refused(call, name, message=None):
    """The error that a call must end with."""
    with pytest.raises(ProtocolError, match=message) as caught:
        call()
    assert caught.value.name == name
    return caught.value
