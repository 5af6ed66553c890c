"""A day on the deployed stack while functions die in the midst of their work, services throttle, batches come twice and out of order,
and the template is deployed again; afterwards every table is what it would be without any of it.

Two runs of a live ledger cannot be compared with each other: in which order concurrent transfers commit, their times and therefore
their ids and hashes differ between two undisturbed runs as well. But all that is kept besides the journal is defined by it. So the
journal that the disturbed day left is taken as it is, and followed once more with nothing in the way: by the projector into an empty
table, and by the functions' handlers, block after block, over empty stores. What differs then is what the disturbance did. That the
journal itself is right is asked of it alone: each transfer once, and the money conserved.
"""

import json
from collections import Counter
from datetime import UTC, datetime
from itertools import chain

import pytest

from counterfoil.adapters.dynamodb.desk import DynamoDbDeskLog
from counterfoil.adapters.dynamodb.findings import parse_finding
from counterfoil.adapters.dynamodb.heads import DynamoDbHeads
from counterfoil.adapters.dynamodb.journal import DynamoDbJournal
from counterfoil.adapters.dynamodb.projector import Projector
from counterfoil.detection.stream_cursor import CURSORS
from counterfoil.journal.publication import streamed_block
from counterfoil.services.cases import Cases
from lab.demo.pipeline import InProcess
from lab.gateway import AwsFaults, Fate, Strike
from lab.mapping.faults import FaultRates
from lab.producer import control, outer_records
from lab.stack import Options, Stack
from tests.deployed_ledger import committed, items
from tests.tellers_bank import (
    LEDGER,
    PATIENCE,
    TellersBank,
    account_document,
    address_of,
    balances_behind_each,
    done,
    transfer_ids,
)

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("chaos")]

SEED, TELLERS, TRANSFERS, ACCOUNTS = 11, 4, 9, 5
# Nothing is missing for good, so nothing is to be reported as missing, however long the machine takes.
PARAMETERS = {"GapGraceSeconds": "3600", "GapConfirmSeconds": "7200"}
RICH, PAYEE, OTHER = (f"ACC-{number}" for number in (900, 901, 902))
DELIVERY = FaultRates(
    duplicate_delivery=0.3, lease_loss=0.15, crash_after_effects=0.05, throttled_read=0.1, refused_invocation=0.05
)
SERVICES = AwsFaults(throttled=0.03, shortened=0.03, conflicting=0.02, lost_answer=0.01)


def strike(function, fate, operation, number, ddb_table=b""):
    return Strike(
        f"{function}Function", fate, number, lambda _service, asked, body: asked == operation and ddb_table in body
    )


# Each dies once behind a write of which it never hears, and those that write several things, between two of them.
STRIKES = [
    strike("LedgerApi", Fate.KILLED_AFTER, "PutItem", 5, b"JournalTable"),
    strike("LedgerApi", Fate.KILLED_BEFORE, "PutItem", 9, b"JournalTable"),
    strike("LedgerProjector", Fate.KILLED_AFTER, "BatchWriteItem", 3),
    strike("LedgerProjector", Fate.KILLED_BEFORE, "UpdateItem", 5),
    strike("JournalPublisher", Fate.KILLED_AFTER, "PutRecords", 2),
    strike("JournalPublisher", Fate.KILLED_BEFORE, "PutItem", 4),
    strike("JournalAuditor", Fate.KILLED_AFTER, "TransactWriteItems", 2),
    strike("FraudDetector", Fate.KILLED_AFTER, "PutItem", 4),
    strike("FraudDetector", Fate.KILLED_BEFORE, "PutItem", 11),
    strike("AlertNotifier", Fate.KILLED_AFTER, "PutItem", 1, b"AlertsTable"),
    strike("AlertNotifier", Fate.KILLED_BEFORE, "PutItem", 3, b"AlertsTable"),
    strike("ActionRunner", Fate.KILLED_AFTER, "TransactWriteItems", 1, b"CasesTable"),
]


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    """A bank whose day has passed, and all is quiet again."""
    with (
        Stack.up(PARAMETERS, Options(seed=SEED)) as stack,
        TellersBank.open(stack, ACCOUNTS, tmp_path_factory.mktemp("bank")) as opened,
    ):
        rich = [account_document(number, 40_000.5) for number in (900, 901, 902)]
        committed(stack, LEDGER, ["INSERT INTO Accounts ?", rich])
        morning(opened)
        stack.gateway.strike(*STRIKES)
        stack.disturb(DELIVERY, SERVICES)
        tellers = opened.at_work(TELLERS, TRANSFERS, SEED)
        stack.redeploy(PARAMETERS)
        done(tellers)
        stack.drain(PATIENCE)
        stack.disturb()
        evening(opened)
        stack.drain(PATIENCE)
        yield opened


def morning(bank):
    """Frauds begin, each of which is one only with what follows in the evening."""
    bank.pay("FIRST", RICH, PAYEE, 9500.25)
    bank.pay("SECOND", RICH, PAYEE, 9800.25)
    bank.pay("TWICE", PAYEE, OTHER, 75.25)


def evening(bank):
    bank.pay("THIRD", RICH, PAYEE, 9250.25)
    bank.pay("TWICE", PAYEE, OTHER, 75.25)
    bank.pay("CHEATED", OTHER, PAYEE, 40.25, credited=400.25)


@pytest.fixture(scope="module")
def blocks(bank):
    return bank.blocks()


@pytest.fixture(scope="module")
def calm(bank, blocks):
    """The functions that follow the stream, over memory, given the same journal block after block."""
    records = chain.from_iterable(streamed_block(each, bank.stream_arn).records for each in blocks)
    followed = InProcess()
    for each in outer_records(chain([control("CREATED", bank.stream_arn)], records), strand_of(blocks)):
        followed.put([each])
    followed.settle(lambda: None)
    return followed.doors


def strand_of(blocks):
    return address_of(blocks[0]).strand_id


def test_everything_went_wrong_that_should(bank):
    assert [each for each in STRIKES if not each.struck] == []
    assert bank.stack.gateway.struck[Fate.THROTTLED] > 10
    assert sum(each.lost_leases for each in bank.stack.metrics.values()) > 0
    assert given_up(bank.stack) == []


def given_up(stack):
    """What Lambda left in the bucket because it failed too often."""
    s3, where = stack.client("s3"), {"Bucket": stack.outputs["FailedBatchesBucketName"]}
    keys = [each["Key"] for each in s3.list_objects_v2(**where, Prefix="aws/lambda/").get("Contents", [])]
    return [json.loads(s3.get_object(**where, Key=key)["Body"].read()) for key in keys]


def test_each_transfer_is_in_the_journal_once_and_the_money_is_conserved(blocks):
    expected = Counter(f"TELLER-{teller}-{number}" for teller in range(TELLERS) for number in range(TRANSFERS))
    found = transfer_ids(blocks)
    assert Counter(each for each in found if each.startswith("TELLER")) == expected
    *_, last = balances_behind_each(blocks)
    assert sum(last.values()) == ACCOUNTS * 1000 + ACCOUNTS / 2 + 3 * 40_000 + 1.5 + 360


def test_the_projections_are_those_of_one_projector_at_work_alone(bank, blocks):
    dynamodb, s3 = bank.stack.client("dynamodb"), bank.stack.client("s3")
    keys = [("pk", "HASH"), ("sk", "RANGE")]
    dynamodb.create_table(
        TableName="calm-projections",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    places = (bank.stack.outputs["JournalTableName"], s3, bank.stack.outputs["JournalBucketName"])
    journal = DynamoDbJournal(dynamodb, *places, strand_of(blocks))
    Projector(journal, "calm-projections", lambda: datetime.now(UTC)).project()
    pages = dynamodb.get_paginator("scan").paginate(TableName="calm-projections")
    calm, found = [item for page in pages for item in page["Items"]], items(bank.stack, "ProjectionsTable")
    expected = projected(calm)
    assert projected(found) == expected
    assert len(expected) > 3 * len(blocks)
    assert last_tables(found) == last_tables(calm) != []


def projected(found):
    """What is derived from the journal, by its key: neither proposals that waited, nor when something may be forgotten.

    Which catalogue first has an index online depends on when the projector had built it: the last ones are compared.
    """
    return {
        (item["pk"]["S"], item["sk"]["S"]): {name: value for name, value in item.items() if name != "expiresAt"}
        for item in found
        if not item["pk"]["S"].startswith(("W#", "C#"))
    }


def last_tables(found):
    """The tables of the newest catalogue, every index among them online."""
    newest = max((item for item in found if item["pk"]["S"].startswith("C#")), key=lambda item: item["sk"]["S"])
    tables = json.loads(newest["catalogue"]["S"])["tables"]
    assert {status for table in tables for _, _, status in table["indexes"]} == {"ONLINE"}
    return tables


def test_the_auditor_knows_of_the_strand_what_it_would_have_learned_undisturbed(bank, blocks, calm):
    strand_id = strand_of(blocks)
    heads = DynamoDbHeads(bank.stack.client("dynamodb"), bank.stack.physical_id("HeadsTable"))
    kept, expected = heads.load(strand_id), calm.heads.load(strand_id)
    assert [each.segment for each in kept.segments] == [each.segment for each in expected.segments]
    assert len(kept.segments) == 1
    for name in ("awaited", "early", "explained"):
        assert getattr(kept, name) == getattr(expected, name), name
    numbers = range(len(blocks))
    assert heads.known_blocks(strand_id, numbers) == calm.heads.known_blocks(strand_id, numbers)


def test_findings_are_the_same_with_the_same_evidence(bank, calm):
    found = [parse_finding(item) for item in items(bank.stack, "FindingsTable")]
    assert said(found) == said(calm.findings.findings.values())
    rules = {each.rule_id for each in found}
    assert {"fraud.structuring", "fraud.duplicate-transaction-id", "fraud.conservation-of-money"} <= rules


def said(findings):
    """All but the time at which somebody looked."""
    return {
        each.finding_id: (each.severity, each.status, each.reason, dict(each.evidence), each.account_id, each.score)
        for each in findings
    }


def test_the_detector_remembers_the_same_of_every_account(bank, calm):
    found = items(bank.stack, "AccountStateTable")
    assert [item for item in found if "data" in item] == []
    states = {(item["key"]["S"], item["item"]["S"]): json.loads(item["body"]["S"]) for item in found}
    expected = {tuple(key): json.loads(state.body) for key, state in calm.accounts.states.items()}
    for each in (states, expected):
        for key in [key for key in each if key[0] == CURSORS]:
            del each[key]
    assert states == expected
    assert len(states) > ACCOUNTS


def test_people_were_told_of_the_same(bank, calm):
    """Of what is alike at once one is told, the first that came: so it is held to what is alike, not to the finding."""
    noted = {item["alert_id"]["S"] for item in items(bank.stack, "AlertsTable")}
    alike = {
        f"{each.finding_id}/{each.status}": (each.rule_id, each.account_id) for each in calm.findings.findings.values()
    }
    told = {alike[each.removesuffix("/memory")] for each in calm.alert_log.sent}
    assert len(told) >= 3
    for channel in ("sns", "eventbridge"):
        assert {alike[each.removesuffix(f"/{channel}")] for each in noted if each.endswith(f"/{channel}")} == told


def test_each_finding_whose_rule_asks_for_a_case_is_in_one(bank, calm):
    log = DynamoDbDeskLog(bank.stack.client("dynamodb"), bank.stack.physical_id("CasesTable"))
    in_cases = Counter(each.about for case in Cases(log, lambda: datetime.now(UTC)).all() for each in case.entries)
    asking = {
        each.finding_id for each in calm.findings.findings.values() if "open_case" in each.actions and not each.shadow
    }
    assert in_cases == Counter(asking) != Counter()
