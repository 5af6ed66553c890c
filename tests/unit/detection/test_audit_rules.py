"""What each audit rule says, and what comes near it and is none."""

from datetime import UTC, datetime

import pytest

from counterfoil.detection import audit_rules as rules
from counterfoil.detection.audit_rules import FAILURES, INTEGRITY_RULES, SEVERITIES, AuditRule, classify_statement
from counterfoil.detection.finding import Finding, Severity, Status
from counterfoil.errors import BrokenLinkError
from counterfoil.journal import BlockAddress, ControlRecord
from counterfoil.journal.builder import Redaction, Statement, Transaction
from tests.audit_worlds import NOW, verified
from tests.journals import START, STRAND, STREAM_ARN, TABLE_ID, journal_of, made_id, transfer

PLACE = BlockAddress(STRAND, 7)


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("DROP TABLE Accounts", AuditRule.TABLE_DROPPED),
        ("drop table Accounts", AuditRule.TABLE_DROPPED),
        ("DrOp TaBlE Accounts", AuditRule.TABLE_DROPPED),
        ("DROP  TABLE Accounts", AuditRule.TABLE_DROPPED),
        ("DROP\n\tTABLE Accounts", AuditRule.TABLE_DROPPED),
        ("DROP\u00a0TABLE Accounts", AuditRule.TABLE_DROPPED),
        ("  \n DROP TABLE Accounts", AuditRule.TABLE_DROPPED),
        ("-- harmless\nDROP TABLE Accounts", AuditRule.TABLE_DROPPED),
        ("-- a\n-- b\n  DROP TABLE Accounts", AuditRule.TABLE_DROPPED),
        ("/* SELECT 1 */ DROP TABLE Accounts", AuditRule.TABLE_DROPPED),
        ("/* a\n * b */DROP/**/TABLE Accounts", AuditRule.TABLE_DROPPED),
        ("DROP -- SELECT\n TABLE Accounts", AuditRule.TABLE_DROPPED),
        ("/**/ /* -- */ DROP TABLE Accounts", AuditRule.TABLE_DROPPED),
        ('DROP TABLE"Accounts"', AuditRule.TABLE_DROPPED),
        ("DROP INDEX abc ON Accounts", AuditRule.PRIVILEGED_STATEMENT),
        ("UNDROP TABLE 'abc'", AuditRule.PRIVILEGED_STATEMENT),
        ("CREATE TABLE Accounts", AuditRule.PRIVILEGED_STATEMENT),
        ("create index on Accounts (accountId)", AuditRule.PRIVILEGED_STATEMENT),
        ("EXEC REDACT_REVISION ?, ?, ?", AuditRule.PRIVILEGED_STATEMENT),
        ("/* DROP TABLE x */ EXEC REDACT_REVISION ?", AuditRule.PRIVILEGED_STATEMENT),
    ],
)
def test_a_privileged_statement_is_known_by_its_first_words(statement, rule):
    assert classify_statement(statement) is rule


@pytest.mark.parametrize(
    "statement",
    [
        "",
        " ",
        "-- DROP TABLE Accounts",
        "/* DROP TABLE Accounts */",
        "/* DROP TABLE Accounts",
        "-- DROP TABLE Accounts\nSELECT 1",
        "/* */ SELECT * FROM Accounts -- DROP TABLE Accounts",
        "SELECT 'drop table Accounts' FROM x",
        "INSERT INTO Log {'statement': 'DROP TABLE Accounts'}",
        "UPDATE Accounts SET note = 'EXEC x'",
        "DELETE FROM Accounts",
        "DROPTABLE Accounts",
        "DROPS TABLE Accounts",
        "DROP_TABLE Accounts",
        "CREATED TABLE x",
        "EXECUTE x",
        "FROM Accounts WHERE a = 'CREATE'",
        '"DROP" TABLE Accounts',
        "- DROP TABLE Accounts",
        "\\DROP TABLE Accounts",
    ],
)
def test_what_only_mentions_a_privileged_statement_is_none(statement):
    assert classify_statement(statement) is None


@pytest.mark.parametrize(
    "statement", ["/*" * 200_000, "/**/" * 200_000 + "DROP", " " * 500_000 + "DROP TABLE x", "--\n" * 200_000]
)
def test_a_statement_made_to_take_long_is_classified_all_the_same(statement):
    assert classify_statement(statement) in {None, *AuditRule}


def block_of(*statements, redactions=()):
    made = Transaction(made_id("tx", 1), START, START, tuple(Statement(each) for each in statements), (), redactions)
    return verified(journal_of([made]).blocks[0])


def test_each_privileged_statement_of_a_block_is_a_finding_of_its_own():
    findings = list(rules.judge_block(block_of("CREATE TABLE a", "SELECT 1", "DROP TABLE b", "CREATE TABLE a"), NOW))
    assert [(each.rule_id, each.subject) for each in findings] == [
        (AuditRule.PRIVILEGED_STATEMENT, "0"),
        (AuditRule.TABLE_DROPPED, "2"),
        (AuditRule.PRIVILEGED_STATEMENT, "3"),
    ]
    assert len({each.finding_id for each in findings}) == 3
    assert findings[1].evidence == {"statement": "DROP TABLE b", "transaction_id": made_id("tx", 1)}
    assert "DROP TABLE b" in findings[1].reason


def test_a_redaction_is_a_finding_that_says_what_was_redacted():
    redaction = Redaction(BlockAddress(STRAND, 3), TABLE_ID, made_id("doc", 9), 4)
    findings = list(rules.judge_block(block_of("SELECT 1", redactions=(redaction,)), NOW))
    assert [each.rule_id for each in findings] == [AuditRule.REDACTION]
    assert made_id("doc", 9) in findings[0].evidence["redaction_info"]
    assert TABLE_ID in findings[0].evidence["redaction_info"]


def test_a_block_that_did_nothing_special_says_nothing():
    assert not list(rules.judge_block(verified(journal_of([transfer(1)]).blocks[0]), NOW))


@pytest.mark.parametrize("rule", AuditRule)
def test_every_rule_has_a_severity(rule):
    assert SEVERITIES[rule] in Severity


def test_what_fails_a_check_is_at_least_severe_and_what_is_done_openly_fails_none():
    assert INTEGRITY_RULES < FAILURES
    assert all(SEVERITIES[rule] >= Severity.HIGH for rule in FAILURES)
    assert not FAILURES & {AuditRule.REDACTION, AuditRule.TABLE_DROPPED, AuditRule.DOCUMENT_DELETED}


def test_what_is_missing_keeps_its_id_from_open_to_healed():
    for made in (
        lambda status: rules.gap(PLACE, 5, 6, NOW, status),
        lambda status: rules.missing_revision(PLACE, b"\1" * 16, NOW, status),
        lambda status: rules.orphan_revision(PLACE, b"\2" * 32, "doc", NOW, block_seen=False, status=status),
    ):
        assert len({made(status).finding_id for status in Status}) == 1


def test_a_gap_says_which_blocks_are_missing():
    assert "block 6 has not arrived" in rules.gap(PLACE, 6, 6, NOW, Status.OPEN).reason
    several = rules.gap(PLACE, 4, 6, NOW, Status.OPEN)
    assert "blocks 4 to 6 have not arrived" in several.reason
    assert several.evidence == {"first_missing": "4", "last_missing": "6", "count": "3"}


def test_an_orphan_says_whether_its_block_was_seen():
    seen = rules.orphan_revision(PLACE, b"\2" * 32, "doc", NOW, block_seen=True)
    unseen = rules.orphan_revision(PLACE, b"\2" * 32, "doc", NOW, block_seen=False)
    assert seen.reason.endswith("which does not list it")
    assert unseen.reason.endswith("which has not arrived")
    assert seen.finding_id == unseen.finding_id


def test_evidence_and_reason_are_cut_to_a_readable_length():
    error = BrokenLinkError("x" * 5_000, expected="e" * 5_000)
    for finding in (
        rules.from_error(AuditRule.BROKEN_LINK, PLACE, error, NOW, more="m" * 5_000),
        rules.found(AuditRule.GAP, PLACE, "r" * 5_000, NOW, more="m" * 5_000),
    ):
        assert len(finding.reason) == rules.MAX_EVIDENCE
        assert {len(value) for value in finding.evidence.values()} == {rules.MAX_EVIDENCE}


def test_a_control_record_is_a_finding_per_stream_and_type():
    created = rules.stream_control(ControlRecord(STREAM_ARN, "CREATED"), NOW)
    completed = rules.stream_control(ControlRecord(STREAM_ARN, "COMPLETED"), NOW)
    assert created.place == STREAM_ARN
    assert created.severity is Severity.INFO
    assert created.finding_id != completed.finding_id


@pytest.mark.parametrize("stream_arn", ["", "\U0001f600" * 1_024, "x" * 1_024, "a\nb", "\0"])
@pytest.mark.parametrize("control_type", ["CREATED", "", "\U0001f600" * 1_024])
def test_a_control_record_with_a_strange_name_still_gives_a_key_that_a_store_takes(stream_arn, control_type):
    finding = rules.stream_control(ControlRecord(stream_arn, control_type), NOW)
    assert finding.place
    assert len(finding.finding_id.encode()) <= 2_048


def test_a_finding_id_is_its_rule_its_place_and_its_subject():
    made = Finding("audit.x", Severity.LOW, "strand#1", "why", NOW)
    assert made.finding_id == "audit.x@strand#1"
    assert Finding("audit.x", Severity.LOW, "strand#1", "why", NOW, "s").finding_id == "audit.x@strand#1:s"


def test_a_long_subject_is_represented_by_its_hash():
    ids = {Finding("r", Severity.LOW, "p", "why", NOW, "s" * length).finding_id for length in (80, 81, 82, 100_000)}
    assert len(ids) == 4
    assert max(map(len, ids)) < 100


def test_the_time_and_evidence_of_a_finding_are_no_part_of_its_id():
    early = Finding("r", Severity.LOW, "p", "why", NOW, "s", {"a": "1"})
    late = Finding("r", Severity.HIGH, "p", "because", datetime(2026, 1, 1, tzinfo=UTC), "s", {"b": "2"})
    assert early.finding_id == late.finding_id
