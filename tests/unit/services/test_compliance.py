"""The rules of AWS Config: what holds, what does not, and that nothing which cannot be read is ever compliant."""

from dataclasses import replace
from datetime import timedelta

import pytest

from counterfoil.adapters.memory.compliance import MemoryEvaluations, MemoryJournal, MemoryLocks
from counterfoil.adapters.memory.registry import MemoryLedgerRegistry
from counterfoil.detection.compliance import (
    MAX_ANNOTATION,
    BucketLock,
    Check,
    Evaluation,
    RuleParameters,
    RuleRequest,
    Verdict,
    parse_parameters,
)
from counterfoil.errors import InputError, NotFoundError, UnavailableError
from counterfoil.journal.stored import block_time
from counterfoil.ledger.registry import LedgerState, PermissionsMode, RegisteredLedger
from counterfoil.services.compliance import LedgerCompliance
from tests.audit_worlds import NOW, AuditWorld, user_datas
from tests.exports import ListReader
from tests.journals import OTHER_STRAND, STRAND, transfers

HOUR = timedelta(hours=1)
RECENT = RuleParameters(Check.VERIFIED_RECENTLY, HOUR)
NO_GAP = RuleParameters(Check.NO_OPEN_GAP, HOUR)


@pytest.fixture(scope="module")
def journal():
    return transfers(8)


class Rules:
    """Rules over an auditor's memory and a journal, at a time that a test sets."""

    def __init__(self, journal, verified=8, now=NOW):
        self.world = AuditWorld(now=now)
        if verified:
            self.world.deliver(user_datas(journal.blocks[:verified]))
        self.journals = {STRAND: ListReader.of(journal)}
        self.registry, self.sink, self.locks = MemoryLedgerRegistry(), MemoryEvaluations(), MemoryLocks()

    def register(self, strand=STRAND, state=LedgerState.ACTIVE):
        self.registry.save(None, RegisteredLedger(f"bank-{strand[:3]}", strand, NOW, state, PermissionsMode.STANDARD))

    def judge(self, parameters, now):
        def journal_of(strand):
            return self.journals.get(strand) or MemoryJournal(strand)

        rules = LedgerCompliance(
            self.world.heads, self.registry, journal_of, self.locks, self.sink, "heads", "bucket", lambda: now
        )
        asked_at = now - timedelta(seconds=7)  # Config's clock, not the function's
        judged = rules.judge(RuleRequest(parameters, "token", asked_at))
        assert judged.asked_at == asked_at
        assert self.sink.evaluations["token"] == judged
        assert len(judged.annotation) <= MAX_ANNOTATION
        return judged


def time_of(journal, number):
    return block_time(journal.blocks[number].block_binary())


def test_a_strand_verified_to_its_tip_holds_however_long_nothing_was_committed(journal):
    judged = Rules(journal).judge(RECENT, time_of(journal, 7) + timedelta(days=30))
    assert (judged.verdict, judged.resource_type, judged.resource_id) == (
        Verdict.COMPLIANT,
        "AWS::DynamoDB::Table",
        "heads",
    )
    assert judged.holds


def test_a_block_may_be_unverified_for_as_long_as_the_rule_says_and_no_longer(journal):
    rules, committed = Rules(journal, verified=5), time_of(journal, 5)
    assert rules.judge(RECENT, committed + HOUR).verdict is Verdict.COMPLIANT
    late = rules.judge(RECENT, committed + HOUR + timedelta(seconds=1))
    assert late.verdict is Verdict.NON_COMPLIANT
    assert f"block 5 of {STRAND}" in late.annotation


def test_the_tip_must_be_verified_too(journal):
    late = Rules(journal, verified=7).judge(RECENT, time_of(journal, 7) + 2 * HOUR)
    assert late.verdict is Verdict.NON_COMPLIANT
    assert f"block 7 of {STRAND}" in late.annotation


def test_every_ledger_is_asked_about_however_many_there_are(journal):
    rules = Rules(journal, verified=0)
    for number in range(250):
        strand = STRAND if number == 249 else f"{number:022}"
        rules.registry.save(
            None, RegisteredLedger(f"bank-{number:03}", strand, NOW, LedgerState.ACTIVE, PermissionsMode.STANDARD)
        )
    assert rules.judge(RECENT, time_of(journal, 0) + 2 * HOUR).annotation.startswith(f"block 0 of {STRAND}")
    assert rules.judge(NO_GAP, NOW).annotation == "looked at 250 strands"


def test_a_ledger_that_the_auditor_never_saw_is_the_worst_case(journal):
    rules = Rules(journal, verified=0)
    now = time_of(journal, 0) + 2 * HOUR
    assert rules.judge(RECENT, now).verdict is Verdict.NOT_APPLICABLE
    rules.register()
    assert rules.judge(RECENT, now).verdict is Verdict.NON_COMPLIANT


def test_a_ledger_that_is_being_made_or_deleted_is_not_asked_about(journal):
    rules = Rules(journal, verified=0)
    for state, strand in ((LedgerState.DELETING, STRAND), (LedgerState.CREATING, OTHER_STRAND)):
        rules.register(strand, state)
    assert rules.judge(RECENT, NOW).verdict is Verdict.NOT_APPLICABLE


def test_a_ledger_without_blocks_has_nothing_unverified(journal):
    rules = Rules(journal, verified=0)
    rules.journals[STRAND] = ListReader([])
    rules.register()
    assert rules.judge(RECENT, NOW).verdict is Verdict.COMPLIANT


def test_of_a_journal_that_is_elsewhere_the_head_itself_must_be_recent(journal):
    rules = Rules(journal)
    rules.journals.clear()
    last = time_of(journal, 7)
    assert rules.judge(RECENT, last + HOUR).verdict is Verdict.COMPLIANT
    assert rules.judge(RECENT, last + 2 * HOUR).verdict is Verdict.NON_COMPLIANT


def test_a_strand_that_diverged_does_not_hold(journal):
    rules = Rules(journal)
    state = rules.world.heads.load(STRAND)
    rules.world.heads.states[STRAND] = replace(state, explained={3: "audit.fork"})
    judged = rules.judge(RECENT, time_of(journal, 7))
    assert (judged.verdict, judged.annotation) == (Verdict.NON_COMPLIANT, f"strand {STRAND} diverged at block 3")


def test_what_is_missing_may_be_missing_for_as_long_as_the_rule_says(journal):
    rules = Rules(journal, verified=3)
    rules.world.deliver(user_datas(journal.blocks[5:]))
    assert rules.judge(NO_GAP, NOW + HOUR).verdict is Verdict.COMPLIANT
    late = rules.judge(NO_GAP, NOW + 2 * HOUR)
    assert late.annotation.startswith(f"strand {STRAND}: blocks 3 to 4 are missing since")
    rules.world.deliver(user_datas(journal.blocks[3:5]))
    assert rules.judge(NO_GAP, NOW + 2 * HOUR).verdict is Verdict.COMPLIANT


def test_revisions_and_blocks_that_are_awaited_are_missing_too(journal):
    rules = Rules(journal, verified=3)
    four, five = user_datas(journal.blocks[3:4]), user_datas(journal.blocks[4:5])
    rules.world.deliver([four[0], *five[1:]])
    judged = rules.judge(NO_GAP, NOW + 2 * HOUR)
    assert judged.annotation.startswith(f"strand {STRAND}: revisions of block 3 are missing")
    waiting = rules.world.heads.load(STRAND)
    missing = len(list(waiting.holes())) + len(waiting.awaited) + len(waiting.early)
    assert judged.annotation.endswith(f"(and {missing - 1} more)")


def test_a_ledger_that_the_auditor_never_saw_has_no_gap(journal):
    rules = Rules(journal, verified=0)
    rules.register()
    assert rules.judge(NO_GAP, NOW).verdict is Verdict.COMPLIANT


@pytest.mark.parametrize(
    ("lock", "mode", "holds"),
    [
        (None, "GOVERNANCE", False),
        (BucketLock(None, None), "GOVERNANCE", False),
        (BucketLock("GOVERNANCE", 364), "GOVERNANCE", False),
        (BucketLock("GOVERNANCE", 365), "GOVERNANCE", True),
        (BucketLock("GOVERNANCE", 2192), "COMPLIANCE", False),
        (BucketLock("COMPLIANCE", 365), "COMPLIANCE", True),
        (BucketLock("COMPLIANCE", 365), "GOVERNANCE", True),
    ],
)
def test_digests_must_be_locked_long_and_hard_enough(lock, mode, holds, journal):
    rules = Rules(journal)
    rules.locks.locks = {} if lock is None else {"bucket": lock}
    asked = parse_parameters({"check": "DIGESTS_LOCKED", "minimumDays": "365", "mode": mode})
    judged = rules.judge(asked, NOW)
    assert judged.verdict is (Verdict.COMPLIANT if holds else Verdict.NON_COMPLIANT)
    assert (judged.resource_type, judged.resource_id) == ("AWS::S3::Bucket", "bucket")


@pytest.mark.parametrize(
    ("given", "limit"),
    [
        ({"check": "VERIFIED_RECENTLY", "maximumMinutes": "90"}, timedelta(minutes=90)),
        ({"check": "VERIFIED_RECENTLY", "maximumMinutes": "527040"}, timedelta(days=366)),
        ({"check": "NO_OPEN_GAP", "graceMinutes": "1"}, timedelta(minutes=1)),
        ({"check": "DIGESTS_LOCKED", "minimumDays": "36500"}, timedelta(days=36_500)),
    ],
)
def test_a_limit_is_in_minutes_or_in_days(given, limit):
    assert parse_parameters(given) == RuleParameters(Check(given["check"]), limit)


@pytest.mark.parametrize(
    ("verdict", "holds"), [("COMPLIANT", True), ("NOT_APPLICABLE", True), ("NON_COMPLIANT", False)]
)
def test_only_what_is_not_compliant_does_not_hold(verdict, holds):
    assert Evaluation("type", "id", Verdict(verdict), "why", NOW).holds is holds


def away(*_):
    raise UnavailableError("does not answer")


@pytest.mark.parametrize("parameters", [RECENT, NO_GAP, RuleParameters(Check.DIGESTS_LOCKED, HOUR)])
def test_what_cannot_be_read_is_no_answer_at_all(parameters, journal):
    rules = Rules(journal)
    rules.world.heads.load = rules.locks.lock = away
    with pytest.raises(UnavailableError):
        rules.judge(parameters, NOW)
    assert rules.sink.evaluations == {}


def test_a_journal_that_cannot_be_read_is_no_answer_either(journal):
    rules = Rules(journal, verified=5)
    rules.journals[STRAND].tip = away
    with pytest.raises(UnavailableError):
        rules.judge(RECENT, NOW)


def test_a_memory_journal_has_nothing():
    nowhere = MemoryJournal(STRAND)
    assert (nowhere.tip(), nowhere.wait_for(0, 0)) == (None, False)
    with pytest.raises(NotFoundError):
        nowhere.blocks(0, 1)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({}, "check"),
        ({"check": "EVERYTHING"}, "check"),
        ({"check": ["NO_OPEN_GAP"]}, "check"),
        ({"check": "NO_OPEN_GAP"}, "graceMinutes"),
        ({"check": "NO_OPEN_GAP", "graceMinutes": "0"}, "graceMinutes"),
        ({"check": "NO_OPEN_GAP", "graceMinutes": "-1"}, "graceMinutes"),
        ({"check": "NO_OPEN_GAP", "graceMinutes": "\u0663"}, "graceMinutes"),
        ({"check": "NO_OPEN_GAP", "graceMinutes": "1" * 30}, "graceMinutes"),
        ({"check": "NO_OPEN_GAP", "graceMinutes": "15", "mode": "COMPLIANCE"}, "mode"),
        ({"check": "VERIFIED_RECENTLY", "maximumMinutes": "527041"}, "maximumMinutes"),
        ({"check": "VERIFIED_RECENTLY", "maximumMinutes": "60", "maxMinutes": "1"}, "maxMinutes"),
        ({"check": "DIGESTS_LOCKED", "minimumDays": "1", "mode": "NONE"}, "mode"),
    ],
)
def test_a_rule_that_asks_for_something_else_is_refused_by_name(given, names):
    with pytest.raises(InputError, match=names):
        parse_parameters(given)
