"""What an instance knows of a ledger by following its journal: the head, what was written lately, and what the projections may lack.

Blocks come in order, from whoever wrote them. Each leaves its footprints in the log of writes, for the check of commits, and its
changes in the overlay, until the projections are known to have them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from counterfoil.adapters.dynamodb.effects import BlockEffects, DigestLog
from counterfoil.ledger.catalogue import LedgerCatalogue
from counterfoil.ledger.sequencing import LedgerHead

# Blocks whose writes are remembered: transactions live for half a minute.
REMEMBERED_BLOCKS: Final = 4_096


def ignore(_sequence_no: int, _effects: BlockEffects) -> None:
    """Nobody wants to know of each block."""


class Event(NamedTuple):
    """A document enters a key's entries in a block, or leaves them."""

    sequence_no: int
    document_id: str
    enters: bool


class Overlay:
    """What blocks behind the watermark changed, by what is asked for."""

    def __init__(self) -> None:
        self._blocks: deque[tuple[int, BlockEffects]] = deque()
        self._documents: defaultdict[str, list[int]] = defaultdict(list)
        self._entries: defaultdict[tuple[str, str], list[Event]] = defaultdict(list)
        self._made: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._blocks)

    def add(self, sequence_no: int, effects: BlockEffects) -> None:
        self._blocks.append((sequence_no, effects))
        for document in effects.documents:
            self._documents[document.document_id].append(sequence_no)
            if document.is_new:
                self._made[document.table_id].append((sequence_no, document.document_id))
        for enters, changes in ((False, effects.left), (True, effects.entered)):
            for each in changes:
                self._entries[each.index_id, each.digest].append(Event(sequence_no, each.document_id, enters))

    def forget_through(self, sequence_no: int) -> None:
        """The projections have everything up to this block."""
        while self._blocks and self._blocks[0][0] <= sequence_no:
            number, effects = self._blocks.popleft()
            for document in effects.documents:
                _drop(self._documents, document.document_id, number)
                _drop_events(self._made, document.table_id, number)
            for each in (*effects.left, *effects.entered):
                _drop_events(self._entries, (each.index_id, each.digest), number)

    def block_of(self, document_id: str, at: int) -> int | None:
        """The last block up to ``at`` that changed a document."""
        numbers = self._documents.get(document_id, [])
        place = bisect_right(numbers, at)
        return numbers[place - 1] if place else None

    def blocks_of(self, document_id: str, at: int) -> list[int]:
        """Every block up to ``at`` that changed a document."""
        numbers = self._documents.get(document_id, [])
        return numbers[: bisect_right(numbers, at)]

    def made(self, table_id: str, at: int) -> Iterator[str]:
        """Documents that blocks up to ``at`` added to a table."""
        return (document_id for number, document_id in list(self._made.get(table_id, ())) if number <= at)

    def events(self, index_id: str, digest: str, at: int) -> Iterator[Event]:
        return (each for each in list(self._entries.get((index_id, digest), ())) if each.sequence_no <= at)


def _drop(kept: defaultdict[str, list[int]], name: str, number: int) -> None:
    numbers = [each for each in kept.get(name, ()) if each > number]
    if numbers:
        kept[name] = numbers
    else:
        kept.pop(name, None)


def _drop_events(kept: defaultdict, name: object, number: int) -> None:  # type: ignore[type-arg]
    events = [each for each in kept.get(name, ()) if each[0] > number]
    if events:
        kept[name] = events
    else:
        kept.pop(name, None)


@dataclass(slots=True)
class Known:
    """The journal as an instance knows it. ``projected`` is a block of which the projections have everything; they may have more.

    ``watch`` is told of each block before the head moves on.
    """

    head: LedgerHead
    projected: int
    log: DigestLog
    overlay: Overlay = field(default_factory=Overlay)
    transactions: dict[str, int] = field(default_factory=dict)
    catalogues: list[tuple[int, LedgerCatalogue]] = field(default_factory=list)
    versions: int = 0
    watch: Callable[[int, BlockEffects], None] = ignore

    def take(self, head: LedgerHead, transaction_id: str, effects: BlockEffects) -> None:
        """One more block, behind which the head is this one."""
        number = head.sequence_no
        self.watch(number, effects)
        self.overlay.add(number, effects)
        self.transactions[transaction_id] = number
        if effects.defines:
            self.catalogues.append((number, head.catalogue))
        self.head = head
        if len(self.transactions) > 2 * REMEMBERED_BLOCKS:
            oldest = number - REMEMBERED_BLOCKS
            self.log.forget_through(oldest)
            self.transactions = {each: at for each, at in self.transactions.items() if at > oldest}

    def projected_through(self, sequence_no: int) -> None:
        self.projected = max(self.projected, sequence_no)
        self.overlay.forget_through(self.projected)

    def numbered(self, catalogue: LedgerCatalogue) -> LedgerCatalogue:
        """The catalogue under a version that this instance has not used for another one: plans are kept by it."""
        self.versions += 1
        return LedgerCatalogue(self.versions, catalogue.entries)

    def catalogue_at(self, sequence_no: int) -> LedgerCatalogue | None:
        """The catalogue behind a block, if it is known."""
        found = None
        for number, catalogue in self.catalogues:
            if number <= sequence_no:
                found = catalogue
        return found
