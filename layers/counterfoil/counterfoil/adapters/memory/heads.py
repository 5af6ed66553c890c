"""Verified heads in memory: for tests, benchmarks and the offline command line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from counterfoil.detection.strand import KnownBlock, Run, StrandState, runs_of
from counterfoil.errors import ConflictError
from counterfoil.ports import HeadStore


@dataclass(slots=True)
class MemoryHeads(HeadStore):
    """States by strand and, per strand, every remembered block by number."""

    states: dict[str, StrandState] = field(default_factory=dict)
    blocks: dict[str, dict[int, KnownBlock]] = field(default_factory=dict)

    def load(self, strand_id: str) -> StrandState | None:
        return self.states.get(strand_id)

    def advance(self, old: StrandState | None, new: StrandState, runs: Sequence[Run]) -> None:
        stored = self.states.get(new.strand_id)
        if (stored.version if stored else None) != (old.version if old else None):
            raise ConflictError(f"strand {new.strand_id} was advanced to version {stored.version if stored else None}")
        self.states[new.strand_id] = new
        known = self.blocks.setdefault(new.strand_id, {})
        known.update((block.sequence_no, block) for run in runs for block in run.blocks)

    def known_blocks(self, strand_id: str, sequence_nos: Iterable[int]) -> Mapping[int, KnownBlock]:
        known = self.blocks.get(strand_id, {})
        return {number: known[number] for number in sequence_nos if number in known}

    def runs(self, strand_id: str, begin: int, end: int) -> Iterator[Run]:
        known = self.blocks.get(strand_id, {})
        yield from runs_of(strand_id, (known[number] for number in sorted(known) if begin <= number < end))

    def strands(self) -> Sequence[str]:
        return sorted(self.states)
