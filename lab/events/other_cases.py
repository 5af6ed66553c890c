"""What the fraud detector, the notifier and the snapshot function are given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from counterfoil.adapters.dynamodb.findings import render_finding
from counterfoil.detection.action import ActionKind, RuleAction
from counterfoil.detection.alert_terms import DAY_SECONDS, AlertPart, AlertTerms
from counterfoil.detection.audit_rules import AuditRule
from counterfoil.detection.finding import Finding, Severity, Status
from counterfoil.journal import BlockAddress
from counterfoil.merkle import Hash, root_of
from lab import attacker
from lab.bank.ledger import BankLedger
from lab.bank.patterns import Story, stories
from lab.bank.simulation import play
from lab.events.auditor_cases import BEGAN_AT, PLACE, journal
from lab.events.case import HANDLED_AT, Case, ExpectedSnapshot, Step
from lab.events.lambda_shapes import dynamodb_event, kinesis_event, schedule_event
from lab.expectation import Expected
from lab.producer import control, outer_records, streamed

FOUND_AT: Final = datetime(2025, 3, 3, 11, 0, tzinfo=UTC)
DETECTOR, NOTIFIER, RUNNER, SNAPSHOT = "fraud_detector", "alert_notifier", "action_runner", "digest_snapshot"


def detector_cases() -> Iterator[Case]:
    told = {story.name: story for story in stories()}
    for number, story in enumerate(told.values()):
        yield _story_case(story, 20 + number)
    again = _story_case(told["structuring"], 20 + list(told).index("structuring"))
    yield replace(
        again,
        name="replay",
        about="a batch that was handled before: nothing is counted twice",
        after=[Step(again.file_name)],
    )
    created = kinesis_event(outer_records([control("CREATED")], "control"))
    yield Case(DETECTOR, "control", "the stream says that it was CREATED: the auditor's affair", created)
    junk = kinesis_event(outer_records([control("CREATED")], "control"))
    junk["Records"][0]["kinesis"]["data"] = "AAAA"
    yield Case(DETECTOR, "not_a_record", "bytes that are no record: the auditor's affair", junk)


def _story_case(story: Story, seed: int) -> Case:
    """A story alone, each block in an aggregate with some of its neighbours."""
    day = play(story, seed, BEGAN_AT)
    records = [record for block in day.blocks for record in streamed(block).records]
    event = kinesis_event(outer_records(records, day.ledger.strand_id))
    name = story.name.replace("-", "_")
    return Case(DETECTOR, name, story.title, event, findings=day.expected)


def notifier_cases() -> Iterator[Case]:
    high = _finding("audit.broken-link", Severity.CRITICAL)
    low = _finding("audit.document-deleted", Severity.LOW)
    gap = _finding("audit.gap", Severity.HIGH)
    confirmed, healed = replace(gap, status=Status.CONFIRMED), replace(gap, status=Status.HEALED)
    yield _alert_case("new_finding", "a new finding", [("INSERT", None, high)], [high])
    yield _alert_case("below_policy", "a finding that nobody is told about", [("INSERT", None, low)], [])
    yield _alert_case("gap_confirmed", "a gap that was open is confirmed", [("MODIFY", gap, confirmed)], [confirmed])
    yield _alert_case("gap_healed", "a gap that was open has healed", [("MODIFY", gap, healed)], [healed])
    yield _alert_case("no_news", "an item written again as it was", [("MODIFY", high, high)], [])
    yield _alert_case("removed", "an item that was removed", [("REMOVE", high, None)], [])
    several = [("INSERT", None, each) for each in (high, low, gap)]
    yield _alert_case("several", "three findings, two of them to be told", several, [high, gap])
    repeated = _alert_case(
        "repeated", "an event that was handled before: nobody is told twice", [("INSERT", None, high)], [high]
    )
    yield replace(repeated, after=[Step("alert_notifier__new_finding.json")])
    fraud = replace(_finding("fraud.structuring", Severity.HIGH), account_id="ACC-1")
    more = replace(fraud, subject="again")
    yield _alert_case(
        "joined", "two findings on one account: one alert", [("INSERT", None, fraud), ("INSERT", None, more)], [fraud]
    )
    hits = [_on_list(number, entry) for number, entry in enumerate(("X-1", "X-2", "X-1"))]
    yield _alert_case(
        "own_key", "a rule whose alerts are by account and entry", [("INSERT", None, each) for each in hits], hits[:2]
    )
    tried = replace(fraud, shadow=True)
    yield _alert_case("shadow", "what a rule saw that is only being tried", [("INSERT", None, tried)], [])
    yield Case(
        NOTIFIER,
        "digest",
        "the schedule behind a day that held nothing back",
        {"digest": True},
        {"digests": 0},
        alerts=[],
    )
    stranger = {"finding_id": {"S": "not-a-finding"}, "text": {"S": "hello"}}
    event = dynamodb_event([("INSERT", None, stranger), ("INSERT", None, render_finding(high))])
    yield Case(
        NOTIFIER, "not_a_finding", "an item that is no finding, and one that is", event, alerts=[_alert_id(high)]
    )


def _alert_case(
    name: str, about: str, changes: Sequence[tuple[str, Finding | None, Finding | None]], told: list[Finding]
) -> Case:
    rendered = [
        (kind, None if old is None else render_finding(old), None if new is None else render_finding(new))
        for kind, old, new in changes
    ]
    return Case(NOTIFIER, name, about, dynamodb_event(rendered), alerts=[_alert_id(each) for each in told])


def _alert_id(finding: Finding) -> str:
    return f"{finding.rule_id}@{finding.place}/{finding.status}"


def _finding(rule_id: str, severity: Severity) -> Finding:
    place = BlockAddress(BankLedger(11, BEGAN_AT).strand_id, 8)
    return Finding(rule_id, severity, str(place), f"block {place} was looked at", FOUND_AT, evidence={"seen": "yes"})


def _on_list(number: int, entry: str) -> Finding:
    hit = _finding("fraud.watch-list", Severity.HIGH)
    terms = AlertTerms((AlertPart.ACCOUNT, AlertPart.ENTRY), DAY_SECONDS)
    place = f"{hit.place.partition('#')[0]}#{number}"
    return replace(hit, place=place, account_id="ACC-1", evidence={"entry": entry}, alert=terms)


def runner_cases() -> Iterator[Case]:
    """No strand is a ledger's here: what would be written into one is refused, and that is on record."""
    fraud = replace(_finding("fraud.structuring", Severity.HIGH), account_id="ACC-1", actions=("open_case", "webhook"))
    told = [RuleAction(ActionKind.WEBHOOK, fraud).action_id]
    frozen = replace(fraud, actions=("freeze",))
    nothing = replace(fraud, actions=())
    tried = replace(fraud, shadow=True)
    yield _runner_case("new_finding", "a case is opened and a program told", [fraud], told)
    again = _runner_case("repeated", "an event that was handled before: nothing is done twice", [fraud], told)
    yield replace(again, after=[Step("action_runner__new_finding.json")])
    yield _runner_case("no_ledger", "a freeze of an account whose strand is no ledger here", [frozen], [])
    yield _runner_case(
        "nothing_asked", "a finding whose rule asks for nothing, and one of a tried rule", [nothing, tried], []
    )
    stranger = {"finding_id": {"S": "not-a-finding"}, "actions": {"L": [{"S": "freeze"}]}}
    event = dynamodb_event([("INSERT", None, stranger)])
    yield Case(RUNNER, "not_a_finding", "an item that is no finding sets nothing off", event, alerts=[])


def _runner_case(name: str, about: str, findings: Sequence[Finding], told: Sequence[str]) -> Case:
    event = dynamodb_event([("INSERT", None, render_finding(each)) for each in findings])
    return Case(RUNNER, name, about, event, alerts=told)


def snapshot_cases() -> Iterator[Case]:
    made = journal()
    whole, first = made.builder.digest(), made.builder.digest(tip=0)
    forged, behind = attacker.rehash_block(made.blocks, PLACE, Decimal("25.00")).blocks[PLACE : PLACE + 2]
    hashes = [*made.builder.block_hashes[:PLACE], Hash(bytes.fromhex(forged.summary.partition_key))]
    diverged = ExpectedSnapshot(made.at(PLACE), root_of(hashes).to_base64(), f"DIVERGED at {PLACE + 1}", extends=None)
    auditor = {
        name: Step(f"journal_auditor__{name}.json") for name in ("aggregated", "multi_block_aggregate", "broken_link")
    }
    yield _snapshot_case("nothing_yet", "the schedule before anything was verified", None)
    yield _snapshot_case(
        "first",
        "the first snapshot of a strand of one block",
        ExpectedSnapshot(made.at(0), first.hash.to_base64(), "VERIFIED", extends=None),
        [auditor["aggregated"]],
    )
    yield _snapshot_case(
        "extends",
        "a snapshot that is shown to extend the one before",
        ExpectedSnapshot(str(whole.tip_address), whole.hash.to_base64(), "VERIFIED", extends=True),
        [auditor["aggregated"], Step("digest_snapshot__first.json", 3_600), auditor["multi_block_aggregate"]],
    )
    broken = _snapshot_case(
        "diverged", "a snapshot of a strand whose chain is broken", diverged, [auditor["broken_link"]]
    )
    found = Expected(AuditRule.BROKEN_LINK, made.at(PLACE + 1), "the auditor's finding")
    yield replace(broken, findings=[found], quarantined=[forged.summary.data, behind.summary.data])


def _snapshot_case(name: str, about: str, kept: ExpectedSnapshot | None, after: Sequence[Step] = ()) -> Case:
    taken_at = HANDLED_AT + timedelta(seconds=sum(step.seconds for step in after))
    names = []
    if kept is not None:
        strand_id, _, tip = kept.tip_address.partition("#")
        names.append(f"snapshots/{strand_id}/{taken_at:%Y%m%dT%H%M%S.%fZ}-{tip}.json")
    return Case(
        SNAPSHOT,
        name,
        about,
        schedule_event(),
        {"snapshots": names, "findings": []},
        snapshots=[] if kept is None else [kept],
        after=after,
    )
