"""``qldb-session`` without a process of its own: sessions whose state is a log of events, which any instance can continue.

A command is carried out on what this instance knows of the session, then its event is added to the log. That succeeds only if
nobody added one meanwhile, and so proves that what was known is current; otherwise the session is read anew and the command is
carried out again. A commit is added to the log before the ledger is asked: from then on the transaction is over, and whether it
was committed is found in the journal, where a transaction of one id is at most once.

What is answered is what ``sessions.py`` answers, but for the number of sessions, which is not limited here.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from threading import Lock
from typing import Final

from counterfoil.errors import ConflictError, CounterfoilError, UnavailableError
from counterfoil.ledger.limits import Limits
from counterfoil.ledger.times import milliseconds_of, moment_of
from counterfoil.ports import SessionEvent, SessionLog
from counterfoil.protocol.directory import Directory
from counterfoil.protocol.faults import (
    CODE_EXPIRED,
    OCC_CONFLICT_NAME,
    ProtocolError,
    bad_request,
    invalid_session,
    session_error,
)
from counterfoil.protocol.hosting import Caller, Engine
from counterfoil.protocol.noted import Draws, Surroundings
from counterfoil.protocol.session import Answer, Command
from counterfoil.protocol.session_events import Happened, Header, Kind, parse_event, render_event
from counterfoil.protocol.session_rules import (
    END,
    IDLE_SECONDS,
    START,
    check_permission,
    engine_of,
    name_of_command,
    statement_check,
)
from counterfoil.protocol.stored_session import Outcome, StoredSession

# Open sessions that an instance keeps; one in a transaction holds what the transaction has read and changed.
KEPT_SESSIONS: Final = 64

# Clients send one command of a session at a time. Whoever does otherwise meets others this often before being told so.
ATTEMPTS: Final = 4

# The log forgets a session some time after it has ended by itself.
_IDLE: Final = timedelta(seconds=IDLE_SECONDS)
FORGOTTEN_AFTER: Final = _IDLE + timedelta(hours=1)


class _StaleError(Exception):
    """Somebody else has added an event to the session."""


class StoredSessions:
    """Errors come out as ``ProtocolError``. Every call may come from any thread.

    ``kept`` bounds the sessions whose state this instance remembers; with 0 each command begins at the log.
    """

    def __init__(
        self,
        log: SessionLog,
        directory: Directory,
        limits: Limits,
        surroundings: Surroundings,
        kept: int = KEPT_SESSIONS,
    ) -> None:
        self._log = log
        self._directory = directory
        self._limits = limits
        self._surroundings = surroundings
        self._clock = surroundings.clock
        self._kept_max = kept
        self._kept: OrderedDict[str, StoredSession] = OrderedDict()
        self._lock = Lock()

    @property
    def count(self) -> int:
        """Sessions that this instance remembers."""
        return len(self._kept)

    def send(
        self,
        request: Command,
        caller: Caller,
        request_id: str,
        command_id: bytes = b"",
        check_time: Callable[[], None] = lambda: None,
    ) -> Answer:
        """Carry out one SendCommand; ``request_id`` becomes the id of a session that it starts.

        A ``command_id`` that the session's last command had is a client's second attempt: it is answered as the first. Without one,
        each request is a command of its own. ``check_time`` raises where carrying out takes longer than it may.
        """
        began, command_id = self._clock(), command_id or request_id.encode()
        try:
            name = name_of_command(request)
            if name == START:
                answer = self._start(request[name], caller, request_id)
            else:
                answer = self._command(request.get("SessionToken"), name, request[name], caller, command_id, check_time)
        except CounterfoilError as error:
            raise session_error(error) from error
        # Rounded up: clients take 0 for "not said".
        milliseconds = max(1, math.ceil((self._clock() - began).total_seconds() * 1000))
        return {name: answer | {"TimingInformation": {"ProcessingTimeMilliseconds": milliseconds}}}

    def forget_ledger(self, ledger_name: str) -> None:
        """Forget sessions of a ledger that is being deleted; no instance finds their ledger any more."""
        with self._lock:
            gone = [key for key, each in self._kept.items() if each.header.ledger_name == ledger_name]
            sessions = [self._kept.pop(key) for key in gone]
        for each in sessions:
            each.let_go()

    def _start(self, command: Command, caller: Caller, request_id: str) -> Answer:
        ledger_name = command["LedgerName"]
        check_permission(caller, ledger_name)
        engine = engine_of(self._directory, ledger_name)
        token = self._surroundings.new_token()
        header = Header(request_id, ledger_name, engine.strand_id, caller.name)
        session = self._made(_key_of(token), header, engine, caller)
        try:
            self._append(session, Happened(Kind.IDLE, self._now(session), header))
        except _StaleError:
            raise UnavailableError("a session of that token is there already") from None
        self._keep(session)
        return {"SessionToken": token}

    def _command(
        self,
        token: str | None,
        name: str,
        command: Command,
        caller: Caller,
        command_id: bytes,
        check_time: Callable[[], None],
    ) -> Answer:
        if token is None:
            raise bad_request(f"{name} needs a SessionToken")
        key = _key_of(token)
        session = self._taken(key)
        for _ in range(ATTEMPTS):
            session = session or self._loaded(key, caller, command_id)
            if session.header.caller_name != caller.name:
                raise _no_such_session()
            if session.has_ended:
                return {}
            try:
                outcome = self._carried_out(session, name, command, caller, command_id, check_time)
            except _StaleError:
                session.let_go()
                session = None
                continue
            except BaseException:
                session.let_go()
                raise
            if isinstance(outcome, ProtocolError):
                raise outcome
            return outcome
        raise UnavailableError("other commands of this session are being carried out")

    def _carried_out(
        self,
        session: StoredSession,
        name: str,
        command: Command,
        caller: Caller,
        command_id: bytes,
        check_time: Callable[[], None],
    ) -> Outcome:
        if command_id == session.last_command:
            again = session.repeated()
            if again is not None:
                session.last_outcome = again
                self._keep(session)
                return again
        at_ms = self._now(session)
        if moment_of(at_ms) - session.used_at >= _IDLE:
            expired = invalid_session(f"Session {session.header.session_id} has expired", CODE_EXPIRED)
            self._end(session, at_ms, command_id, expired)
            raise expired
        check_permission(caller, session.header.ledger_name)
        if name == END:
            self._end(session, at_ms, command_id)
            return {}
        return self._noted(session, name, command, caller, command_id, moment_of(at_ms), check_time)

    def _noted(
        self,
        session: StoredSession,
        name: str,
        command: Command,
        caller: Caller,
        command_id: bytes,
        at: datetime,
        check_time: Callable[[], None],
    ) -> Outcome:
        engine, ledger_name = self._engine(session), session.header.ledger_name
        committing: list[Happened] = []

        def before_commit() -> None:
            event = Happened(
                Kind.COMMITTING, milliseconds_of(at), digest=command["CommitDigest"], command_id=command_id
            )
            self._append(session, event)
            committing.append(event)

        session.check = lambda: statement_check(self._directory, engine, ledger_name, caller)
        session.before_commit = before_commit
        outcome, event = session.carry_out(name, command, at, check_time)
        if not committing:
            self._append(session, replace(event, command_id=command_id))
        failed = isinstance(outcome, ProtocolError) and outcome.status >= 500
        repeatable = event.kind in {Kind.BEGUN, Kind.EXECUTED, Kind.FETCHED} and not failed
        session.last_command, session.last_outcome = command_id, outcome if repeatable else None
        if committing and isinstance(outcome, ProtocolError) and outcome.name != OCC_CONFLICT_NAME:
            session.let_go()  # what became of it is for whoever asks again to find out
        else:
            self._keep(session)
        return outcome

    def _end(self, session: StoredSession, at_ms: int, command_id: bytes, error: ProtocolError | None = None) -> None:
        self._append(session, Happened(Kind.ENDED, at_ms, session.header, command_id, error=error))
        session.let_go()

    def _engine(self, session: StoredSession) -> Engine:
        """The ledger's engine, if it is still the ledger that the session was begun for."""
        header = session.header
        engine = self._opened(header)
        if engine.strand_id != header.strand_id:
            raise _no_such_session()
        return engine

    def _opened(self, header: Header) -> Engine:
        try:
            return engine_of(self._directory, header.ledger_name)
        except ProtocolError as error:
            raise error if error.status >= 500 else _no_such_session() from None

    # The log, and what is remembered of it

    def _now(self, session: StoredSession) -> int:
        """The command's time in milliseconds: clocks of instances differ, a session's events are in order."""
        return max(milliseconds_of(self._clock()), milliseconds_of(session.used_at))

    def _append(self, session: StoredSession, event: Happened) -> None:
        base = session.number if event.kind.is_base else session.base
        moment = moment_of(event.at_ms)
        try:
            self._log.append(
                session.key, SessionEvent(session.number, base, render_event(event)), moment + FORGOTTEN_AFTER
            )
        except ConflictError:
            raise _StaleError from None
        session.number, session.base, session.used_at = session.number + 1, base, moment

    def _loaded(self, key: str, caller: Caller, command_id: bytes) -> StoredSession:
        """The session as its log tells.

        One that has ended is not there any more, but for the command that ended it, which gives the same answer again.
        """
        events = [(each.number, each.base, parse_event(each.data)) for each in self._log.events(key)]
        header = events[0][2].header if events else None
        if header is None:
            raise _no_such_session()
        last = events[-1][2]
        if last.kind is Kind.ENDED and last.command_id != command_id:
            raise _no_such_session()
        if last.error is not None and last.kind is Kind.ENDED and header.caller_name == caller.name:
            raise last.error
        session = self._made(key, header, self._opened(header), caller)
        session.take_in(events)
        return session

    def _made(self, key: str, header: Header, engine: Engine, caller: Caller) -> StoredSession:
        return StoredSession(key, header, engine, self._limits, Draws(self._surroundings), caller)

    def _taken(self, key: str) -> StoredSession | None:
        """What is remembered of a session, for one thread alone; another one begins at the log."""
        with self._lock:
            return self._kept.pop(key, None)

    def _keep(self, session: StoredSession) -> None:
        gone = []
        with self._lock:
            if self._kept_max:
                there = self._kept.pop(session.key, None)
                newer = session if there is None or there.number <= session.number else there
                gone += [each for each in (there, session) if each is not None and each is not newer]
                self._kept[session.key] = newer
            else:
                gone.append(session)
            while len(self._kept) > self._kept_max:
                gone.append(self._kept.popitem(last=False)[1])
        for each in gone:
            each.let_go()


def _no_such_session() -> ProtocolError:
    return invalid_session("No such session")


def _key_of(token: str) -> str:
    """A session's name in the log. Whoever reads the log learns no token."""
    return sha256(token.encode()).hexdigest()
