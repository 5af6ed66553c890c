"""Forgers of rising skill: a flipped bit, a changed value, one block re-hashed, everything re-hashed to the end."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import (
    BrokenLinkError,
    ContentsMismatchError,
    CounterfoilError,
    IntegrityError,
    RevisionMismatchError,
)
from counterfoil.ion import dump_binary, hash_of_ion, read_single
from counterfoil.journal import digest_of, extend, parse_block, verify_block
from counterfoil.journal.builder import ion_time
from counterfoil.merkle import Hash, root_of
from tests.damage import flipped
from tests.journals import (
    FEW,
    OTHER_STRAND,
    START,
    checked,
    copy_of,
    first_revision,
    head_of,
    journals,
    made_id,
    rehash,
    rehash_from,
    transfers,
)


def summary_of(built):
    """The block as a stream's summary carries it, for damage done to that."""
    payload = {name: value for name, value in built.fields.items() if name != "revisions"}
    summaries = [{"hash": each["hash"], "documentId": each["metadata"]["id"]} for each in built.revisions]
    return payload | {"revisionSummaries": summaries}


def accepted(data, head):
    """What a block's bytes give behind ``head``, or nothing where they are refused in whatever way."""
    try:
        block = verify_block(parse_block(read_single(data)))
    except CounterfoilError:
        return None
    if block.address.sequence_no != head.end or block.address.strand_id != head.strand_id:
        return None
    try:
        extend(head, block)
    except BrokenLinkError:
        return None
    return block


def survivors(data, head):
    """The bits that can be flipped without anybody noticing, as byte numbers."""
    genuine = accepted(data, head)
    assert genuine is not None
    return sorted({bit // 8 for bit in range(8 * len(data)) if accepted(flipped(data, bit), head) is not None})


@pytest.mark.parametrize("form", ["whole", "summary"])
def test_no_bit_behind_the_symbol_table_that_a_hash_covers_can_be_flipped(form):
    """Flipped bits in a value: hashes, times, ids, texts, amounts. (Names of fields: the next test.)"""
    built = transfers(2).blocks[1]
    head = head_of([transfers(1).blocks[0].fields])
    fields = built.fields if form == "whole" else summary_of(built)
    data = dump_binary(fields)
    for covered in _covered_values(fields):
        begin = data.index(covered)
        damage = [flipped(data, bit) for bit in range(8 * begin, 8 * (begin + len(covered)))]
        assert not any(accepted(each, head) for each in damage)


def _covered_values(fields):
    """The bytes of the values that hashes must cover."""
    yield from (fields["blockHash"], fields["entriesHash"], *fields["entriesHashList"])
    yield from (fields["blockAddress"]["strandId"].encode(), fields["transactionId"].encode())
    yield dump_binary(fields["blockTimestamp"])[4:]
    yield fields["transactionInfo"]["statements"][0]["statement"].encode()
    yield from (name.encode() for name in fields["transactionInfo"]["documents"])
    for revision in fields.get("revisions", []):
        yield revision["hash"]
        yield revision["data"]["transactionId"].encode()
        yield dump_binary(revision["data"]["amount"])[4:]


@pytest.mark.parametrize("form", ["whole", "summary"])
def test_no_bit_at_all_can_be_flipped_in_a_block_that_binds_its_header(form):
    built = transfers(2).blocks[1]
    head = head_of([transfers(1).blocks[0].fields])
    data = dump_binary(built.fields if form == "whole" else summary_of(built))
    assert survivors(data, head) == []


@pytest.mark.parametrize("part", ["transactionInfo", "revisions", "redactionInfo"])
def test_a_part_cannot_be_left_out_of_a_block_that_binds_its_header(part):
    fields = copy_of(transfers(1).blocks[0].fields)
    assert checked(fields).header_bound
    fields = rehash_with_redaction(fields) if part == "redactionInfo" else fields
    del fields[part]
    with pytest.raises(IntegrityError):
        checked(fields)


def rehash_with_redaction(fields):
    redaction = {"revisions": [{"blockAddress": fields["blockAddress"], "version": 0}]}
    entry = hash_of_ion(read_single(dump_binary(redaction)))
    forged = rehash(fields | {"redactionInfo": redaction, "entriesHashList": [*fields["entriesHashList"], entry]})
    assert checked(forged).redaction_info is not None
    return forged


@FEW
@given(journals(min_changes=1), st.data())
def test_a_revision_with_other_data_is_refused(journal, data):
    blocks = journal.fields
    fields = data.draw(st.sampled_from(blocks))
    revision = data.draw(st.sampled_from(fields["revisions"]))
    if "data" not in revision:
        return
    revision["data"] |= {"forged": Decimal("1.00")}
    with pytest.raises(RevisionMismatchError) as refusal:
        head_of(blocks)
    assert refusal.value.evidence["expected"] == revision["hash"].hex()


@FEW
@given(journals(min_changes=1), st.data())
def test_a_forger_who_rehashes_the_revision_alone_is_refused_by_its_block(journal, data):
    blocks = journal.fields
    fields = data.draw(st.sampled_from(blocks))
    revision = data.draw(st.sampled_from(fields["revisions"]))
    if "data" not in revision:
        return
    revision["data"] |= {"forged": Decimal("1.00")}
    rehashed = rehash(fields)
    revision["hash"] = rehashed["revisions"][fields["revisions"].index(revision)]["hash"]
    with pytest.raises(ContentsMismatchError) as refusal:
        head_of(blocks)
    assert refusal.value.evidence["part"] == "revisions"


@FEW
@given(journals(min_size=2, min_changes=1), st.data())
def test_a_forger_who_rehashes_a_block_is_refused_at_the_next_block(journal, data):
    blocks = journal.fields
    place = data.draw(st.integers(0, len(blocks) - 2))
    forged = rehash(_alter(blocks[place]), bind_header=journal.builder.bind_headers)
    assert checked(forged).block_hash != journal.blocks[place].block_hash
    head = head_of([*blocks[:place], forged])
    with pytest.raises(BrokenLinkError) as refusal:
        extend(head, checked(blocks[place + 1]))
    assert refusal.value.evidence == {
        "expected": forged["blockHash"].hex(),
        "found": str(journal.blocks[place].block_hash),
    }


@FEW
@given(journals(min_changes=1, bind_headers=True), st.data())
def test_a_forger_who_rehashes_to_the_end_is_refused_by_the_digest(journal, data):
    blocks = journal.fields
    place = data.draw(st.integers(0, len(blocks) - 1))
    blocks[place] = _alter(blocks[place])
    head = head_of(rehash_from(blocks, place))
    assert digest_of(head) != journal.builder.digest()
    assert digest_of(head).tip_address == journal.builder.digest().tip_address


def _alter(fields):
    """The smallest change that no hash forgives: the text of a statement, and the data of the first revision."""
    altered = copy_of(fields)
    altered["transactionInfo"]["forged"] = True
    if "data" in first_revision(altered):
        first_revision(altered)["data"]["forged"] = True
    return altered


HEADER_CHANGES = {
    "time": lambda fields: fields | {"blockTimestamp": ion_time(START.replace(year=2031))},
    "transaction": lambda fields: fields | {"transactionId": made_id("tx", 999)},
    "sequence number": lambda fields: (
        fields | {"blockAddress": fields["blockAddress"] | {"sequenceNo": fields["blockAddress"]["sequenceNo"] + 1}}
    ),
    "strand": lambda fields: fields | {"blockAddress": fields["blockAddress"] | {"strandId": OTHER_STRAND}},
}


@pytest.mark.parametrize("change", HEADER_CHANGES.values(), ids=HEADER_CHANGES)
@FEW
@given(journals(min_size=3, bind_headers=True))
def test_a_changed_header_is_seen_in_a_chain_that_binds_them(change, journal):
    """As a summary, where no revision repeats what the header says."""
    built = journal.blocks[1]
    fields = change({name: value for name, value in built.fields.items() if name != "revisions"})
    block = checked(fields)
    assert not block.header_bound
    if block.address == built.address:
        with pytest.raises(BrokenLinkError, match="does not bind its header"):
            extend(head_of(journal.fields[:1]), block)
    else:
        with pytest.raises(ValueError, match="does not come directly behind"):
            extend(head_of(journal.fields[:1]), block)


@FEW
@given(journals(min_size=3, bind_headers=True))
def test_a_block_renumbered_to_the_next_place_does_not_follow(journal):
    """Block 1 is dropped and block 2 takes its number: neither link nor header holds."""
    fields = HEADER_CHANGES["time"](copy_of(journal.fields[2]))
    fields["blockAddress"]["sequenceNo"] = 1
    del fields["revisions"]
    with pytest.raises(BrokenLinkError):
        extend(head_of(journal.fields[:1]), checked(fields))


@FEW
@given(journals(min_size=2, bind_headers=False), st.data())
def test_a_chain_that_never_bound_its_headers_is_accepted(journal, data):
    assert not head_of(journal.fields).last_bound


def _root(revisions):
    return root_of([Hash(each["hash"]) for each in revisions])


@FEW
@given(journals(min_changes=3), st.data())
def test_revisions_in_another_order_are_refused(journal, data):
    fields = copy_of(data.draw(st.sampled_from(journal.fields)))
    shuffled = data.draw(st.permutations(fields["revisions"]))
    if _root(shuffled) == _root(fields["revisions"]):
        return  # a pair has no sides: two siblings that change places are the same tree
    fields["revisions"] = shuffled
    with pytest.raises(IntegrityError):
        checked(fields)


@FEW
@given(journals(min_changes=1), st.data())
def test_a_revision_of_another_block_is_refused(journal, data):
    fields = copy_of(data.draw(st.sampled_from(journal.fields)))
    for revision in fields["revisions"]:
        if "metadata" in revision:
            revision["blockAddress"]["sequenceNo"] += 1
            with pytest.raises(ContentsMismatchError, match="says it belongs to block"):
                checked(fields)
            return


@FEW
@given(journals(min_changes=1), st.data())
def test_a_revision_of_another_transaction_is_refused_even_when_everything_is_rehashed(journal, data):
    fields = copy_of(data.draw(st.sampled_from(journal.fields)))
    for revision in fields["revisions"]:
        if "metadata" in revision:
            revision["metadata"]["txId"] = made_id("tx", 999)
            with pytest.raises(ContentsMismatchError, match="is transaction"):
                checked(rehash(fields))
            return
