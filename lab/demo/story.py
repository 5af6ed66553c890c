"""The demonstration itself, step by step, on whichever pipeline it is given.

Expected findings come from the bank, which wrote down what it injected, and from the attacker, who says what each attack must
lead to; the rules' own answers are only compared with them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Final

from counterfoil.detection.audit_rules import AuditRule
from counterfoil.detection.finding import Finding, Severity, Status
from counterfoil.detection.strand import StrandState
from counterfoil.journal import Receipt, verify_receipt
from lab import attacker
from lab.attacker import Attack
from lab.demo.bank import Bank, falsified_place
from lab.demo.cost import Cost, cost_of, work_between
from lab.demo.genuine import GenuineBlock
from lab.demo.keep import keep_evidence
from lab.demo.pipeline import CONFIRM_SECONDS, GRACE_SECONDS, KeptSnapshot, Measure, Pipeline
from lab.demo.report import DemoReport
from lab.demo.screen import Screen
from lab.demo.timeline import Timing, timing_of
from lab.expectation import Expected, FindingKey, compare
from lab.producer import OuterRecord, StreamedBlock, outer_records

# The template's default for AlertMinimumSeverity.
TOLD_FROM: Final = Severity.MEDIUM
REPLAYED_RECORDS: Final = 60
MOST_SWEEPS: Final = 12
# How long the last blocks of a stream may take into the pipeline, on the busiest machine.
CATCH_UP_SECONDS: Final = 60.0


@dataclass(slots=True)
class Demonstration:
    """One run. ``evidence`` is a folder to leave files in."""

    pipeline: Pipeline
    bank: Bank
    screen: Screen
    seed: int
    began: float
    evidence: Path | None = None
    snapshots: list[KeptSnapshot] = field(default_factory=list)
    _alerts: set[str] = field(default_factory=set)
    _attacks: list[Attack] = field(default_factory=list)
    _delivered: int = 0
    _cost: Cost | None = None

    def run(self, genuine: GenuineBlock) -> DemoReport:
        self._open_for_business()
        digest = self.bank.digest()
        self.snapshots += self.pipeline.snapshot()
        self._attack()
        self._look_at_what_is_missing()
        self.snapshots += self.pipeline.snapshot()
        self.pipeline.settle(self._look)
        self._look()
        expected = self.bank.expected()
        receipt = self.bank.receipt(falsified_place(expected), digest)
        if self.evidence is not None:
            keep_evidence(self.evidence, self.bank, self._attacks[-1], self._findings(), receipt)
        return self._report(genuine, expected, verify_receipt(receipt))

    # The steps

    def _open_for_business(self) -> None:
        self.screen.heading(self.bank.opening())
        due, before = self.bank.blocks_due(), self.pipeline.measure()
        with self.screen.progress("blocks verified", due):
            transactions = self.bank.trade(self._look)
            self._catch_up(due)
        self._delivered = due
        self._cost = _cost(transactions, before, self.pipeline.measure())

    def _catch_up(self, due: int) -> None:
        """Wait until what is on its way has been verified; what never comes is told in the end."""
        limit = time.monotonic() + CATCH_UP_SECONDS
        while True:
            self.pipeline.settle(self._look)
            if self._verified() >= due or time.monotonic() > limit:
                return
            self.pipeline.wait(0.2)

    def _attack(self) -> None:
        self.screen.heading("An attacker cuts the stream off and delivers what comes next himself")
        quiet = self.bank.end_of_day(self._look)
        self._attacks = attacks_on(quiet)
        for attack in self._attacks:
            self.screen.line(f"{attack.title}: {said(attack.expected)}")
        delivered = self._attacks[-1].blocks
        self._delivered += len(delivered)
        records = chain.from_iterable(block.records for block in delivered)
        self._deliver(list(outer_records(records, self.bank.strand_id)), self._verified() + len(delivered))
        again = self.pipeline.carried(REPLAYED_RECORDS)
        self.screen.line(f"replays the first {len(again)} Kinesis records: nothing may come of it")
        self._deliver(again, self._verified())

    def _look_at_what_is_missing(self) -> None:
        self.screen.heading("The sweep that a schedule calls looks for what has not come")
        for seconds in (GRACE_SECONDS + 0.5, CONFIRM_SECONDS - GRACE_SECONDS + 0.5):
            self.pipeline.wait(seconds)
            self.pipeline.sweep()
            self.pipeline.settle(self._look)
        for _ in range(MOST_SWEEPS):
            if not self.pipeline.sweep():
                break
            self.pipeline.wait(GRACE_SECONDS + 0.5)
        self.pipeline.settle(self._look)

    def _deliver(self, records: Sequence[OuterRecord], until: int) -> None:
        with self.screen.progress("blocks verified", until):
            self.pipeline.put(records)
            self.pipeline.settle(self._look)

    def _look(self) -> None:
        """Show what is new."""
        self.screen.advance(self._verified())
        for finding in sorted(self._findings(), key=lambda each: each.found_at):
            self.screen.finding(finding)
        for alert in self.pipeline.alerts():
            if alert.alert_id not in self._alerts:
                self.screen.alert(alert)
            self._alerts.add(alert.alert_id)

    def _findings(self) -> list[Finding]:
        """What was found by rules in force: what a rule on trial sees is kept and told to nobody."""
        return [each for each in self.pipeline.findings() if not each.shadow]

    def _verified(self) -> int:
        return verified_blocks(self.pipeline.strand(self.bank.strand_id))

    def _report(self, genuine: GenuineBlock, expected: Sequence[Expected], receipt: Receipt) -> DemoReport:
        findings = self._findings()
        due = [f"{each.finding_id}/{each.status}" for each in findings if each.severity >= TOLD_FROM]
        first = self.snapshots[0].snapshot if self.snapshots else None
        digest = None if first is None else first.digest
        created = Expected(AuditRule.STREAM_CONTROL, self.bank.stream_arn, "the stream was created")
        attacked = chain.from_iterable(each.expected for each in self._attacks)
        return DemoReport(
            pipeline=self.pipeline.name,
            ledger=self.bank.name,
            activity=self.bank.activity(),
            seed=self.seed,
            genuine=genuine,
            blocks_delivered=self._delivered,
            blocks_verified=self._verified(),
            near_misses=self.bank.near_misses,
            attacks=[each.title for each in self._attacks],
            comparison=compare(
                [*expected, created, *attacked, *self._disagreements()], [key_of(each) for each in findings]
            ),
            alerts_due=len(due),
            alerts_missing=[each for each in due if each not in self._alerts],
            auditors_digest="" if digest is None else digest.to_base64(),
            receipt=receipt,
            digest_tip="" if first is None else str(first.tip_address),
            snapshots=self.snapshots,
            timing=self._timing(findings),
            cost=self._cost,
            seconds=time.monotonic() - self.began,
        )

    def _disagreements(self) -> list[Expected]:
        """Where the ledger can be asked, its digest is not that of the last verified block if an attacker re-hashed that one."""
        if not self.pipeline.asks_ledger:
            return []
        links = [each for attack in self._attacks for each in attack.expected if each.rule_id == AuditRule.BROKEN_LINK]
        return [
            Expected(AuditRule.HEADS_DISAGREE, f"{strand}#{int(number) - 1}", "the block before was re-hashed")
            for strand, number in (each.place.split("#") for each in links)
        ]

    def _timing(self, findings: Sequence[Finding]) -> Timing | None:
        """Of what the driver committed itself: nobody acknowledges what an attacker delivers, nor what only a snapshot can see."""
        if self.pipeline.timeline is None:
            return None
        attacked = {each.place for attack in self._attacks for each in attack.expected}
        attacked |= {each.place for each in self._disagreements()}
        places = [(each.finding_id, each.place) for each in findings if each.place not in attacked]
        return timing_of(self.bank.acknowledged(), places, self.pipeline.timeline)


def _cost(transactions: int, before: Measure | None, after: Measure | None) -> Cost | None:
    if before is None or after is None:
        return None
    return cost_of(transactions, after.usage - before.usage, work_between(before.work, after.work), after.memory_mb)


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
