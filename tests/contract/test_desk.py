"""What every AlertBook and every DeskLog guarantees."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from counterfoil.adapters.dynamodb.desk import DynamoDbAlertBook, DynamoDbDeskLog
from counterfoil.adapters.memory.desk import MemoryAlertBook, MemoryDeskLog
from counterfoil.desk_ports import Entry
from counterfoil.detection.alert_terms import AlertPart, AlertTerms
from counterfoil.detection.finding import Finding, Severity
from counterfoil.detection.suppression import suppress
from counterfoil.detection.telling import DayTally, HeldBack, TellingPolicy, decide, group_of
from counterfoil.errors import ConflictError, UnavailableError
from tests.audit_worlds import NOW
from tests.contract.conftest import AWS, BOTH

POLICY = TellingPolicy(Severity.LOW, 3600, 1)
TODAY = NOW.date()


@pytest.fixture(params=BOTH)
def book(request):
    if request.param == "memory":
        return MemoryAlertBook()
    make = request.getfixturevalue("make_ddb_table")
    return DynamoDbAlertBook(request.getfixturevalue("clients")("dynamodb"), make("AlertsTable"))


@pytest.fixture(params=BOTH)
def log(request):
    if request.param == "memory":
        return MemoryDeskLog()
    make = request.getfixturevalue("make_ddb_table")
    return DynamoDbDeskLog(request.getfixturevalue("clients")("dynamodb"), make("CasesTable"))


@pytest.fixture(params=AWS)
def ddb_log(request, clients, make_ddb_table):
    return DynamoDbDeskLog(clients("dynamodb"), make_ddb_table("CasesTable"))


def finding(number=1, account_id="ACC-ä"):
    return Finding("fraud.x", Severity.HIGH, f"strand#{number}", "seen", NOW, account_id=account_id, score=number)


def keyed(number):
    terms = AlertTerms((AlertPart.CURRENCY,), 7 * 86_400)
    return replace(finding(number), alert=terms, evidence={"currency": "EUR"})


def decided(book, each, suppressions=()):
    new = group_of(each, POLICY)
    return decide(each, book.group(new.group_id) or new, book.day(TODAY), suppressions, POLICY, NOW)


def test_of_what_was_not_decided_nothing_is_there(book):
    assert book.decision("x") is None
    assert book.group("x") is None
    assert book.day(TODAY) == DayTally(TODAY)


def test_what_was_decided_is_read_as_it_was(book):
    hour = timedelta(hours=1)
    suppression = suppress(None, "ACC-9", "Ada", "known", NOW, hour)
    for each in (finding(1), finding(2), finding(3, "ACC-2"), finding(4, None), finding(5, "ACC-9"), keyed(6)):
        made = decided(book, each, [suppression])
        book.keep(made)
        assert book.decision(made.decision.news_id) == made.decision
        assert book.group(made.group.group_id) == made.group
        assert book.day(TODAY) == made.day
    assert dict(book.day(TODAY).outcomes) == {"TOLD": 1, "JOINED": 1, "HELD": 3, "SUPPRESSED": 1}


def test_a_finding_is_decided_once(book):
    made = decided(book, finding())
    book.keep(made)
    with pytest.raises(ConflictError):
        book.keep(made)
    with pytest.raises(ConflictError):
        book.keep(decided(book, finding()))
    assert book.day(TODAY) == made.day


def test_a_stale_alert_or_day_changes_nothing(book):
    first, second, third = (
        decided(book, finding(number, account)) for number, account in [(1, "A"), (2, "A"), (3, "B")]
    )
    book.keep(first)
    for stale in (second, third):
        with pytest.raises(ConflictError):
            book.keep(stale)
        assert book.decision(stale.decision.news_id) is None
    assert book.group(third.group.group_id) is None
    stale_group = decided(book, finding(2, "A"))._replace(group=second.group)
    with pytest.raises(ConflictError):
        book.keep(stale_group)
    assert book.day(TODAY) == first.day


@pytest.mark.parametrize("_", AWS)
def test_decisions_are_forgotten_when_notes_of_what_was_sent_are(_, clients, make_ddb_table):
    book = DynamoDbAlertBook(clients("dynamodb"), make_ddb_table("AlertsTable"))
    book.keep(decided(book, finding()))
    items = book.client.scan(TableName=book.ddb_table)["Items"]
    assert len(items) == 3
    assert {int(item["expires_at"]["N"]) for item in items} == {int((NOW + timedelta(days=400)).timestamp())}


@pytest.mark.parametrize("_", AWS)
def test_alerts_and_days_from_before_rules_had_keys_are_read(_, clients, make_ddb_table):
    """Their items said whether something was held back and not when, and neither a key nor an end."""
    book = DynamoDbAlertBook(clients("dynamodb"), make_ddb_table("AlertsTable"))
    group_id = group_of(finding(), POLICY).group_id
    body = {
        "rule_id": "fraud.x", "account_id": "ACC-ä", "severity": "HIGH", "count": 1, "first_at": NOW.isoformat(),
        "last_at": NOW.isoformat(), "finding_ids": ["fraud.x@strand#1"], "told": None,
    }  # fmt: skip
    for held, day in ((True, TODAY), (False, None)):
        put(book, f"#group/{group_id}", {**body, "held": held})
        kept = book.group(group_id)
        assert (kept.held, kept.key, kept.ends_at, kept.count) == (day, "", None, 1)
    put(
        book,
        f"#day/{TODAY}",
        {"outcomes": {"HELD": 1}, "budgeted": 0, "held_alerts": 1, "held": [["HIGH", 1, "g", "f"]]},
    )
    assert book.day(TODAY).held == (HeldBack(Severity.HIGH, 1, "g", "f"),)


@pytest.mark.parametrize("_", AWS)
def test_days_are_kept_as_code_from_before_rules_had_keys_reads_them(_, clients, make_ddb_table):
    """It would tell nobody anything any more for as long as it read such a day: three days, after a roll back."""
    book = DynamoDbAlertBook(clients("dynamodb"), make_ddb_table("AlertsTable"))
    for each in (finding(1), finding(2, "ACC-2"), keyed(3)):
        book.keep(decided(book, each))
    item = book.client.get_item(TableName=book.ddb_table, Key={"alert_id": {"S": f"#day/{TODAY}"}})["Item"]
    rows = json.loads(item["body"]["S"])["held"]
    assert [(len(row), row[0], row[1], row[3]) for row in rows] == [
        (4, "HIGH", 3, "fraud.x@strand#3"),
        (4, "HIGH", 2, "fraud.x@strand#2"),
    ]
    assert [each.key for each in book.day(TODAY).held] == ["currency EUR", "account ACC-2"]


def put(book, alert_id, body):
    item = {"alert_id": {"S": alert_id}, "version": {"N": "1"}, "body": {"S": json.dumps(body)}}
    book.client.put_item(TableName=book.ddb_table, Item=item)


ENTRIES = [Entry("case/ACC-1", f"{number:06}", f'{{"größe": {number}}}') for number in range(3)]


def test_entries_are_read_in_order_and_by_prefix(log):
    assert (log.entries("case/ACC-1"), log.last("case/ACC-1")) == ([], None)
    log.append([ENTRIES[1]])
    log.append([ENTRIES[0], ENTRIES[2], Entry("case/ACC-10", "000000", "other")])
    assert log.entries("case/ACC-1") == ENTRIES
    assert log.entries("case/ACC-1", "000001") == [ENTRIES[1]]
    assert log.entries("case/ACC-1", "0000011") == []
    assert log.last("case/ACC-1") == ENTRIES[2]


def test_nothing_is_replaced_and_of_several_all_or_none_are_noted(log):
    log.append([ENTRIES[1]])
    for again in ([ENTRIES[1]], [ENTRIES[1]._replace(text="other")], [ENTRIES[0], ENTRIES[1]]):
        with pytest.raises(ConflictError):
            log.append(again)
    assert log.entries("case/ACC-1") == [ENTRIES[1]]


def test_of_two_who_append_at_the_same_time_one_was_first(ddb_log):
    both = threading.Barrier(2)

    def append(writer):
        both.wait(30)
        try:
            ddb_log.append([ENTRIES[0]._replace(text=str(writer))])
        except ConflictError:
            return 0
        return 1

    with ThreadPoolExecutor(2) as pool:
        won = list(pool.map(append, [0, 1]))
    assert sorted(won) == [0, 1]
    assert ddb_log.last("case/ACC-1").text == str(won.index(1))


def test_a_long_topic_is_read_whole(ddb_log):
    entries = [Entry("actions", f"{number:04}", "x" * 150_000) for number in range(15)]
    for each in entries:
        ddb_log.append([each])
    assert ddb_log.entries("actions") == entries, "DynamoDB gives a megabyte at a time"


def test_a_desk_that_does_not_answer_is_unavailable(gone):
    book, log = DynamoDbAlertBook(gone("dynamodb"), "table"), DynamoDbDeskLog(gone("dynamodb"), "table")
    made = decided(MemoryAlertBook(), finding())
    calls = [lambda: book.decision("x"), lambda: book.group("x"), lambda: book.day(TODAY), lambda: book.keep(made)]
    calls += [lambda: log.append(ENTRIES), lambda: log.entries("x"), lambda: log.last("x")]
    for call in calls:
        with pytest.raises(UnavailableError) as caught:
            call()
        assert not isinstance(caught.value, ConflictError)
