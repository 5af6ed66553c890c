"""The ledgers of a data folder: one folder for each, ``DIR/<ledger name>``, opened when it is first used."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from counterfoil.adapters.sqlite.store import FILE_NAME, SqliteLedger, create_ledger
from counterfoil.adapters.system import new_id, system_clock
from counterfoil.errors import ClosedError, IntegrityError
from counterfoil.ledger.limits import Limits
from counterfoil.ledger.registry import LEDGER_NAME, RegisteredLedger
from counterfoil.ledger.sealing import Seals
from counterfoil.ledger.transaction import Guard
from counterfoil.services.ledger import Ledger


class LedgerFolders:
    """A ledger's strand bears the ledger's id, so that a folder which was put in the place of another is noticed."""

    def __init__(
        self, root: Path, limits: Limits, guard: Guard | None = None, seals: Callable[[str], Seals] | None = None
    ) -> None:
        """``seals`` gives those of a ledger by its strand; without it no table can have sealed fields."""
        self._root = root
        self._limits = limits
        self._guard = guard
        self._seals = seals
        self._open: dict[str, Ledger] = {}
        self._lock = Lock()
        self._closed = False

    def create(self, ledger: RegisteredLedger) -> None:
        folder = self._root / ledger.name
        if not (folder / FILE_NAME).exists():
            create_ledger(folder, ledger.ledger_id)

    def open(self, ledger: RegisteredLedger) -> Ledger:
        with self._lock:
            if self._closed:
                raise ClosedError("the server is being stopped")
            if ledger.name not in self._open:
                self._open[ledger.name] = self._opened(ledger.name)
            opened = self._open[ledger.name]
        if opened.strand_id != ledger.ledger_id:
            raise IntegrityError(
                f"the folder of ledger {ledger.name} holds another ledger, of strand {opened.strand_id}; move it away",
                expected=ledger.ledger_id,
                found=opened.strand_id,
            )
        return opened

    def delete(self, ledger: RegisteredLedger) -> None:
        """Remove a ledger's folder; what a crash left of it is removed as well when this is repeated."""
        with self._lock:
            opened = self._open.pop(ledger.name, None)
        if opened is not None:
            opened.close()
        folder, leaving = self._root / ledger.name, self._root / f".deleted-{ledger.ledger_id}"
        if folder.exists():
            folder.rename(leaving)
        if leaving.exists():
            shutil.rmtree(leaving)

    def found(self) -> list[str]:
        """Names of the folders that hold a ledger, registered or not."""
        return sorted(
            each.parent.name for each in self._root.glob(f"*/{FILE_NAME}") if LEDGER_NAME.fullmatch(each.parent.name)
        )

    def strand_of(self, name: str) -> str:
        """The strand of the ledger in a folder."""
        with self._lock:
            if name not in self._open:
                self._open[name] = self._opened(name)
            return self._open[name].strand_id

    def close(self) -> None:
        with self._lock:
            self._closed = True
            opened, self._open = list(self._open.values()), {}
        for each in opened:
            each.close()

    def _opened(self, name: str) -> Ledger:
        store = SqliteLedger(self._root / name, system_clock, self._limits)
        seals = None if self._seals is None else self._seals(store.head().strand_id)
        return Ledger(name, store, system_clock, new_id, self._limits, self._guard, seals)
