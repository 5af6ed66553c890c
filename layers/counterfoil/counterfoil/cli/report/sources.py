"""Where a report's evidence comes from: a ledger's journal, or the tables and buckets of a deployed stack."""

from __future__ import annotations

from datetime import datetime

from counterfoil import wiring
from counterfoil.adapters.memory import MemoryFindings
from counterfoil.cli.maintain import progress
from counterfoil.cli.places import OpenLedger
from counterfoil.detection.report_evidence import Evidence
from counterfoil.services.report.books import ShippedRules
from counterfoil.services.report.from_journal import JournalWalk, Moment, evidence_of_journal

_IN_MEMORY = {"COUNTERFOIL_ADAPTERS": "memory"}


def evidence_of_ledger(ledger: OpenLedger, begin: datetime, end: datetime, version: str) -> Evidence:
    """From the first block on, whatever the period: only then is there a digest."""
    moment = Moment()
    auditor = wiring.auditor(_IN_MEMORY, moment)
    detector = wiring.detector(_IN_MEMORY, moment)
    kept: tuple[MemoryFindings, ...] = tuple(
        each.findings for each in (auditor, detector) if isinstance(each.findings, MemoryFindings)
    )
    tip = ledger.journal.tip()
    with progress(f"verifying {ledger.name}", None if tip is None else tip + 1) as advance:
        walk = JournalWalk(
            moment,
            (auditor.audit, detector.detect),
            auditor.heads,
            lambda: [each for store in kept for each in store.findings.values()],
            advance,
        )
        return evidence_of_journal(walk, ledger.journal, ledger.name, begin, end, ShippedRules(version), version)


def evidence_of_stack(stack: str, begin: datetime, end: datetime, version: str) -> Evidence:
    """From the stores that the stack's outputs name, read only."""
    from counterfoil.cli.report.stack import stores_of

    return stores_of(stack, version).evidence(begin, end)
