"""Ledgers in this process, on files: for applications without a server, and for the server itself.

::

    import counterfoil

    with counterfoil.open("bank.ledger") as ledger:
        ledger.execute(lambda tx: tx.execute("CREATE TABLE Accounts"))
        ledger.execute_statement("INSERT INTO Accounts ?", {"accountId": "ACC-001", "balance": Decimal("10.00")})
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Self

from counterfoil.adapters.sqlite.store import FILE_NAME, SqliteLedger, create_ledger
from counterfoil.adapters.system import new_id, system_clock
from counterfoil.errors import NotFoundError, OccConflictError
from counterfoil.ion.amazon_values import value_of
from counterfoil.ion.values import Value, copy_of
from counterfoil.ledger.limits import DEFAULT_LIMITS, Limits
from counterfoil.ledger.transaction import OpenTransaction, Results
from counterfoil.services.ledger import Ledger

# As the official drivers: four retries, waits that double and vary.
RETRIES: Final = 4
FIRST_WAIT_SECONDS: Final = 0.01
LONGEST_WAIT_SECONDS: Final = 5.0


class Rows(Iterator[Value]):
    """The rows of one statement. They are their caller's own: what he does to them reaches nothing of the ledger."""

    __slots__ = ("_results",)

    def __init__(self, results: Results) -> None:
        self._results = results

    def __next__(self) -> Value:
        return copy_of(next(self._results))

    @property
    def read_ios(self) -> int:
        """How many documents were read so far: many for few rows are a sign of a scan."""
        return self._results.read_ios


class Transaction:
    """A transaction as the work in it sees it. It is committed when the work returns, and forgotten when the work raises."""

    __slots__ = ("_opened",)

    def __init__(self, opened: OpenTransaction) -> None:
        self._opened = opened

    @property
    def transaction_id(self) -> str:
        return self._opened.transaction_id

    def execute(self, text: str, *parameters: Any) -> Rows:
        """Carry out one statement with a parameter for each ``?``; the rows come as they are asked for.

        Parameters are plain Python values: dict, list, str, int, ``Decimal``, float, bool, ``None``, bytes (a blob), ``datetime``,
        or any type of ``counterfoil.ion.values``. Rows are of those types, with ``IonTimestamp`` for times (``to_datetime()``).
        """
        return Rows(self._opened.execute(text, [value_of(each) for each in parameters]))


class EmbeddedLedger(Ledger):
    """A ledger of this process. Any thread may call it; a transaction is one thread's."""

    # Lets go of the keys of sealed fields, where the ledger has any of its own.
    close_seals: Callable[[], None] | None = None

    def execute[Result](self, work: Callable[[Transaction], Result], retries: int = RETRIES) -> Result:
        """Run ``work`` in a transaction and commit it, again where another transaction was in the way.

        ``work`` may run several times: let it change nothing but the ledger. Rows that it returns undrawn are drawn before the
        commit and come as a list. Raises ``OccConflictError`` when the last retry met a conflict as well, and whatever ``work``
        raises, after which nothing of it is in the ledger.
        """
        for attempt in range(retries):
            try:
                return self._execute_once(work)
            except OccConflictError:
                longest = min(FIRST_WAIT_SECONDS * 2**attempt, LONGEST_WAIT_SECONDS)
                time.sleep(longest / 2 + random.random() * longest / 2)  # noqa: S311 - spreads retries, no secret
        return self._execute_once(work)

    def execute_statement(self, text: str, *parameters: Any) -> list[Value]:
        """The rows of one statement in a transaction of its own."""
        return self.execute(lambda transaction: list(transaction.execute(text, *parameters)))

    def _execute_once[Result](self, work: Callable[[Transaction], Result]) -> Result:
        opened = self.begin()
        try:
            result = work(Transaction(opened))
            if isinstance(result, Iterator):  # rows cannot be drawn behind the end of their transaction
                result = list(result)  # type: ignore[assignment]
            opened.commit()
        finally:
            opened.abort()
        return result

    def close(self) -> None:
        super().close()
        if self.close_seals is not None:
            self.close_seals()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_ledger(
    path: str | Path, *, create: bool = True, limits: Limits = DEFAULT_LIMITS, seals: str | Path | None = None
) -> EmbeddedLedger:
    """The ledger in a folder, made if it is not there. It belongs to this process until it is closed.

    ``seals`` is the folder with the keys of sealed fields, made if it is not there; without it no table can have any.
    ``PreconditionError`` if another process has it, ``NotFoundError`` if it is not there and ``create`` is false,
    ``IntegrityError`` if its file is damaged.
    """
    folder = Path(path)
    if not (folder / FILE_NAME).exists():
        if not create:
            raise NotFoundError(f"there is no ledger in {folder}")
        create_ledger(folder, new_id())
    store = SqliteLedger(folder, system_clock, limits)
    if seals is None:
        return EmbeddedLedger(folder.name, store, system_clock, new_id, limits)
    from counterfoil.adapters.sqlite.seals import SealsFolder  # noqa: PLC0415 - cryptography is only for who seals

    try:
        keys = SealsFolder.open(Path(seals))
        ledger = EmbeddedLedger(folder.name, store, system_clock, new_id, limits, seals=keys.of(store.head().strand_id))
    except BaseException:
        store.close()
        raise
    ledger.close_seals = keys.close
    return ledger
