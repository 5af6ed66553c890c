"""Bundles of evidence: what is in them, what they prove, what they only say, and what is left out and said to be."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from counterfoil.detection.alert_terms import AlertPart, AlertTerms
from counterfoil.detection.evidence.bundle import parse_bundle, render_bundle
from counterfoil.errors import ContentsMismatchError, InputError, IntegrityError
from tests.audit_worlds import NOW
from tests.evidence_worlds import (
    LOG_PUBLIC,
    SNAPSHOT_PUBLIC,
    LocalSigner,
    fraud_world,
    log_of,
    p256_key,
    public_of,
    says,
    snapshot_of,
    verdict_of,
)
from tests.journals import STRAND


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


def test_the_terms_of_an_alert_go_with_the_finding_and_are_written_in_one_way_only():
    finding, sources = fraud_world()
    assert b'"alert"' not in sources.make(finding).data, "terms as usual are not written"
    keyed = replace(finding, alert=AlertTerms((AlertPart.ACCOUNT, AlertPart.CURRENCY), 86_400))
    data = sources.make(keyed).data
    assert parse_bundle(data).finding == keyed
    document = json.loads(data)
    for wrong in ({}, {"key": ["account"]}, {"key": ["currency", "account"]}, {"key": ["amount"]}, None, "account"):
        document["finding"]["alert"] = wrong
        with pytest.raises(InputError, match="alert"):
            parse_bundle(json.dumps(document).encode())


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


@pytest.mark.parametrize("kind", ["tile/0", "tile/entries"])
def test_a_log_whose_tiles_were_altered_proves_nothing_and_the_snapshot_still_does(kind):
    finding, sources = fraud_world()
    for path in [each for each in sources.log.files if each.startswith(kind)]:
        sources.log.files[path] = bytes(len(sources.log.files[path]))
    made = sources.make(finding)
    assert says(made.left_out, "log", "does not hold")
    assert verdict_of(made, SNAPSHOT_PUBLIC).complete


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
