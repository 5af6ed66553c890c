"""Blocks of a wrong shape: each field missing, null, of another type, twice; lists of other lengths."""

import pytest

from counterfoil.errors import ContentsMismatchError, InputError
from counterfoil.ion import VERSION_MARKER, binary_of_text, dump_binary, dump_text, hash_of_ion, load_text, read_single
from counterfoil.journal import BlockAddress, parse_address, parse_address_text, parse_block, verify_block
from counterfoil.journal.block import MAX_ENTRIES
from counterfoil.merkle import Hash, dot, hash_of, root_of
from tests.ion_encodings import wrap
from tests.journals import STRAND, checked, copy_of, read, rehash, transfers

FIELDS = transfers(1).blocks[0].fields
REQUIRED = [
    "blockAddress",
    "transactionId",
    "blockTimestamp",
    "blockHash",
    "entriesHash",
    "previousBlockHash",
    "entriesHashList",
]
OPTIONAL = ["transactionInfo", "redactionInfo", "revisions", "revisionSummaries"]
OTHER_TYPES = {
    "bool": True,
    "float": 1.5,
    "decimal": load_text("1.5"),
    "int": 3,
    "string": "text with spaces",
    "blob": b"\x00" * 31,
    "list": ["x"],
    "struct": {"x": 1},
    "timestamp": load_text("2020-01-01T"),
}


@pytest.mark.parametrize("name", REQUIRED)
def test_a_block_without_one_of_its_fields_is_refused(name):
    fields = {key: value for key, value in FIELDS.items() if key != name}
    with pytest.raises(InputError, match=f"field '{name}' is missing; found"):
        read(fields)


@pytest.mark.parametrize("name", REQUIRED)
def test_a_block_with_a_null_in_the_place_of_a_field_is_refused(name):
    with pytest.raises(InputError, match=f"field '{name}' is missing"):
        read(FIELDS | {name: None})


@pytest.mark.parametrize("name", [*REQUIRED, *OPTIONAL[2:], "transactionInfo"])
@pytest.mark.parametrize("kind", OTHER_TYPES)
def test_a_block_with_a_field_of_another_type_is_refused(name, kind):
    other = FIELDS | {name: OTHER_TYPES[kind]}
    if name == "transactionInfo" and kind == "struct":
        with pytest.raises(ContentsMismatchError):
            checked(other)
        return
    with pytest.raises(InputError):
        read({key: value for key, value in other.items() if key == name or key != "revisions"})


@pytest.mark.parametrize("text", ["5", "[]", '"text"', "null", "null.struct", "(a b)"])
def test_what_is_no_struct_is_no_block(text):
    with pytest.raises(InputError, match="expected struct"):
        parse_block(read_single(binary_of_text(text)))


def test_a_field_that_comes_twice_is_refused():
    text = dump_text(FIELDS).replace("{blockAddress", f'{{transactionId:"{FIELDS["transactionId"]}",blockAddress', 1)
    with pytest.raises(InputError, match="twice"):
        parse_block(read_single(binary_of_text(text)))


@pytest.mark.parametrize("name", ["blockHash", "entriesHash", "previousBlockHash"])
@pytest.mark.parametrize("length", [1, 31, 33])
def test_a_hash_of_another_length_is_refused(name, length):
    with pytest.raises(InputError, match=f"32 bytes, not {length}"):
        read(FIELDS | {name: bytes(length)})


@pytest.mark.parametrize("name", ["blockHash", "entriesHash"])
def test_only_the_hash_of_the_block_before_may_be_empty(name):
    with pytest.raises(InputError, match="32 bytes, not 0"):
        read(FIELDS | {name: b""})
    assert read(FIELDS | {"previousBlockHash": b""}).previous_block_hash is None


@pytest.mark.parametrize("place", [0, 3])
def test_an_entry_of_another_length_is_refused(place):
    entries = [bytes(31) if index == place else entry for index, entry in enumerate(FIELDS["entriesHashList"])]
    with pytest.raises(InputError, match="32 bytes, not 31"):
        read(FIELDS | {"entriesHashList": entries})


@pytest.mark.parametrize("count", [0, MAX_ENTRIES + 1])
def test_a_list_of_no_entries_or_of_absurdly_many_is_refused(count):
    with pytest.raises(InputError, match=f"entriesHashList has {count} entries"):
        read(FIELDS | {"entriesHashList": [bytes(32)] * count})


@pytest.mark.parametrize("count", range(1, 7))
def test_the_entries_may_be_fewer_or_more_than_four(count):
    """Membership counts, not position: receipts of the real service show that other lengths exist."""
    info = hash_of_ion(read_single(dump_binary(FIELDS["transactionInfo"])))
    entries = [hash_of(bytes([number])) for number in range(count - 1)] + [Hash(info)]
    fields = {key: value for key, value in FIELDS.items() if key != "revisions"}
    fields |= {"entriesHashList": [bytes(each) for each in entries], "entriesHash": bytes(root_of(entries))}
    block = checked(fields | {"blockHash": bytes(dot(root_of(entries), None))})
    assert block.block_hash == root_of(entries)
    assert not block.header_bound


# Addresses, ids, times ----------------------------------------------------------------------------------------------


def with_address(text):
    return FIELDS | {"blockAddress": load_text(text)}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{sequenceNo:1}", "'strandId' is missing"),
        ('{strandId:"abc"}', "'sequenceNo' is missing"),
        ('{strandId:"abc",sequenceNo:-1}', "outside 0 to"),
        ('{strandId:"abc",sequenceNo:9223372036854775808}', "outside 0 to"),
        ('{strandId:"abc",sequenceNo:1.0}', "expected int, found decimal"),
        ('{strandId:"abc",sequenceNo:1e0}', "expected int, found float"),
        ('{strandId:"abc",sequenceNo:null.int}', "'sequenceNo' is missing"),
        ('{strandId:"",sequenceNo:1}', "is not an id"),
        ('{strandId:"a b",sequenceNo:1}', "is not an id"),
        ('{strandId:"a/../b",sequenceNo:1}', "is not an id"),
        ('{strandId:"abc\\n",sequenceNo:1}', "is not an id"),
        ('{strandId:"' + "a" * 65 + '",sequenceNo:1}', "is not an id"),
        ('{strandId:"漢字",sequenceNo:1}', "is not an id"),
        ("{strandId:7,sequenceNo:1}", "expected string, found int"),
    ],
)
def test_an_address_that_is_none_is_refused(text, what):
    with pytest.raises(InputError, match=what):
        read(with_address(text))
    with pytest.raises(InputError, match=what):
        parse_address_text(text)


def test_a_sequence_number_of_thousands_of_digits_is_refused_as_input():
    with pytest.raises(InputError):
        parse_address(read_single(dump_binary({"strandId": "abc", "sequenceNo": 1 << 14_000})))


def test_a_sequence_number_beyond_printing_is_refused_as_input():
    names = wrap(14, b"\x81\x83" + wrap(13, b"\x87" + wrap(11, wrap(8, b"strandId") + wrap(8, b"sequenceNo"))))
    address = wrap(13, b"\x8a\x83abc\x8b" + wrap(2, b"\x7f" * 2_048))
    with pytest.raises(InputError):
        parse_address(read_single(VERSION_MARKER + names + address))


def test_the_highest_sequence_number_is_possible():
    assert parse_address_text(f'{{strandId:"abc",sequenceNo:{2**63 - 1}}}') == BlockAddress("abc", 2**63 - 1)


def test_an_address_is_shown_as_strand_and_number():
    assert str(BlockAddress(STRAND, 7)) == f"{STRAND}#7"


@pytest.mark.parametrize("text", ["2020T", "2020-01T", "2020-01-01", "2020-01-01T00:00Z", "2020-01-01T00:00-00:00"])
def test_a_time_of_commit_without_a_second_is_refused(text):
    with pytest.raises(InputError, match="says no second"):
        read(FIELDS | {"blockTimestamp": load_text(text)})


@pytest.mark.parametrize("text", ["2020-01-01T00:00:00Z", "2020-01-01T01:00:00.5+01:00", "2020-01-01T00:00:00-00:00"])
def test_a_time_of_commit_has_at_least_a_second_and_may_be_of_unknown_offset(text):
    assert read(FIELDS | {"blockTimestamp": load_text(text)}).timestamp.to_datetime().year == 2020


# Contents -----------------------------------------------------------------------------------------------------------


def test_a_block_with_revisions_and_summaries_is_refused():
    with pytest.raises(InputError, match="both revisions and revisionSummaries"):
        read(FIELDS | {"revisionSummaries": [{"hash": bytes(32)}]})


@pytest.mark.parametrize(
    ("summary", "what"),
    [
        ({}, "'hash' is missing"),
        ({"hash": bytes(31)}, "32 bytes, not 31"),
        ({"hash": bytes(32), "documentId": 5}, "expected string, found int"),
        ({"hash": bytes(32), "documentId": "no id"}, "is not an id"),
        ("text", "expected struct, found string"),
    ],
)
def test_a_summary_of_a_wrong_shape_is_refused(summary, what):
    fields = {key: value for key, value in FIELDS.items() if key != "revisions"}
    with pytest.raises(InputError, match=what):
        read(fields | {"revisionSummaries": [summary]})


@pytest.mark.parametrize(
    ("info", "what"),
    [
        ({"statements": 5}, "expected list, found int"),
        ({"statements": [{}]}, "'statement' is missing"),
        ({"statements": [{"statement": 5}]}, "expected string, found int"),
        ({"statements": ["text"]}, "expected struct, found string"),
        ({"documents": []}, "expected struct, found list"),
        ({"documents": {"id": {}}}, "'tableName' is missing"),
        ({"documents": {"id": {"tableName": "T"}}}, "'tableId' is missing"),
        ({"documents": {"id": {"tableName": 1, "tableId": "t"}}}, "expected string, found int"),
    ],
)
def test_a_transaction_info_of_a_wrong_shape_is_refused(info, what):
    with pytest.raises(InputError, match=what):
        read(FIELDS | {"transactionInfo": info})


@pytest.mark.parametrize("part", ["entriesHash", "blockHash"])
def test_a_hash_that_the_contents_do_not_give_is_named_with_both(part):
    with pytest.raises(ContentsMismatchError, match=f"says its {part} is {'ab' * 32}") as refusal:
        checked(FIELDS | {part: b"\xab" * 32})
    assert refusal.value.evidence == {"expected": "ab" * 32, "found": FIELDS[part].hex(), "part": part}


@pytest.mark.parametrize("part", ["transactionInfo", "redactionInfo"])
def test_a_part_whose_hash_is_not_in_the_list_is_named(part):
    with pytest.raises(ContentsMismatchError, match=f"the {part} of block {STRAND}#0 hashes to") as refusal:
        checked(FIELDS | {part: {"statements": [{"statement": "DROP TABLE Accounts"}]}})
    assert refusal.value.evidence["part"] == part


def test_the_hash_of_the_block_before_is_under_the_block_hash():
    with pytest.raises(ContentsMismatchError, match="blockHash"):
        checked(FIELDS | {"previousBlockHash": b"\x01" * 32})


def test_a_first_block_hashes_to_its_entries():
    assert FIELDS["blockHash"] == FIELDS["entriesHash"]
    assert checked(FIELDS).previous_block_hash is None


def test_a_block_of_a_transaction_that_only_read_has_no_revisions():
    fields = copy_of(FIELDS) | {"revisions": []}
    del fields["transactionInfo"]["documents"]
    block = checked(rehash(fields))
    assert (block.summaries, block.revisions, block.documents) == ((), (), ())
    assert len(block.statements) == 1


def test_a_redaction_is_part_of_the_block():
    redaction = {
        "revisions": [{"blockAddress": FIELDS["blockAddress"], "documentId": "d", "tableId": "t", "version": 0}]
    }
    entry = hash_of_ion(read_single(dump_binary(redaction)))
    fields = rehash(FIELDS | {"redactionInfo": redaction, "entriesHashList": [*FIELDS["entriesHashList"], entry]})
    block = checked(fields)
    assert block.redaction_info.fields()["revisions"].kind == 11
    assert len(verify_block(read(fields)).summaries) == 1
