"""What a session takes from outside, noted when it is taken and given again when its events are carried out once more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, NoReturn

from counterfoil.errors import ClosedError, CounterfoilError, ForbiddenError, InputError, UnknownOutcomeError
from counterfoil.ion.values import Value
from counterfoil.journal import BlockAddress
from counterfoil.ledger.times import moment_of
from counterfoil.ledger.transaction import Givens
from counterfoil.merkle import Hash
from counterfoil.partiql.tables import Action
from counterfoil.protocol.hosting import Authorise, Results, Transaction
from counterfoil.protocol.session_events import Failure, Happened


class DivergedError(Exception):
    """An event, carried out again, came to something else."""


class Surroundings(NamedTuple):
    """What sessions take from outside. ``new_token`` gives tokens that cannot be guessed, ``pause`` waits for some seconds."""

    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    new_token: Callable[[], str]
    pause: Callable[[float], None]


class Draws:
    """Where a session takes time, ids and tokens from: fresh ones, which are noted, or those that were noted before.

    ``clock`` stands still during a command. Times never go back along a session's events, whoever's clock they are from.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._clock, self._new_id, self._new_token, self.pause = surroundings
        self._again: Happened | None = None
        self._still = False
        self.check_time: Callable[[], None] = lambda: None
        self.at = moment_of(0)
        self.ids: list[str] = []
        self.tokens: list[str] = []
        self.givens = Givens(self.clock, self.watch, self.new_id)

    def begin(self, at: datetime, check_time: Callable[[], None]) -> None:
        """A command is to be carried out; ``check_time`` raises where it takes too long."""
        self._again, self._still, self.check_time = None, False, check_time
        self.at, self.ids, self.tokens = at, [], []

    def begin_again(self, event: Happened) -> None:
        """An event is to be carried out again."""
        self._again, self._still = event, True
        self.at, self.ids, self.tokens = moment_of(event.at_ms), [], []

    def stand_still(self) -> None:
        """From here on the command is in time, however long it takes."""
        self._still = True

    def clock(self) -> datetime:
        return self.at

    def watch(self) -> datetime:
        if self._still:
            return self.at
        self.check_time()
        return max(self._clock(), self.at)

    def new_id(self) -> str:
        return self._draw(self.ids, self._new_id, None if self._again is None else self._again.ids)

    def new_token(self) -> str:
        return self._draw(self.tokens, self._new_token, None if self._again is None else self._again.tokens)

    @staticmethod
    def _draw(drawn: list[str], draw: Callable[[], str], noted: Sequence[str] | None) -> str:
        if noted is not None and len(drawn) >= len(noted):
            raise DivergedError("more was drawn than before")
        drawn.append(draw() if noted is None else noted[len(drawn)])
        return drawn[-1]


@dataclass(slots=True)
class Noted:
    """A statement that reached the transaction, and how it failed there."""

    text: str
    parameters: tuple[Value, ...]
    failure: Failure | None = None


class NotingTransaction:
    """An open transaction that notes the statement which reaches it, and says when it is about to be committed."""

    def __init__(
        self,
        inner: Transaction,
        before_commit: Callable[[], None],
        look_for: Callable[[str], BlockAddress | None],
    ) -> None:
        """``look_for`` finds a transaction of which the ledger could not say whether it was committed."""
        self._inner = inner
        self._before_commit = before_commit
        self._look_for = look_for
        self.noted: Noted | None = None
        self.transaction_id = inner.transaction_id
        self.expires_at = inner.expires_at
        self.snapshot_no = inner.snapshot_no

    @property
    def commit_digest(self) -> Hash:
        return self._inner.commit_digest

    @property
    def dated_at(self) -> datetime:
        return self._inner.dated_at

    @property
    def ended(self) -> bool:
        return self._inner.ended

    def check_open(self) -> None:
        self._inner.check_open()

    def execute(self, text: str, parameters: Sequence[Value] = (), authorise: Authorise | None = None) -> Results:
        self.noted = Noted(text, tuple(parameters))
        try:
            return self._inner.execute(text, parameters, authorise)
        except CounterfoilError as error:
            self.noted.failure = _failure_of(error)
            raise

    execute_in_brief = execute

    def commit(self) -> BlockAddress | None:
        self._inner.check_open()
        self._before_commit()
        try:
            return self._inner.commit()
        except UnknownOutcomeError:
            found = self._look_for(self.transaction_id)
            if found is None:
                raise
            return found

    def abort(self) -> None:
        self._inner.abort()


class SleepingTransaction:
    """Stands for a transaction whose events have not been carried out here: it can be told to end, or that its time is up."""

    def __init__(
        self, transaction_id: str, snapshot_no: int, expires_at: datetime, watch: Callable[[], datetime]
    ) -> None:
        self.transaction_id = transaction_id
        self.snapshot_no = snapshot_no
        self.expires_at = expires_at
        self.ended = False
        self._watch = watch

    def check_open(self) -> None:
        if self._watch() >= self.expires_at:
            self.ended = True
        if self.ended:
            raise ClosedError(f"Transaction {self.transaction_id} has expired")

    def abort(self) -> None:
        self.ended = True

    @property
    def commit_digest(self) -> Hash:
        _wake_first()

    @property
    def dated_at(self) -> datetime:
        _wake_first()

    def execute(self, _: str, __: Sequence[Value] = (), ___: Authorise | None = None) -> Results:
        _wake_first()

    execute_in_brief = execute

    def commit(self) -> BlockAddress | None:
        _wake_first()


def forbid(_: frozenset[tuple[Action, str]]) -> None:
    """Refuses, as it was refused before."""
    raise ForbiddenError("refused before")


def _failure_of(error: CounterfoilError) -> Failure:
    match error:
        case ForbiddenError():
            return Failure.FORBIDDEN
        case InputError():
            return Failure.REFUSED
        case _:
            return Failure.UNAVAILABLE


def _wake_first() -> NoReturn:
    raise AssertionError("a sleeping transaction is woken before it is asked for more")
