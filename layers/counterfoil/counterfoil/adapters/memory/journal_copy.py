"""A journal and its copy in memory: for tests and single events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from counterfoil.errors import BrokenLinkError
from counterfoil.merkle import Hash
from counterfoil.ports import CopiedTip, JournalCopy, JournalSource, Registered, StoredBlock


@dataclass(slots=True)
class MemoryJournalSource(JournalSource):
    """``blocks`` by strand, each at the place of its number."""

    blocks: dict[str, list[StoredBlock]] = field(default_factory=dict)
    registry: Registered = field(default_factory=dict)

    def stored(self, strand_id: str, begin: int, count: int, /) -> Sequence[StoredBlock]:
        return self.blocks.get(strand_id, [])[begin : begin + count]

    def registered(self) -> Registered:
        return self.registry


@dataclass(slots=True)
class MemoryJournalCopy(JournalCopy):
    blocks: dict[str, list[StoredBlock]] = field(default_factory=dict)
    registry: dict[str, dict[str, object]] = field(default_factory=dict)

    def tip(self, strand_id: str, /) -> CopiedTip | None:
        copied = self.blocks.get(strand_id)
        return CopiedTip(copied[-1].sequence_no, copied[-1].block_hash) if copied else None

    def append(self, strand_id: str, previous: Hash | None, blocks: Sequence[StoredBlock], /) -> None:
        copied = self.blocks.setdefault(strand_id, [])
        if blocks and blocks[0].sequence_no:
            _expect(strand_id, copied, blocks[0].sequence_no - 1, previous)
        for each in blocks:
            if each.sequence_no < len(copied):
                _expect(strand_id, copied, each.sequence_no, each.block_hash)
            else:
                copied.append(each)

    def keep_registered(self, registered: Registered, /) -> None:
        for kind, things in registered.items():
            self.registry[kind] = dict(things)


def _expect(strand_id: str, copied: list[StoredBlock], sequence_no: int, block_hash: Hash | None) -> None:
    found = copied[sequence_no].block_hash if sequence_no < len(copied) else None
    if found != block_hash:
        raise BrokenLinkError(
            f"the copy has {found} as block {strand_id}#{sequence_no}, the journal {block_hash}",
            expected=str(block_hash),
            found=str(found),
        )
