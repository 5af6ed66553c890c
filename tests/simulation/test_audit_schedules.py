"""However a journal's records come, and whatever fails on the way, the auditor comes to the same conclusion.

Two oracles: the clean run (every record once, in order, in one batch), and what follows from the whole journal naively,
without segments, runs or early revisions.
"""

import os
from functools import cache

import pytest

from counterfoil.detection.audit_rules import INTEGRITY_RULES
from counterfoil.journal import digest_of
from counterfoil.ports import quarantine_name
from lab import attacker
from lab.producer import OuterRecord, aggregate
from tests.audit_schedules import AuditStory, bank, streamed_bank

PROVING = os.environ.get("COUNTERFOIL_PROVE") == "1"
SEEDS = range(2_000 if PROVING else 100)
JOURNALS = 5
JUNK = (b"rubbish", b"\xf3\x89\x9a\xc2" + b"\0" * 40, b"")


@cache
def ledger_of(seed):
    return bank(seed % JOURNALS)


@cache
def blocks_of(seed):
    return tuple(streamed_bank(ledger_of(seed)))


@cache
def clean_run(seed):
    """The oracle, one per journal."""
    story = AuditStory(0, blocks_of(seed), ordered=True, junk=JUNK)
    return story.run_clean()


def naive_findings(ledger):
    """What is to be said of an honest journal, read from its blocks as they were built."""
    previous = None
    for block in ledger.blocks:
        place, fields = str(block.address), block.fields
        for statement in fields["transactionInfo"]["statements"]:
            words = statement["statement"].replace("/* for good */", " ").upper().split()
            if words[0] in {"CREATE", "DROP", "UNDROP", "EXEC"}:
                dropped = words[:2] == ["DROP", "TABLE"]
                yield ("audit.table-dropped" if dropped else "audit.privileged-statement", place, "OPEN")
        if "redactionInfo" in fields:
            yield ("audit.redaction", place, "OPEN")
        for revision in fields["revisions"]:
            if "data" not in revision:
                yield ("audit.document-deleted", place, "OPEN")
        if previous and fields["blockTimestamp"] < previous:
            yield ("audit.clock-regression", place, "OPEN")
        previous = fields["blockTimestamp"]


def naive_junk():
    for data in JUNK:
        yield ("audit.unreadable-record", f"bytes-{quarantine_name(data).partition('/')[2]}", "OPEN")


def test_the_clean_run_says_what_follows_from_the_journal():
    for seed in range(JOURNALS):
        ledger, clean = ledger_of(seed), clean_run(seed)
        head = clean.heads.states[ledger.strand_id].head
        assert digest_of(head) == ledger.builder.digest()
        known = clean.heads.blocks[ledger.strand_id]
        assert [known[number].block_hash for number in sorted(known)] == [
            bytes(each.block_hash) for each in ledger.blocks
        ]
        assert [[mark.short_hash for mark in known[number].marks] for number in sorted(known)] == [
            [revision["hash"][:16] for revision in block.revisions] for block in ledger.blocks
        ]
        assert clean.found() == sorted([*naive_findings(ledger), *naive_junk()])


@pytest.mark.parametrize("seed", SEEDS)
def test_after_any_schedule_the_stores_are_as_after_the_clean_one(seed):
    story = AuditStory(seed, blocks_of(seed), ordered=seed % 4 == 0, junk=JUNK).run()
    clean = clean_run(seed)
    assert story.heads_concluded() == clean.heads_concluded()
    assert story.heads.blocks == clean.heads.blocks
    assert story.findings_concluded() == clean.findings_concluded()
    assert story.quarantine.kept == clean.quarantine.kept


@pytest.mark.parametrize("seed", range(0, len(SEEDS), 30))
def test_one_seed_is_one_story(seed):
    first, second = (AuditStory(seed, blocks_of(seed), ordered=False, junk=JUNK).run() for _ in range(2))
    assert first.heads.states == second.heads.states
    assert first.findings.findings == second.findings.findings


# Tampered worlds ----------------------------------------------------------------------------------------------------

ATTACKS = {
    "altered amount": lambda blocks, place: attacker.alter_amount(blocks, place, 99),
    "re-hashed block": lambda blocks, place: attacker.rehash_block(blocks, place, 5),
    "dropped block": attacker.drop_block,
    "fork": lambda blocks, place: attacker.fork(blocks, place, 5),
    "orphan": lambda blocks, place: attacker.add_orphan(blocks, place, 7),
    "other table": lambda blocks, place: attacker.redirect_table(blocks, place, "Archive"),
    **{
        f"spoilt {field}": lambda blocks, place, field=field: attacker.spoil_hash(blocks, place, field)
        for field in attacker.HASH_FIELDS
    },
}
# The blocks of transfers, first and last of them left out.
PLACES = range(5, 11)


def world_of(seed):
    """(name of the attack, attacked blocks, what must be found in the end)."""
    name = sorted(ATTACKS)[seed % len(ATTACKS)]
    place = PLACES[seed // len(ATTACKS) % len(PLACES)]
    attack = ATTACKS[name](blocks_of(seed), place)
    expected = [(str(each.rule_id), each.place, str(each.status)) for each in attack.expected]
    return name, place, attack.blocks, sorted([*naive_findings(ledger_of(seed)), *expected])


@pytest.mark.parametrize("seed", SEEDS)
def test_in_order_exactly_what_was_done_is_found_after_any_schedule(seed):
    _, _, blocks, expected = world_of(seed)
    story = AuditStory(seed, blocks, ordered=True).run()
    assert story.found() == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_out_of_order_the_integrity_alarms_are_at_the_same_places(seed):
    name, place, blocks, expected = world_of(seed)
    story = AuditStory(seed, blocks, ordered=False).run()
    alarms = {each for each in story.found() if each[0] in INTEGRITY_RULES}
    wanted = {each for each in expected if each[0] in INTEGRITY_RULES}
    if name == "fork":
        # Where the forged block came first it is the verified one, and the honest chain does not follow it.
        strand_id = ledger_of(seed).strand_id
        alarms -= {("audit.broken-link", f"{strand_id}#{place + 1}", "OPEN")}
    assert alarms == wanted


@pytest.mark.parametrize("seed", range(0, len(SEEDS), 3))
def test_a_spoilt_frame_is_found_and_a_good_copy_of_it_makes_up_for_it(seed):
    blocks = blocks_of(seed)
    frame = OuterRecord("outer", aggregate([record for block in blocks[4:7] for record in block.records]))
    spoil = [attacker.spoil_checksum, lambda each: attacker.truncate(each, len(each.data) // 2)][seed % 2]
    spoilt, expected = spoil(frame)
    story = AuditStory(seed, blocks, ordered=False, junk=[spoilt.data]).run()
    assert story.found() == sorted(
        [*naive_findings(ledger_of(seed)), (str(expected.rule_id), expected.place, str(expected.status))]
    )
    assert story.quarantine.load(quarantine_name(spoilt.data)) == spoilt.data
