"""Which registered ledgers may be used right now."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil.ledger.registry import LedgerState, RegisteredLedger
from counterfoil.ports import LedgerRegistry
from counterfoil.protocol.faults import not_found, precondition_not_met
from counterfoil.protocol.hosting import Engine, Ledgers


@dataclass(frozen=True, slots=True)
class Directory:
    """A ledger that is being deleted is not there any more; one that is being created is there and may not be used yet."""

    registry: LedgerRegistry
    ledgers: Ledgers

    def known(self, name: str) -> RegisteredLedger:
        """A ledger that is there or is being created."""
        ledger = self.registry.ledger(name)
        if ledger is None or ledger.state is LedgerState.DELETING:
            raise not_found("Ledger", name)
        return ledger

    def active(self, name: str) -> RegisteredLedger:
        """A ledger that may be used."""
        ledger = self.known(name)
        if ledger.state is LedgerState.CREATING:
            raise precondition_not_met("Ledger", name, "is still being created")
        return ledger

    def engine(self, name: str) -> Engine:
        return self.ledgers.open(self.active(name))
