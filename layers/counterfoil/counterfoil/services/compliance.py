"""The rules of AWS Config, judged from the auditor's heads, the journal, and S3. What cannot be read is an error, never an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from counterfoil.compliance_ports import EvaluationSink, LockReader
from counterfoil.detection.compliance import (
    MAX_ANNOTATION,
    Check,
    Evaluation,
    RuleRequest,
    Verdict,
    judge_lock,
)
from counterfoil.detection.strand import StrandState
from counterfoil.journal.stored import block_time
from counterfoil.ledger.registry import LedgerState
from counterfoil.ports import Clock, HeadStore, JournalReader, LedgerRegistry

_LEDGERS_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class LedgerCompliance:
    """Judges one rule at a call. ``heads_table`` and ``bucket`` are the resources that the answers are about."""

    heads: HeadStore
    registry: LedgerRegistry
    journal: Callable[[str], JournalReader]
    locks: LockReader
    sink: EvaluationSink
    heads_table: str
    bucket: str
    clock: Clock

    def judge(self, request: RuleRequest) -> Evaluation:
        """Judge, hand in and return. An ``UnavailableError`` leaves the rule without a result."""
        evaluation = self._evaluate(request)
        self.sink.put(request.token, evaluation)
        return evaluation

    def _evaluate(self, request: RuleRequest) -> Evaluation:
        parameters = request.parameters
        if parameters.check is Check.DIGESTS_LOCKED:
            verdict, why = judge_lock(self.locks.lock(self.bucket), parameters)
            return Evaluation("AWS::S3::Bucket", self.bucket, verdict, why[:MAX_ANNOTATION], request.asked_at)
        look = self._unverified if parameters.check is Check.VERIFIED_RECENTLY else self._missing
        strands, since = self._strands(), self.clock() - parameters.limit
        problems = [why for each in strands for why in look(each, since, parameters.limit)]
        verdict, why = _verdict(len(strands), problems)
        return Evaluation("AWS::DynamoDB::Table", self.heads_table, verdict, why[:MAX_ANNOTATION], request.asked_at)

    def _strands(self) -> list[str]:
        """Those that the auditor knows, and those of every active ledger: one that it never saw is the worst case."""
        return sorted({*self.heads.strands(), *self._active()})

    def _active(self) -> Iterator[str]:
        after = ""
        while page := self.registry.ledgers(after, _LEDGERS_AT_ONCE):
            yield from (each.ledger_id for each in page if each.state is LedgerState.ACTIVE)
            after = page[-1].name

    def _unverified(self, strand_id: str, since: datetime, limit: timedelta) -> Iterator[str]:
        """A journal that is not here says nothing of later blocks: then the head itself must be recent."""
        state = self.heads.load(strand_id)
        if state is not None and state.diverged_at is not None:
            yield f"strand {strand_id} diverged at block {state.diverged_at}"
        head = None if state is None else state.head
        journal = self.journal(strand_id)
        tip = journal.tip()
        verified = journal.first() if head is None else head.end
        if tip is None:
            if head is not None and head.last_time.to_datetime() < since:
                yield f"strand {strand_id}: nothing tells of blocks behind {head.end - 1}, from {head.last_time}"
        elif tip >= verified and (committed := block_time(next(journal.blocks(verified, verified + 1)))) < since:
            yield f"block {verified} of {strand_id}, from {committed.isoformat()}, is not verified after {limit}"

    def _missing(self, strand_id: str, since: datetime, _limit: timedelta) -> Iterator[str]:
        state = self.heads.load(strand_id)
        if state is None:
            return
        for what, begun in _outstanding(state):
            if begun < since:
                yield f"strand {strand_id}: {what} since {begun.isoformat()}"


def _outstanding(state: StrandState) -> Iterator[tuple[str, datetime]]:
    """What the strand waits for, and since when."""
    for first, behind in state.holes():
        yield f"blocks {first} to {behind.segment.begin - 1} are missing", behind.since
    for number, awaited in state.awaited.items():
        yield f"revisions of block {number} are missing", awaited.since
    for early in state.early:
        yield f"the block of a revision in {early.sequence_no} is missing", early.since


def _verdict(strands: int, problems: list[str]) -> tuple[Verdict, str]:
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        return Verdict.NON_COMPLIANT, f"{problems[0][: MAX_ANNOTATION - len(more)]}{more}"
    if not strands:
        return Verdict.NOT_APPLICABLE, "there is no ledger"
    return Verdict.COMPLIANT, f"looked at {strands} strands"
