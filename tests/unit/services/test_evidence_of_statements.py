"""Evidence of signed statements that contradict each other: both are there, and what of it they show."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from counterfoil.adapters.memory.logs import MemoryLog
from counterfoil.detection.audit_rules import AuditRule, found
from counterfoil.detection.evidence.statements import LogStatement
from counterfoil.errors import ContentsMismatchError, InputError
from counterfoil.journal.anchor import TrustAnchor
from counterfoil.merkle import CompactRange, prove_inclusion
from tests.audit_worlds import NOW
from tests.evidence_worlds import (
    LOG_PUBLIC,
    SNAPSHOT_PUBLIC,
    fraud_world,
    log_of,
    says,
    snapshot_of,
    verdict_of,
)
from tests.journals import STRAND
from tests.transparency_logs import private_key


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


def anchor_of(sources, *, proved=True):
    hashes = sources.builder.block_hashes
    return TrustAnchor(STRAND, 1, hashes[0], prove_inclusion(hashes[:1], 0) if proved else None)


def anchored_snapshot(sources, anchor, **changes):
    """A snapshot over all blocks behind the first."""
    hashes = sources.builder.block_hashes
    behind = CompactRange.of_leaf(1, hashes[1])
    for number, each in enumerate(hashes[2:], 2):
        behind += CompactRange.of_leaf(number, each)
    return snapshot_of(hashes, anchor=anchor, range=behind, **changes)


def test_a_block_is_proved_under_a_snapshot_behind_a_trust_anchor_and_what_is_not_is_said():
    finding, sources = fraud_world()
    anchor = anchor_of(sources)
    sources.log, sources.snapshots = None, dict([anchored_snapshot(sources, anchor)])
    verdict = verdict_of(sources.make(finding), SNAPSHOT_PUBLIC)
    assert verdict.complete
    assert says(map(str, verdict.held.statements), "block 0 is not here")


def test_one_key_that_signed_two_trust_anchors_of_a_strand_contradicts_itself():
    _, sources = fraud_world()
    name, older = anchored_snapshot(sources, anchor_of(sources))
    later = {"taken_at": NOW + timedelta(hours=1), "previous": name, "extends": False}
    after, newer = anchored_snapshot(sources, anchor_of(sources, proved=False), **later)
    sources.snapshots = {name: older, after: newer}
    verdict = verdict_of(sources.make(snapshots_finding(name)), SNAPSHOT_PUBLIC)
    assert says(verdict.proven, "one key signed two trust anchors")
    same, again = anchored_snapshot(sources, anchor_of(sources), **later)
    sources.snapshots = {name: older, same: again}
    assert not says(verdict_of(sources.make(snapshots_finding(name))).proven, "two trust anchors")


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
