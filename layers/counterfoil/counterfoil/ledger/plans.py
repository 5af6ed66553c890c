"""Compiled statements, kept by text and catalogue version."""

from __future__ import annotations

from threading import Lock
from typing import Final

from counterfoil.ledger.catalogue import LedgerCatalogue
from counterfoil.partiql.compiler import compile_statement
from counterfoil.partiql.parser import parse
from counterfoil.partiql.syntax import Delete, Insert, Query, Update
from counterfoil.partiql.tables import Plan

# An application has some dozens of statements; one that splices values into its texts has endlessly many.
MAX_PLANS: Final = 1_024

Compilable = Query | Insert | Update | Delete


class Plans:
    """A bounded cache, oldest out first. Two threads may compile the same plan at once; either is right."""

    __slots__ = ("_lock", "_plans", "hits", "misses")

    def __init__(self) -> None:
        self._lock = Lock()
        self._plans: dict[tuple[str, int], Plan] = {}
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._plans)

    def known(self, text: str, catalogue: LedgerCatalogue) -> Plan | None:
        """The plan of a statement, if it is kept."""
        return self._plans.get((text, catalogue.version))

    def plan(self, text: str, statement: Compilable, catalogue: LedgerCatalogue) -> Plan:
        key = (text, catalogue.version)
        found = self._plans.get(key)
        if found is not None:
            self.hits += 1
            return found
        self.misses += 1
        plan = compile_statement(statement, catalogue)
        with self._lock:  # what another thread changes must not be gone through
            while len(self._plans) >= MAX_PLANS:
                self._plans.pop(next(iter(self._plans)), None)
            self._plans[key] = plan
        return plan


__all__ = ["MAX_PLANS", "Compilable", "Plans", "parse"]
