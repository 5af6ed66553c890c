"""The demonstration itself, step by step, on whichever pipeline it is given.

Expected findings come from the bank, which wrote down what it injected, and from the attacker, who says what each attack must
lead to; the rules' own answers are only compared with them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Final

from counterfoil.detection.audit_rules import AuditRule
from counterfoil.detection.finding import Finding, Severity, Status
from counterfoil.detection.strand import StrandState
from lab import attacker
from lab.attacker import Attack
from lab.bank import Simulation
from lab.demo.genuine import GenuineBlock
from lab.demo.keep import keep_evidence
from lab.demo.pipeline import CONFIRM_SECONDS, GRACE_SECONDS, KeptSnapshot, Pipeline
from lab.demo.report import DemoReport
from lab.demo.screen import Screen
from lab.expectation import Expected, FindingKey, compare
from lab.producer import STREAM_ARN, OuterRecord, StreamedBlock, control, outer_records, streamed

# The template's default for AlertMinimumSeverity.
TOLD_FROM: Final = Severity.MEDIUM
REPLAYED_RECORDS: Final = 60
MOST_SWEEPS: Final = 12


@dataclass(slots=True)
class Demonstration:
    """One run. ``prepare`` gives the bank's day, which is made while the stack starts.

    ``evidence`` is a folder to leave files in.
    """

    pipeline: Pipeline
    screen: Screen
    seed: int
    prepare: Future[Simulation]
    began: float
    evidence: Path | None = None
    expected: list[Expected] = field(default_factory=list)
    snapshots: list[KeptSnapshot] = field(default_factory=list)
    _alerts: set[str] = field(default_factory=set)
    _attacks: list[Attack] = field(default_factory=list)
    _withheld: int = 0

    def run(self, genuine: GenuineBlock) -> DemoReport:
        day = self.prepare.result()
        blocks = [streamed(block) for block in day.blocks]
        strand_id = day.ledger.strand_id
        honest, quiet = blocks[: day.quiet_from], blocks[day.quiet_from :]
        sent = self._open_for_business(day, honest)
        self.snapshots += self.pipeline.snapshot()
        self._attack(quiet, strand_id, sent)
        self._look_at_what_is_missing(strand_id)
        self.snapshots += self.pipeline.snapshot()
        self._look(strand_id)
        if self.evidence is not None:
            keep_evidence(self.evidence, day, self._attacks[-1], self.pipeline.findings(), tip=len(honest) - 1)
        return self._report(day, genuine, honest)

    # The steps

    def _open_for_business(self, day: Simulation, honest: Sequence[StreamedBlock]) -> list[OuterRecord]:
        strand_id = day.ledger.strand_id
        self.screen.heading(
            f"A bank opens: {day.ledger.transfers} transfers in {len(day.blocks)} blocks, fraud among them"
        )
        self.expected += day.expected
        self.expected.append(Expected(AuditRule.STREAM_CONTROL, STREAM_ARN, "the stream was created"))
        records = chain([control("CREATED")], chain.from_iterable(block.records for block in honest))
        sent = list(outer_records(records, strand_id))
        size = sum(len(each.data) for each in sent)
        self.screen.line(f"{len(honest)} blocks go into Kinesis, {size / 1e6:.1f} MB in {len(sent)} aggregated records")
        self._deliver(sent, strand_id, len(honest))
        return sent

    def _attack(self, quiet: Sequence[StreamedBlock], strand_id: str, sent: Sequence[OuterRecord]) -> None:
        self.screen.heading("An attacker gets at the stream")
        self._attacks = attacks_on(quiet)
        for attack in self._attacks:
            self.screen.line(f"{attack.title}: {said(attack.expected)}")
            self.expected += attack.expected
        delivered = self._attacks[-1].blocks
        self._withheld = len(quiet) - len(delivered)
        records = chain.from_iterable(block.records for block in delivered)
        self._deliver(list(outer_records(records, strand_id)), strand_id, self._verified(strand_id) + len(delivered))
        again = sent[:REPLAYED_RECORDS]
        self.screen.line(f"replays the first {len(again)} Kinesis records: nothing may come of it")
        self._deliver(again, strand_id, self._verified(strand_id))

    def _look_at_what_is_missing(self, strand_id: str) -> None:
        self.screen.heading("The sweep that a schedule calls looks for what has not come")
        for seconds in (GRACE_SECONDS + 0.5, CONFIRM_SECONDS - GRACE_SECONDS + 0.5):
            self.pipeline.wait(seconds)
            self.pipeline.sweep()
            self.pipeline.settle(lambda: self._look(strand_id))
        for _ in range(MOST_SWEEPS):
            if not self.pipeline.sweep():
                break
            self.pipeline.wait(GRACE_SECONDS + 0.5)
        self.pipeline.settle(lambda: self._look(strand_id))

    def _deliver(self, records: Sequence[OuterRecord], strand_id: str, until: int) -> None:
        with self.screen.progress("blocks verified", until):
            self.pipeline.put(records)
            self.pipeline.settle(lambda: self._look(strand_id))

    def _look(self, strand_id: str) -> None:
        """Show what is new."""
        self.screen.advance(self._verified(strand_id))
        for finding in sorted(self.pipeline.findings(), key=lambda each: each.found_at):
            self.screen.finding(finding)
        for alert in self.pipeline.alerts():
            if alert.alert_id not in self._alerts:
                self.screen.alert(alert)
            self._alerts.add(alert.alert_id)

    def _verified(self, strand_id: str) -> int:
        return verified_blocks(self.pipeline.strand(strand_id))

    def _report(self, day: Simulation, genuine: GenuineBlock, honest: Sequence[StreamedBlock]) -> DemoReport:
        findings = self.pipeline.findings()
        due = [f"{each.finding_id}/{each.status}" for each in findings if each.severity >= TOLD_FROM]
        first = self.snapshots[0].snapshot if self.snapshots else None
        digest = None if first is None else first.digest
        return DemoReport(
            pipeline=self.pipeline.name,
            seed=self.seed,
            genuine=genuine,
            transfers=day.ledger.transfers,
            blocks_written=len(day.blocks),
            blocks_delivered=len(day.blocks) - self._withheld,
            blocks_verified=self._verified(day.ledger.strand_id),
            near_misses=day.near_misses,
            attacks=[each.title for each in self._attacks],
            comparison=compare(self.expected, [key_of(each) for each in findings]),
            alerts_due=len(due),
            alerts_missing=[each for each in due if each not in self._alerts],
            auditors_digest="" if digest is None else digest.to_base64(),
            banks_digest=day.ledger.builder.digest(tip=len(honest) - 1).hash.to_base64(),
            digest_tip="" if first is None else str(first.tip_address),
            snapshots=self.snapshots,
            seconds=time.monotonic() - self.began,
        )


def attacks_on(quiet: Sequence[StreamedBlock]) -> list[Attack]:
    """Three attacks, one after the other on what the one before left, each where no later block depends on it."""
    places = spaced(attacker.last_touches(quiet), last=len(quiet) - 3)
    altered = attacker.alter_amount(quiet, places[0], Decimal("9999.99"))
    rehashed = attacker.rehash_block(altered.blocks, places[1], Decimal("25.00"))
    dropped = attacker.drop_block(rehashed.blocks, places[2])
    return [altered, rehashed, dropped]


def spaced(places: Iterable[int], last: int, apart: int = 5) -> list[int]:
    """Three of the places, well apart from each other and from the end."""
    chosen: list[int] = []
    for place in places:
        if 0 < place <= last and (not chosen or place >= chosen[-1] + apart):
            chosen.append(place)
    if len(chosen) < 3:
        raise ValueError("the quiet end of the day is too short for three attacks")
    return chosen[:3]


def said(expected: Sequence[Expected]) -> str:
    return "; ".join(f"{each.rule_id} expected at block {each.place.rpartition('#')[2]}" for each in expected)


def verified_blocks(state: StrandState | None) -> int:
    """Blocks in all verified segments of a strand."""
    return 0 if state is None else sum(each.segment.end - each.segment.begin for each in state.segments)


def key_of(finding: Finding) -> tuple[FindingKey, Status]:
    return FindingKey(str(finding.rule_id), finding.place, finding.account_id), finding.status
