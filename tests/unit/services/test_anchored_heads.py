"""Snapshots of a strand that begins at a trust anchor: the ledger's digest and anchor against the auditor's, and no log."""

import json
from dataclasses import replace

import pytest

from counterfoil.adapters.memory import MemoryJournalSource
from counterfoil.detection.acceptance import accept
from counterfoil.detection.snapshot import parse_document, signed_bytes
from counterfoil.errors import IntegrityError
from counterfoil.journal.anchor import TrustAnchor, parse_trust_anchor
from counterfoil.merkle import prove_inclusion
from counterfoil.ports import AnchorSource
from tests.audit_worlds import user_datas
from tests.journals import STRAND, transfers
from tests.unit.services.test_head_comparison import World, hashes, history

BEGIN = 5


@pytest.fixture(scope="module")
def journal():
    return transfers(20)


@pytest.fixture(scope="module")
def forged():
    return history(3)


def anchored_world(journal, anchor):
    world = World(ledger=hashes(journal.blocks), anchors=MemoryJournalSource(anchors={STRAND: anchor}))
    world.deliver(user_datas(journal.blocks[BEGIN:12]))
    return world


@pytest.fixture
def anchor(journal):
    path = prove_inclusion(hashes(journal.blocks)[:BEGIN], BEGIN - 1)
    return TrustAnchor(STRAND, BEGIN, journal.blocks[BEGIN - 1].block_hash, path)


def test_behind_an_anchor_the_ledgers_digest_is_signed_and_that_there_is_no_log_is_said(journal, anchor):
    world = anchored_world(journal, anchor)
    for size in (12, 12, 17, 20):
        world.deliver(user_datas(journal.blocks[BEGIN:size]))
        taken = world.snapshot()
        assert (taken.findings, taken.compared.unwitnessed, taken.compared.quorum) == ([], {}, True)
        assert (taken.snapshot.digest, taken.snapshot.status) == (journal.builder.digest(size - 1).hash, "VERIFIED")
        document = world.snapshots.documents[taken.name]
        snapshot, signature = parse_document(document)
        world.signer.verify(signed_bytes(snapshot), signature)
        assert (snapshot, snapshot.anchor, snapshot.checkpoint) == (taken.snapshot, anchor, None)
        said = json.loads(document)["snapshot"]
        assert "begins at a trust anchor, with block 5" in said["noLog"]
        assert "blocks 0 to 4 are not here" in said["trustAnchor"]["notProved"]
    assert taken.snapshot.extends is True
    assert (world.log.files, world.disagreements()) == ({}, [])


@pytest.mark.parametrize("before", [True, False], ids=["behind the last snapshot", "at the first"])
def test_a_ledger_with_another_digest_behind_an_anchor_is_found(journal, forged, anchor, before):
    world = anchored_world(journal, anchor)
    if before:
        assert world.snapshot().findings == []
    world.ledger = hashes(forged)
    [finding] = world.snapshot().findings
    assert (finding.rule_id, finding.place) == ("audit.heads-disagree", f"{STRAND}#11")
    assert finding.evidence["verified_digest"] == str(journal.builder.digest(11).hash)


def test_behind_a_declared_anchor_the_ledgers_digest_must_be_the_declared_trees(journal, anchor):
    declared = replace(anchor, path=None)
    world = anchored_world(journal, declared)
    [finding] = world.snapshot().findings
    assert finding.evidence["verified_digest"] == str(declared.digest_behind(world.state().head).hash)


def test_a_head_that_begins_at_another_anchor_than_the_last_snapshot_is_found(journal, anchor):
    world = anchored_world(journal, anchor)
    world.snapshot()
    world.heads.states[STRAND] = replace(world.state(), anchor=replace(anchor, path=None))
    [finding] = world.snapshot().findings
    assert finding.rule_id == "audit.snapshot-not-extending"
    assert "begins at another trust anchor" in finding.reason


@pytest.mark.parametrize("said", [None, "declared", "damaged"])
def test_a_ledger_that_says_now_that_it_begins_elsewhere_is_found(journal, anchor, said):
    """Its digest may be what it was, as it need not look at the anchor for it."""
    world = anchored_world(journal, anchor)
    assert world.snapshot().findings == []
    world.anchors.anchors = {STRAND: replace(anchor, path=None)} if said == "declared" else {}
    if said == "damaged":
        world.anchors = Unreadable()
    [finding] = world.snapshot().findings
    assert (finding.rule_id, finding.place, finding.subject) == ("audit.heads-disagree", f"{STRAND}#11", "ledger")
    assert parse_trust_anchor(json.loads(finding.evidence["verified_anchor"])) == anchor


@pytest.mark.parametrize("said", ["proved", "declared", "damaged"])
def test_a_ledger_that_says_now_that_a_whole_strand_begins_at_an_anchor_is_found(journal, anchor, said):
    """Whoever takes the first blocks out of a journal could put an anchor there, behind which every digest is what it was."""
    world = World(ledger=hashes(journal.blocks), anchors=MemoryJournalSource())
    world.deliver(user_datas(journal.blocks[:12]))
    assert world.snapshot().findings == []
    world.anchors.anchors = {STRAND: replace(anchor, path=None) if said == "declared" else anchor}
    if said == "damaged":
        world.anchors = Unreadable()
    [finding] = world.snapshot().findings
    assert (finding.rule_id, finding.place, finding.subject) == ("audit.heads-disagree", f"{STRAND}#11", "ledger")
    assert "begins with block 0" in finding.reason
    assert finding.evidence["verified_digest"] == str(journal.builder.digest(11).hash)


def test_a_ledger_that_takes_its_tail_away_behind_an_anchor_further_on_is_found(journal, anchor):
    """It then knows nothing of the strand, as it has not its first block."""
    world = World(ledger=hashes(journal.blocks), anchors=MemoryJournalSource())
    world.deliver(user_datas(journal.blocks[:12]))
    world.anchors.anchors, world.known = {STRAND: replace(anchor, begin=1_000, path=None)}, False
    [finding] = world.snapshot().findings
    assert finding.rule_id == "audit.heads-disagree"


class Unreadable(AnchorSource):
    def anchor(self, strand_id, /):
        raise IntegrityError(f"the trust anchor of strand {strand_id} cannot be read")


def test_an_anchor_that_is_learnt_late_does_not_break_the_row_of_snapshots(journal, anchor):
    world = World(ledger=hashes(journal.blocks), anchors=MemoryJournalSource())
    world.deliver(user_datas(journal.blocks[BEGIN:12]))
    assert world.snapshot().snapshot.digest is None
    world.anchors.anchors[STRAND] = anchor
    world.deliver(user_datas(journal.blocks[12:14]))
    taken = world.snapshot()
    assert (taken.findings, taken.snapshot.digest) == ([], journal.builder.digest(13).hash)


def test_where_what_followed_the_anchor_was_set_aside_there_is_no_digest(journal, anchor):
    world = anchored_world(journal, anchor)
    world.deliver(user_datas(journal.blocks[15:20]))
    world.heads.states[STRAND] = accept(world.state(), 15)
    taken = world.snapshot()
    assert (taken.snapshot.digest, taken.snapshot.anchor, taken.findings) == (None, None, [])
