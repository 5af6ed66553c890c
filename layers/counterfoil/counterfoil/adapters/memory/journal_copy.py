"""A journal and its copy in memory: for tests and single events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from counterfoil.errors import BrokenLinkError
from counterfoil.journal.anchor import TrustAnchor
from counterfoil.merkle import Hash
from counterfoil.ports import CopiedTip, JournalCopy, JournalSource, Previous, Registered, StoredBlock


@dataclass(slots=True)
class MemoryJournalSource(JournalSource):
    """``blocks`` by strand, in order, from block 0 or the strand's anchor on."""

    blocks: dict[str, list[StoredBlock]] = field(default_factory=dict)
    registry: Registered = field(default_factory=dict)
    anchors: dict[str, TrustAnchor] = field(default_factory=dict)

    def anchor(self, strand_id: str, /) -> TrustAnchor | None:
        return self.anchors.get(strand_id)

    def stored(self, strand_id: str, begin: int, count: int, /) -> Sequence[StoredBlock]:
        return [each for each in self.blocks.get(strand_id, []) if each.sequence_no >= begin][:count]

    def registered(self) -> Registered:
        return self.registry


@dataclass(slots=True)
class MemoryJournalCopy(JournalCopy):
    blocks: dict[str, list[StoredBlock]] = field(default_factory=dict)
    registry: dict[str, dict[str, object]] = field(default_factory=dict)
    anchors: dict[str, TrustAnchor] = field(default_factory=dict)

    def tip(self, strand_id: str, /) -> CopiedTip | None:
        copied = self.blocks.get(strand_id)
        return CopiedTip(copied[-1].sequence_no, copied[-1].block_hash) if copied else None

    def begin(self, anchor: TrustAnchor, /) -> None:
        if self.blocks.get(anchor.strand_id) and anchor.strand_id not in self.anchors:
            raise BrokenLinkError(f"strand {anchor.strand_id} begins with block 0 here")
        self._expect_anchor(anchor.strand_id, anchor, self.anchors.setdefault(anchor.strand_id, anchor))

    def append(self, strand_id: str, previous: Previous, blocks: Sequence[StoredBlock], /) -> None:
        copied = self.blocks.setdefault(strand_id, [])
        if isinstance(previous, Hash):
            _expect(strand_id, copied, blocks[0].sequence_no - 1, previous)
        else:
            self._expect_anchor(strand_id, previous, self.anchors.get(strand_id))
        for each in blocks:
            if copied and each.sequence_no <= copied[-1].sequence_no:
                _expect(strand_id, copied, each.sequence_no, each.block_hash)
            else:
                copied.append(each)

    def keep_registered(self, registered: Registered, /) -> None:
        for kind, things in registered.items():
            self.registry[kind] = dict(things)

    def _expect_anchor(self, strand_id: str, wanted: TrustAnchor | None, found: TrustAnchor | None) -> None:
        if wanted != found:
            raise BrokenLinkError(f"strand {strand_id} begins elsewhere here", expected=repr(wanted), found=repr(found))


def _expect(strand_id: str, copied: list[StoredBlock], sequence_no: int, block_hash: Hash) -> None:
    found = next((each.block_hash for each in copied if each.sequence_no == sequence_no), None)
    if found != block_hash:
        raise BrokenLinkError(
            f"the copy has {found} as block {strand_id}#{sequence_no}, the journal {block_hash}",
            expected=str(block_hash),
            found=str(found),
        )
