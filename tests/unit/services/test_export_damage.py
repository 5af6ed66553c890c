"""What is said of a damaged export: the first bad block, every one behind it, what differs; and what is noted for a later run."""

from dataclasses import replace

import pytest

from counterfoil.errors import InputError
from counterfoil.journal.export_format import OutputFormat
from counterfoil.services import export, export_contents
from counterfoil.services.export_contents import Damage
from counterfoil.services.verification_notes import HEADER, parse_notes, render_note
from counterfoil.services.verify_export import Notes, verify_export
from tests.exports import NOW, MemoryFiles, data_keys, exported, later, verdict_of
from tests.journals import first_revision, rehash, transfers

BINARY = OutputFormat.ION_BINARY


@pytest.fixture(autouse=True)
def _small_objects(monkeypatch):
    """Four blocks or so in an object."""
    monkeypatch.setattr(export, "OBJECT_BYTES", 3_800)


@pytest.fixture
def journal():
    return transfers(11)


def altered(journal, *numbers, alter=lambda fields: fields["revisions"][0]["data"].update(amount=1), again=False):
    blocks = journal.fields
    for number in numbers:
        alter(blocks[number])
        blocks[number] = rehash(blocks[number]) if again else blocks[number]
    stored = [replace(built, fields=fields) for built, fields in zip(journal.blocks, blocks, strict=True)]
    return exported(replace(journal, blocks=stored), BINARY)


def test_the_first_bad_block_is_told_and_every_one_behind_it(journal):
    damage = verdict_of(altered(journal, 2, 6, 7, 8)).contents.damage
    assert (damage.first, damage.count, damage.runs) == (2, 4, [(2, 2), (6, 8)])


def test_all_bad_blocks_are_told_however_many_findings_are_kept(journal, monkeypatch):
    monkeypatch.setattr(export_contents, "MAX_FINDINGS", 1)
    verdict = verdict_of(altered(journal, *range(11)))
    assert (len(verdict.findings), verdict.contents.damage.runs) == (3, [(0, 10)])


def test_objects_that_are_missing_are_bad_blocks(journal):
    files = exported(journal, BINARY)
    del files[data_keys(files)[1]]
    assert verdict_of(files).contents.damage.runs == [(4, 7)]


@pytest.mark.parametrize(
    ("alter", "field"),
    [
        (lambda block: first_revision(block)["data"].update(amount=1), "revisions.hash"),
        (lambda block: block["transactionInfo"]["statements"][0].update(statement="DELETE"), "transactionInfo"),
        (lambda block: block.update(entriesHash=bytes(32)), "entriesHash"),
        (lambda block: block.update(blockHash=bytes(32)), "blockHash"),
        (lambda block: block.update(revisions=[]), "revisions"),
    ],
)
@pytest.mark.parametrize("bound", [True, False])
def test_what_differs_is_said_with_what_was_expected_and_found(alter, field, bound):
    finding = verdict_of(altered(transfers(11, bind_headers=bound), 5, alter=alter)).findings[0]
    assert finding.evidence["field"] == field
    assert finding.evidence["expected"] != finding.evidence["found"]


def test_summaries_do_not_stand_for_revisions():
    """Both forms of a block hash alike: without this whoever keeps an export could strip every document from it."""

    def strip(block):
        block["revisionSummaries"] = [
            {"hash": each["hash"], "documentId": each["metadata"]["id"]} for each in block.pop("revisions")
        ]

    for bound in (True, False):
        finding = verdict_of(altered(transfers(11, bind_headers=bound), 5, alter=strip)).findings[0]
        assert finding.evidence["field"] == "revisions"


def test_of_a_broken_link_the_field_is_the_previous_hash(journal):
    (finding,) = verdict_of(altered(journal, 5, again=True)).findings
    assert finding.evidence["field"] == "previousBlockHash"


def test_an_export_says_what_is_odd_about_it(journal):
    files = exported(journal, inclusive_start=later(seconds=3))
    del files["exports/bank/8UyXulxccYLAsbN1aon7e4.started.manifest"]
    first, second = verdict_of(files).remarks
    assert "no started manifest" in first
    assert "begins with block 3" in second
    assert verdict_of(exported(journal)).remarks == ()


def test_a_block_without_its_transaction_is_remarked_where_nothing_says_that_it_had_one():
    files = altered(transfers(11, bind_headers=False), 5, alter=lambda block: block.pop("transactionInfo"))
    verdict = verdict_of(files)
    assert (verdict.findings, len(verdict.remarks)) == ((), 1)
    assert "1 blocks do not say" in verdict.remarks[0]


def test_damage_counts_what_it_no_longer_lists(monkeypatch):
    monkeypatch.setattr(export_contents, "MAX_RUNS", 2)
    damage = Damage()
    for number in (1, 3, 5, 7):
        damage.add(number, number)
    whole = Damage()
    whole.add_all(damage)
    assert (whole.count, whole.runs, whole.uncounted_runs, whole.first) == (4, [(1, 1), (3, 3)], True, 1)


@pytest.mark.parametrize("output_format", [OutputFormat.ION_TEXT, BINARY, OutputFormat.JSON])
def test_an_object_of_any_size_is_read_no_further_than_it_is_verified(monkeypatch, output_format):
    """So that nothing but a block, and a piece of what comes behind it, is in memory."""
    monkeypatch.setattr(export, "OBJECT_BYTES", 10**9)
    journal = transfers(60)
    files = exported(journal, output_format)
    (key,) = data_keys(files)
    verified: list[int] = []
    link = export_contents._Check._link
    monkeypatch.setattr(export_contents._Check, "_link", lambda *block: verified.append(1) or link(*block))
    per_block = len(files[key]) / 60

    class Watched(MemoryFiles):
        def chunks(self, name, limit_bytes, /):
            for number, chunk in enumerate(super().chunks(name, limit_bytes)):
                behind = number * self.piece_bytes / per_block
                assert name != key or len(verified) >= behind - 3
                yield chunk

    (verdict,) = verify_export(Watched(files), NOW)
    assert verdict.contents.blocks == len(verified) == 60


# Notes, from which a later run goes on


def noted(files, digest=None, known=None):
    """(the verdict, the lines that were noted, the names of the objects that were parsed)."""
    lines: list[str] = []

    def keep(key, contents):
        parsed.append(key)
        lines.extend(filter(None, [render_note(key, contents)]))

    parsed: list[str] = []
    (verdict,) = verify_export(MemoryFiles(files), NOW, digest, notes=Notes(known or {}, keep))
    return verdict, [HEADER, *lines], parsed


@pytest.mark.parametrize("bound", [True, False])
def test_a_later_run_goes_on_from_the_notes_and_comes_to_the_same(bound):
    journal = transfers(11, bind_headers=bound)
    files = exported(journal, BINARY)
    whole, lines, parsed = noted(files)
    assert parsed == data_keys(files)
    again, _, parsed = noted(files, known=parse_notes(lines[:3]))
    assert parsed == data_keys(files)[2:]
    assert (again.digest, again.contents.blocks, again.contents.revisions) == (journal.builder.digest(), 11, 11)
    assert again.contents.segments == whole.contents.segments


def test_an_object_that_was_changed_since_is_verified_anew(journal):
    _, lines, _ = noted(exported(journal, BINARY))
    verdict, _, parsed = noted(altered(journal, 5), known=parse_notes(lines))
    assert len(parsed) == 1
    assert verdict.contents.damage.runs == [(5, 5)]


def test_the_object_of_the_digests_tip_is_always_read(journal):
    files = exported(journal, BINARY)
    _, lines, _ = noted(files)
    verdict, _, parsed = noted(files, journal.builder.digest(5), parse_notes(lines))
    assert (parsed, verdict.digest_compared) == ([data_keys(files)[1]], True)


def test_the_links_between_objects_are_checked_from_notes_too(journal):
    other = altered(journal, 3, again=True)
    _, lines, _ = noted(exported(journal, BINARY))
    _, others, _ = noted(other)
    verdict, _, parsed = noted(other, known=parse_notes([*lines[:1], others[1], *lines[2:]]))
    assert parsed == []
    assert verdict.contents.damage.runs == [(4, 4)]


def test_nothing_is_noted_of_an_object_with_a_finding(journal):
    _, lines, _ = noted(altered(journal, 5))
    assert len(lines) == 3


@pytest.mark.parametrize(
    "line", ["", "{", "[]", "{}", '{"key": "x", "sha256": "00"}', "null", '{"key": 1, "begin": "x"}']
)
def test_a_line_that_was_cut_short_is_passed_over(line):
    assert parse_notes([HEADER, line]) == {}


def test_a_file_of_something_else_is_refused():
    with pytest.raises(InputError, match="another line"):
        parse_notes(["hello"])
    assert parse_notes([]) == {}
