"""``counterfoil findings`` on a stack's tables: what was found, what was told, cases, suppressions; each answer to its schema."""

from dataclasses import replace
from datetime import timedelta

import pytest
from jsonschema import validate

from counterfoil import wiring
from counterfoil.adapters.dynamodb.desk import DynamoDbAlertBook, DynamoDbDeskLog
from counterfoil.adapters.dynamodb.findings import DynamoDbFindings
from counterfoil.adapters.memory import MemoryAlertLog, MemoryChannel
from counterfoil.cli.casework import is_finding
from counterfoil.cli.findings import parse_length
from counterfoil.detection.alert_terms import AlertPart, AlertTerms
from counterfoil.detection.finding import Finding, Severity, Status
from counterfoil.detection.telling import TellingPolicy
from counterfoil.errors import InputError
from counterfoil.services.notify import Notifier
from counterfoil.services.suppressions import Suppressions
from tests.audit_worlds import NOW
from tests.contract.conftest import ON_EMULATOR

pytestmark = ON_EMULATOR

STRAND = "JdxjkR9bSYB5jMHWcI464T"
TEXT, MAYBE, YES = {"type": "string"}, {"type": ["string", "null"]}, {"const": True}
BY = ("--author", "Ada", "--reason", "a payroll run")


def strict(properties):
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def listing(name, item):
    return strict({"holds": YES, name: {"type": "array", "items": strict(item)}})


FINDING = {
    **dict.fromkeys(("findingId", "ruleId", "place", "reason"), TEXT),
    "severity": {"enum": list(Severity.__members__)},
    "status": {"enum": list(Status)},
    "documentId": MAYBE,
    "accountId": MAYBE,
    "evidence": {"type": "object", "additionalProperties": TEXT},
    "score": {"type": "integer", "minimum": 0, "maximum": 100},
    "shadow": {"type": "boolean"},
    "actions": {"type": "array", "items": TEXT},
}
WHOLE = (
    FINDING
    | dict.fromkeys(("foundAt", "subject"), TEXT)
    | dict.fromkeys(("told", "alertId", "alertUntil", "suppressedBy", "caseId"), MAYBE)
    | {"alertKey": TEXT, "alertFindings": {"type": ["integer", "null"], "minimum": 1}}
)
WHOLE |= {"verify": {"type": "array", "items": TEXT, "minItems": 1}}
SUPPRESSION = dict.fromkeys(("suppressionId", "author", "reason", "createdAt", "expiresAt"), TEXT) | dict.fromkeys(
    ("ruleId", "accountId", "liftedAt"), MAYBE
)
STEP = dict.fromkeys(("step", "at", "author", "about"), TEXT) | {"note": MAYBE}
CASE = {
    "caseId": TEXT,
    "subject": TEXT,
    "status": {"enum": ["PENDING", "INVESTIGATING", "CLOSED"]},
    "outcome": {"enum": [None, "confirmed", "valuable", "false_positive"]},
    "assignee": MAYBE,
    "findingIds": {"type": "array", "items": TEXT},
    "ruleIds": {"type": "array", "items": TEXT},
    "log": {"type": "array", "items": strict(STEP)},
}
COUNTS = ("closed", "confirmed", "valuable", "falsePositive", "confirmedPercent", "usefulPercent")
PRECISION = {"ruleId": TEXT} | {name: {"type": "integer", "minimum": 0} for name in COUNTS}


def finding(number=1, **changes):
    made = Finding(
        "fraud.structuring", Severity.HIGH, f"{STRAND}#{number}", "seen", NOW, "s", {"amounts": "[9]"},
        account_id="ACC-1", document_id="D" * 22, score=80,
    )  # fmt: skip
    return replace(made, **changes)


class Desk:
    def __init__(self, run, clients, make_ddb_table):
        self.run = run
        names = {kind: make_ddb_table(f"{kind.title()}Table") for kind in ("findings", "cases", "alerts")}
        self.options = {kind: (f"--{kind}-table", name) for kind, name in names.items()}
        dynamodb = clients("dynamodb")
        self.findings = DynamoDbFindings(dynamodb, names["findings"])
        self.book = DynamoDbAlertBook(dynamodb, names["alerts"])
        self.suppressions = Suppressions(DynamoDbDeskLog(dynamodb, names["cases"]))

    def record(self, *findings, per_day=0):
        self.findings.record(findings)
        policy, clock = TellingPolicy(Severity.LOW, 3600, per_day), lambda: NOW
        Notifier(MemoryAlertLog(), self.book, self.suppressions, [MemoryChannel()], policy, clock).notify(findings)

    def __call__(self, command, *arguments, tables="findings cases alerts"):
        options = [each for kind in tables.split() for each in self.options[kind]]
        return self.run("findings", command, *arguments, *options, "--json")


@pytest.fixture
def desk(run, clients, make_ddb_table, monkeypatch):
    monkeypatch.setattr(wiring, "client", clients)
    return Desk(run, clients, make_ddb_table)


def test_findings_are_listed_the_worst_first(desk):
    worst = finding(2, severity=Severity.CRITICAL, account_id="ACC-2", shadow=True, actions=("freeze",))
    desk.record(finding(1), worst, finding(3, status=Status.HEALED, rule_id="audit.gap", account_id=None))
    answer = desk("list", tables="findings").document
    validate(answer, listing("findings", FINDING))
    assert [each["place"] for each in answer["findings"]] == [f"{STRAND}#2", f"{STRAND}#1"]
    assert [
        each["findingId"] for each in desk("list", "--status", "HEALED", tables="findings").document["findings"]
    ] == [f"audit.gap@{STRAND}#3:s"]
    for options, places in ((("--account", "ACC-1"), 1), (("--rule", "fraud.other"), 0), (("--limit", "1"), 1)):
        assert len(desk("list", *options, tables="findings").document["findings"]) == places


def test_a_finding_is_shown_with_what_was_told_its_case_and_how_to_verify_it(desk):
    desk.record(finding())
    desk("case", finding().finding_id, tables="findings cases")
    answer = desk("show", finding().finding_id).document
    validate(answer, strict({"holds": YES, "finding": strict(WHOLE)}))
    shown = answer["finding"]
    assert (shown["told"], shown["caseId"], shown["score"]) == ("TOLD", "ACC-1/1", 80)
    assert shown["verify"] == [
        f"counterfoil evidence '{finding().finding_id}' --stack STACK --out evidence.json",
        "counterfoil verify evidence evidence.json --key KEY",
        f"counterfoil findings receipt LEDGER '{STRAND}#1' --document {'D' * 22} --to receipt.json",
        "counterfoil verify receipt receipt.json",
    ]
    assert (shown["alertKey"], shown["alertFindings"]) == ("account ACC-1", 1)
    assert desk("show", "fraud.structuring@nowhere#1").status == 2


def keyed(number, **changes):
    terms = AlertTerms((AlertPart.CURRENCY,), 86_400)
    return finding(number, alert=terms, evidence={"currency": "EUR"}, **changes)


def test_a_finding_is_shown_with_what_its_alert_has_in_common_and_until_when(desk):
    desk.record(keyed(1), keyed(2, account_id="ACC-2"))
    shown = desk("show", keyed(2).finding_id).document["finding"]
    tomorrow = (NOW + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    assert (shown["told"], shown["alertKey"], shown["alertFindings"]) == ("JOINED", "currency EUR", 2)
    assert shown["alertUntil"] == tomorrow.isoformat()
    every = [each for options in desk.options.values() for each in options]
    assert "currency EUR" in desk.run("findings", "show", keyed(2).finding_id, *every).out


def test_what_no_other_finding_joins_is_said_to_be_joined_until_no_time(desk):
    alone = finding(1, account_id=None)
    desk.record(alone)
    shown = desk("show", alone.finding_id).document["finding"]
    assert (shown["told"], shown["alertKey"], shown["alertUntil"]) == ("TOLD", "this finding alone", None)


def test_what_was_not_decided_has_no_alert_yet(desk):
    desk.findings.record([keyed(1)])
    shown = desk("show", keyed(1).finding_id).document
    validate(shown, strict({"holds": YES, "finding": strict(WHOLE)}))
    assert (shown["finding"]["alertUntil"], shown["finding"]["alertFindings"]) == (None, None)


def test_what_found_no_room_is_named_with_what_it_has_in_common(desk):
    desk.record(finding(1), per_day=1)
    desk.record(keyed(2), per_day=1)
    answer = desk("alerts", "--day", NOW.date().isoformat(), tables="alerts").document
    assert [(each["finding_id"], each["key"]) for each in answer["held"]] == [(keyed(2).finding_id, "currency EUR")]
    told = desk.run("findings", "alerts", "--day", NOW.date().isoformat(), *desk.options["alerts"])
    assert f"[HIGH 80] {keyed(2).finding_id} (currency EUR)" in told.out


def test_what_became_of_a_day_is_shown(desk):
    desk.record(finding(1), finding(2))
    answer = desk("alerts", "--day", NOW.date().isoformat(), tables="alerts").document
    assert answer["outcomes"] == {"TOLD": 1, "JOINED": 1, "HELD": 0, "SUPPRESSED": 0}
    assert desk("alerts", "--day", "yesterday", tables="alerts").status == 2


def test_a_suppression_is_made_listed_and_ended(desk):
    made = desk(
        "suppress", "--rule", "fraud.structuring", "--account", "ACC-1", "--for", "7d", *BY, tables="cases"
    ).document
    validate(made, listing("suppressions", SUPPRESSION))
    (one,) = made["suppressions"]
    assert desk("suppressions", tables="cases").document == made
    ended = desk("unsuppress", one["suppressionId"], "--author", "Bob", "--reason", "over", tables="cases").document
    validate(ended, listing("suppressions", SUPPRESSION))
    assert ended["suppressions"][0]["liftedAt"] is not None
    assert desk("suppressions", tables="cases").document["suppressions"] == []
    assert len(desk("suppressions", "--all", tables="cases").document["suppressions"]) == 1


@pytest.mark.parametrize(
    "options",
    [("--for", "7d", *BY), ("--rule", "audit.gap", "--for", "7d", *BY), ("--account", "A", "--for", "91d", *BY),
     ("--account", "A", *BY), ("--account", "A", "--for", "7d", "--author", "Ada")],
)  # fmt: skip
def test_a_suppression_without_bounds_is_refused(desk, options):
    assert desk("suppress", *options, tables="cases").status == 2


def test_a_case_is_taken_noted_resolved_and_counted(desk):
    desk.record(finding(1), finding(2), finding(3, account_id="ACC-2"))
    at = {"tables": "findings cases"}
    for number in (1, 2):
        opened = desk("case", finding(number).finding_id, "--author", "Ada", **at).document
    validate(opened, listing("cases", CASE))
    desk("case", "ACC-1/1", "--assign", "Bob", "--note", "asked the branch", "--author", "Ada", **at)
    resolved = ("--outcome", "confirmed", "--note", "mule", "--author", "Bob")
    closed = desk("resolve", "ACC-1/1", *resolved, **at).document
    validate(closed, listing("cases", CASE))
    assert [each["step"] for each in closed["cases"][0]["log"]] == ["opened", "joined", "taken", "noted", "closed"]
    assert desk("resolve", "ACC-1/1", *resolved, **at).status == 2, "closed for good"
    other = finding(3, account_id="ACC-2").finding_id
    assert desk("resolve", other, "--outcome", "false_positive", "--note", "x", "--author", "Bob", **at).status == 0
    assert desk("resolve", other, "--outcome", "maybe", "--note", "x", "--author", "Bob", **at).status == 2
    listed = desk("case", "--status", "CLOSED", **at).document
    assert [each["caseId"] for each in listed["cases"]] == ["ACC-1/1", "ACC-2/1"]
    answer = desk("precision", tables="cases").document
    validate(answer, listing("rules", PRECISION))
    assert answer["rules"] == [
        {"ruleId": "fraud.structuring", "closed": 2, "confirmed": 1, "valuable": 0, "falsePositive": 1,
         "confirmedPercent": 50, "usefulPercent": 50}
    ]  # fmt: skip


def test_a_person_reads_tables(desk):
    desk.record(finding())
    desk("case", finding().finding_id, tables="findings cases")
    every = [each for options in desk.options.values() for each in options]
    shown = desk.run("findings", "show", finding().finding_id, *every)
    assert "amounts: [9]" in shown.out
    assert "$ counterfoil verify receipt receipt.json" in shown.out
    assert "fraud.structuring" in desk.run("findings", "list", *desk.options["findings"]).out
    assert "ACC-1/1" in desk.run("findings", "case", *desk.options["cases"]).out
    assert "no case was closed yet" in desk.run("findings", "precision", *desk.options["cases"]).out
    assert "no suppression is in force" in desk.run("findings", "suppressions", *desk.options["cases"]).out


def test_which_stack_is_asked_for_and_its_outputs_name_the_tables(desk, clients, monkeypatch):
    assert "which stack?" in desk.run("findings", "list").err
    outputs = [{"OutputKey": "FindingsTableName", "OutputValue": desk.options["findings"][1]}]

    class CloudFormation:
        def describe_stacks(self, StackName):
            assert StackName == "bank"
            return {"Stacks": [{"Outputs": outputs}]}

    monkeypatch.setattr(wiring, "client", lambda name: CloudFormation() if name == "cloudformation" else clients(name))
    desk.record(finding())
    assert len(desk.run("findings", "list", "--stack", "bank", "--json").document["findings"]) == 1
    assert "no output CasesTableName" in desk.run("findings", "precision", "--stack", "bank").err


def test_lengths_and_names():
    assert [parse_length(each) for each in ("30m", "12h", "7d")] == [
        timedelta(minutes=30), timedelta(hours=12), timedelta(days=7),
    ]  # fmt: skip
    for wrong in ("", "7", "d", "-1d", "1.5h", "7w", "1234567m", "\u0663d"):
        with pytest.raises(InputError):
            parse_length(wrong)
    assert is_finding("fraud.x@strand#1")
    assert not is_finding("someone@example.com/1")
