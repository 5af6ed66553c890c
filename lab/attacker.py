"""An attacker who has the stream's records in hand, with several degrees of skill.

Every attack takes honest blocks as the stream carries them and gives what is delivered instead, together with the findings
that an auditor must come to. The attacker works on bytes alone: what is altered is read from the record and written back,
with every hash left wrong or made right again as far as the attack's skill goes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from counterfoil.detection.audit_rules import AuditRule
from counterfoil.detection.finding import Status
from counterfoil.ion import dump_binary, load_binary
from counterfoil.journal.builder import hash_of_value, revision_hash
from counterfoil.merkle import Hash, dot, hash_of, root_of
from lab.expectation import Expected
from lab.producer import OuterRecord, StreamedBlock, UserRecord

# Where a block's entriesHashList holds what (docs/format.md, "Blocks").
HEADER_ENTRY, REVISIONS_ENTRY, INFO_ENTRY = 0, 1, 3

type Alteration = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Attack:
    """What is delivered in place of the honest blocks, and what must be found. ``title`` says it to a person."""

    title: str
    blocks: tuple[StreamedBlock, ...]
    expected: tuple[Expected, ...]


def alter_amount(blocks: Sequence[StreamedBlock], place: int, amount: Decimal) -> Attack:
    """Change the amount of a committed transfer in block number ``place`` of the sequence, no hash touched."""
    block = blocks[place]
    index, record = _transfer_in(block)
    forged = _altered(record, lambda payload: _data_of(payload).update(amount=amount))
    title = f"altered the amount of the transfer in block {block.address} to {amount}, hashes untouched"
    return Attack(
        title,
        _with(blocks, place, replace(block, details=_swap(block.details, index, forged))),
        (Expected(AuditRule.REVISION_MISMATCH, str(block.address), title),),
    )


def rehash_block(blocks: Sequence[StreamedBlock], place: int, surplus: Decimal) -> Attack:
    """Let a transfer move ``surplus`` more, balances included, and make every hash of its block right again.

    The block then verifies by itself and money is conserved in it; only the next block still names the honest one.
    """
    block = blocks[place]
    forged = forge(block, lambda details: _move_more(details, surplus))
    title = f"moved {surplus} more in block {block.address} and re-hashed the block competently"
    return Attack(
        title, _with(blocks, place, forged), (Expected(AuditRule.BROKEN_LINK, str(blocks[place + 1].address), title),)
    )


def drop_block(blocks: Sequence[StreamedBlock], place: int) -> Attack:
    """Withhold a block with all its revisions for good."""
    block = blocks[place]
    title = f"dropped block {block.address} with its {len(block.details)} revisions"
    return Attack(
        title,
        (*blocks[:place], *blocks[place + 1 :]),
        (Expected(AuditRule.GAP, str(blocks[place + 1].address), title, status=Status.CONFIRMED),),
    )


def replay(blocks: Sequence[StreamedBlock]) -> Attack:
    """Deliver blocks a second time: nothing may be found, and nothing counted twice."""
    first, last = blocks[0].address, blocks[-1].address
    return Attack(f"replayed blocks {first.sequence_no} to {last.sequence_no}", tuple(blocks), ())


def fork(blocks: Sequence[StreamedBlock], place: int, surplus: Decimal) -> Attack:
    """Deliver the honest block and behind it a re-hashed version of the same place."""
    block = blocks[place]
    forged = forge(block, lambda details: _move_more(details, surplus))
    title = f"delivered two versions of block {block.address}"
    return Attack(
        title,
        (*blocks[: place + 1], forged, *blocks[place + 1 :]),
        (Expected(AuditRule.FORK, str(block.address), title),),
    )


def add_orphan(blocks: Sequence[StreamedBlock], place: int, amount: Decimal) -> Attack:
    """Slip in a revision, hashed correctly, that claims to belong to a block which does not list it."""
    block = blocks[place]
    _, record = _transfer_in(block)

    def invent(payload: dict[str, Any]) -> None:
        revision = payload["revision"]
        revision["data"]["amount"] = amount
        revision["metadata"]["id"] = "Orphan" + revision["metadata"]["id"][6:]
        revision["hash"] = bytes(revision_hash(revision["metadata"], revision["data"]))

    invented = _altered(record, invent)
    title = f"slipped in a revision that block {block.address} does not list"
    return Attack(
        title,
        _with(blocks, place, replace(block, details=(*block.details, invented))),
        (Expected(AuditRule.ORPHAN_REVISION, str(block.address), title),),
    )


def redirect_table(blocks: Sequence[StreamedBlock], place: int, table_name: str) -> Attack:
    """Let a revision claim another table: its own hash does not cover the table, but its block does."""
    block = blocks[place]
    index, record = _transfer_in(block)
    forged = _altered(record, lambda payload: payload["tableInfo"].update(tableName=table_name))
    title = f"let the transfer in block {block.address} claim to be in table {table_name}"
    return Attack(
        title,
        _with(blocks, place, replace(block, details=_swap(block.details, index, forged))),
        (Expected(AuditRule.CONTENTS_MISMATCH, str(block.address), title),),
    )


# The fields of a summary that hold or lead to a hash, and how each is spoilt.
HASH_FIELDS: Final = {
    "blockHash": lambda payload: _flip(payload, "blockHash"),
    "entriesHash": lambda payload: _flip(payload, "entriesHash"),
    "previousBlockHash": lambda payload: _flip(payload, "previousBlockHash"),
    "entriesHashList": lambda payload: _flip(payload["entriesHashList"], INFO_ENTRY),
    "transactionInfo": lambda payload: payload["transactionInfo"]["statements"][0].update(statement="SELECT 1"),
    "revisionSummaries": lambda payload: _flip(payload["revisionSummaries"][0], "hash"),
}


def spoil_hash(blocks: Sequence[StreamedBlock], place: int, field: str) -> Attack:
    """Spoil one of ``HASH_FIELDS`` in a block's summary, nothing else."""
    block = blocks[place]
    title = f"spoilt {field} of block {block.address}"
    forged = replace(block, summary=_altered(block.summary, HASH_FIELDS[field]))
    return Attack(
        title, _with(blocks, place, forged), (Expected(AuditRule.CONTENTS_MISMATCH, str(block.address), title),)
    )


def spoil_revision_hash(blocks: Sequence[StreamedBlock], place: int) -> Attack:
    """Spoil the hash that a transfer's revision says of itself, its data untouched."""
    block = blocks[place]
    index, record = _transfer_in(block)
    forged = _altered(record, lambda payload: _flip(payload["revision"], "hash"))
    title = f"spoilt the revision hash of the transfer in block {block.address}"
    return Attack(
        title,
        _with(blocks, place, replace(block, details=_swap(block.details, index, forged))),
        (Expected(AuditRule.REVISION_MISMATCH, str(block.address), title),),
    )


def spoil_checksum(record: OuterRecord) -> tuple[OuterRecord, Expected]:
    """Flip a bit of an aggregate's checksum."""
    data = record.data[:-1] + bytes([record.data[-1] ^ 1])
    return _unreadable(record, data, "an aggregate whose checksum is wrong")


def truncate(record: OuterRecord, size_bytes: int) -> tuple[OuterRecord, Expected]:
    """Cut an aggregate short."""
    return _unreadable(record, record.data[:size_bytes], f"an aggregate cut short after {size_bytes} bytes")


def unreadable(data: bytes, because: str) -> Expected:
    """The finding about bytes that nobody can read; the bytes' own hash is their place."""
    return Expected(AuditRule.UNREADABLE_RECORD, f"bytes-{hash_of(data)}", because)


def forge(block: StreamedBlock, alter: Callable[[list[dict[str, Any]]], None]) -> StreamedBlock:
    """The block after ``alter`` changed the payloads of its revisions, every hash inside it right again."""
    details = [load_binary(each.data) for each in block.details]
    alter([each["payload"] for each in details])
    for each in details:
        revision = each["payload"]["revision"]
        revision["hash"] = bytes(revision_hash(revision["metadata"], revision.get("data")))
    summary = load_binary(block.summary.data)
    _rehash_summary(summary["payload"], [each["payload"]["revision"] for each in details])
    return StreamedBlock(
        block.address,
        UserRecord(summary["payload"]["blockHash"].hex(), dump_binary(summary)),
        tuple(UserRecord(each["payload"]["revision"]["hash"].hex(), dump_binary(each)) for each in details),
    )


def _rehash_summary(block: dict[str, Any], revisions: Sequence[dict[str, Any]]) -> None:
    for summary, revision in zip(block["revisionSummaries"], revisions, strict=True):
        summary["hash"] = revision["hash"]
    entries = [Hash(bytes(each)) for each in block["entriesHashList"]]
    header = {name: block[name] for name in ("blockAddress", "transactionId", "blockTimestamp")}
    entries[HEADER_ENTRY] = hash_of_value(header)
    entries[REVISIONS_ENTRY] = root_of([Hash(bytes(each["hash"])) for each in revisions])
    entries[INFO_ENTRY] = hash_of_value(block["transactionInfo"])
    block["entriesHashList"] = [bytes(each) for each in entries]
    block["entriesHash"] = bytes(root_of(entries))
    previous = bytes(block["previousBlockHash"])
    block["blockHash"] = bytes(dot(Hash(block["entriesHash"]), Hash(previous) if previous else None))


def _move_more(details: list[dict[str, Any]], surplus: Decimal) -> None:
    documents = [_data_of(each) for each in details]
    transfer = next(each for each in documents if "transactionId" in each)
    transfer["amount"] += surplus
    for document in documents:
        if document.get("accountId") == transfer["fromAccountId"]:
            document["balance"] -= surplus
        elif document.get("accountId") == transfer["toAccountId"]:
            document["balance"] += surplus


def last_touches(blocks: Sequence[StreamedBlock], *, changes: int = 3) -> list[int]:
    """Blocks (by their number in the sequence) with ``changes`` revisions of documents that no later block changes.

    An attack there costs the money rules nothing that they would miss later: what they find elsewhere stays the same.
    """
    later: set[str] = set()
    found = []
    for index in range(len(blocks) - 1, -1, -1):
        summaries = load_binary(blocks[index].summary.data)["payload"].get("revisionSummaries", [])
        documents = {each["documentId"] for each in summaries}
        if len(documents) == changes and not documents & later:
            found.append(index)
        later |= documents
    return sorted(found)


def _transfer_in(block: StreamedBlock) -> tuple[int, UserRecord]:
    for index, record in enumerate(block.details):
        if load_binary(record.data)["payload"]["tableInfo"]["tableName"] == "Transactions":
            return index, record
    raise ValueError(f"block {block.address} holds no transfer to attack")


def _data_of(payload: dict[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = payload["revision"]["data"]
    return data


def _altered(record: UserRecord, alter: Alteration) -> UserRecord:
    """The record with its payload altered, under its honest key."""
    value = load_binary(record.data)
    alter(value["payload"])
    return UserRecord(record.partition_key, dump_binary(value))


def _flip(container: Any, name: Any) -> None:
    old = bytes(container[name])
    container[name] = old[:-1] + bytes([old[-1] ^ 1])


def _swap(records: tuple[UserRecord, ...], index: int, record: UserRecord) -> tuple[UserRecord, ...]:
    return (*records[:index], record, *records[index + 1 :])


def _with(blocks: Sequence[StreamedBlock], place: int, block: StreamedBlock) -> tuple[StreamedBlock, ...]:
    return (*blocks[:place], block, *blocks[place + 1 :])


def _unreadable(record: OuterRecord, data: bytes, because: str) -> tuple[OuterRecord, Expected]:
    return OuterRecord(record.partition_key, data), unreadable(data, because)
