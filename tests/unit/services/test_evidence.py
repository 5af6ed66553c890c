"""Bundles of evidence: what is in them, what they prove, what they only say, and what is left out and said to be."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256

import pytest

from counterfoil.adapters.memory.logs import MemoryLog
from counterfoil.detection.audit_rules import AuditRule, found
from counterfoil.detection.evidence.bundle import parse_bundle, render_bundle
from counterfoil.detection.evidence.statements import LogStatement
from counterfoil.detection.evidence.verification import verify_bundle
from counterfoil.errors import ContentsMismatchError, InputError, IntegrityError
from counterfoil.ion import dump_binary
from counterfoil.journal import BlockAddress
from counterfoil.journal.builder import Change, Redaction, Statement
from counterfoil.services import evidence
from tests.audit_worlds import NOW, user_datas
from tests.evidence_worlds import (
    LOG_PUBLIC,
    SNAPSHOT_PUBLIC,
    LocalSigner,
    audit_world,
    fraud_world,
    log_of,
    p256_key,
    public_of,
    snapshot_of,
)
from tests.journals import STRAND, TABLE_ID, first_revision, journal_of, made_id, rehash, transfer, transfers
from tests.transparency_logs import private_key


def verdict_of(made, *keys):
    return verify_bundle(parse_bundle(made.data), keys)


def says(sentences, *words):
    return any(all(word in each for word in words) for each in sentences)


@pytest.mark.parametrize("keys", [(LOG_PUBLIC,), (SNAPSHOT_PUBLIC,), (LOG_PUBLIC, SNAPSHOT_PUBLIC), ()])
def test_a_payment_that_was_found_is_proven_by_the_log_and_by_the_snapshot_each_alone(keys):
    finding, sources = fraud_world()
    verdict = verdict_of(sources.make(finding), *keys)
    assert verdict.complete
    assert verdict.trusted == tuple(each in keys for each in (LOG_PUBLIC, SNAPSHOT_PUBLIC))
    assert says(verdict.proven, "the transfer T3 of 60000.00 EUR from A1 to B2 is what the revision says")
    assert says(verdict.proven, f"block {STRAND}#3", "is under the")
    assert says(verdict.claimed, "rule fraud.new-payee-high-value makes of it")


def test_a_rule_over_a_window_comes_with_every_payment_that_it_added_up():
    finding, sources = fraud_world(12, "fraud.round-amounts")
    made = sources.make(finding)
    verdict = verdict_of(made, LOG_PUBLIC)
    assert len(verdict.held.items) > 3
    assert all(len(each.revisions) == 1 for each in verdict.held.items)
    assert verdict.complete


def test_only_what_the_finding_names_leaves_the_ledger():
    """The balances of the block's other documents are hashes in the bundle, and nothing else."""
    finding, sources = fraud_world()
    made = sources.make(finding)
    assert b"60000.00" in made.data
    assert b"ACTIVE" not in made.data
    assert b"ACTIVE" in sources.stored[3]


def test_the_same_finding_is_the_same_file():
    finding, sources = fraud_world()
    data = sources.make(finding).data
    assert sources.make(finding).data == data
    assert render_bundle(parse_bundle(data)) == data


def test_a_block_that_no_checkpoint_covers_yet_is_said_to_be_unproven():
    finding, sources = fraud_world()
    sources.log, sources.snapshots = log_of(sources.builder.block_hashes[:3]), {}
    made = sources.make(finding)
    verdict = verdict_of(made, LOG_PUBLIC)
    assert not verdict.complete
    assert says(verdict.missing, f"no signed statement that counts covers block {STRAND}#3 yet")
    assert says(made.left_out, "the checkpoint covers 3 blocks")


def test_a_snapshot_alone_is_enough_and_the_newest_that_covers_the_blocks_is_taken():
    finding, sources = fraud_world(5)
    hashes = sources.builder.block_hashes
    late, early = snapshot_of(hashes, taken_at=NOW + timedelta(hours=1)), snapshot_of(hashes[:4])
    other = snapshot_of(hashes, LocalSigner(p256_key(7)), NOW + timedelta(hours=2))
    sources.log, sources.snapshots = None, dict([early, late, other])
    made = sources.make(finding)
    verdict = verdict_of(made, SNAPSHOT_PUBLIC)
    assert verdict.complete
    assert [each.text.encode() for each in verdict.held.statements] == [late[1]]
    assert says(made.left_out, other[0], "no key that is known here signed it")


def test_a_ledger_whose_tree_leads_elsewhere_gives_no_proof_to_the_snapshot():
    finding, sources = fraud_world()
    sources.builder = fraud_world(bind_headers=False)[1].builder
    made = sources.make(finding)
    assert says(made.left_out, "the path of block")
    assert verdict_of(made, LOG_PUBLIC).complete
    with pytest.raises(IntegrityError, match="nothing in the bundle is signed"):
        verdict_of(made, SNAPSHOT_PUBLIC)


def test_what_another_key_signed_does_not_hold():
    finding, sources = fraud_world()
    made = sources.make(finding)
    other = public_of(p256_key(9))
    with pytest.raises(IntegrityError, match="signed by a key that was given"):
        verdict_of(made, other)
    assert verdict_of(made, other, LOG_PUBLIC).complete


def test_blocks_as_qldb_made_them_show_neither_their_time_nor_their_number_under_a_digest():
    finding, sources = fraud_world(bind_headers=False)
    sources.log = None
    verdict = verdict_of(sources.make(finding), SNAPSHOT_PUBLIC)
    assert verdict.complete
    assert says(verdict.claimed, "transaction and time of block")
    assert says(verdict.claimed, "the number of block")


def test_a_payment_whose_block_is_not_the_logs_is_no_evidence():
    finding, sources = fraud_world()
    other = fraud_world(4)[1]
    sources.log = log_of([*sources.builder.block_hashes[:3], other.builder.block_hashes[4]])
    with pytest.raises(ContentsMismatchError, match="the signed log has"):
        sources.make(finding)


def test_a_payment_whose_block_the_ledger_lost_leaves_the_logs_entry():
    finding, sources = fraud_world()
    del sources.stored[3]
    made = sources.make(finding)
    verdict = verdict_of(made, LOG_PUBLIC)
    assert [each.block for each in verdict.held.items] == [None]
    assert says(verdict.missing, "is not there whole")
    assert says(made.left_out, "the ledger has none there")


def test_a_ledgers_altered_block_is_refused_unless_the_finding_is_about_that():
    finding, sources = fraud_world()
    damaged = sources.stored[3].replace(b"B2", b"B3")
    assert damaged != sources.stored[3]
    sources.stored[3] = damaged
    with pytest.raises(IntegrityError):
        sources.make(finding)


def test_another_ledgers_log_is_refused():
    finding, sources = fraud_world()
    sources.log = log_of(sources.builder.block_hashes, strand_id="1HqUNaR8u8s13eFiSzGZl9")
    with pytest.raises(InputError, match="entry 3 of the log is block 1HqU"):
        sources.make(finding)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount", "60000.01"), ("amount", "x"), ("to_account", "B9"), ("transaction_id", "T9"), ("currency", "USD"),
        ("version", "1"), ("tx_time", "2025-03-01T09:30:05.000000Z"), ("block_address", f"{STRAND}#4"),
    ],
)  # fmt: skip
def test_what_a_finding_says_of_its_payment_must_be_what_the_revision_says(name, value):
    finding, sources = fraud_world()
    altered = replace(finding, evidence={**finding.evidence, name: value})
    with pytest.raises((IntegrityError, InputError)):
        sources.make(altered)


def test_a_finding_about_another_account_than_the_payments_is_refused():
    finding, sources = fraud_world()
    with pytest.raises(ContentsMismatchError, match="account"):
        sources.make(replace(finding, account_id="A9"))


@pytest.mark.parametrize("document_id", ["D" * 22, None])
def test_a_finding_about_another_document_is_refused(document_id):
    finding, sources = fraud_world()
    altered = replace(finding, document_id=document_id)
    if document_id is None:
        assert sources.make(altered).verdict.complete
    else:
        with pytest.raises(ContentsMismatchError, match="not of DDD"):
            sources.make(altered)


@pytest.mark.parametrize("rule", ["audit.stream-control", "audit.rule-override", "fraud.x"])
def test_what_is_about_nothing_in_a_ledger_has_no_bundle(rule):
    finding, sources = fraud_world()
    with pytest.raises(InputError, match="nothing in a ledger that proves it"):
        sources.make(replace(finding, rule_id=rule, place="arn:aws:qldb:stream"))


# Rules of the auditor ---------------------------------------------------------------------------------------------------


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


def forged(journal, number, *, rehashed):
    """What is delivered in the place of a block: its amount altered, its hashes right again or not."""
    fields = journal.fields[number]
    first_revision(fields)["data"]["amount"] += Decimal(1)
    return rehash(fields) if rehashed else fields


def records_of(block, fields):
    return user_datas([replace(block, fields=fields)])


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


def test_a_broken_link_shows_both_blocks_where_the_ledger_has_them():
    journal = transfers(4)
    broken = rehash(journal.fields[2], previous=b"\1" * 32)
    datas = user_datas(journal.blocks[:2]) + records_of(journal.blocks[2], broken)
    findings, sources = audit_world(journal, datas)
    finding = findings["audit.broken-link"]
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


# Signed statements that contradict each other ---------------------------------------------------------------------------


def snapshots_finding(name):
    evidence_of = {"snapshot": name, "head_sequence_no": "1", "head_hash": "00" * 32}
    return found(AuditRule.SNAPSHOT_NOT_EXTENDING, f"{STRAND}#1", "it does not", NOW, subject=name, **evidence_of)


def test_two_snapshots_that_contradict_each_other_are_both_there():
    _, sources = fraud_world()
    hashes = sources.builder.block_hashes
    name, older = snapshot_of(hashes)
    after, newer = snapshot_of(hashes[:2], taken_at=NOW + timedelta(hours=1), previous=name, extends=False)
    sources.snapshots = {name: older, after: newer}
    verdict = verdict_of(sources.make(snapshots_finding(name)), SNAPSHOT_PUBLIC)
    assert verdict.complete
    assert says(verdict.proven, "says that it does not extend", name)
    assert says(verdict.proven, "and later only up to block 1")
    del sources.snapshots[after]
    assert says(verdict_of(sources.make(snapshots_finding(name))).missing, "the snapshot that says so itself")
    del sources.snapshots[name]
    made = sources.make(snapshots_finding(name))
    assert says(made.left_out, "there is none of that name")
    assert not made.verdict.complete


def heads_finding(before, now):
    kept = before + b"\n" + now
    name = f"evidence/{sha256(kept).hexdigest()}"
    signed = {"signed_before": before.decode()[:1_000], "signed_now": now.decode()[:1_000]}
    finding = found(
        AuditRule.HEADS_DISAGREE, f"{STRAND}#3", "they do not agree", NOW, subject="checkpoint", kept_as=name, **signed
    )
    return finding, name, kept


def checkpoint_over(hashes, key=None):
    log = log_of(hashes) if key is None else log_of(hashes, key)
    return log.files["checkpoint"]


def test_two_checkpoints_of_one_size_and_two_roots_are_a_split_view_that_one_key_signed():
    hashes, other = fraud_world()[1].builder.block_hashes, fraud_world(4)[1].builder.block_hashes
    finding, name, kept = heads_finding(checkpoint_over(hashes), checkpoint_over([*hashes[:3], other[4]]))
    _, sources = fraud_world()
    sources.log = MemoryLog({name: kept})
    verdict = verdict_of(sources.make(finding), LOG_PUBLIC)
    assert verdict.complete
    assert says(verdict.proven, "one key signed two roots")
    assert all(isinstance(each, LogStatement) for each in verdict.held.statements)


@pytest.mark.parametrize("now", [b"", b"rubbish", b"a\n1\n\n\n\n"])
def test_what_the_log_says_now_need_not_be_a_checkpoint(now):
    hashes = fraud_world()[1].builder.block_hashes
    finding, name, kept = heads_finding(checkpoint_over(hashes), now)
    _, sources = fraud_world()
    sources.log = MemoryLog({name: kept})
    verdict = verdict_of(sources.make(finding), LOG_PUBLIC)
    assert verdict.complete
    assert len(verdict.held.statements) == 1
    assert says(verdict.claimed, "does not extend the first")


def test_a_checkpoint_that_is_not_the_findings_is_refused():
    hashes = fraud_world()[1].builder.block_hashes
    finding, name, kept = heads_finding(checkpoint_over(hashes), b"")
    _, sources = fraud_world()
    sources.log = MemoryLog({name: kept})
    with pytest.raises(InputError, match="does not name"):
        sources.make(replace(finding, evidence={**finding.evidence, "signed_before": "x\n"}))


def test_a_log_of_which_nothing_was_signed_before_begins_with_what_it_says_now():
    hashes = fraud_world()[1].builder.block_hashes
    now = checkpoint_over(hashes, private_key(f"ledger.example/{STRAND}", salt="other"))
    finding, name, kept = heads_finding(b"", now)
    _, sources = fraud_world()
    sources.log = MemoryLog({name: kept})
    made = sources.make(finding)
    assert says(made.left_out, "one of the two checkpoints")
    assert says(made.verdict.missing, "no signed statement")


def test_what_the_ledger_says_its_digest_is_stands_beside_the_signed_one():
    _, sources = fraud_world()
    hashes = sources.builder.block_hashes
    digest = sources.builder.digest().hash
    finding = found(
        AuditRule.HEADS_DISAGREE,
        f"{STRAND}#{len(hashes) - 1}",
        "not that of the blocks",
        NOW,
        subject="ledger",
        ledger_digest="11" * 32,
        verified_digest=str(digest),
    )
    verdict = verdict_of(sources.make(finding), SNAPSHOT_PUBLIC)
    assert verdict.complete
    assert says(verdict.claimed, "what the ledger said")
    with pytest.raises(ContentsMismatchError, match="calls verified"):
        sources.make(replace(finding, evidence={**finding.evidence, "verified_digest": "22" * 32}))
    sources.snapshots = {}
    assert not sources.make(finding).verdict.complete
