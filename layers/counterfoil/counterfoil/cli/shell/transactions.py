"""Runs statements: each in a transaction of its own, or in the one that BEGIN opened."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from counterfoil.cli.places import Transaction, TransactionSource
from counterfoil.errors import InputError, OccConflictError
from counterfoil.ion.values import Value

# As the official drivers: four retries, waits that double and vary.
RETRIES: Final = 4
FIRST_WAIT_SECONDS: Final = 0.01

_CONTROL: Final = re.compile(r"(BEGIN|START|COMMIT|ROLLBACK|ABORT|END)(?:\s+(?:TRANSACTION|WORK))?", re.IGNORECASE)
_MEANINGS: Final = {"START": "BEGIN", "ABORT": "ROLLBACK", "END": "COMMIT"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a statement gave. ``milliseconds`` counts from sending it to its last row, commit and retries included."""

    rows: list[Value]
    read_ios: int
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Sent:
    """A statement with its parameters."""

    text: str
    parameters: tuple[Value, ...] = ()


def control_word(text: str) -> str | None:
    """BEGIN, COMMIT or ROLLBACK where a statement is one of them, in whatever way it is said."""
    found = _CONTROL.fullmatch(text.strip())
    if found is None:
        return None
    word = found[1].upper()
    return _MEANINGS.get(word, word)


class Transactions:
    """The transactions of one shell. ``sent`` are the statements of the open one, or of the one that met a conflict."""

    def __init__(self, ledger: TransactionSource, seconds: Callable[[], float] = time.perf_counter) -> None:
        self._ledger = ledger
        self._seconds = seconds
        self._open: Transaction | None = None
        self.sent: list[Sent] = []

    @property
    def open(self) -> bool:
        return self._open is not None

    def begin(self) -> None:
        if self._open is not None:
            raise InputError(f"transaction {self._open.transaction_id} is open: COMMIT or ROLLBACK it first")
        self.sent = []
        self._open = self._ledger.begin()

    def commit(self) -> str:
        """Commit the open transaction; its id. After a conflict its statements are kept for ``again``."""
        transaction = self._opened()
        self._open = None
        transaction.commit()
        self.sent = []
        return transaction.transaction_id

    def roll_back(self) -> None:
        transaction = self._opened()
        self._open = None
        self.sent = []
        transaction.abort()

    def again(self) -> list[Outcome]:
        """Run the statements of the transaction that met a conflict once more, in a new one, and commit it."""
        if self._open is not None or not self.sent:
            raise InputError("there is no transaction that met a conflict")
        sent = self.sent
        self.begin()
        outcomes = [self.run(each.text, each.parameters) for each in sent]
        self.commit()
        return outcomes

    def run(self, text: str, parameters: Sequence[Value] = ()) -> Outcome:
        """Run a statement in the open transaction, else in one of its own, again where another was in the way.

        Where it fails, the open transaction is over and nothing of it is kept.
        """
        began = self._seconds()
        if self._open is None:
            rows, read_ios = self._run_alone(text, parameters)
        else:
            rows, read_ios = self._run_inside(self._open, text, parameters)
        return Outcome(rows, read_ios, (self._seconds() - began) * 1000)

    def look(self, text: str) -> list[Value]:
        """The rows of a query that the shell asks for itself: the transaction is not committed, and leaves no block."""
        transaction = self._ledger.begin()
        try:
            return list(transaction.execute(text))
        finally:
            transaction.abort()

    def close(self) -> bool:
        """Forget the open transaction; whether there was one."""
        if self._open is None:
            return False
        self.roll_back()
        return True

    def _opened(self) -> Transaction:
        if self._open is None:
            raise InputError(
                "no transaction is open: BEGIN opens one, and outside of one each statement is one by itself"
            )
        return self._open

    def _run_inside(self, transaction: Transaction, text: str, parameters: Sequence[Value]) -> tuple[list[Value], int]:
        try:
            results = transaction.execute(text, parameters)
            rows = list(results)
        except BaseException:  # as with the drivers: all of it or nothing
            self.close()
            raise
        self.sent.append(Sent(text, tuple(parameters)))
        return rows, results.read_ios

    def _run_alone(self, text: str, parameters: Sequence[Value]) -> tuple[list[Value], int]:
        for attempt in range(RETRIES):
            try:
                return self._run_once(text, parameters)
            except OccConflictError:
                time.sleep(FIRST_WAIT_SECONDS * 2**attempt * random.uniform(0.5, 1))  # noqa: S311 - spreads retries, no secret
        return self._run_once(text, parameters)

    def _run_once(self, text: str, parameters: Sequence[Value]) -> tuple[list[Value], int]:
        transaction = self._ledger.begin()
        try:
            results = transaction.execute(text, parameters)
            rows = list(results)
            transaction.commit()
        finally:
            transaction.abort()
        return rows, results.read_ios
