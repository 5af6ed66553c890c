"""Writes the projections behind the journal, block by block, in order; whatever it was cut off in, the next one writes again.

What is written of a block does not depend on who writes it, when, or how often: revisions, memberships and transactions are puts of
the same items; an index entry remembers the last block that entered or left it and takes only what comes later. The watermark moves
when everything of a block is written, and only forward. Two projectors at once cost twice and harm nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched
from typing import Any, Final, NamedTuple

from counterfoil.adapters.boto_errors import translated
from counterfoil.adapters.dynamodb.effects import BlockEffects, EntryChange, digest_of, parse_effects
from counterfoil.adapters.dynamodb.journal import DynamoDbJournal, JournalItem
from counterfoil.adapters.dynamodb.projections import (
    KeptCatalogue,
    Projections,
    block_key,
    catalogue_item,
    index_partition,
    key,
    revision_item,
)
from counterfoil.errors import ConflictError, UnavailableError
from counterfoil.ledger.catalogue import IndexEntry, LedgerCatalogue, TableEntry
from counterfoil.ledger.replay import Replayed, replay, revisions_in
from counterfoil.ledger.sequencing import key_in
from counterfoil.ports import Clock

# "BatchWriteItem": 25 items and 16 MB.
BATCH_ITEMS: Final = 25
BATCH_BYTES: Final = 8 * 1024 * 1024

# Documents that are entered into a new index in one piece.
PIECE_DOCUMENTS: Final = 200

# How long an entry that its document left stays for whoever began before.
LEFT_SECONDS: Final = 3_600

WRITERS: Final = 4
FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the projections are, and whether there is more to do."""

    watermark: int
    blocks: int
    more: bool


class Change(NamedTuple):
    """What a block does to an entry of an index that may be there already.

    ``since`` is the block from which on the document is found by it: 0 for an index that was made later than the document.
    """

    entry: EntryChange
    number: int
    enters: bool
    since: int


class Projector:
    """The projections of one strand. ``running_out`` says that it is time to stop where it is."""

    def __init__(self, journal: DynamoDbJournal, projections_table: str, clock: Clock) -> None:
        self._journal = journal
        self._table = projections_table
        self._clock = clock
        self._projections = Projections(journal.client, projections_table, journal.strand_id, self._in_block)
        self._client = journal.client

    def project(self, running_out: Callable[[], bool] = lambda: False) -> Progress:
        """Write everything that is behind, and build what indexes are to be built, by turns; stop when time runs out."""
        watermark = self._projections.watermark()
        catalogue, done = self._projections.catalogue(watermark).catalogue, 0
        if watermark < 0:
            watermark = self._journal.first() - 1
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="projector") as writers:
            while not running_out():
                for items in self._journal.behind(watermark, whole=True):
                    catalogue = self._write_group(items, catalogue, writers)
                    watermark, done = items[-1].sequence_no, done + len(items)
                    self._advance(watermark)
                    catalogue = self._build(watermark, catalogue, writers)
                    if running_out():
                        return Progress(watermark, done, more=True)
                built = self._build(watermark, catalogue, writers)
                if built is catalogue:
                    return Progress(watermark, done, more=False)
                catalogue = built
        return Progress(watermark, done, more=True)

    def _in_block(self, number: int, document_id: str) -> Any:
        (data,) = self._journal.blocks(number, number + 1)
        return next(each for each in revisions_in(data) if each.document_id == document_id)

    # Blocks

    def _write_group(
        self, items: Sequence[JournalItem], catalogue: LedgerCatalogue, writers: ThreadPoolExecutor
    ) -> LedgerCatalogue:
        puts: list[dict[str, Any]] = []
        for item in items:
            block = replay(self._journal.bytes_of(item.block), catalogue, partial=self._journal.anchor is not None)
            effects = parse_effects(self._journal.bytes_of(item.effects))
            puts += self._items_of(block, effects, item)
            if effects.defines:
                catalogue = block.catalogue
                puts.append(catalogue_item(self._journal.strand_id, KeptCatalogue(item.sequence_no, 0, catalogue)))
        list(writers.map(self._put_all, _batches(puts)))
        for item in items:
            effects = parse_effects(self._journal.bytes_of(item.effects))
            new = {each.document_id for each in effects.documents if each.is_new}
            number = item.sequence_no
            # Whoever leaves without having entered was there before the index was.
            changes = [Change(each, number, enters=False, since=0) for each in effects.left]
            changes += [
                Change(each, number, enters=True, since=number)
                for each in effects.entered
                if each.document_id not in new
            ]
            list(writers.map(self._change, changes))
        return catalogue

    def _items_of(self, block: Replayed, effects: BlockEffects, item: JournalItem) -> Iterator[dict[str, Any]]:
        number = {"N": str(item.sequence_no)}
        new = {each.document_id for each in effects.documents if each.is_new}
        yield key(f"X#{item.transaction_id}") | {"n": number}
        for revision in block.revisions:
            yield revision_item(revision)
            if revision.document_id in new:
                yield key(f"T#{revision.table_id}", revision.document_id) | {"fromNo": number}
        for each in effects.entered:
            if each.document_id in new:
                yield key(index_partition(each.index_id, each.digest), each.document_id) | {
                    "fromNo": number,
                    "lastNo": number,
                }
        for redaction in block.redactions:
            place = f"{block_key(redaction.address.sequence_no)}#{redaction.document_id}"
            yield key(f"R#{self._journal.strand_id}", place) | {
                "version": {"N": str(redaction.version)},
                "askedIn": number,
                "askedAt": {"N": str(item.timestamp_ms)},
            }

    def _change(self, change: Change) -> None:
        """Enter a document under a key, or note that it left, unless something later was noted already."""
        entry, number, enters, since = change
        values: dict[str, Any] = {":n": {"N": str(number)}, ":since": {"N": str(since)}}
        update = "SET fromNo = if_not_exists(fromNo, :since), lastNo = :n"
        if enters:
            update += " REMOVE toNo, expiresAt"
        else:
            update += ", toNo = :n, expiresAt = :gone"
            values[":gone"] = {"N": str(int(self._clock().timestamp()) + LEFT_SECONDS)}
        try:
            with translated(f"changing an entry of index {entry.index_id}"):
                self._client.update_item(
                    TableName=self._table,
                    Key=key(index_partition(entry.index_id, entry.digest), entry.document_id),
                    UpdateExpression=update,
                    ConditionExpression="attribute_not_exists(lastNo) OR lastNo < :n",
                    ExpressionAttributeValues=values,
                )
        except ConflictError:
            pass  # a later change of the entry, or this one, is there

    def _advance(self, watermark: int) -> None:
        try:
            with translated(f"moving the watermark of {self._journal.strand_id}"):
                self._client.update_item(
                    TableName=self._table,
                    Key=key(f"S#{self._journal.strand_id}"),
                    UpdateExpression="SET n = :n",
                    ConditionExpression="attribute_not_exists(n) OR n < :n",
                    ExpressionAttributeValues={":n": {"N": str(watermark)}},
                )
        except ConflictError:
            pass  # another projector is ahead

    # Indexes

    def _build(self, watermark: int, catalogue: LedgerCatalogue, writers: ThreadPoolExecutor) -> LedgerCatalogue:
        """One piece of one index that is being built; the catalogue, another one where an index is built now."""
        for entry, index in catalogue.building():
            cursor = self._projections.get(f"B#{index.index_id}") or {}
            members = self._projections.members_behind(
                entry.table_id, cursor.get("after", {}).get("S", ""), PIECE_DOCUMENTS
            )
            list(
                writers.map(lambda each, to=index: self._enter(each, to, watermark), [it.document_id for it in members])
            )
            if len(members) == PIECE_DOCUMENTS:
                self._put(key(f"B#{index.index_id}") | {"after": {"S": members[-1].document_id}})
                return LedgerCatalogue(catalogue.version, catalogue.entries)
            return self._online(watermark, entry, index)
        return catalogue

    def _enter(self, document_id: str, index: IndexEntry, at: int) -> None:
        revision = self._projections.document(document_id, at)
        found = None if revision is None or revision.data is None else key_in(revision.value, index.field)
        if revision is not None and found is not None:
            entry = EntryChange(index.index_id, digest_of(found), document_id)
            self._change(Change(entry, revision.sequence_no, enters=True, since=0))

    def _online(self, watermark: int, entry: TableEntry, index: IndexEntry) -> LedgerCatalogue:
        while True:
            kept = self._projections.catalogue(watermark)
            there = kept.catalogue.entries.get(entry.table_id)
            waiting = [] if there is None else [each for _, each in kept.catalogue.building()]
            if index.index_id not in {each.index_id for each in waiting}:
                return kept.catalogue
            behind = KeptCatalogue(
                kept.sequence_no, kept.number + 1, kept.catalogue.with_index_online(entry.table_id, index.index_id)
            )
            try:
                self._put(catalogue_item(self._journal.strand_id, behind), only_new=True)
            except ConflictError:
                continue
            return behind.catalogue

    # Items

    def _put(self, item: Mapping[str, Any], *, only_new: bool = False) -> None:
        condition: Any = {"ConditionExpression": "attribute_not_exists(pk)"} if only_new else {}
        with translated("writing projections"):
            self._client.put_item(TableName=self._table, Item=item, **condition)

    def _put_all(self, items: Sequence[Mapping[str, Any]]) -> None:
        """A batch; what is refused for now is put again for a while."""
        waiting: Any = [{"PutRequest": {"Item": each}} for each in items]
        pause = FIRST_PAUSE_SECONDS
        while waiting:
            with translated("writing projections"):
                answer = self._client.batch_write_item(RequestItems={self._table: waiting})
            waiting = answer.get("UnprocessedItems", {}).get(self._table, [])
            if waiting:
                if pause > LONGEST_PAUSE_SECONDS:
                    raise UnavailableError(f"{len(waiting)} projections are refused: throttled")
                time.sleep(pause)
                pause *= 2


def _batches(items: Iterable[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    """Batches of different items; the last one of several under one key counts."""
    unique = {(each["pk"]["S"], each["sk"]["S"]): each for each in items}
    for batch in batched(unique.values(), BATCH_ITEMS, strict=False):
        half = len(batch) // 2
        if half and sum(len(each.get("data", {}).get("B", b"")) for each in batch) > BATCH_BYTES:
            yield batch[:half]
            yield batch[half:]
        else:
            yield batch
