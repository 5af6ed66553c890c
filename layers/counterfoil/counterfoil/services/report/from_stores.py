"""Evidence from what the pipeline keeps: heads, findings, signed snapshots, suppressions, cases and figures. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from counterfoil.detection.report_evidence import Evidence, StrandEnd, StrandEvidence
from counterfoil.detection.snapshot import DigestSnapshot, Signature, parse_document, signed_bytes
from counterfoil.detection.strand import StrandState
from counterfoil.ports import HeadStore, Signer
from counterfoil.report_ports import CaseBook, FigureHistory, FindingArchive, RuleBook, SnapshotArchive
from counterfoil.services.report.from_journal import strand_evidence
from counterfoil.services.suppressions import Suppressions

FIGURES: Final = ("Duplicates", "OpenGaps", "WatermarkLagMs")

_ABSENT: Final = {
    "scope": "digests are those of the last snapshot before either end, so the period's last blocks may lie behind it",
    "keys": "grants and changes of policies are in CloudTrail: look for kms.amazonaws.com and iam.amazonaws.com",
}


@dataclass(frozen=True, slots=True)
class Stores:
    """Every store that a report reads. ``ledgers`` names the ledgers of strands, as far as they are known; ``source`` the stack."""

    heads: HeadStore
    findings: FindingArchive
    snapshots: SnapshotArchive
    signer: Signer
    suppressions: Suppressions
    cases: CaseBook
    rules: RuleBook
    figures: FigureHistory
    source: str
    version: str
    ledgers: Mapping[str, str] = field(default_factory=dict)

    def evidence(self, begin: datetime, end: datetime) -> Evidence:
        """All of it. A snapshot whose signature does not hold is an ``IntegrityError``: a report must not stand on it."""
        states = {strand_id: self.heads.load(strand_id) for strand_id in self.heads.strands()}
        anchors = [state.anchor for state in states.values() if state is not None and state.anchor is not None]
        return Evidence(
            begin,
            end,
            self.source,
            self.version,
            [self._strand(strand_id, state, begin, end) for strand_id, state in states.items()],
            list(self.findings.until(end)),
            self.rules.in_force(end),
            self.rules.changes(begin, end),
            self.cases.cases(begin, end),
            [each for each in self.suppressions.all() if each.created_at < end and each.expires_at > begin],
            {name: self.figures.series(name, begin, end) for name in FIGURES},
            _ABSENT
            | {"scope": "; ".join([_ABSENT["scope"], *(f"strand {each.strand_id}: {each}" for each in anchors)])},
        )

    def _strand(self, strand_id: str, state: StrandState | None, begin: datetime, end: datetime) -> StrandEvidence:
        before: StrandEnd | None = None
        after: StrandEnd | None = None
        watermark: list[tuple[datetime, int]] = []
        keys: dict[str, datetime] = {}
        for name, snapshot, signature in self._snapshots(strand_id, end):
            after = _end(name, snapshot, signature)
            if snapshot.taken_at < begin:
                before = after
            else:
                watermark.append((snapshot.taken_at, snapshot.range.end))
                keys.setdefault(signature.key_id, snapshot.taken_at)
        seen = [(at, key_id) for key_id, at in keys.items()]
        return strand_evidence(strand_id, self.ledgers.get(strand_id), before, after, state, watermark, seen)

    def _snapshots(self, strand_id: str, end: datetime) -> Iterator[tuple[str, DigestSnapshot, Signature]]:
        for name in self.snapshots.names(f"snapshots/{strand_id}/"):
            snapshot, signature = parse_document(self.snapshots.load(name))
            if snapshot.taken_at >= end:
                return
            self.signer.verify(signed_bytes(snapshot), signature)
            yield name, snapshot, signature


def _end(name: str, snapshot: DigestSnapshot, signature: Signature) -> StrandEnd:
    number = snapshot.tip_address.sequence_no
    return StrandEnd(
        number, snapshot.digest, snapshot.block_timestamp, name, signature.key_id, signature.value.hex()
    )  # fmt: skip
