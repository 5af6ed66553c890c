"""A journal's copy takes blocks behind the one they follow, once, and nothing else: in memory and in DynamoDB."""

import json
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import pytest

from counterfoil import wiring
from counterfoil.adapters.dynamodb.anchors import DynamoDbAnchors, anchor_item
from counterfoil.adapters.dynamodb.journal_copy import (
    BLOCKS_AT_ONCE,
    DynamoDbJournalCopy,
    DynamoDbJournalSource,
    Kept,
)
from counterfoil.adapters.memory import MemoryJournalCopy, MemoryJournalSource
from counterfoil.cli.copy_journal import copy_journal
from counterfoil.errors import BrokenLinkError, ConflictError, IntegrityError, UnavailableError
from counterfoil.journal.anchor import TrustAnchor, anchor_text
from counterfoil.merkle import Hash, prove_inclusion
from counterfoil.ports import CopiedTip, StoredBlock
from tests.contract.conftest import AWS, BOTH
from tests.journals import STRAND, transfer, transfers

COUNT = BLOCKS_AT_ONCE + 21
JOURNAL = transfers(COUNT).blocks


@dataclass
class World:
    """A source, its copy, and a way to commit blocks to the source; ``large`` ones go to the bucket where there is one."""

    source: Any
    copy: Any
    commit: Any
    anchor: Any


def memory(request):
    source = MemoryJournalSource()

    def commit(blocks, *, large=()):
        for each in blocks:
            kept = StoredBlock(each.address.sequence_no, each.block_hash, each.block_binary(), "as it is kept")
            source.blocks.setdefault(STRAND, []).append(kept)

    return World(source, MemoryJournalCopy(), commit, lambda anchor: source.anchors.update({STRAND: anchor}))


def kept_outside(source, data):
    key = f"blocks/{sha256(data).hexdigest()}"
    source.s3.put_object(Bucket=source.journal_bucket, Key=key, Body=data)
    return key


def aws(request):
    clients, make_ddb_table, make_bucket = map(request.getfixturevalue, ("clients", "make_ddb_table", "make_bucket"))

    def store(kind):
        places = make_ddb_table("JournalTable"), make_bucket(), make_ddb_table("RegistryTable")
        return kind(clients("dynamodb"), clients("s3"), *places)

    source = store(DynamoDbJournalSource)

    def commit(blocks, *, large=()):
        for each in blocks:
            data, number = each.block_binary(), each.address.sequence_no
            place = {"block": {"B": data}, "effects": {"B": b"what it changes"}}
            if number in large:
                place = {
                    "blockKey": {"S": kept_outside(source, data)},
                    "effectsKey": {"S": kept_outside(source, b"much")},
                }
            key = {"strandId": {"S": STRAND}, "sequenceNo": {"N": str(number)}}
            beside = {"blockHash": {"B": bytes(each.block_hash)}, "transactionId": {"S": f"tx-{number}"}}
            source.client.put_item(TableName=source.journal_table, Item=key | beside | place)

    def begin(anchor):
        source.client.put_item(TableName=source.journal_table, Item=anchor_item(anchor))

    return World(source, store(DynamoDbJournalCopy), commit, begin)


@pytest.fixture(params=BOTH)
def world(request):
    return {"memory": memory, "aws": aws}[request.param](request)


def all_of(store):
    return [each[:3] for each in store.stored(STRAND, 0, COUNT)]


def read_back(world):
    """The copy, read as a journal."""
    if isinstance(world.copy, MemoryJournalCopy):
        return MemoryJournalSource(world.copy.blocks, anchors=world.copy.anchors)
    return DynamoDbJournalSource(
        world.copy.client, world.copy.s3, world.copy.journal_table, world.copy.journal_bucket, world.copy.registry_table
    )


def test_blocks_are_read_in_order_from_any_place_and_none_behind_the_tip(world):
    world.commit(JOURNAL[:5])
    assert [each.sequence_no for each in world.source.stored(STRAND, 2, 2)] == [2, 3]
    assert [each.data for each in world.source.stored(STRAND, 3, 9)] == [each.block_binary() for each in JOURNAL[3:5]]
    assert list(world.source.stored(STRAND, 5, 9)) == []
    assert list(world.source.stored("another strand", 0, 9)) == []


def test_a_copy_ends_where_its_last_block_is(world):
    assert world.copy.tip(STRAND) is None
    world.commit(JOURNAL[:3])
    world.copy.append(STRAND, None, world.source.stored(STRAND, 0, 3))
    assert world.copy.tip(STRAND) == CopiedTip(2, JOURNAL[2].block_hash)


def test_a_copy_has_everything_that_the_journal_keeps_of_a_block(world):
    """More blocks than one transaction takes, some of them too large for an item."""
    world.commit(JOURNAL, large={1, BLOCKS_AT_ONCE, COUNT - 1})
    world.copy.append(STRAND, None, world.source.stored(STRAND, 0, COUNT))
    assert list(read_back(world).stored(STRAND, 0, COUNT)) == list(world.source.stored(STRAND, 0, COUNT))


@pytest.mark.parametrize("kind", AWS)
def test_every_object_that_an_item_names_is_copied(kind, request):
    world = aws(request)
    world.commit(JOURNAL[:3], large={0, 2})
    world.copy.append(STRAND, None, world.source.stored(STRAND, 0, 3))
    buckets = [
        {each["Key"]: each["ETag"] for each in store.s3.list_objects_v2(Bucket=store.journal_bucket)["Contents"]}
        for store in (world.source, world.copy)
    ]
    assert buckets[0] == buckets[1]
    assert len(buckets[0]) == 3  # two blocks, and the same effects


def test_what_is_there_already_is_passed_over(world):
    world.commit(JOURNAL[:6])
    world.copy.append(STRAND, None, world.source.stored(STRAND, 0, 4))
    world.copy.append(STRAND, None, world.source.stored(STRAND, 0, 4))
    world.copy.append(STRAND, JOURNAL[3].block_hash, world.source.stored(STRAND, 4, 2))
    assert all_of(read_back(world)) == all_of(world.source)


def test_of_blocks_that_are_there_in_part_the_rest_is_put(world):
    world.commit(JOURNAL[:6])
    world.copy.append(STRAND, None, world.source.stored(STRAND, 0, 2))
    world.copy.append(STRAND, None, world.source.stored(STRAND, 0, 6))
    assert all_of(read_back(world)) == all_of(world.source)


def other(number):
    """A block of another history that is as good as the journal's."""
    return transfers(number).builder.append(transfer(number, "1.00"))


def test_another_block_in_the_place_stays_and_is_said(world):
    world.commit(JOURNAL[:4])
    world.copy.append(STRAND, None, world.source.stored(STRAND, 0, 3))
    own = other(3)
    kept = world.source.stored(STRAND, 3, 1)[0]
    ours = own_block(world, own, kept)
    world.copy.append(STRAND, JOURNAL[2].block_hash, [ours])
    with pytest.raises(BrokenLinkError):
        world.copy.append(STRAND, JOURNAL[2].block_hash, [kept])
    assert world.copy.tip(STRAND) == CopiedTip(3, own.block_hash)


def own_block(world, block, like):
    """A block as the copy's own ledger would have put it."""
    changed = StoredBlock(like.sequence_no, block.block_hash, block.block_binary(), like.kept)
    if isinstance(world.copy, MemoryJournalCopy):
        return changed
    item = like.kept.item | {"block": {"B": changed.data}, "blockHash": {"B": bytes(block.block_hash)}}
    return changed._replace(kept=Kept(item, {}))


@pytest.mark.parametrize(
    "previous", [Hash(bytes(32)), other(2).block_hash], ids=["no hash of a block", "another history's"]
)
def test_a_block_goes_behind_no_other_than_the_one_it_follows(previous, world):
    world.commit(JOURNAL[:4])
    world.copy.append(STRAND, None, world.source.stored(STRAND, 0, 3))
    with pytest.raises(BrokenLinkError):
        world.copy.append(STRAND, previous, world.source.stored(STRAND, 3, 1))
    assert world.copy.tip(STRAND) == CopiedTip(2, JOURNAL[2].block_hash)


def test_a_copy_has_no_hole(world):
    world.commit(JOURNAL[:4])
    world.copy.append(STRAND, None, world.source.stored(STRAND, 0, 2))
    with pytest.raises(BrokenLinkError):
        world.copy.append(STRAND, JOURNAL[2].block_hash, world.source.stored(STRAND, 3, 1))
    assert world.copy.tip(STRAND) == CopiedTip(1, JOURNAL[1].block_hash)


def test_of_two_who_forward_at_once_the_slower_passes_over_what_the_faster_put(world):
    world.commit(JOURNAL[:6])
    slow = world.source.stored(STRAND, 0, 6)
    world.copy.append(STRAND, None, world.source.stored(STRAND, 0, 6))
    world.copy.append(STRAND, None, slow)
    assert all_of(read_back(world)) == all_of(world.source)


# ---- a strand that begins at a trust anchor --------------------------------------------------------------------------

BEGIN = 7
ANCHOR = TrustAnchor(STRAND, BEGIN, JOURNAL[BEGIN - 1].block_hash, None)
OTHERS = {
    "another place": replace(ANCHOR, begin=BEGIN + 1),
    "another hash": replace(ANCHOR, previous_hash=Hash(bytes(32))),
    "the same, proved": replace(
        ANCHOR, path=tuple(prove_inclusion([each.block_hash for each in JOURNAL[:BEGIN]], BEGIN - 1))
    ),
}


def test_a_part_is_copied_with_where_it_begins(world):
    world.anchor(ANCHOR)
    world.commit(JOURNAL[BEGIN:])
    assert world.source.anchor(STRAND) == ANCHOR
    world.copy.begin(world.source.anchor(STRAND))
    world.copy.append(STRAND, ANCHOR, world.source.stored(STRAND, 0, COUNT))
    assert all_of(read_back(world)) == all_of(world.source)
    assert read_back(world).anchor(STRAND) == ANCHOR
    assert world.copy.tip(STRAND) == CopiedTip(COUNT - 1, JOURNAL[-1].block_hash)


def test_a_strand_that_has_only_its_anchor_has_no_block(world):
    assert world.source.anchor(STRAND) is None
    world.copy.begin(ANCHOR)
    assert world.copy.tip(STRAND) is None
    assert read_back(world).anchor("another strand") is None


def test_beginning_again_at_the_same_anchor_changes_nothing(world):
    world.commit(JOURNAL[BEGIN : BEGIN + 3])
    for _ in range(2):
        world.copy.begin(ANCHOR)
        world.copy.append(STRAND, ANCHOR, world.source.stored(STRAND, 0, 2))
    world.copy.append(STRAND, ANCHOR, world.source.stored(STRAND, 0, 3))
    assert all_of(read_back(world)) == all_of(world.source)


@pytest.mark.parametrize("what", OTHERS)
def test_a_strand_begins_at_one_anchor(what, world):
    world.copy.begin(ANCHOR)
    with pytest.raises(BrokenLinkError):
        world.copy.begin(OTHERS[what])
    world.commit(JOURNAL[BEGIN : BEGIN + 2])
    with pytest.raises(BrokenLinkError):
        world.copy.append(STRAND, OTHERS[what], world.source.stored(STRAND, BEGIN, 2))
    assert read_back(world).anchor(STRAND) == ANCHOR
    assert world.copy.tip(STRAND) is None


def test_a_strand_that_begins_with_block_0_is_given_no_anchor(world):
    world.commit(JOURNAL[:3])
    world.copy.append(STRAND, None, world.source.stored(STRAND, 0, 3))
    with pytest.raises(BrokenLinkError, match="block 0"):
        world.copy.begin(ANCHOR)
    assert read_back(world).anchor(STRAND) is None


def test_block_0_goes_into_no_strand_that_begins_at_an_anchor(world):
    world.copy.begin(ANCHOR)
    world.commit(JOURNAL[:3])
    with pytest.raises(BrokenLinkError):
        world.copy.append(STRAND, None, world.source.stored(STRAND, 0, 3))
    assert world.copy.tip(STRAND) is None


def test_blocks_go_behind_no_anchor_that_is_not_there(world):
    world.commit(JOURNAL[BEGIN : BEGIN + 2])
    with pytest.raises((BrokenLinkError, ConflictError)):
        world.copy.append(STRAND, ANCHOR, world.source.stored(STRAND, BEGIN, 2))
    assert world.copy.tip(STRAND) is None


@pytest.mark.parametrize("kind", AWS)
@pytest.mark.parametrize(
    "text", ["", "[]", "{", "null", '{"strandId": 7}', anchor_text(replace(ANCHOR, strand_id="x" * 22))]
)
def test_what_is_no_anchor_of_the_strand_is_damage(kind, text, request):
    world = aws(request)
    item = anchor_item(ANCHOR) | {"anchor": {"S": text}}
    for store in (world.source, world.copy):
        store.client.put_item(TableName=store.journal_table, Item=item)
    anchors = DynamoDbAnchors(world.source.client, world.source.journal_table)
    for ask in (lambda: world.source.anchor(STRAND), lambda: world.copy.begin(ANCHOR), lambda: anchors.anchor(STRAND)):
        with pytest.raises(IntegrityError):
            ask()


def registered(*names, kind="ledger"):
    return {name: {"kind": {"S": kind}, "id": {"S": name}, "state": {"S": "ACTIVE"}} for name in names}


def registry_of(copy):
    if isinstance(copy, MemoryJournalCopy):
        return copy.registry
    return DynamoDbJournalSource(copy.client, copy.s3, "-", "-", copy.registry_table).registered()


def test_the_copy_s_registry_holds_exactly_what_is_registered(world):
    world.copy.keep_registered({"ledger": registered("bank", "gone"), "tag": registered("a", kind="tag")})
    changed = registered("bank")
    changed["bank"]["state"] = {"S": "DELETING"}
    now = {"ledger": changed | registered("new"), "tag": registered("a", kind="tag")}
    world.copy.keep_registered(now)
    assert {kind: registry_of(world.copy)[kind] for kind in now} == now


def test_kinds_that_are_the_other_region_s_own_are_left_alone(world):
    world.copy.keep_registered({"permission": registered("teller", kind="permission")})
    world.copy.keep_registered({"ledger": registered("bank")})
    assert registry_of(world.copy)["permission"] == registered("teller", kind="permission")


@pytest.mark.parametrize("kind", AWS)
def test_jobs_are_not_among_what_is_copied(kind, request):
    world = aws(request)
    for job in ("stream", "export"):
        item = registered("one", kind=job)["one"]
        world.source.client.put_item(TableName=world.source.registry_table, Item=item)
    assert world.source.registered() == {"ledger": {}, "permission": {}, "tag": {}}


def test_a_region_that_does_not_answer_is_unavailable(gone):
    away = DynamoDbJournalCopy(gone("dynamodb"), gone("s3"), "journal", "bucket", "registry")
    block = StoredBlock(0, Hash(bytes(32)), b"", Kept({}, {}))
    for call in (
        lambda: away.tip(STRAND),
        lambda: away.append(STRAND, None, [block]),
        lambda: away.keep_registered({"tag": {}}),
    ):
        with pytest.raises(UnavailableError):
            call()


@pytest.fixture
def copy_by_command(request, monkeypatch, capsys):
    """A world on the emulator, and the command that copies its journal: exit status and what it printed as JSON."""
    world = aws(request)
    monkeypatch.setattr(wiring, "client", request.getfixturevalue("clients"))

    def run():
        source, target = world.source, world.copy
        copy_journal(
            STRAND, source.journal_table, target.journal_table,
            source_bucket=source.journal_bucket, target_bucket=target.journal_bucket, json=True,
        )  # fmt: skip
        return json.loads(capsys.readouterr().out)

    return world, run


@pytest.mark.parametrize("store", AWS)
def test_the_command_copies_what_is_missing_and_says_where_the_copy_ends(store, copy_by_command):
    world, run = copy_by_command
    assert run() == {"holds": True, "strandId": STRAND, "copied": 0, "endsAt": None}
    world.commit(JOURNAL, large={3})
    ends_at = {"sequenceNo": COUNT - 1, "blockHash": str(JOURNAL[-1].block_hash)}
    assert run() == {"holds": True, "strandId": STRAND, "copied": COUNT, "endsAt": ends_at}
    assert run()["copied"] == 0


@pytest.mark.parametrize("store", AWS)
def test_the_command_fails_as_the_command_line_says_integrity_failures(store, copy_by_command):
    world, run = copy_by_command
    world.commit([*JOURNAL[:2], other(2), JOURNAL[3]])
    with pytest.raises(IntegrityError, match="0 blocks were copied"):
        run()
