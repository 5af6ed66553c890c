"""Evidence of what the auditor finds: the rule again on the block, both blocks of a fork, bytes that fail once more."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from counterfoil.errors import ContentsMismatchError, InputError, IntegrityError
from counterfoil.ion import dump_binary
from counterfoil.journal import BlockAddress
from counterfoil.journal.builder import Change, Redaction, Statement
from counterfoil.services import evidence
from tests.audit_worlds import user_datas
from tests.evidence_worlds import (
    LOG_PUBLIC,
    audit_world,
    forged,
    records_of,
    says,
    verdict_of,
)
from tests.journals import STRAND, TABLE_ID, journal_of, made_id, rehash, transfer, transfers


def eventful_journal():
    """A privileged statement, a deletion, a dropped table, a redaction, and a clock that goes back."""
    first = transfer(0)
    deletion = Change(made_id("doc", 0), 1, "Transactions", TABLE_ID, None)
    back = timedelta(seconds=60)
    late = transfer(4)
    return journal_of(
        [
            replace(first, statements=(Statement("CREATE TABLE Transactions"),)),
            replace(transfer(1), changes=(deletion,)),
            replace(transfer(2), statements=(Statement("DROP TABLE Transactions"),), changes=()),
            replace(transfer(3), redactions=(Redaction(BlockAddress(STRAND, 0), TABLE_ID, made_id("doc", 0), 0),)),
            replace(late, tx_time=late.tx_time - back, committed_at=late.committed_at - back),
        ]
    )


OPENLY_DONE = ["privileged-statement", "document-deleted", "table-dropped", "redaction", "clock-regression"]


@pytest.mark.parametrize("rule", OPENLY_DONE)
def test_what_was_done_openly_is_found_again_by_the_rule_itself(rule):
    findings, sources = audit_world(eventful_journal())
    finding = findings[f"audit.{rule}"]
    verdict = verdict_of(sources.make(finding), LOG_PUBLIC)
    assert verdict.complete
    assert says(verdict.proven, "the rule, applied again to the block, gives this finding")


@pytest.mark.parametrize("rule", OPENLY_DONE)
def test_a_finding_that_the_block_does_not_give_is_refused(rule):
    findings, sources = audit_world(eventful_journal())
    finding = findings[f"audit.{rule}"]
    for name in finding.evidence:
        altered = replace(finding, evidence={**finding.evidence, name: "x"})
        with pytest.raises((IntegrityError, InputError)):
            sources.make(altered)
    with pytest.raises((IntegrityError, InputError)):
        sources.make(replace(finding, place=f"{STRAND}#{1 if rule != 'document-deleted' else 0}"))


def test_a_fork_comes_with_both_blocks():
    journal = transfers(5)
    datas = user_datas(journal.blocks) + records_of(journal.blocks[2], forged(journal, 2, rehashed=True))[:1]
    findings, sources = audit_world(journal, datas)
    finding = findings["audit.fork"]
    verdict = verdict_of(sources.make(finding), LOG_PUBLIC)
    assert verdict.complete
    assert says(verdict.proven, "another block says that it is", finding.evidence["other_hash"])
    assert says(verdict.proven, finding.evidence["verified_hash"], "is under the checkpoint")
    del sources.kept[finding.evidence["quarantined"]]
    assert says(verdict_of(sources.make(finding), LOG_PUBLIC).missing, "are not there")


def test_a_fork_that_took_the_true_blocks_place_in_the_ledger_stands_beside_the_logs_entry():
    journal = transfers(5)
    fields = forged(journal, 2, rehashed=True)
    datas = user_datas(journal.blocks) + records_of(journal.blocks[2], fields)[:1]
    findings, sources = audit_world(journal, datas)
    sources.stored[2] = dump_binary(fields)
    verdict = verdict_of(sources.make(findings["audit.fork"]), LOG_PUBLIC)
    assert verdict.complete
    assert says(verdict.proven, "the ledger's block", "not the one that was signed")
    assert len(verdict.held.items) == 2


@pytest.mark.parametrize("name", ["verified_hash", "other_hash", "transaction_id"])
def test_a_fork_of_other_blocks_is_refused(name):
    journal = transfers(5)
    datas = user_datas(journal.blocks) + records_of(journal.blocks[2], forged(journal, 2, rehashed=True))[:1]
    findings, sources = audit_world(journal, datas)
    finding = findings["audit.fork"]
    with pytest.raises((IntegrityError, InputError)):
        sources.make(replace(finding, evidence={**finding.evidence, name: "00" * 32}))


def test_a_block_that_did_not_hold_comes_with_its_bytes_and_fails_again():
    journal = transfers(4)
    fields = journal.fields[2]
    fields["transactionInfo"]["statements"][0]["statement"] = "DELETE FROM Transactions"
    datas = user_datas(journal.blocks[:2]) + records_of(journal.blocks[2], fields)[:1]
    findings, sources = audit_world(journal, datas)
    finding = findings["audit.contents-mismatch"]
    verdict = verdict_of(sources.make(finding), LOG_PUBLIC)
    assert verdict.complete
    assert says(verdict.proven, "the kept record does not hold", "transactionInfo")
    for change in ({"expected": "x"}, {"found": "x"}, {"part": "x"}):
        with pytest.raises(IntegrityError):
            sources.make(replace(finding, evidence={**finding.evidence, **change}))
    with pytest.raises(IntegrityError):
        sources.make(replace(finding, subject="00" * 32))


def test_a_revision_that_did_not_hold_comes_with_its_bytes_and_fails_again():
    journal = transfers(4)
    datas = user_datas(journal.blocks[:2]) + records_of(journal.blocks[2], forged(journal, 2, rehashed=False))
    findings, sources = audit_world(journal, datas)
    finding = findings["audit.revision-mismatch"]
    verdict = verdict_of(sources.make(finding), LOG_PUBLIC)
    assert verdict.complete
    assert says(verdict.proven, "the kept record does not hold")
    with pytest.raises(IntegrityError, match="another one"):
        sources.make(replace(finding, document_id="D" * 22))


def test_a_record_that_holds_is_no_evidence_that_one_does_not():
    journal = transfers(4)
    datas = user_datas(journal.blocks[:2]) + records_of(journal.blocks[2], forged(journal, 2, rehashed=False))
    findings, sources = audit_world(journal, datas)
    finding = findings["audit.revision-mismatch"]
    good = user_datas(journal.blocks)[5]
    name = f"quarantine/{sha256(good).hexdigest()}"
    sources.kept[name] = good
    with pytest.raises(ContentsMismatchError, match="no record of this place that does not hold"):
        sources.make(replace(finding, evidence={**finding.evidence, "quarantined": name}))


def broken_at(number, journal, changed=None, **how):
    """Findings of a journal into whose stream a block came that does not follow the one before it."""
    fields = rehash(journal.fields[number] | (changed or {}), **how)
    datas = user_datas(journal.blocks[:number]) + records_of(journal.blocks[number], fields)
    return fields, *audit_world(journal, datas)


def test_a_broken_link_keeps_the_block_that_came_and_proves_it_whatever_the_ledger_has():
    broken, findings, sources = broken_at(2, transfers(4), previous=b"\1" * 32)
    finding = findings["audit.broken-link"]
    assert sha256(sources.kept[finding.evidence["quarantined"]]).hexdigest() in finding.evidence["quarantined"]
    for stored in (None, dump_binary(broken)):
        if stored is not None:
            sources.stored[2] = stored
        verdict = verdict_of(sources.make(finding), LOG_PUBLIC)
        assert verdict.complete
        assert says(verdict.proven, f"the kept block says that it is {STRAND}#2; its hashes hold")
        assert says(verdict.proven, "follows 0101", "they do not link")
        assert says(verdict.claimed, "came from the ledger's stream")
    assert says(verdict.proven, "not the one that was signed")
    del sources.kept[finding.evidence["quarantined"]]
    assert says(verdict_of(sources.make(finding), LOG_PUBLIC).missing, "are not there")


def test_of_a_broken_link_in_one_batch_both_blocks_are_kept():
    """The genuine one too: whoever altered the ledger since cannot take it away."""
    _, findings, sources = broken_at(2, transfers(4), previous=b"\1" * 32)
    finding = findings["audit.broken-link"]
    assert finding.evidence["quarantined_before"] in sources.kept
    verdict = verdict_of(sources.make(finding), LOG_PUBLIC)
    assert says(verdict.proven, f"the kept block says that it is {STRAND}#1; its hashes hold")


def test_a_block_that_no_longer_binds_its_header_is_kept():
    journal = transfers(4)
    changed = {"blockTimestamp": journal.fields[1]["blockTimestamp"]}
    _, findings, sources = broken_at(2, journal, changed, bind_header=False)
    finding = findings["audit.broken-link"]
    verdict = verdict_of(sources.make(finding), LOG_PUBLIC)
    assert verdict.complete
    assert says(verdict.proven, "follows header not bound, the block before it is header bound: they do not link")


@pytest.mark.parametrize("name", ["expected", "found"])
def test_a_broken_link_of_other_blocks_is_refused(name):
    _, findings, sources = broken_at(2, transfers(4), previous=b"\1" * 32)
    finding = findings["audit.broken-link"]
    with pytest.raises(ContentsMismatchError, match="the finding says"):
        sources.make(replace(finding, evidence={**finding.evidence, name: "00" * 32}))


@pytest.mark.parametrize("name", ["quarantined", "quarantined_before"])
def test_another_record_is_no_side_of_a_broken_link(name):
    journal = transfers(4)
    _, findings, sources = broken_at(2, journal, previous=b"\1" * 32)
    finding = findings["audit.broken-link"]
    other = user_datas(journal.blocks)[6]
    kept = f"quarantine/{sha256(other).hexdigest()}"
    sources.kept[kept] = other
    with pytest.raises(ContentsMismatchError, match="no block of"):
        sources.make(replace(finding, evidence={**finding.evidence, name: kept}))


def test_two_blocks_that_link_are_no_broken_link():
    journal = transfers(4)
    _, findings, sources = broken_at(2, journal, previous=b"\1" * 32)
    finding, genuine = findings["audit.broken-link"], user_datas(journal.blocks)[4]
    kept = f"quarantine/{sha256(genuine).hexdigest()}"
    sources.kept[kept] = genuine
    evidence_of_it = {**finding.evidence, "quarantined": kept, "found": finding.evidence["expected"]}
    with pytest.raises(ContentsMismatchError, match="the two blocks link"):
        sources.make(replace(finding, evidence=evidence_of_it))


def test_a_broken_link_without_its_bytes_shows_both_blocks_where_the_ledger_has_them():
    """As a finding has it that was made before the bytes were kept."""
    broken, findings, sources = broken_at(2, transfers(4), previous=b"\1" * 32)
    finding = findings["audit.broken-link"]
    kept = {name: value for name, value in finding.evidence.items() if not name.startswith("quarantined")}
    finding = replace(finding, evidence=kept)
    verdict = verdict_of(sources.make(finding), LOG_PUBLIC)
    assert says(verdict.claimed, "the two blocks of the ledger link")
    sources.stored[2] = dump_binary(broken)
    verdict = verdict_of(sources.make(finding), LOG_PUBLIC)
    assert verdict.complete
    assert says(verdict.proven, "they do not link")
    assert says(verdict.proven, "not the one that was signed")


def test_what_did_not_come_is_the_auditors_word():
    journal = transfers(4)
    datas = user_datas(journal.blocks)
    findings, sources = audit_world(journal, [*datas[:2], *datas[4:5], *datas[6:]])
    for rule, words in (("audit.gap", "had not come"), ("audit.missing-revision", "the revision had not come")):
        finding = findings[rule]
        verdict = verdict_of(sources.make(finding), LOG_PUBLIC)
        assert verdict.complete
        assert says(verdict.claimed, words)
        for name in finding.evidence:
            with pytest.raises((IntegrityError, InputError)):
                sources.make(replace(finding, evidence={**finding.evidence, name: "7"}))


def test_a_revision_that_no_block_lists_is_shown_not_to_be_listed():
    journal = transfers(4)
    record = records_of(journal.blocks[2], forged(journal, 2, rehashed=True))[1]
    findings, sources = audit_world(journal, [*user_datas(journal.blocks), record])
    finding = findings["audit.orphan-revision"]
    verdict = verdict_of(sources.make(finding), LOG_PUBLIC)
    assert verdict.complete
    assert says(verdict.proven, "does not list the revision")
    with pytest.raises(IntegrityError):
        sources.make(replace(finding, evidence={"revision_hash": "00" * 32}))


def test_bytes_that_nobody_could_read_are_those_of_the_finding_and_no_more():
    findings, sources = audit_world(transfers(2), [b"rubbish"])
    finding = findings["audit.unreadable-record"]
    made = sources.make(finding)
    assert verdict_of(made).complete
    assert says(verdict_of(made, LOG_PUBLIC).missing, "nothing signed")
    with pytest.raises(ContentsMismatchError):
        sources.make(replace(finding, place=f"bytes-{'0' * 64}"))
    sources.kept.clear()
    assert says(verdict_of(sources.make(finding)).missing, "are not there")


def test_a_record_too_large_to_carry_is_left_out_and_said(monkeypatch):
    monkeypatch.setattr(evidence, "MAX_RECORD_BYTES", 3)
    findings, sources = audit_world(transfers(2), [b"rubbish"])
    assert says(sources.make(findings["audit.unreadable-record"]).left_out, "7 bytes; at most 3")
