"""The fraud detector: a batch of Kinesis records in, findings on verified transfers out.

What happens to a batch, per strand, in this order, and why in this order:

1. The strand's cursor and the records held for it are loaded; every user record of the batch is read and verified by itself.
   What cannot be read or does not verify is counted and left to the auditor, who keeps and reports it.
2. Blocks whose turn it is are put together (``detection/block_assembly``), and judged in the journal's order with the states of
   their accounts (``detection/judgement``), in memory.
3. The findings are recorded. A crash here, or between two findings, leaves states and cursor as they were: the repetition judges
   the same blocks with the same states and meets the ids of its findings again.
4. The states are replaced, each by compare-and-set. A crash between two of them leaves some accounts ahead of the cursor. Since
   every finding of every block was recorded before the first state, the repetition judges a block only for the accounts
   that do not have it yet, and what concerns several accounts only where none has it.
5. What is left over is held, then the cursor is replaced by compare-and-set. The cursor points to what is held, so that a crash
   between the two leaves bytes that nothing points to and that expire; the batch comes again and holds them anew. A crash
   before the cursor was replaced repeats everything, and finds every account ahead; a crash behind it makes the
   repetition a duplicate, since its blocks lie behind the cursor.
6. What the old cursor pointed to and the new one does not is deleted. A crash here leaves bytes that expire.

Where somebody else replaced a state or the cursor first (consumers of several shards work on one strand), all of it is done
again on what is stored now. A strand whose stores are unavailable fails alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from counterfoil.detection.account import StateKey
from counterfoil.detection.account_book import AccountBook, ParsedStates, StateChange, StoredState, keys_of
from counterfoil.detection.block_assembly import Assembly
from counterfoil.detection.finding import Finding
from counterfoil.detection.judgement import Contents, Judge, contents_of
from counterfoil.detection.rule_config import RuleConfig
from counterfoil.detection.stream_cursor import StreamCursor, cursor_key, parse_cursor, render_cursor
from counterfoil.errors import ConflictError, UnavailableError
from counterfoil.ports import AccountStore, Clock, FindingStore, SetAsideRecords
from counterfoil.rule_ports import RuleSource
from counterfoil.services.arrivals import Arrival, StrandArrivals, read_arrivals, verify_held
from counterfoil.services.batch import KinesisRecord
from counterfoil.services.held_records import HELD_FOR, HeldRecords
from counterfoil.services.set_aside import PointerFollower

# Consumers of many shards may work on one strand at the same time; in each round at least one of them gets through.
MAX_ROUNDS: Final = 12


@dataclass(slots=True)
class DetectionReport:
    """What became of a batch: counts for metrics, findings, and the outer records that must be delivered again.

    ``unreadable`` and ``unverified`` are the auditor's affair, ``repeated`` came before, ``late`` are blocks judged alone behind
    the cursor, ``incomplete`` blocks judged without some revision, ``holes`` gaps passed over, ``dropped`` records that no block
    claimed in time, ``held`` records that wait.
    """

    records: int = 0
    blocks_judged: int = 0
    transfers_judged: int = 0
    findings: list[Finding] = field(default_factory=list)
    findings_written: int = 0
    states_written: int = 0
    unreadable: int = 0
    unverified: int = 0
    repeated: int = 0
    late: int = 0
    incomplete: int = 0
    holes: int = 0
    dropped: int = 0
    held: int = 0
    failed: list[int] = field(default_factory=list)
    failure: str | None = None

    @property
    def failed_index(self) -> int | None:
        """The first outer record that must be delivered again."""
        return min(self.failed, default=None)

    def fail(self, indexes: Iterable[int], error: UnavailableError) -> None:
        """Deliver these outer records again."""
        self.failed = sorted({*self.failed, *indexes})
        self.failure = self.failure or str(error)

    def metrics(self) -> dict[str, float]:
        """The batch as numbers, by the names that template.yaml's alarms and dashboard use."""
        return {
            "RecordsRead": self.records,
            "TransfersJudged": self.transfers_judged,
            "FindingsWritten": self.findings_written,
            "Duplicates": self.repeated,
        }


@dataclass(slots=True)
class Round:
    """One attempt at a strand: what was loaded, what was judged, and what is to be written."""

    assembly: Assembly
    stored: StoredState | None
    held: HeldRecords
    judge: Judge
    blocks: list[Contents]
    late: list[Contents]


@dataclass(frozen=True, slots=True)
class Detector:
    """Judges transfers as their blocks stream. One instance serves any number of batches and knows nothing from one to the next.

    It keeps accounts' states parsed, which saves reading those that nobody else replaced since. ``rules``, where there are any,
    says before each batch which configuration is in force for the whole of it; else it is ``config``.
    """

    accounts: AccountStore
    findings: FindingStore
    set_aside: SetAsideRecords
    config: RuleConfig
    clock: Clock
    grace: timedelta
    rules: RuleSource | None = None
    parsed: ParsedStates = field(default_factory=ParsedStates)

    def detect(self, records: Sequence[KinesisRecord]) -> DetectionReport:
        """Judge one batch. Everything in it is judged at one instant."""
        now = self.clock()
        verified = read_arrivals(records, now, PointerFollower(self.set_aside))
        report = DetectionReport(len(records), unreadable=verified.unreadable, unverified=verified.unverified)
        for index, error in verified.failures:
            report.fail([index], error)
        try:
            judging = self._by_current_rules(now)
        except UnavailableError as error:
            report.fail(range(len(records)), error)
            return report
        for strand_id, batch in verified.strands.items():
            judging._try_to_settle(strand_id, batch, report, now)  # noqa: SLF001 - itself, by one set of rules
        return report

    def sweep(self) -> DetectionReport:
        """Go on where a strand waits for longer than the grace period; the schedule calls this."""
        report, now = DetectionReport(), self.clock()
        try:
            strands = self.accounts.strands()
            judging = self._by_current_rules(now)
        except UnavailableError as error:
            report.failure = str(error)
            return report
        for strand_id in strands:
            judging._try_to_settle(strand_id, StrandArrivals(), report, now)  # noqa: SLF001 - as above
        return report

    def _by_current_rules(self, now: datetime) -> Detector:
        return self if self.rules is None else replace(self, config=self.rules.current(now), rules=None)

    def _try_to_settle(self, strand_id: str, batch: StrandArrivals, report: DetectionReport, now: datetime) -> None:
        try:
            self._settle(strand_id, batch.arrivals, report, now)
        except UnavailableError as error:
            report.fail(batch.outer_indexes, error)

    def _settle(self, strand_id: str, arrivals: Sequence[Arrival], report: DetectionReport, now: datetime) -> None:
        for _ in range(MAX_ROUNDS):
            attempt = self._judge(strand_id, arrivals, now)
            found = list(attempt.judge.findings.values())
            written = self.findings.record(found) if found else 0
            try:
                changes = attempt.judge.book.changes(now, timedelta(days=self._memory_days))
                self.accounts.save(changes)
                held = self._move_on(attempt, now)
            except ConflictError:
                continue
            attempt.judge.book.keep_parsed(changes)
            _count(attempt, report, held=held, written=written, saved=len(changes))
            return
        raise UnavailableError(f"strand {strand_id} was judged by others {MAX_ROUNDS} times in a row")

    @property
    def _memory_days(self) -> int:
        return self.config.surroundings.transaction_memory_days

    def _judge(self, strand_id: str, arrivals: Iterable[Arrival], now: datetime) -> Round:
        key = cursor_key(strand_id)
        stored = self.accounts.load([key]).get(key)
        old = StreamCursor(strand_id) if stored is None else parse_cursor(strand_id, stored.body)
        assembly, held = Assembly(old, now, self.grace), HeldRecords(self.accounts, old)
        for record in held.load():
            if (arrival := verify_held(record)) is not None:
                arrival.enter(assembly, stored=True)
        for arrival in arrivals:
            arrival.enter(assembly, stored=False)
        late = [contents_of(block, self.config) for block in assembly.late_blocks()]
        blocks = [contents_of(block, self.config) for block in assembly.ready()]
        book = AccountBook(strand_id, self._states(strand_id, blocks), self.parsed)
        judge = Judge(book, self.config, now, self.config.scorer)
        for contents in late:
            judge.judge_alone(contents)
        for contents in blocks:
            judge.judge(contents)
        return Round(assembly, stored, held, judge, blocks, late)

    def _states(self, strand_id: str, blocks: Sequence[Contents]) -> Mapping[StateKey, StoredState]:
        outside = set(self.config.surroundings.external_accounts)
        account_ids = {each for contents in blocks for each in contents.account_ids()} - outside
        transaction_ids = {each for contents in blocks for each in contents.transaction_ids()}
        keys = keys_of(strand_id, sorted(account_ids), sorted(transaction_ids))
        return self.accounts.load(keys) if keys else {}

    def _move_on(self, attempt: Round, now: datetime) -> int:
        """Hold what is left over and replace the cursor; how many records are held."""
        left = attempt.assembly.left_over()
        version = None if attempt.stored is None else attempt.stored.version
        new = attempt.held.keep(attempt.assembly.cursor, left, 1 + (version or 0), now)
        if new != attempt.held.cursor:
            # A strand of which no block was ever seen is not remembered for ever: anybody can name one.
            expires_at = now + HELD_FOR if new.next_no is None else None
            self.accounts.save([StateChange(cursor_key(new.strand_id), version, render_cursor(new), expires_at)])
            attempt.held.release_all_but(new)
        return len(left)


def _count(attempt: Round, report: DetectionReport, *, held: int, written: int, saved: int) -> None:
    assembly = attempt.assembly
    report.blocks_judged += len(attempt.blocks)
    report.transfers_judged += sum(len(contents.transfers) for contents in attempt.blocks)
    report.findings += attempt.judge.findings.values()
    report.findings_written += written
    report.states_written += saved
    report.late += len(attempt.late)
    report.repeated += assembly.repeated
    report.dropped += assembly.dropped
    report.holes += assembly.holes
    report.incomplete += assembly.incomplete
    report.held += held
