"""Files of proofs beside an export: what is recognised in them, what they are held against, and what is told of the rest."""

import json
from dataclasses import replace

import pytest

from counterfoil.errors import InputError
from counterfoil.ion import parse_text
from counterfoil.journal import BlockAddress, Digest, proofs_file
from counterfoil.journal.anchor import parse_trust_anchor
from counterfoil.journal.export_format import OutputFormat
from counterfoil.merkle import Hash
from counterfoil.services import export_proofs
from counterfoil.services.verify_export import Notes, verify_export, work_through
from tests.exports import NOW, MemoryFiles, data_keys, exported, rules_of, verdict_of
from tests.journals import STRAND, first_revision, journal_of, rehash_from, transfer, transfers
from tests.proofs_files import NAME, camel, path_of, proofs_bytes, shapes, without
from tests.property.test_receipt_laws import address_text, block_receipt, digest_fields, ion, revision_receipt

JOURNAL = transfers(7)
FILES = exported(JOURNAL)
SHAPES = shapes(JOURNAL, 3, 6)
FORGED = Hash(bytes(range(32)))


def with_proofs(*values, files=FILES, **named):
    """The export with files of proofs: one for each value, and others by name."""
    added = {NAME.replace("all", f"all{number}"): proofs_bytes(each) for number, each in enumerate(values)}
    return files | added | {f"exports/bank/{name}.proofs.json": data for name, data in named.items()}


def outcome(*values, digest=None, files=FILES, **named):
    return verdict_of(with_proofs(*values, files=files, **named), digest)


def counts(verdict):
    proofs = verdict.proofs
    return proofs.checked, proofs.good, proofs.confirmed, proofs.not_checked


def only_finding(verdict):
    (finding,) = verdict.findings
    assert finding.rule_id == "export.proof-mismatch"
    assert not verdict.holds
    assert verdict.blocks_hold
    return finding


# What is recognised ---------------------------------------------------------------------------------------------------


def test_without_files_of_proofs_nothing_is_said_of_any():
    assert verdict_of(FILES).proofs is None


@pytest.mark.parametrize("name", SHAPES)
def test_a_good_proof_is_recognised_in_every_shape(name):
    verdict = outcome(SHAPES[name])
    assert (counts(verdict), verdict.findings, verdict.proofs.told) == ((1, 1, 1, 0), (), ())
    assert verdict.holds


@pytest.mark.parametrize("name", SHAPES)
def test_the_same_proof_of_another_ledger_is_bad_in_every_shape(name):
    """Its blocks have the same addresses; nothing else is the same."""
    other = shapes(transfers(7, bind_headers=False), 3, 6)
    verdict = outcome(other[name])
    if name == "no digest":  # the revision is the same, and where the proof should lead, nothing says
        assert (counts(verdict), verdict.findings) == ((0, 0, 0, 1), ())
        return
    assert counts(verdict)[:2] == (1, 0)
    only_finding(verdict)


@pytest.mark.parametrize("output_format", OutputFormat)
def test_every_format_of_an_export_has_the_hashes(output_format):
    verdict = outcome([SHAPES["GetBlock"], SHAPES["GetRevision"]], files=exported(JOURNAL, output_format))
    assert (counts(verdict), verdict.holds) == ((2, 2, 2, 0), True)


def test_json_lines_and_every_file_wherever_it_lies():
    lines = "\n".join(json.dumps(SHAPES[name]) for name in ("GetBlock", "GetRevision", "hash alone")) + "\n\n"
    deep = {"exports/bank/2025/03/01/09/x.proofs.json": proofs_bytes(SHAPES["GetBlock"])}
    verdict = verdict_of(with_proofs(lines=lines.encode(), files=FILES | deep))
    assert (verdict.proofs.files, counts(verdict)) == (2, (4, 4, 4, 0))


def test_files_beside_the_export_s_own_directory_are_none_of_it():
    assert verdict_of(FILES | {"other/x.proofs.json": b"[]"}).proofs is None


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_encodings_are_those_of_receipts(encoding):
    verdict = outcome(text=json.dumps(SHAPES["GetBlock"]).encode(encoding))
    assert counts(verdict) == (1, 1, 1, 0)


def test_two_proofs_in_one_object_are_two():
    block, revision = SHAPES["GetBlock"], SHAPES["GetRevision"]
    both = without(block, "Proof") | {"BlockProof": block["Proof"], "RevisionProof": revision["Proof"]}
    verdict = outcome(both | {"Revision": revision["Revision"]})
    assert counts(verdict) == (2, 2, 2, 0)


def test_every_block_and_revision_at_every_tip_is_under_a_digest_of_the_export():
    receipts = [
        each
        for tip in range(7)
        for index in range(tip + 1)
        for each in (block_receipt(JOURNAL, index, tip), revision_receipt(JOURNAL, index, 0, tip))
    ]
    assert counts(outcome(receipts)) == (56, 56, 56, 0)


def test_proofs_are_looked_up_in_batches(monkeypatch):
    monkeypatch.setattr(export_proofs, "BATCH", 3)
    receipts = [revision_receipt(JOURNAL, index, 0, 6) for index in (5, 1, 6, 0, 3, 3, 2)]
    assert counts(outcome(receipts[:4], receipts[4:])) == (7, 7, 7, 0)


# What they are held against -------------------------------------------------------------------------------------------


def test_a_digest_that_nobody_else_has_confirms_nothing_but_is_no_contradiction():
    longer = transfers(9)
    verdict = outcome(block_receipt(longer, 3, 8))
    assert (counts(verdict), verdict.holds) == ((1, 1, 0, 0), True)


def test_a_given_digest_confirms():
    digest = JOURNAL.builder.digest(4)
    assert counts(outcome(without(block_receipt(JOURNAL, 2, 4), "Digest"), digest=digest)) == (1, 1, 1, 0)
    bare = without(block_receipt(JOURNAL, 2, 4), "Digest", "DigestTipAddress")
    assert counts(outcome(bare, digest=digest)) == (1, 1, 1, 0)
    assert counts(outcome(bare)) == (0, 0, 0, 1)


@pytest.mark.parametrize("kept", [("Digest", "DigestTipAddress"), ("DigestTipAddress",), ("Digest",)])
def test_a_proof_that_leads_elsewhere_than_the_ledger_is_found_by_the_tip(kept):
    """Whoever makes up a proof makes up the digest that it leads to."""
    receipt = block_receipt(JOURNAL, 3, 6)
    proof = [*path_of(receipt)[:-1], FORGED.to_base64()]
    hashes = [Hash.from_base64(each) for each in proof]
    made_up = export_proofs.fold(JOURNAL.blocks[3].block_hash, hashes)
    fields = digest_fields(Digest(made_up, BlockAddress(STRAND, 6)))
    forged = without(receipt, "Digest", "DigestTipAddress") | {"Proof": proof}
    verdict = outcome(forged | {name: fields[name] for name in kept})
    if kept == ("Digest",):  # which tip it is for, nobody says
        assert counts(verdict) == (1, 1, 0, 0)
        return
    finding = only_finding(verdict)
    assert finding.evidence == {
        "file": "exports/bank/all0.proofs.json",
        "place": "$",
        "field": "Digest",
        "expected": str(JOURNAL.builder.digest().hash),
        "found": str(made_up),
    }


def other_revision(receipt):
    """A receipt of the same place in which document and hash were made anew."""
    alone = {"RevisionHash": FORGED.to_base64(), "BlockAddress": ion(address_text(BlockAddress(STRAND, 3)))}
    reached = export_proofs.fold(FORGED, [Hash.from_base64(each) for each in path_of(receipt)])
    return alone | {"Proof": receipt["Proof"]} | digest_fields(Digest(reached, BlockAddress(STRAND, 6)))


def test_a_leaf_that_is_not_the_export_s_is_found_with_both_hashes():
    finding = only_finding(outcome({"a": [other_revision(revision_receipt(JOURNAL, 3, 0, 6))]}))
    revision_hash = Hash(JOURNAL.blocks[3].revisions[0]["hash"])
    assert (finding.evidence["place"], finding.evidence["field"]) == ("$.a[0]", "Revision.hash")
    assert (finding.evidence["expected"], finding.evidence["found"]) == (str(revision_hash), str(FORGED))


def test_a_block_that_is_not_the_export_s_is_found():
    other = transfers(7, bind_headers=False)
    finding = only_finding(outcome(block_receipt(other, 2, 5)))
    evidence = finding.evidence
    assert (evidence["field"], evidence["expected"]) == ("Block.blockHash", str(JOURNAL.blocks[2].block_hash))
    assert evidence["found"] == str(other.blocks[2].block_hash)


def test_a_revision_under_another_document_s_name_is_found():
    bare = SHAPES["revision hash"] | {"documentId": "anotherDocument0000000"}
    evidence = only_finding(outcome(bare)).evidence
    assert (evidence["field"], evidence["found"]) == ("DocumentId", "anotherDocument0000000")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"Revision": ion(revision_receipt(JOURNAL, 3, 0, 6)["Revision"]["IonText"].replace("12.50", "12.51"))}, "Revision.hash"),
        ({"Proof": ion("[]")}, "Proof"),
        ({"Digest": FORGED.to_base64()}, "Proof"),
        ({"RevisionHash": FORGED.to_base64()}, "RevisionHash"),
        ({"BlockAddress": ion(address_text(BlockAddress(STRAND, 4)))}, "BlockAddress"),
        ({"DocumentId": "x"}, "DocumentId"),
        ({"DigestTipAddress": ion(address_text(BlockAddress(STRAND, 2)))}, "DigestTipAddress"),
    ],
)  # fmt: skip
def test_a_receipt_that_does_not_hold_is_found_with_the_field(change, field):
    finding = only_finding(outcome([SHAPES["GetBlock"], SHAPES["GetRevision"] | change]))
    assert (finding.evidence["field"], finding.evidence["place"]) == (field, "$[1]")
    assert "all0.proofs.json at $[1]: " in finding.reason


def test_a_block_that_was_altered_in_the_proofs_is_found_with_its_part():
    text = SHAPES["GetBlock"]["Block"]["IonText"].replace("INSERT", "UPDATE")
    finding = only_finding(outcome(SHAPES["GetBlock"] | {"Block": ion(text)}))
    assert finding.evidence["field"] == "Block.transactionInfo"


def test_a_receipt_without_a_part_cannot_be_stood_in_for_by_the_one_around():
    """The digest around is for another tip: this proof has none."""
    bare = without(block_receipt(JOURNAL, 3, 5), "Digest")
    verdict = outcome(digest_fields(JOURNAL.builder.digest(6)) | {"of": [bare]}, files=FILES)
    assert counts(verdict) == (1, 1, 1, 0)  # by the tip that it says itself


def test_an_inner_digest_counts_before_the_one_around_it():
    inner, outer = (digest_fields(JOURNAL.builder.digest(tip)) for tip in (5, 6))
    bare = without(block_receipt(JOURNAL, 3, 5), "Digest", "DigestTipAddress")
    assert counts(outcome(outer | {"in": {"ledgerDigest": inner, "proofs": [bare]}})) == (1, 1, 1, 0)
    assert counts(outcome(inner | {"in": {"ledgerDigest": outer, "proofs": [bare]}})) == (1, 0, 0, 0)


# What the export does not have ----------------------------------------------------------------------------------------


def test_a_proof_of_what_the_export_has_not_is_told():
    verdict = outcome([block_receipt(transfers(9), 8, 8), SHAPES["GetBlock"]])
    assert (counts(verdict), verdict.holds) == ((1, 1, 1, 1), True)
    assert verdict.proofs.told == (f"exports/bank/all0.proofs.json at $[0]: block {STRAND}#8 is not in this export",)


def test_beside_a_forged_export_the_proofs_say_so():
    fields = JOURNAL.fields
    first_revision(fields[3])["data"]["amount"] += 1
    blocks = [replace(each, fields=new) for each, new in zip(JOURNAL.blocks, rehash_from(fields, 3), strict=True)]
    forged = exported(replace(JOURNAL, blocks=blocks))
    assert verdict_of(forged).holds
    receipts = [block_receipt(JOURNAL, index, 6) for index in range(7)]
    verdict = outcome(receipts, files=forged)
    assert counts(verdict)[:2] == (7, 0)
    assert {each.evidence["field"] for each in verdict.findings} == {"Block.blockHash", "Digest"}


def test_blocks_that_do_not_hold_are_no_measure():
    (key,) = data_keys(FILES)
    lines = FILES[key].split(b"\n")
    lines[3] = lines[3].replace(b"12.50", b"12.51")
    receipts = [block_receipt(JOURNAL, index, 6) for index in (2, 3, 4)]
    verdict = outcome(receipts, files=FILES | {key: b"\n".join(lines)})
    assert rules_of(verdict) == ["audit.revision-mismatch"]
    assert (counts(verdict), verdict.blocks_hold) == ((2, 2, 0, 1), False)
    assert "block JdxjkR9bSYB5jMHWcI464T#3 of the export does not hold, or is not there" in verdict.proofs.told[0]


@pytest.mark.parametrize("output_format", OutputFormat)
def test_blocks_that_hold_are_a_measure_beside_one_that_does_not(output_format):
    """Of JSON as well, whose documents say less than what they were: times, symbols and blobs."""
    data = {"at": parse_text("2025-03-01T09:30:01.250Z"), "is": parse_text("symbol"), "bytes": b"some"}
    journal = journal_of(
        replace(each, changes=(replace(each.changes[0], data=data | {"n": number}),))
        for number in range(7)
        for each in [transfer(number)]
    )
    blocks = [*journal.blocks]
    blocks[5] = replace(blocks[5], fields=blocks[5].fields | {"transactionId": "another"})
    files, proof = exported(replace(journal, blocks=blocks), output_format), block_receipt(journal, 2, 4)
    assert counts(outcome(proof, files=files)) == (1, 1, 1, 0)
    verdict = outcome(proof | {"Digest": FORGED.to_base64()}, files=files)
    assert (counts(verdict), rules_of(verdict)[-1]) == ((1, 0, 0, 0), "export.proof-mismatch")
    verdict = outcome(block_receipt(transfers(7), 2, 4), files=files)
    assert (counts(verdict), rules_of(verdict)[-1]) == ((1, 0, 0, 0), "export.proof-mismatch")
    assert counts(outcome(block_receipt(journal, 5, 6), files=files)) == (0, 0, 0, 1)


@pytest.mark.parametrize("damage", ["gone", "not Ion"])
def test_an_object_that_cannot_be_read_leaves_its_proofs_unchecked(damage):
    (key,) = data_keys(FILES)
    files = {name: data for name, data in FILES.items() if name != key} | ({key: b"}{"} if damage == "not Ion" else {})
    assert counts(outcome([SHAPES["GetBlock"]], files=files)) == (0, 0, 0, 1)


def part_of(journal, first):
    return exported(journal, inclusive_start=journal.blocks[first].timestamp)


@pytest.mark.parametrize("proved", [True, False])
def test_behind_a_trust_anchor_only_a_proved_one_gives_digests(proved):
    (key,) = data_keys(FILES)
    lines = FILES[key].split(b"\n")
    part = FILES | {key.replace(".0-6.", ".4-6."): b"\n".join(lines[4:])}
    part = {name: data.replace(b".0-6.", b".4-6.") for name, data in part.items() if name != key}
    declared = {"strandId": STRAND, "sequenceNo": 4, "previousBlockHash": JOURNAL.blocks[3].block_hash.to_base64()}
    anchor = parse_trust_anchor(block_receipt(JOURNAL, 3, 6) if proved else declared)
    files = with_proofs([block_receipt(JOURNAL, 5, 6)], files=part)
    (verdict,) = verify_export(MemoryFiles(files), NOW, None, work_through, None, anchor)
    assert (counts(verdict), verdict.findings) == ((1, 1, int(proved), 0), ())


def test_notes_do_not_pass_over_an_object_in_which_a_digest_is_computed():
    files = with_proofs([block_receipt(JOURNAL, 2, 4)])
    noted = {}
    for _ in range(2):
        (verdict,) = verify_export(MemoryFiles(files), NOW, None, work_through, Notes(dict(noted), noted.__setitem__))
        assert counts(verdict) == (1, 1, 1, 0)


# What is not understood -----------------------------------------------------------------------------------------------

UNKNOWN = {
    "nothing": (b"", "is not JSON"),
    "no JSON": (b"<proofs/>", "is not JSON"),
    "no characters": (b'{"a": "\xff"}', "is not JSON"),
    "an empty list": (b"[]", "nothing in it is known as a proof"),
    "a number": (b"7", "nothing in it is known as a proof"),
    "another layout": (b'{"version": 2, "tree": {"nodes": ["AAAA"]}}', "nothing in it is known as a proof"),
    "a name twice": (b'{"Proof": 1, "Proof": 2}', "a name comes twice"),
    "a name twice in two ways": (b'{"proof": [], "Proof": []}', "a name comes twice"),
    "a proof that is a number": (b'{"Proof": 5, "Block": "x"}', "neither Ion text nor an array"),
    "a proof of nothing": (b'{"Proof": []}', "not the revision or block that it is for"),
    "numbers in place of hashes": (b'{"Proof": [1, 2], "Block": "x"}', "nothing in it is known as a proof"),
    "a proof that is longer than any": (
        json.dumps(SHAPES["GetBlock"] | {"Proof": [FORGED.to_base64()] * 257}).encode(), "nothing in it is known as a proof",
    ),
    "numbers in place of text": (json.dumps(SHAPES["GetBlock"] | {"Block": {"IonText": 5}}).encode(), "not the revision or block"),
    "no Ion": (json.dumps(SHAPES["GetBlock"] | {"Block": "]"}).encode(), "cannot be read"),
    "a digest that is none": (json.dumps(SHAPES["GetBlock"] | {"Digest": 5}).encode(), "cannot be read"),
    "an address that is none": (json.dumps(SHAPES["GetBlock"] | {"DigestTipAddress": "{}"}).encode(), "cannot be read"),
    "nested deep": (b"[" * 70 + b"7" + b"]" * 70, "nested deeper than 64 levels"),
    "nested deeper than anybody reads": (b"[" * 200_000 + b"]" * 200_000, "is not JSON"),
    "too many values": (b"[" + b"1," * proofs_file.MAX_VALUES + b"1]", "more than 3,000,000 values"),
    "a number of many digits": (b"[" + b"9" * 5_000 + b"]", "is not JSON"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_understood_is_told_and_counts_for_nothing(name):
    data, why = UNKNOWN[name]
    verdict = outcome([SHAPES["GetBlock"]], unknown=data)
    assert (counts(verdict), verdict.holds) == ((1, 1, 1, 1), True)
    (sentence,) = verdict.proofs.told
    assert "exports/bank/unknown.proofs.json at $" in sentence
    assert why in sentence


def test_values_that_are_not_understood_are_told_beside_those_that_are():
    lines = b'{"a": 1}\n' + json.dumps([SHAPES["GetBlock"], {"x": [1]}, 5, {}, SHAPES["GetBlock"]]).encode() + b"\n{\n"
    verdict = outcome(lines=lines)
    assert counts(verdict) == (2, 2, 2, 3)
    assert [each.partition(" at ")[2] for each in verdict.proofs.told[:2]] == [
        "line 1 $: nothing in it is known as a proof",
        "line 2 $[1]: nothing in it is known as a proof",
    ]
    assert " at line 3: it is not JSON" in verdict.proofs.told[2]


def test_a_file_that_is_too_large_is_told(monkeypatch):
    monkeypatch.setattr(export_proofs, "MAX_FILE_BYTES", 100)

    class Bounded(MemoryFiles):
        def chunks(self, name, limit_bytes, /):
            if len(self.files[name]) > limit_bytes:
                raise InputError(f"{name} has more than {limit_bytes} bytes")
            return super().chunks(name, limit_bytes)

    (verdict,) = verify_export(Bounded(with_proofs([SHAPES["GetBlock"]])), NOW)
    assert (counts(verdict), verdict.proofs.told[0].endswith("has more than 100 bytes")) == ((0, 0, 0, 1), True)


def test_of_much_that_is_not_understood_the_first_is_told_and_all_is_counted():
    verdict = outcome([SHAPES["GetBlock"], *([{"a": 1}] * 50)])
    assert (counts(verdict), len(verdict.proofs.told)) == ((1, 1, 1, 50), proofs_file.MAX_NAMED + 1)
    assert verdict.proofs.told[-1].endswith("at $: nothing is known as a proof in 40 values more")
    verdict = outcome([SHAPES["GetBlock"]], lines=b'{"a": 1}\n' * 50)
    assert (counts(verdict), len(verdict.proofs.told)) == ((1, 1, 1, 50), export_proofs.MAX_TOLD)


def test_of_many_bad_proofs_the_first_are_found_and_all_are_counted(monkeypatch):
    monkeypatch.setattr(export_proofs, "MAX_FINDINGS", 3)
    verdict = outcome([SHAPES["GetBlock"] | {"Proof": []}] * 5)
    assert (counts(verdict), len(verdict.findings)) == ((5, 0, 0, 0), 3)


def test_beyond_so_many_tips_the_digests_are_the_proofs_own(monkeypatch):
    monkeypatch.setattr(export_proofs, "MAX_TIPS", 2)
    verdict = outcome([block_receipt(JOURNAL, 0, tip) for tip in range(5)])
    assert counts(verdict) == (5, 5, 2, 0)


def test_names_in_camel_case_are_not_the_same_name_twice():
    assert counts(outcome(camel(SHAPES["GetBlock"]))) == (1, 1, 1, 0)
