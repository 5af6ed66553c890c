"""Three heads of one strand held against each other: the ledger's digest, the auditor's own, and the last checkpoint.

The auditor's is the measure, since it was verified block by block; what the other two say is compared with it. The last snapshot
binds a checkpoint to the QLDB range of the same blocks, under a signature. From there on:

* the checkpoint that is in the log's folder now must extend that one, and its entries must be the blocks that the auditor knows;
* the log is grown by the auditor's blocks, which must lead to the auditor's head;
* the ledger's digest over as many blocks must be the auditor's, at the last snapshot's size and at this one's.

Where the ledger says now that the strand begins is compared as well: at the trust anchor that the auditor has, or nowhere but with
block 0. A strand that begins at an anchor has no log; its head is compared with the ledger's digest alone.

What does not agree is a finding, with the signed statements as evidence in the log's folder as well, and the log is not signed
any further: a signature under a second history would be a split view of our own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256

from counterfoil.detection.audit_rules import AuditRule, from_evidence
from counterfoil.detection.finding import Finding
from counterfoil.detection.snapshot import BoundCheckpoint, DigestSnapshot
from counterfoil.errors import InputError, IntegrityError
from counterfoil.journal import BlockAddress, Segment
from counterfoil.journal.anchor import TrustAnchor, anchor_text
from counterfoil.log_ports import AskWitness, LedgerDigests, LogStore
from counterfoil.merkle import CompactRange, Hash
from counterfoil.services.transparency_log import TransparencyLog
from counterfoil.transparency.checkpoint import SignedCheckpoint, parse_checkpoint
from counterfoil.transparency.entry import LogEntry, render_entry
from counterfoil.transparency.note import NoteKey
from counterfoil.transparency.policy import WitnessPolicy
from counterfoil.transparency.tiles import WIDTH, TileReader

# The auditor's blocks ``begin`` to ``end - 1``, in order, with their numbers.
Hashes = Callable[[int, int], Iterable[tuple[int, Hash]]]


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Strands' logs: where each is kept, by whom it is signed, and who witnesses it."""

    store: Callable[[str], LogStore]
    key: Callable[[str], NoteKey]
    policy: WitnessPolicy
    ask: AskWitness


@dataclass(frozen=True, slots=True)
class HeadsCompared:
    """``checkpoint`` is the newest that agrees with the auditor; ``unwitnessed`` says by name whose signatures are missing, ``quorum``
    whether there are enough.
    """

    checkpoint: BoundCheckpoint | None = None
    findings: tuple[Finding, ...] = ()
    unwitnessed: dict[str, str] = field(default_factory=dict)
    quorum: bool = True


@dataclass(frozen=True, slots=True)
class HeadComparison:
    """``checkpoints`` of ``None``: no logs are kept; ``ledger`` of ``None``: the ledger cannot be asked."""

    checkpoints: Checkpoints | None = None
    ledger: LedgerDigests | None = None

    def compare(
        self,
        head: Segment,
        last: DigestSnapshot | None,
        hashes: Hashes,
        now: datetime,
        running_out: Callable[[], bool],
        anchor: TrustAnchor | None = None,
    ) -> HeadsCompared:
        """What the three say, ``last`` being the last snapshot, its signature checked.

        The strand must be known from block 0, or from ``anchor`` on: then two of the three can say something.
        """
        bound = None if last is None else last.checkpoint
        if head.begin and anchor is None:
            return HeadsCompared(bound)
        found = list(self._ledger_findings(head, anchor, last, now))
        if self.checkpoints is None or anchor is not None:
            return HeadsCompared(bound, tuple(found))
        compared = _StrandLog(
            self.checkpoints, head, self._of_this_log(bound, head), hashes, now, running_out
        ).compared()
        return HeadsCompared(compared.checkpoint, (*found, *compared.findings), compared.unwitnessed, compared.quorum)

    def _of_this_log(self, bound: BoundCheckpoint | None, head: Segment) -> BoundCheckpoint | None:
        """A log that was given another origin begins anew."""
        assert self.checkpoints is not None
        if bound is None or bound.note.split("\n", 1)[0] != self.checkpoints.key(head.strand_id).key.name:
            return None
        return bound

    def _ledger_findings(
        self, head: Segment, anchor: TrustAnchor | None, last: DigestSnapshot | None, now: datetime
    ) -> Iterator[Finding]:
        """At the first size at which they do not agree; behind that nothing can."""
        before = [] if last is None or last.range.begin != head.begin else [last.range]
        for each in [*before, head.range]:
            known = each if anchor is None else anchor.before + each
            finding = None if self.ledger is None else _ledger_finding(self.ledger, head.strand_id, known, now)
            if finding is not None:
                yield finding
                return
        finding = None if self.ledger is None else _beginning_finding(self.ledger, anchor, head, now)
        if finding is not None:
            yield finding


def _ledger_finding(ledger: LedgerDigests, strand_id: str, known: CompactRange, now: datetime) -> Finding | None:
    tip = BlockAddress(strand_id, known.end - 1)
    try:
        said = ledger.digest(strand_id, known.end)
    except IntegrityError as error:
        return _disagreement("ledger", tip, f"the ledger has no digest at {tip}, which was verified: {error}", now, {})
    if said is None or said == known.root:
        return None
    reason = f"the ledger's digest at {tip} is not that of the blocks that were verified"
    return _disagreement("ledger", tip, reason, now, {"ledger_digest": str(said), "verified_digest": str(known.root)})


def _beginning_finding(
    ledger: LedgerDigests, anchor: TrustAnchor | None, head: Segment, now: datetime
) -> Finding | None:
    """Behind an anchor that somebody put there a digest may be what it was, though the blocks before are gone."""
    known = "with block 0" if anchor is None else f"at the trust anchor at block {anchor.begin}"
    try:
        said = ledger.anchor(head.strand_id)
        if said == anchor:
            return None
        why = "there is no trust anchor any more" if said is None else f"it begins with block {said.begin}: {said}"
    except IntegrityError as error:
        why = str(error)
    reason = f"strand {head.strand_id} was verified as one that begins {known}, and not so says the ledger now: {why}"
    evidence = {} if anchor is None else {"verified_anchor": anchor_text(anchor)}
    root = (head.range if anchor is None else anchor.before + head.range).root
    return _disagreement("ledger", head.tip, reason, now, {**evidence, "verified_digest": str(root)})


def _disagreement(who: str, place: BlockAddress, reason: str, now: datetime, evidence: Mapping[str, str]) -> Finding:
    return from_evidence(AuditRule.HEADS_DISAGREE, place, reason, now, who, evidence)


class _Remembered(Iterator[bytes]):
    """The auditor's blocks as entries, one after the other, with the range that they lead to; they must end at the head."""

    def __init__(self, head: Segment, start: CompactRange | None, hashes: Hashes) -> None:
        self.range = start
        self._head = head
        self._hashes = iter(hashes(self.size, head.end))

    @property
    def size(self) -> int:
        return 0 if self.range is None else self.range.end

    def __next__(self) -> bytes:
        found = next(self._hashes, None)
        if found is None or found[0] != self.size:
            if found is not None or self.size < self._head.end:
                raise IntegrityError(f"block {BlockAddress(self._head.strand_id, self.size)} is not remembered")
            if self.range != self._head.range:
                raise IntegrityError("the blocks remembered since the last checkpoint do not lead to the head")
            raise StopIteration
        leaf = CompactRange.of_leaf(*found)
        self.range = leaf if self.range is None else self.range + leaf
        return render_entry(LogEntry(self._head.strand_id, *found))


@dataclass(slots=True)
class _StrandLog:
    """One strand's log, in one comparison."""

    checkpoints: Checkpoints
    head: Segment
    bound: BoundCheckpoint | None
    hashes: Hashes
    now: datetime
    running_out: Callable[[], bool]

    def compared(self) -> HeadsCompared:
        strand_id = self.head.strand_id
        store, key = self.checkpoints.store(strand_id), self.checkpoints.key(strand_id)
        policy = replace(self.checkpoints.policy, as_of=self.now)
        log = TransparencyLog(store, key, policy)
        try:
            last = log.last()
            remembered = _Remembered(self.head, None if self.bound is None else self.bound.range, self.hashes)
            self._check_last(log, last, remembered)
            outcome = log.grow(remembered, key, self.checkpoints.ask, self.running_out)
        except (InputError, IntegrityError) as error:
            return HeadsCompared(self.bound, (self._finding(store, "checkpoint", str(error)),))
        if outcome is None or remembered.range is None:
            return HeadsCompared(self.bound)
        note = outcome.checkpoint.render()
        found = [
            self._finding(store, f"witness {name}", reason, note) for name, reason in outcome.contradictions.items()
        ]
        quorum = policy.satisfied(outcome.checkpoint.held)
        bound = BoundCheckpoint(note.decode(), remembered.range)
        return HeadsCompared(bound, tuple(found), outcome.failures | outcome.contradictions, quorum)

    def _check_last(self, log: TransparencyLog, last: SignedCheckpoint | None, remembered: _Remembered) -> None:
        """Return with ``remembered`` at the log's end if the log extends the bound checkpoint by the auditor's own blocks."""
        if last is None:
            if self.bound is not None:
                raise IntegrityError("the checkpoint that was signed last is gone")
            return
        if last.head.size > self.head.end:
            raise IntegrityError(f"it holds {last.head.size} blocks, and only {self.head.end} were verified")
        if self.bound is not None:
            log.verify_extends(parse_checkpoint(self.bound.note.encode()), last)
        for number, entry in _entries_from(log.reader(last), remembered.size):
            if next(remembered) != entry:
                raise IntegrityError(f"its entry {number} is not the block that was verified: {entry!r}")

    def _finding(self, store: LogStore, who: str, reason: str, note: bytes | None = None) -> Finding:
        """The signed statements stand in the finding, cut to a readable length, and whole in the log's folder."""
        before = b"" if self.bound is None else self.bound.note.encode()
        now = note or store.load("checkpoint") or b""
        whole = before + b"\n" + now
        name = f"evidence/{sha256(whole).hexdigest()}"
        store.add(name, whole)
        size = 1 if self.bound is None else self.bound.range.end
        return _disagreement(
            who,
            BlockAddress(self.head.strand_id, size - 1),
            f"the log of strand {self.head.strand_id} does not agree with the blocks that were verified ({who}): {reason}",
            self.now,
            {
                "signed_before": before.decode(),
                "signed_now": now.decode("utf-8", "replace"),
                "kept_as": name,
                "head_sequence_no": str(self.head.end - 1),
                "head_hash": str(self.head.last_hash),
            },
        )


def _entries_from(reader: TileReader, begin: int) -> Iterator[tuple[int, bytes]]:
    for index in range(begin // WIDTH, -(-reader.head.size // WIDTH)):
        for number, entry in enumerate(reader.entries(index), index * WIDTH):
            if number >= begin:
                yield number, entry
