"""The verifier finds whatever was done to an export, says where, and takes an honest one whole, in every format."""

from dataclasses import replace
from decimal import Decimal

import pytest

from counterfoil.detection.export_rules import ExportRule
from counterfoil.errors import InputError
from counterfoil.ion import Annotated, dump_text
from counterfoil.journal import BlockAddress, Digest
from counterfoil.journal.export_format import OutputFormat
from counterfoil.services import export, export_contents
from counterfoil.services.verify_export import MAX_MANIFEST_BYTES, verify_export
from tests.exports import FORMATS, NOW, MemoryFiles, data_keys, exported, later, rules_of, verdict_of
from tests.journals import OTHER_STRAND, STRAND, first_revision, journal_of, rehash, rehash_from, transfer, transfers

MANIFEST = f"exports/bank/8UyXulxccYLAsbN1aon7e4.{STRAND}.completed.manifest"
BINARY = OutputFormat.ION_BINARY


@pytest.fixture(autouse=True)
def _small_objects(monkeypatch):
    """Four blocks or so in an object."""
    monkeypatch.setattr(export, "OBJECT_BYTES", 3_800)


@pytest.fixture
def journal():
    return transfers(11)


def of_blocks(journal, blocks, output_format=BINARY, **changes):
    """The export of a journal whose blocks were replaced by these (as fields) before it was written."""
    stored = [replace(built, fields=fields) for built, fields in zip(journal.blocks, blocks, strict=True)]
    return exported(replace(journal, blocks=stored), output_format, **changes)


@pytest.mark.parametrize("bound", [True, False])
@pytest.mark.parametrize("output_format", FORMATS)
def test_an_honest_export_holds_and_has_the_ledgers_digest(output_format, bound):
    journal = transfers(11, bind_headers=bound)
    verdict = verdict_of(exported(journal, output_format), journal.builder.digest())
    assert verdict.findings == ()
    assert (verdict.contents.begin, verdict.contents.end, verdict.contents.blocks) == (0, 11, 11)
    assert (verdict.contents.revisions, verdict.contents.data_unchecked, verdict.objects) == (11, 0, 3)
    assert (verdict.digest, verdict.digest_compared, verdict.unlisted) == (journal.builder.digest(), True, 0)
    assert (verdict.ledger_name, verdict.output_format) == ("bank", output_format)


@pytest.mark.parametrize("tip", range(11))
def test_the_digest_at_every_block_of_the_export_is_met(journal, tip):
    assert verdict_of(exported(journal), journal.builder.digest(tip)).digest_compared


def test_without_a_digest_none_is_compared(journal):
    verdict = verdict_of(exported(journal))
    assert (verdict.digest_compared, verdict.digest) == (False, journal.builder.digest())


def test_another_digest_is_a_finding(journal):
    wrong = Digest(journal.builder.digest(9).hash, BlockAddress(STRAND, 10))
    (finding,) = verdict_of(exported(journal), wrong).findings
    assert finding.rule_id == ExportRule.DIGEST_MISMATCH
    assert finding.evidence == {"expected": str(wrong.hash), "found": str(journal.builder.digest().hash)}


def test_blocks_missing_before_the_digests_tip_are_a_finding(journal):
    verdict = verdict_of(exported(journal, exclusive_end=later(seconds=8)), journal.builder.digest())
    assert rules_of(verdict) == [ExportRule.DIGEST_MISMATCH]
    assert "ends with block 7" in verdict.findings[0].reason


def test_the_digest_of_another_strand_is_a_finding(journal):
    other = Digest(journal.builder.digest().hash, BlockAddress(OTHER_STRAND, 10))
    assert rules_of(verdict_of(exported(journal), other)) == [ExportRule.DIGEST_MISMATCH]


def test_a_digest_of_an_export_that_begins_later_is_a_wrong_question(journal):
    files = exported(journal, inclusive_start=later(seconds=3))
    assert verdict_of(files).findings == ()
    assert verdict_of(files).digest is None
    with pytest.raises(InputError, match="begins with block 3"):
        verdict_of(files, journal.builder.digest())


def test_a_digest_of_an_empty_export_is_a_finding(journal):
    files = exported(journal, inclusive_start=later(hours=3))
    verdict = verdict_of(files)
    assert (verdict.findings, verdict.objects, verdict.contents) == ((), 0, None)
    assert rules_of(verdict_of(files, journal.builder.digest())) == [ExportRule.DIGEST_MISMATCH]


def altered_amount(fields):
    first_revision(fields)["data"]["amount"] += 1


def altered_version(fields):
    first_revision(fields)["metadata"]["version"] += 1


def altered_statement(fields):
    fields["transactionInfo"]["statements"][0]["statement"] += " "


def altered_entries(fields):
    fields["entriesHashList"][2] = bytes(32)


def altered_time(fields):
    fields["blockTimestamp"] = transfers(3).blocks[2].fields["blockTimestamp"]


@pytest.mark.parametrize("number", [0, 5, 10])
@pytest.mark.parametrize(
    ("alter", "rule"),
    [
        (altered_amount, "audit.revision-mismatch"),
        (altered_version, "audit.revision-mismatch"),
        (altered_statement, "audit.contents-mismatch"),
        (altered_entries, "audit.contents-mismatch"),
    ],
)
@pytest.mark.parametrize("output_format", [None, BINARY])
def test_an_altered_block_is_found_where_it_stands(journal, alter, rule, number, output_format):
    blocks = journal.fields
    alter(blocks[number])
    verdict = verdict_of(of_blocks(journal, blocks, output_format))
    assert [(each.rule_id, each.place) for each in verdict.findings] == [(rule, f"{STRAND}#{number}")]
    assert verdict.contents.blocks == 10
    assert verdict.digest is None


def test_a_time_changed_without_its_hash_breaks_the_link(journal):
    blocks = journal.fields
    altered_time(blocks[5])
    assert rules_of(verdict_of(of_blocks(journal, blocks))) == ["audit.broken-link"]


@pytest.mark.parametrize("number", range(10))
def test_a_forger_who_rehashes_one_block_is_found_at_the_next(journal, number):
    blocks = journal.fields
    altered_amount(blocks[number])
    blocks[number] = rehash(blocks[number])
    verdict = verdict_of(of_blocks(journal, blocks))
    assert [(each.rule_id, each.place) for each in verdict.findings] == [
        ("audit.broken-link", f"{STRAND}#{number + 1}")
    ]


def test_a_forger_who_rehashes_to_the_end_is_found_by_the_digest_alone(journal):
    blocks = journal.fields
    altered_amount(blocks[4])
    files = of_blocks(journal, rehash_from(blocks, 4))
    assert verdict_of(files).findings == ()
    assert verdict_of(files, journal.builder.digest(3)).digest_compared
    assert rules_of(verdict_of(files, journal.builder.digest())) == [ExportRule.DIGEST_MISMATCH]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_object_that_is_missing_is_found(journal, place):
    files = exported(journal)
    key = data_keys(files)[place]
    verdict = verdict_of({name: data for name, data in files.items() if name != key}, journal.builder.digest())
    assert rules_of(verdict) == [ExportRule.MISSING_OBJECT, ExportRule.DIGEST_MISMATCH]
    assert verdict.findings[0].place == key


@pytest.mark.parametrize("place", [0, 1])
def test_an_object_that_the_manifest_leaves_out_is_found_where_a_hole_is_left(journal, place):
    files = exported(journal)
    keys = data_keys(files)
    left = [key for key in keys if key != keys[place]]
    verdict = verdict_of(files | {MANIFEST: dump_text({"keys": left}).encode()})
    assert rules_of(verdict) == ([] if place == 0 else [ExportRule.MISSING_BLOCKS])
    assert verdict.unlisted == 1


def test_objects_out_of_order_or_twice_are_found(journal):
    files = exported(journal)
    first, second, third = data_keys(files)
    verdict = verdict_of(files | {MANIFEST: dump_text({"keys": [second, first, third]}).encode()})
    assert ExportRule.MISSING_BLOCKS in rules_of(verdict)
    for keys in ([first, first, second, third], [first, second, second, third], [first, f"other/{first}", second]):
        with pytest.raises(InputError, match="twice"):
            verdict_of(files | {MANIFEST: dump_text({"keys": keys}).encode()})


def test_a_started_manifest_with_a_field_twice_cannot_be_read(journal):
    with pytest.raises(InputError, match="twice"):
        verdict_of(
            exported(journal)
            | {"exports/bank/8UyXulxccYLAsbN1aon7e4.started.manifest": b'{ledgerName: "a", ledgerName: "b"}'}
        )


def test_a_block_removed_from_an_object_is_found(journal):
    files = exported(journal, BINARY)
    key = data_keys(files)[1]
    stored = [block.block_binary() for block in journal.blocks[4:8]]
    verdict = verdict_of(files | {key: b"".join([stored[0], *stored[2:]])})
    assert rules_of(verdict) == [ExportRule.MISSING_BLOCKS]
    assert verdict.contents.blocks == 10


def test_blocks_that_change_places_are_found(journal):
    files = exported(journal, BINARY)
    stored = [block.block_binary() for block in journal.blocks[4:8]]
    verdict = verdict_of(files | {data_keys(files)[1]: b"".join([stored[1], stored[0], *stored[2:]])})
    assert ExportRule.MISSING_BLOCKS in rules_of(verdict)


@pytest.mark.parametrize("count", [0, 1, 3, 5])
def test_an_object_with_fewer_or_more_blocks_than_its_name_says_is_found(journal, count):
    files = exported(journal, BINARY)
    stored = [block.block_binary() for block in journal.blocks[4 : 4 + count]]
    verdict = verdict_of(files | {data_keys(files)[1]: b"".join(stored)})
    assert ExportRule.NAME_MISMATCH in rules_of(verdict)


def test_a_name_that_lies_is_found(journal):
    files = exported(journal)
    key = data_keys(files)[0]
    lying = key.replace(".0-3.", ".1-4.")
    files[lying] = files.pop(key)
    files[MANIFEST] = files[MANIFEST].replace(b".0-3.", b".1-4.")
    assert ExportRule.NAME_MISMATCH in rules_of(verdict_of(files))


def test_an_object_of_another_strand_is_found(journal):
    files = exported(journal)
    key = data_keys(files)[0]
    files[key.replace(STRAND, OTHER_STRAND)] = files.pop(key)
    files[MANIFEST] = files[MANIFEST].replace(f"{STRAND}.0-3".encode(), f"{OTHER_STRAND}.0-3".encode())
    assert rules_of(verdict_of(files)).count(ExportRule.NAME_MISMATCH) >= 2


@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize(
    "damage", [b"", b"{", b"\x00", b"{a:", b'{"a"', b"\xff\xfe", b"'''", b"[1]", b"\xe0\x01\x00\xea\xee"]
)
def test_an_object_that_cannot_be_read_is_a_finding(journal, output_format, damage):
    files = exported(journal, output_format)
    verdict = verdict_of(files | {data_keys(files)[1]: damage})
    assert set(rules_of(verdict)) & {ExportRule.UNREADABLE, ExportRule.NAME_MISMATCH}
    assert verdict.contents.blocks == 7


@pytest.mark.parametrize("output_format", FORMATS)
def test_an_object_cut_anywhere_is_found(journal, output_format):
    files = exported(journal, output_format)
    key = data_keys(files)[1]
    for size in range(0, len(files[key]) - 1, 331):
        assert rules_of(verdict_of(files | {key: files[key][:size]})) != []


def test_findings_in_one_object_are_bounded(monkeypatch):
    monkeypatch.setattr(export_contents, "MAX_FINDINGS", 3)
    monkeypatch.setattr(export, "OBJECT_BYTES", 10**9)
    journal = transfers(30)
    blocks = journal.fields
    for each in blocks:
        altered_amount(each)
    verdict = verdict_of(of_blocks(journal, blocks))
    assert len(verdict.findings) == 3
    assert (verdict.contents.damage.count, verdict.contents.damage.runs) == (30, [(0, 29)])


@pytest.mark.parametrize(
    "key",
    [
        f"../../etc/2025/03/01/09/{STRAND}.0-3.ion", f"/2025/03/01/09/{STRAND}.0-3.ion", f"a//2025/03/01/09/{STRAND}.0-3.ion",
        f"2025/03/01/../{STRAND}.0-3.ion", f"2025/03/01/09/../../{STRAND}.0-3.ion", f"2025/03/01/09/{STRAND}.3-0.ion",
        f"2025/03/01/09/{STRAND}.0-{2**63}.ion", f"2025/03/01/09/{STRAND}.0-3.exe", "etc/passwd", "", "x" * 2_000,
        f"2025/03/01/09/{STRAND}.0-3.ion\n", "2025/03/01/09/..0-3.ion",
    ],
)  # fmt: skip
def test_a_manifest_with_a_key_that_is_none_is_refused(journal, key):
    files = exported(journal) | {MANIFEST: dump_text({"keys": [key]}).encode()}
    with pytest.raises(InputError):
        verdict_of(files)


@pytest.mark.parametrize(
    "manifest",
    [b"", b"{}", b"{keys:1}", b"{keys:[1]}", b"{keys:null}", b"\xff", b"\xe0\x01\x00\xea", b"{keys:[]", b"[]"],
)
def test_a_manifest_that_is_none_is_refused(journal, manifest):
    with pytest.raises(InputError):
        verdict_of(exported(journal) | {MANIFEST: manifest})


def test_files_without_a_manifest_are_no_export(journal):
    files = exported(journal)
    del files[MANIFEST]
    for each in ({}, files, {"readme.txt": b"hello"}):
        with pytest.raises(InputError, match="no completed manifest"):
            verify_export(MemoryFiles(each), NOW)


def test_a_manifest_is_read_with_a_bound(journal):
    asked = {}

    class Asking(MemoryFiles):
        def chunks(self, name, limit_bytes, /):
            asked[name] = limit_bytes
            return super().chunks(name, limit_bytes)

    verify_export(Asking(exported(journal)), NOW)
    assert asked[MANIFEST] == MAX_MANIFEST_BYTES


@pytest.mark.parametrize("top", ["", "copied/here/"])
@pytest.mark.parametrize("cut", ["", "exports/", "exports/bank/"])
def test_an_export_is_found_wherever_it_was_copied_to(journal, top, cut):
    files = {top + key.removeprefix(cut): data for key, data in exported(journal).items()}
    assert verdict_of(files, journal.builder.digest()).digest_compared


def test_several_exports_are_each_verified():
    one, other = transfers(4), journal_of(map(transfer, range(100, 103)))
    files = exported(one) | exported(other, prefix="other")
    files = {key.replace("8UyX", "9UyX") if key.startswith("other") else key: data for key, data in files.items()}
    verdicts = verify_export(MemoryFiles(files), NOW)
    assert [(each.export_id[0], each.contents.blocks, each.findings) for each in verdicts] == [
        ("8", 4, ()),
        ("9", 3, ()),
    ]


def test_a_missing_started_manifest_is_no_harm(journal):
    files = exported(journal)
    del files["exports/bank/8UyXulxccYLAsbN1aon7e4.started.manifest"]
    verdict = verdict_of(files)
    assert (verdict.findings, verdict.ledger_name) == ((), None)


@pytest.mark.parametrize("pieces", [1, 3, 64, 10**6])
@pytest.mark.parametrize("output_format", FORMATS)
def test_how_an_object_is_cut_into_pieces_changes_nothing(output_format, pieces):
    journal = transfers(3)
    (verdict,) = verify_export(MemoryFiles(exported(journal, output_format), pieces), NOW, journal.builder.digest())
    assert verdict.digest_compared


def test_text_may_be_pretty_printed_and_commented(journal):
    files = exported(journal)
    key = data_keys(files)[0]
    pretty = files[key].decode().replace(",", ",\n  ").replace("}\n", "}\n\n// the next one {\n/* { */ ")
    assert verdict_of(files | {key: f"$ion_1_0 {pretty}".encode()}, journal.builder.digest()).digest_compared


# JSON: what it can show, and what not


def json_of(data):
    seen = transfer(0)
    return journal_of([replace(seen, changes=(replace(seen.changes[0], data=data),))])


def test_json_data_of_types_that_it_has_is_verified():
    journal = json_of({"a": "text", "b": 12, "c": Decimal("12.50"), "d": [True, None, {"größe": -1}]})
    verdict = verdict_of(exported(journal, OutputFormat.JSON))
    assert (verdict.findings, verdict.contents.revisions, verdict.contents.data_unchecked) == ((), 1, 0)


def test_json_data_of_types_that_it_has_not_is_found_by_its_hash():
    times = transfers(1).blocks[0].fields["blockTimestamp"]
    verdict = verdict_of(exported(json_of({"a": b"blob", "b": 1.5, "c": times}), OutputFormat.JSON))
    assert (verdict.holds, verdict.contents.revisions, verdict.not_proved) == (True, 1, 0)


def test_json_data_that_no_search_finds_is_counted_as_not_proved():
    verdict = verdict_of(exported(json_of({"a": Annotated(("EUR",), 5)}), OutputFormat.JSON))
    assert (verdict.findings, verdict.contents.revisions, verdict.not_proved) == ((), 1, 1)
    assert not verdict.holds


def test_in_json_altered_data_is_only_not_checked_but_everything_else_is_found(journal):
    for alter, expected in (
        (altered_amount, []),
        (altered_statement, ["audit.contents-mismatch"]),
        (altered_entries, ["audit.contents-mismatch"]),
    ):
        blocks = journal.fields
        alter(blocks[4])
        verdict = verdict_of(of_blocks(journal, blocks, OutputFormat.JSON))
        assert rules_of(verdict) == expected
        assert verdict.contents.data_unchecked == (alter is altered_amount)
