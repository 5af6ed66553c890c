"""Findings in memory: for tests, benchmarks and the offline command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from counterfoil.detection.finding import Finding
from counterfoil.ports import FindingStore


@dataclass(slots=True)
class MemoryFindings(FindingStore):
    """Findings by id, in the order they were first recorded."""

    findings: dict[str, Finding] = field(default_factory=dict)

    def record(self, findings: Sequence[Finding]) -> int:
        return sum(self._record(finding) for finding in findings)

    def load(self, finding_id: str) -> Finding | None:
        return self.findings.get(finding_id)

    def _record(self, finding: Finding) -> bool:
        known = self.findings.get(finding.finding_id)
        if known is None:
            self.findings[finding.finding_id] = finding
            return True
        if finding.status.rank <= known.status.rank:
            return False
        self.findings[finding.finding_id] = replace(known, status=finding.status)
        return True
