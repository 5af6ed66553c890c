"""Which registered ledgers may be used right now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from counterfoil.ledger.registry import LedgerState, RegisteredLedger
from counterfoil.protocol.faults import not_found, precondition_not_met
from counterfoil.protocol.hosting import Engine, Ledgers

# How long an instance goes on with what it read of a ledger that it uses.
REMEMBERED_SECONDS: Final = 5.0


class Known(Protocol):
    """Whoever knows which ledgers are registered."""

    def ledger(self, name: str) -> RegisteredLedger | None: ...


@dataclass(slots=True)
class Remembered:
    """Spares the registry most questions: of an active ledger it is asked again after some seconds. ``seconds`` never goes back."""

    registry: Known
    seconds: Callable[[], float]
    _known: dict[str, tuple[RegisteredLedger, float]] = field(default_factory=dict)

    def ledger(self, name: str) -> RegisteredLedger | None:
        now = self.seconds()
        known = self._known.get(name)
        if known is not None and now - known[1] < REMEMBERED_SECONDS:
            return known[0]
        ledger = self.registry.ledger(name)
        if ledger is not None and ledger.state is LedgerState.ACTIVE:
            self._known[name] = (ledger, now)
        else:
            self.forget(name)
        return ledger

    def forget(self, name: str) -> None:
        """The ledger is about to change."""
        self._known.pop(name, None)


@dataclass(frozen=True, slots=True)
class Directory:
    """A ledger that is being deleted is not there any more; one that is being created is there and may not be used yet."""

    registry: Known
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
