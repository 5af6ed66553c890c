"""The forwarder: blocks of this region's journal put into another region's as well, each verified before it goes.

A strand that begins at a trust anchor begins there in the copy too: the anchor goes before its blocks.

How far a strand is forwarded is asked of the copy, never remembered. The blocks behind that are read from the journal in order,
verified inside and against the block before, and put directly behind it, never over another. So it does not matter how often this
is called, by whom, or how long it was not: a call says only which strands may have gone on.

A block that does not hold, or a copy that has another block in its place, stops its strand: the copy keeps what was verified, and
every later call says so again until a person has looked (docs/runbook.md, "forward-refusals"). What the copy refuses otherwise is
tried again. The copy's own auditor checks all of it once more (docs/decisions/0022-standby-region.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from counterfoil.errors import (
    BrokenLinkError,
    ContentsMismatchError,
    CounterfoilError,
    InputError,
    IntegrityError,
    UnavailableError,
)
from counterfoil.ion import read_single
from counterfoil.journal import BlockAddress, parse_block, verify_block
from counterfoil.journal.anchor import TrustAnchor
from counterfoil.ports import Clock, CopiedTip, JournalCopy, JournalSource, LedgerRegistry, Previous, StoredBlock

# Blocks read and put at once; the copy may put fewer in one write.
PAGE_BLOCKS: Final = 100
PAGE_LEDGERS: Final = 100
# A call ends in time for Lambda's minute; who is not done goes on with the next nudge or sweep.
BUDGET: Final = timedelta(seconds=40)


@dataclass(slots=True)
class ForwardReport:
    """What one call did: ``refusals`` name strands that stopped, ``failures`` why others are to be tried again, by strand."""

    forwarded: int = 0
    behind: set[str] = field(default_factory=set)
    refusals: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def metrics(self) -> dict[str, float]:
        """The call as numbers, by the names that template.yaml's alarms use."""
        return {"BlocksForwarded": self.forwarded, "ForwardRefusals": len(self.refusals)}


@dataclass(frozen=True, slots=True)
class Forwarder:
    """Forwards strands one after the other. Keeps nothing."""

    source: JournalSource
    copy: JournalCopy
    registry: LedgerRegistry
    clock: Clock

    def forward(self, strand_ids: Iterable[str]) -> ForwardReport:
        """Bring each strand's copy up to the journal, as far as the time goes; one that fails does not hold up the others."""
        report = ForwardReport()
        until = self.clock() + BUDGET
        for strand_id in dict.fromkeys(strand_ids):
            try:
                self._forward(strand_id, until, report)
            except UnavailableError as error:
                report.failures[strand_id] = str(error)
            except (InputError, IntegrityError) as error:
                report.refusals[strand_id] = str(error)
        return report

    def forward_all(self) -> ForwardReport:
        """Forward the strand of every ledger, then what is registered of the ledgers."""
        report = self.forward(self._strands())
        try:
            self.copy.keep_registered(self.source.registered())
        except CounterfoilError as error:
            report.failures["the registry"] = str(error)
        return report

    def _strands(self) -> Iterator[str]:
        after = ""
        while ledgers := self.registry.ledgers(after, PAGE_LEDGERS):
            yield from (each.ledger_id for each in ledgers)
            after = ledgers[-1].name

    def _forward(self, strand_id: str, until: datetime, report: ForwardReport) -> None:
        tip = self.copy.tip(strand_id)
        begin, previous = self._begin(strand_id) if tip is None else (tip.sequence_no + 1, tip.block_hash)
        blocks = self._behind(strand_id, tip)
        while blocks:
            if self.clock() >= until:
                report.behind.add(strand_id)
                return
            check(strand_id, begin, previous, blocks)
            self.copy.append(strand_id, previous, blocks)
            report.forwarded += len(blocks)
            begin, previous = blocks[-1].sequence_no + 1, blocks[-1].block_hash
            blocks = self.source.stored(strand_id, begin, PAGE_BLOCKS)

    def _begin(self, strand_id: str) -> tuple[int, Previous]:
        """The number of the strand's first block and what it follows, which is in the copy on return."""
        anchor = self.source.anchor(strand_id)
        if anchor is None:
            return 0, None
        self.copy.begin(anchor)
        return anchor.begin, anchor

    def _behind(self, strand_id: str, tip: CopiedTip | None) -> Sequence[StoredBlock]:
        """The first blocks that the copy has not. ``BrokenLinkError`` where its last one is another than the journal's."""
        if tip is None:
            return self.source.stored(strand_id, 0, PAGE_BLOCKS)
        blocks = self.source.stored(strand_id, tip.sequence_no, PAGE_BLOCKS)
        found = blocks[0].block_hash if blocks else None
        if found != tip.block_hash:
            raise BrokenLinkError(
                f"the copy ends with {tip.block_hash} as block {strand_id}#{tip.sequence_no}, where the journal has {found}: it has a "
                "history of its own",
                expected=str(found),
                found=str(tip.block_hash),
            )
        return blocks[1:]


def check(strand_id: str, begin: int, previous: Previous, blocks: Sequence[StoredBlock]) -> None:
    """Raise an ``IntegrityError`` or ``InputError`` unless the blocks hold, and follow each other and the one before ``begin``."""
    previous_hash = previous.previous_hash if isinstance(previous, TrustAnchor) else previous
    for number, stored in enumerate(blocks, begin):
        block = verify_block(parse_block(read_single(stored.data)))
        place = BlockAddress(strand_id, number)
        if (block.address, stored.sequence_no) != (place, number):
            raise ContentsMismatchError(
                f"at {place} the journal has block {block.address}", expected=str(place), found=str(block.address)
            )
        if block.block_hash != stored.block_hash:
            raise ContentsMismatchError(
                f"block {place} is kept under the hash {stored.block_hash}, but its own is {block.block_hash}",
                expected=str(stored.block_hash),
                found=str(block.block_hash),
            )
        if block.previous_block_hash != previous_hash:
            raise BrokenLinkError(
                f"block {place} follows {block.previous_block_hash}, but the block forwarded before it is {previous_hash}; "
                "compare both regions' blocks before trusting either",
                expected=str(previous_hash),
                found=str(block.previous_block_hash),
            )
        previous_hash = block.block_hash
