"""What every FindingStore guarantees."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from counterfoil.adapters.dynamodb.findings import DynamoDbFindings
from counterfoil.adapters.memory import MemoryFindings
from counterfoil.detection.alert_terms import AlertPart, AlertTerms
from counterfoil.detection.audit_rules import MAX_EVIDENCE
from counterfoil.detection.finding import Finding, Severity, Status
from counterfoil.errors import ConflictError, UnavailableError
from tests.audit_worlds import NOW
from tests.contract.conftest import AWS, BOTH

OPEN, CONFIRMED, HEALED = Status


@pytest.fixture(params=BOTH)
def findings(request):
    if request.param == "memory":
        return MemoryFindings()
    make = request.getfixturevalue("make_ddb_table")
    return DynamoDbFindings(request.getfixturevalue("clients")("dynamodb"), make("FindingsTable"))


@pytest.fixture(params=AWS)
def ddb_findings(request, clients, make_ddb_table):
    return DynamoDbFindings(clients("dynamodb"), make_ddb_table("FindingsTable"))


def finding(place="strand#7", **changes):
    made = Finding(
        "audit.gap", Severity.HIGH, place, "block 6 has not arrived", NOW, "subject", {"first": "6", "empty": ""}
    )
    return replace(made, **changes)


def test_what_is_not_recorded_is_not_there(findings):
    assert findings.load("audit.gap@strand#7") is None


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"subject": ""},
        {"evidence": {}},
        {"account_id": "ACC-1", "document_id": "DOC-1"},
        {"severity": Severity.INFO},
        {"score": 0},
        {"score": 87, "shadow": True, "actions": ("open_case", "freeze")},
        {"alert": AlertTerms((AlertPart.ACCOUNT, AlertPart.CURRENCY), 86_400)},
        {"alert": AlertTerms((), None)},
        {"reason": "größe \U0001f600 \0 \u2028", "evidence": {"größe": "\U0001f600" * MAX_EVIDENCE}},
        {"evidence": {f"name {number}": "x" * MAX_EVIDENCE for number in range(50)}},
        {"subject": "s" * 10_000},
        {"found_at": datetime(2025, 3, 3, 9, 0, 0, 123456, tzinfo=UTC)},
    ],
)
def test_a_finding_is_read_as_it_was_recorded(findings, changes):
    made = finding(**changes)
    assert findings.record([made]) == 1
    assert findings.load(made.finding_id) == made


def test_a_time_of_another_zone_is_the_same_instant(findings):
    made = finding(found_at=NOW.astimezone(timezone(timedelta(hours=-7))))
    findings.record([made])
    assert findings.load(made.finding_id).found_at == NOW


def test_no_findings_are_nothing(findings):
    assert findings.record([]) == 0


def test_recording_again_changes_nothing(findings):
    assert findings.record([finding()]) == 1
    later = finding(found_at=NOW + timedelta(days=1), evidence={"other": "1"}, reason="other", severity=Severity.LOW)
    assert findings.record([later]) == 0
    assert findings.record([finding(), later]) == 0
    assert findings.load(finding().finding_id) == finding()


def test_of_the_same_finding_twice_in_one_call_the_first_one_is_kept(findings):
    assert findings.record([finding(), finding(evidence={"other": "1"})]) == 1
    assert findings.load(finding().finding_id) == finding()


def test_findings_of_other_places_rules_or_subjects_are_others(findings):
    made = [finding(), finding("strand#8"), finding(rule_id="audit.fork"), finding(subject="other")]
    assert findings.record(made) == 4
    assert [findings.load(each.finding_id) for each in made] == made


@pytest.mark.parametrize(
    ("steps", "kept", "news"),
    [
        ([OPEN, CONFIRMED], CONFIRMED, [1, 1]),
        ([OPEN, HEALED], HEALED, [1, 1]),
        ([OPEN, CONFIRMED, HEALED], HEALED, [1, 1, 1]),
        ([CONFIRMED], CONFIRMED, [1]),
        ([CONFIRMED, OPEN], CONFIRMED, [1, 0]),
        ([CONFIRMED, HEALED, CONFIRMED], HEALED, [1, 1, 0]),
        ([OPEN, HEALED, OPEN, CONFIRMED], HEALED, [1, 1, 0, 0]),
        ([OPEN, HEALED, HEALED], HEALED, [1, 1, 0]),
        ([OPEN, OPEN], OPEN, [1, 0]),
    ],
)
def test_a_status_moves_only_forward(findings, steps, kept, news):
    made = [
        finding(status=status, evidence={"step": str(index)}, found_at=NOW + timedelta(index))
        for index, status in enumerate(steps)
    ]
    assert [findings.record([each]) for each in made] == news
    assert findings.load(made[0].finding_id) == replace(made[0], status=kept)


def test_several_statuses_in_one_call_end_in_the_last_of_them(findings):
    statuses = [finding(status=status) for status in (OPEN, CONFIRMED, HEALED)]
    assert findings.record(statuses) == 3
    assert findings.load(finding().finding_id).status is HEALED


def test_healed_without_a_finding_is_kept_so_that_a_late_open_changes_nothing(findings):
    assert findings.record([finding(status=HEALED)]) == 1
    assert findings.record([finding()]) == 0
    assert findings.load(finding().finding_id).status is HEALED


def test_of_two_who_record_at_the_same_time_one_was_first(ddb_findings):
    both = threading.Barrier(2)

    def record(writer):
        both.wait(30)
        return ddb_findings.record([finding(evidence={"writer": str(writer)})])

    with ThreadPoolExecutor(2) as pool:
        news = list(pool.map(record, [0, 1]))
    assert sorted(news) == [0, 1]
    assert ddb_findings.load(finding().finding_id).evidence == {"writer": str(news.index(1))}


def test_the_worst_and_newest_findings_come_last_in_the_index(ddb_findings):
    for number, severity in enumerate([Severity.HIGH, Severity.LOW, Severity.CRITICAL, Severity.HIGH]):
        ddb_findings.record([finding(f"strand#{number}", severity=severity, found_at=NOW + timedelta(-number))])
    answer = ddb_findings.client.query(
        TableName=ddb_findings.ddb_table,
        IndexName="by_status",
        KeyConditionExpression="#status = :open",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":open": {"S": "OPEN"}},
    )
    assert [item["place"]["S"] for item in answer["Items"]] == ["strand#1", "strand#3", "strand#0", "strand#2"]


@pytest.mark.parametrize(("index", "key"), [("by_account", "account_id"), ("by_document", "document_id")])
def test_findings_are_indexed_by_what_they_are_about(ddb_findings, index, key):
    ddb_findings.record([finding("strand#1", **{key: "X"}), finding("strand#2", **{key: "Y"}), finding("strand#3")])
    answer = ddb_findings.client.query(
        TableName=ddb_findings.ddb_table,
        IndexName=index,
        KeyConditionExpression=f"{key} = :value",
        ExpressionAttributeValues={":value": {"S": "X"}},
    )
    assert [item["place"]["S"] for item in answer["Items"]] == ["strand#1"]


@pytest.mark.parametrize("status", Status)
def test_a_store_that_does_not_answer_is_unavailable(gone, status):
    store = DynamoDbFindings(gone("dynamodb"), "table")
    for call in (lambda: store.record([finding(status=status)]), lambda: store.load("x")):
        with pytest.raises(UnavailableError) as caught:
            call()
        assert not isinstance(caught.value, ConflictError)
