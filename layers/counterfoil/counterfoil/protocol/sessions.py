"""``qldb-session``: one operation, SendCommand, whose request holds exactly one of seven commands.

Sessions end by EndSession, after a quarter of an hour without a command, or with their ledger. One command of a session is
carried out at a time; others wait for its lock.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from threading import Lock
from typing import Final

from counterfoil.errors import CounterfoilError, DeferredError
from counterfoil.ledger.limits import Limits
from counterfoil.protocol.directory import Directory
from counterfoil.protocol.faults import CODE_EXPIRED, ProtocolError, bad_request, invalid_session, session_error
from counterfoil.protocol.hosting import Caller
from counterfoil.protocol.session import COMMANDS, Answer, CarryOut, Command, Session
from counterfoil.protocol.session_rules import (
    IDLE_SECONDS,
    START,
    check_permission,
    engine_of,
    name_of_command,
    statement_check,
)

# The service's quota. An idle session costs about a kilobyte here; the limit is for a client that loses its sessions.
MAX_SESSIONS: Final = 3_000

_EXECUTE: Final = "ExecuteStatement"


class Sessions:
    """Every session of a server, by token. Errors come out as ``ProtocolError``.

    ``seconds`` is a clock that never goes back; ``new_token`` gives tokens that cannot be guessed.
    """

    def __init__(
        self,
        directory: Directory,
        limits: Limits,
        seconds: Callable[[], float],
        new_token: Callable[[], str],
        max_sessions: int = MAX_SESSIONS,
    ) -> None:
        self._directory = directory
        self._limits = limits
        self._seconds = seconds
        self._new_token = new_token
        self._max_sessions = max_sessions
        self._by_token: dict[str, Session] = {}
        self._adding = Lock()

    @property
    def count(self) -> int:
        return len(self._by_token)

    def send(self, request: Command, caller: Caller, request_id: str, *, in_brief: bool = False) -> Answer:
        """Carry out one SendCommand; ``request_id`` becomes the id of a session that it starts.

        ``in_brief`` a statement that may take longer than a moment is not begun: ``DeferredError``.
        """
        began = self._seconds()
        try:
            name = name_of_command(request)
            if name == START:
                answer = self._start(request[name], caller, request_id)
            else:
                carry_out = Session.execute_in_brief if in_brief and name == _EXECUTE else COMMANDS.get(name)
                answer = self._command(request.get("SessionToken"), name, request[name], caller, carry_out)
        except DeferredError:
            raise
        except CounterfoilError as error:
            raise session_error(error) from error
        # Rounded up: clients take 0 for "not said".
        milliseconds = max(1, math.ceil((self._seconds() - began) * 1000))
        return {name: answer | {"TimingInformation": {"ProcessingTimeMilliseconds": milliseconds}}}

    def sweep(self) -> None:
        """End sessions that were idle too long, and close transactions whose time is up; those in use right now are in time."""
        for token, session in list(self._by_token.items()):
            if session.lock.acquire(blocking=False):
                try:
                    self._end(token, session) if self._is_expired(session) else session.close_if_expired()
                finally:
                    session.lock.release()

    def forget_ledger(self, ledger_name: str) -> None:
        """End every session of a ledger that is being deleted."""
        for token, session in list(self._by_token.items()):
            if session.ledger_name == ledger_name:
                with session.lock:
                    self._end(token, session)

    def _start(self, command: Command, caller: Caller, request_id: str) -> Answer:
        ledger_name = command["LedgerName"]
        check_permission(caller, ledger_name)
        engine = engine_of(self._directory, ledger_name)
        if self.count >= self._max_sessions:
            self.sweep()
        session = Session(
            session_id=request_id,
            ledger_name=ledger_name,
            begin=engine.begin,
            caller=caller,
            limits=self._limits,
            authorise=lambda: statement_check(self._directory, engine, ledger_name, caller),
            new_token=self._new_token,
            used_at=self._seconds(),
        )
        return {"SessionToken": self._add(session)}

    def _add(self, session: Session) -> str:
        with self._adding:
            if self.count >= self._max_sessions:
                raise ProtocolError(
                    "LimitExceededException", f"{self._max_sessions} sessions are active, which is the limit"
                )
            token = self._new_token()
            self._by_token[token] = session
            return token

    def _command(
        self, token: str | None, name: str, command: Command, caller: Caller, carry_out: CarryOut | None
    ) -> Answer:
        if token is None:
            raise bad_request(f"{name} needs a SessionToken")
        session = self._by_token.get(token)
        if session is None or session.caller.name != caller.name:
            raise invalid_session("No such session")
        with session.lock:
            if self._by_token.get(token) is not session:  # it ended while this command waited
                raise invalid_session("No such session")
            if self._is_expired(session):
                self._end(token, session)
                raise invalid_session(f"Session {session.session_id} has expired", CODE_EXPIRED)
            check_permission(caller, session.ledger_name)
            try:
                if carry_out is not None:
                    return carry_out(session, command)
                self._end(token, session)
                return {}
            finally:
                session.used_at = self._seconds()

    def _is_expired(self, session: Session) -> bool:
        return self._seconds() - session.used_at >= IDLE_SECONDS

    def _end(self, token: str, session: Session) -> None:
        self._by_token.pop(token, None)
        session.close_transaction()
