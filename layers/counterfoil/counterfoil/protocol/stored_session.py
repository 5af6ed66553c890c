"""A session that any instance can continue: the state machine of ``session.py``, with whatever it takes from outside noted, and
given again when its events are carried out once more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from counterfoil.errors import CounterfoilError, InputError, OccConflictError, UnavailableError
from counterfoil.journal import BlockAddress
from counterfoil.ledger.limits import Limits
from counterfoil.ledger.times import milliseconds_of, moment_of
from counterfoil.partiql.parser import parse
from counterfoil.partiql.syntax import Query
from counterfoil.protocol.cursor import Cursor
from counterfoil.protocol.faults import ProtocolError, invalid_session, session_error
from counterfoil.protocol.hosting import Authorise, Caller, Engine, Transaction
from counterfoil.protocol.noted import DivergedError, Draws, NotingTransaction, SleepingTransaction, forbid
from counterfoil.protocol.outcomes import look_for
from counterfoil.protocol.session import COMMANDS, Answer, Command, Ended, Session
from counterfoil.protocol.session_events import Failure, Happened, Header, Kind, fingerprint_of

# Commands that are about the statements and rows of a transaction.
_NEED_STATE: Final = frozenset({"ExecuteStatement", "FetchPage", "CommitTransaction"})

# Failures that another attempt may not have.
_MAY_SUCCEED: Final = frozenset({Failure.UNAVAILABLE, Failure.UNSEEN})

Outcome = Answer | ProtocolError


class StateMachine(Session):
    """A session whose events can be carried out again."""

    __slots__ = ()

    def execute_again(self, event: Happened) -> Answer:
        """An ExecuteStatement whose parameters were read before."""
        transaction = self.transaction
        assert transaction is not None
        parameters = list(event.parameters)
        if event.failure is Failure.UNAVAILABLE:
            self._attempt(
                transaction.commit_digest if self.attempted is None else self.attempted, event.text, parameters
            )
            return {}
        with self._open_transaction(transaction.transaction_id):
            results = self._execute(transaction, transaction.execute, event.text, parameters)
            if event.failure is Failure.UNSEEN:
                return {}
            return self._page("FirstPage", Cursor(results, changes=not isinstance(parse(event.text).statement, Query)))

    def fetch_again(self, event: Happened) -> Answer:
        assert self.transaction is not None
        if event.failure is Failure.UNSEEN:
            self.cursors.pop(event.token, None)
            return {}
        return self.fetch_page({"TransactionId": self.transaction.transaction_id, "NextPageToken": event.token})


class StoredSession:
    """A session as one instance knows it.

    ``number`` and ``base`` are of the event that comes next and of the one that it builds on; ``used_at`` is the last one's time.
    ``asleep`` are events that were not carried out here yet, beginning with their base; among them may be a commit, of which only
    the journal knows whether it came to that.
    """

    def __init__(self, key: str, header: Header, engine: Engine, limits: Limits, draws: Draws, caller: Caller) -> None:
        self.key = key
        self.header = header
        self.number = 0
        self.base = 0
        self.used_at = moment_of(0)
        self.has_ended = False
        self.asleep: list[Happened] = []
        self.last_command = b""
        self.last_outcome: Outcome | None = None
        self.before_commit: Callable[[], None] = _nothing
        self.check: Callable[[], Authorise | None] = lambda: None
        self._engine = engine
        self._draws = draws
        self._replayed: Happened | None = None
        self.machine = StateMachine(
            header.session_id, header.ledger_name, self._begin, caller, limits, self._authorise, draws.new_token, 0.0
        )

    def take_in(self, events: Sequence[tuple[int, int, Happened]]) -> None:
        """Stand where the log does: ``events`` with their numbers and bases, from the base of the last one on."""
        (number, base, last), first = events[-1], events[0][2]
        self.number, self.base, self.used_at = number + 1, base, moment_of(last.at_ms)
        self.last_command = last.command_id
        self.has_ended = last.kind is Kind.ENDED
        machine = self.machine
        if first.kind is Kind.BEGUN:
            self.asleep = [each for _, _, each in events]
            if not self._is_unsettled():
                expires_at = moment_of(first.at_ms) + machine.limits.transaction_time
                machine.transaction = SleepingTransaction(
                    first.transaction_id, first.snapshot_no, expires_at, self._draws.watch
                )
        elif first.error is not None:
            machine.last = Ended(first.transaction_id, error=first.error)

    def let_go(self) -> None:
        """Forget the transaction here; another instance goes on with it."""
        if self.machine.transaction is not None:
            self.machine.transaction.abort()

    # Commands

    def carry_out(
        self, name: str, command: Command, at: datetime, check_time: Callable[[], None]
    ) -> tuple[Outcome, Happened]:
        """What the command comes to, and the event that says so. ``UnavailableError`` where the session could not be woken."""
        self._draws.begin(at, check_time)
        if name in _NEED_STATE and self._is_meant(command["TransactionId"]):
            self.wake()
            self._draws.begin(at, check_time)
        machine = self.machine
        before = machine.transaction
        if isinstance(before, NotingTransaction):
            before.noted = None
        fetches = name == "FetchPage" and command["NextPageToken"] in machine.cursors
        try:
            outcome: Outcome = COMMANDS[name](machine, command)
        except CounterfoilError as error:
            outcome = session_error(error)
        begun = name == "StartTransaction" and not isinstance(outcome, ProtocolError)
        over = not self._is_unsettled() and not isinstance(machine.transaction, SleepingTransaction)
        if begun or over or name == "AbortTransaction":
            self.asleep = []
        return outcome, self._event(name, command, before, outcome, fetches=fetches)

    def repeated(self) -> Outcome | None:
        """What the last event's command was answered, if that has an effect which must not be had twice."""
        if self.last_outcome is not None:
            return self.last_outcome
        last = self.asleep[-1] if self.asleep else None
        if last is None or last.command_id != self.last_command or last.failure in _MAY_SUCCEED:
            return None
        if last.kind is Kind.BEGUN:
            return {"TransactionId": last.transaction_id}
        if last.kind not in {Kind.EXECUTED, Kind.FETCHED}:
            return None
        return self.wake()

    def _event(
        self, name: str, command: Command, before: Transaction | None, outcome: Outcome, *, fetches: bool
    ) -> Happened:
        machine, draws, at_ms = self.machine, self._draws, milliseconds_of(self._draws.at)
        now = machine.transaction
        unseen = Failure.UNSEEN if isinstance(outcome, ProtocolError) and outcome.status >= 500 else None
        if name == "StartTransaction" and not isinstance(outcome, ProtocolError):
            assert now is not None
            return Happened(
                Kind.BEGUN, at_ms, self.header, transaction_id=now.transaction_id, snapshot_no=now.snapshot_no
            )
        if now is None:
            if self.asleep or (machine.last is not None and machine.last.answer is not None):
                return Happened(Kind.NOTHING, at_ms)
            last = machine.last or Ended("")
            return Happened(Kind.IDLE, at_ms, self.header, transaction_id=last.transaction_id, error=last.error)
        if name == "ExecuteStatement" and isinstance(before, NotingTransaction) and before.noted is not None:
            noted = before.noted
            return Happened(
                Kind.EXECUTED,
                at_ms,
                text=noted.text,
                parameters=noted.parameters,
                ids=tuple(draws.ids),
                tokens=tuple(draws.tokens),
                failure=noted.failure or unseen,
                fingerprint=fingerprint_of(outcome),
                error=outcome if noted.failure is Failure.FORBIDDEN and isinstance(outcome, ProtocolError) else None,
            )
        if fetches:
            return Happened(
                Kind.FETCHED,
                at_ms,
                token=command["NextPageToken"],
                tokens=tuple(draws.tokens),
                failure=unseen,
                fingerprint=fingerprint_of(outcome),
            )
        return Happened(Kind.NOTHING, at_ms)

    # Carrying out again

    def wake(self) -> Outcome | None:
        """Carry out the events that were not carried out here; the last one's outcome.

        ``UnavailableError`` where that cannot be done now; the session is then to be let go of.
        """
        events, self.asleep = self.asleep, []
        transaction_id, committing = events[0].transaction_id, [each for each in events if each.kind is Kind.COMMITTING]
        machine = self.machine
        machine.transaction = None
        if committing and self._engine.committed(transaction_id) is not None:
            machine.last = _committed(transaction_id, committing[-1].digest, write_ios=1)
            return None
        outcome: Outcome | None = None
        try:
            for event in events:
                outcome = self._again(event)
        except (DivergedError, InputError):
            outcome = invalid_session(
                f"Transaction {transaction_id} cannot be continued: what it has read is not there any more"
            )
            machine.close_transaction(Ended(transaction_id, error=outcome))
        finally:
            self._replayed = None
        return outcome

    def _again(self, event: Happened) -> Outcome | None:
        self._replayed = event
        self._draws.begin_again(event)
        machine = self.machine
        match event.kind:
            case Kind.BEGUN:
                return machine.start_transaction({})
            case Kind.EXECUTED:
                return self._compared(event, machine.execute_again)
            case Kind.FETCHED:
                return self._compared(event, machine.fetch_again)
            case Kind.COMMITTING:
                self._commit_again(event)
        return None

    def _compared(self, event: Happened, carry_out: Callable[[Happened], Answer]) -> Outcome:
        try:
            outcome: Outcome = carry_out(event)
        except UnavailableError:
            raise
        except CounterfoilError as error:
            outcome = session_error(error)
        if event.failure in {None, Failure.REFUSED} and fingerprint_of(outcome) != event.fingerprint:
            raise DivergedError("another answer than before")
        return event.error or outcome

    def _commit_again(self, event: Happened) -> None:
        """Find out what became of a commit, which may still come to it; the state machine notes either."""
        transaction = self.machine.transaction
        assert transaction is not None
        self.before_commit = _nothing
        with suppress(OccConflictError, InputError):
            self.machine.commit_transaction({"TransactionId": transaction.transaction_id, "CommitDigest": event.digest})

    # What the state machine takes from outside

    def _begin(self) -> Transaction:
        draws, event = self._draws, self._replayed
        if event is None:
            inner = self._engine.begin(draws.new_id(), draws.givens)
        else:
            inner = self._engine.resume(event.transaction_id, event.snapshot_no, draws.givens)
        return NotingTransaction(inner, self._about_to_commit, self._look_for)

    def _about_to_commit(self) -> None:
        self.before_commit()
        self._draws.stand_still()

    def _look_for(self, transaction_id: str) -> BlockAddress | None:
        return look_for(self._engine, transaction_id, self._draws.check_time, self._draws.pause)

    def _authorise(self) -> Authorise | None:
        """What was allowed then is so when it is carried out again; what was not is not."""
        if self._replayed is None:
            return self.check()
        return forbid if self._replayed.failure is Failure.FORBIDDEN else None

    def _is_unsettled(self) -> bool:
        """Whether there is a commit of which it is not known here what came of it."""
        return any(each.kind is Kind.COMMITTING for each in self.asleep)

    def _is_meant(self, transaction_id: str) -> bool:
        """Whether the command is about a transaction that sleeps and whose time is not up."""
        if not self.asleep or self.asleep[0].transaction_id != transaction_id:
            return False
        transaction = self.machine.transaction
        return transaction is None or self._draws.watch() < transaction.expires_at


def _committed(transaction_id: str, digest: bytes, write_ios: int) -> Ended:
    consumed = {"ReadIOs": 0, "WriteIOs": write_ios}
    return Ended(
        transaction_id, digest, {"TransactionId": transaction_id, "CommitDigest": digest, "ConsumedIOs": consumed}
    )


def _nothing() -> None:
    return None
