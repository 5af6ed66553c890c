"""Ledgers in this process, on files: for applications without a server, and for the server itself.

    import counterfoil

    with counterfoil.open("bank.ledger") as ledger:
        ledger.execute(lambda tx: tx.execute("CREATE TABLE Accounts"))
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from counterfoil.adapters.sqlite.store import FILE_NAME, SqliteLedger, create_ledger
from counterfoil.adapters.system import system_clock
from counterfoil.errors import OccConflictError
from counterfoil.ledger.ids import ID_BYTES, render_id
from counterfoil.ledger.limits import DEFAULT_LIMITS, Limits
from counterfoil.ledger.transaction import OpenTransaction
from counterfoil.services.ledger import Ledger

# As the official drivers: four retries, waits that double and vary.
RETRIES: Final = 4
FIRST_WAIT_SECONDS: Final = 0.01
LONGEST_WAIT_SECONDS: Final = 5.0


def new_id() -> str:
    """An id by chance; nobody can guess it."""
    return render_id(secrets.token_bytes(ID_BYTES))


class EmbeddedLedger(Ledger):
    """A ledger whose ``execute`` runs the work again when another transaction was in the way."""

    def execute[Result](self, work: Callable[[OpenTransaction], Result], retries: int = RETRIES) -> Result:
        """Run ``work`` in a transaction and commit it. ``work`` may run several times: let it change nothing but the ledger.

        Raises ``OccConflictError`` when the last retry met a conflict as well, and whatever ``work`` raises, after which nothing of
        it is in the ledger.
        """
        for attempt in range(retries):
            try:
                return super().execute(work)
            except OccConflictError:
                longest = min(FIRST_WAIT_SECONDS * 2**attempt, LONGEST_WAIT_SECONDS)
                time.sleep(longest / 2 + random.random() * longest / 2)  # noqa: S311 - spreads retries, no secret
        return super().execute(work)

    def __enter__(self) -> EmbeddedLedger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_ledger(path: str | Path, *, create: bool = True, limits: Limits = DEFAULT_LIMITS) -> EmbeddedLedger:
    """The ledger in a folder, made if it is not there. It belongs to this process until it is closed.

    ``PreconditionError`` if another process has it, ``NotFoundError`` if it is not there and ``create`` is false,
    ``IntegrityError`` if its file is damaged.
    """
    folder = Path(path)
    if create and not (folder / FILE_NAME).exists():
        create_ledger(folder, new_id())
    return EmbeddedLedger(folder.name, SqliteLedger(folder, system_clock, limits), system_clock, new_id, limits)


@contextmanager
def opened(path: str | Path, *, create: bool = False) -> Iterator[EmbeddedLedger]:
    """A ledger for as long as the block lasts."""
    with open_ledger(path, create=create) as ledger:
        yield ledger
