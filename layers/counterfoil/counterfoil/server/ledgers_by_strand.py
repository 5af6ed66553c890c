"""The ledgers of a stack: each is a strand, and all are kept in the same tables."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final

from counterfoil.ledger.registry import RegisteredLedger
from counterfoil.services.ledger import Ledger

# Ledgers that an instance follows at once; each holds the writes of some thousand blocks.
KEPT_LEDGERS: Final = 16


class LedgersByStrand:
    """Implements ``protocol.hosting.Ledgers``. ``open_ledger`` makes the engine of a strand."""

    def __init__(self, open_ledger: Callable[[RegisteredLedger], Ledger]) -> None:
        self._open_ledger = open_ledger
        self._open: OrderedDict[str, Ledger] = OrderedDict()
        self._lock = Lock()

    def create(self, ledger: RegisteredLedger, /) -> None:
        """A strand begins with its first block: nothing is to be made."""

    def open(self, ledger: RegisteredLedger, /) -> Ledger:
        with self._lock:
            opened = self._open.pop(ledger.ledger_id, None)
            if opened is None:
                opened = self._open_ledger(ledger)
            self._open[ledger.ledger_id] = opened
            while len(self._open) > KEPT_LEDGERS:
                self._open.popitem(last=False)[1].close()
            return opened

    def delete(self, ledger: RegisteredLedger, /) -> None:
        """Forget the ledger. Its blocks stay in the journal, which nobody may take anything out of (docs/ledger.md)."""
        with self._lock:
            opened = self._open.pop(ledger.ledger_id, None)
        if opened is not None:
            opened.close()
