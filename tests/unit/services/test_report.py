"""What a report says follows from its evidence, in a form that its schema describes."""

import json
import random
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from counterfoil.adapters.memory import MemoryFindings, MemoryJournalSource
from counterfoil.adapters.memory.desk import MemoryDeskLog
from counterfoil.adapters.memory.rules import MemoryRules
from counterfoil.detection.case import CaseOutcome
from counterfoil.detection.catalogue import documents
from counterfoil.detection.rule_document import RuleStatus
from counterfoil.detection.snapshot import parse_document, render_document
from counterfoil.errors import IntegrityError
from counterfoil.journal.anchor import parse_trust_anchor
from counterfoil.services.cases import Cases
from counterfoil.services.report import compile_report
from counterfoil.services.report.books import DeskCases, LoggedRules, ShippedRules
from counterfoil.services.report.controls import CONTROLS
from counterfoil.services.report.from_stores import Stores
from counterfoil.services.rules import RuleDesk
from counterfoil.services.suppressions import Suppressions
from tests.anchors import JOURNAL, receipt
from tests.audit_worlds import user_datas
from tests.journals import STRAND, transfers
from tests.report_evidence import BEGIN, CASES, END, FINDINGS, STRANDS, evidence
from tests.snapshot_worlds import World

VALIDATOR = Draft202012Validator(json.loads((files("counterfoil.services.report") / "report.schema.json").read_text()))
REPORT = compile_report(evidence())


def test_a_report_is_what_its_schema_says_and_the_schema_forbids_everything_else():
    VALIDATOR.validate(REPORT)
    VALIDATOR.validate(compile_report(evidence(strands=(), findings=(), rules=(), cases=(), series={}, absent={})))
    assert list(VALIDATOR.iter_errors({**REPORT, "more": 1}))


def test_the_order_in_which_evidence_was_gathered_does_not_show():
    shuffled = random.Random(7).sample(FINDINGS, len(FINDINGS))
    other = evidence(findings=shuffled, cases=CASES[::-1], strands=STRANDS[::-1])
    assert json.dumps(compile_report(other)) == json.dumps(REPORT)


def test_the_scope_is_the_blocks_of_the_period_with_signed_digests_at_both_ends():
    [strand] = REPORT["scope"]["strands"]
    assert (strand["firstBlock"], strand["lastBlock"], strand["ledger"]) == (10, 99, "bank")
    assert strand["digestBefore"]["snapshot"] == "snapshots/before.json"
    assert strand["digestAfter"]["keyId"] == "key-2"


def test_what_was_not_seen_is_counted_as_expected():
    [strand] = REPORT["completeness"]["strands"]
    assert (strand["blocksVerified"], strand["blocksExpected"]) == (90, 95)
    assert REPORT["completeness"]["gaps"] == {"open": 0, "confirmed": 0, "healed": 1}
    assert (REPORT["completeness"]["duplicates"], REPORT["completeness"]["maxLagMs"]) == ("2", "3400.5")


def test_a_figure_that_nobody_emitted_is_not_zero():
    assert compile_report(evidence(series={}))["completeness"]["duplicates"] is None


def test_only_findings_of_the_period_are_counted_but_older_ones_still_age():
    findings = REPORT["findings"]
    assert (findings["count"], REPORT["shadowFindings"]) == (6, 1)
    assert findings["openByAge"] == {"under 1 day": 1, "1 to 7 days": 3, "7 to 30 days": 1, "over 30 days": 1}
    assert findings["byRule"][-1] == {"ruleId": "fraud.structuring", "count": 2, "open": 2, "confirmed": 0, "healed": 0}


def test_every_failure_comes_with_its_bytes():
    failures = {each["ruleId"]: each for each in REPORT["integrity"]["failures"]}
    assert REPORT["integrity"]["checksFailed"] == 1
    assert failures["audit.broken-link"]["evidence"] == {"computed": "bb", "expected": "aa"}


def test_precision_is_of_what_people_decided():
    assert REPORT["outcomes"]["precision"] == [
        {"ruleId": "fraud.structuring", "decided": 2, "confirmed": 1, "precision": "0.500"}
    ]


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ({}, False),
        ({"strands": (), "findings": ()}, True),
        ({"strands": STRANDS, "findings": ()}, False),
        ({"strands": (), "findings": FINDINGS[1:2]}, True),
        ({"strands": (), "findings": FINDINGS[2:3]}, False),
        ({"strands": (), "findings": FINDINGS[5:]}, True),
        ({"strands": (), "findings": FINDINGS[:1]}, False),
    ],
)
def test_a_journal_holds_if_nothing_is_missing_or_broken_whatever_fraud_is_in_it(changes, holds):
    assert compile_report(evidence(**changes))["holds"] is holds


def test_every_control_names_parts_that_the_report_has():
    assert {part for each in CONTROLS for part in each.parts} <= REPORT.keys()


def test_a_case_is_reported_as_it_stood_at_the_periods_end():
    now = [END - timedelta(days=3)]
    desk = Cases(MemoryDeskLog(), lambda: now[0])
    case = desk.open(FINDINGS[5], "ann")
    now[0] = END + timedelta(days=1)
    desk.close(case.case_id, CaseOutcome.VALUABLE, "no fraud", "bob")
    [then] = DeskCases(desk).cases(BEGIN, END)
    assert (then.confirmed, then.decided_by) == (None, None)
    [later] = DeskCases(desk).cases(END, END + timedelta(days=30))
    assert (later.confirmed, later.decided_by, later.decided_at) == (False, "bob", now[0])
    assert DeskCases(desk).cases(END + timedelta(days=2), END + timedelta(days=30)) == []
    assert DeskCases(desk).cases(BEGIN, END - timedelta(days=5)) == []


def test_shipped_rules_are_named_by_version_and_hash():
    rules = {each.rule_id: each for each in ShippedRules("1.2.3").in_force(END)}
    assert rules["audit.gap"].version == "1.2.3"
    assert len(rules["fraud.structuring"].hash) == 64
    assert ShippedRules("1.2.3").changes(BEGIN, END) == []


def test_rules_are_reported_as_they_stood_with_who_wrote_and_who_approved_them():
    now = [BEGIN + timedelta(days=1)]
    desk = RuleDesk(MemoryRules(), MemoryFindings(), lambda: now[0])
    [shipped] = [each for each in documents() if each.id == "fraud.structuring"]
    newer = replace(shipped, version=shipped.version + 1, status=RuleStatus.SHADOW)
    desk.submit(json.dumps(newer.render()), "ann", "a lower limit")
    now[0] += timedelta(days=1)
    desk.approve("fraud.structuring", newer.version, "bob", "seen on trial")
    now[0] = END + timedelta(days=1)
    desk.pause("fraud.structuring", "bob", "too loud")
    book = LoggedRules(desk.store, "1")

    def standing(at):
        return [(each.version, each.status) for each in book.in_force(at) if each.rule_id == "fraud.structuring"]

    old, new = str(shipped.version), str(newer.version)
    assert standing(BEGIN) == [(old, "active")]
    assert standing(BEGIN + timedelta(days=1, hours=1)) == [(old, "active"), (new, "shadow")]
    assert standing(END) == [(new, "active")]
    assert standing(END + timedelta(days=2)) == [(new, "paused")]
    assert [(each.what, each.author, each.reviewer, each.reason) for each in book.changes(BEGIN, END)] == [
        ("submit", "ann", None, "a lower limit"),
        ("approve", "ann", "bob", "seen on trial"),
    ]
    assert [each.what for each in book.changes(END, END + timedelta(days=9))] == ["pause"]


class Kept:
    """Snapshots, findings and figures, as archives give them."""

    def __init__(self, documents):
        self.documents = documents

    def names(self, prefix):
        return sorted(name for name in self.documents if name.startswith(prefix))

    def load(self, name):
        return self.documents[name]

    def until(self, end):
        return iter(each for each in FINDINGS if each.found_at < end)

    def series(self, name, begin, end):
        return [(begin, 1.0)]


def stores_of(world, cases=None):
    desk = MemoryDeskLog()
    kept = Kept(world.snapshots.documents)
    books = DeskCases(cases or Cases(desk, lambda: END)), ShippedRules("1")
    return Stores(
        world.heads, kept, kept, world.signer, Suppressions(desk), *books, kept, "stack test", "1", {STRAND: "bank"}
    )


@pytest.fixture
def world():
    """A strand with a snapshot before the period, two in it and one behind it."""
    made, blocks = World(now=BEGIN - timedelta(days=2)), transfers(8).blocks
    for count, at in enumerate([BEGIN - timedelta(days=1), BEGIN, BEGIN + timedelta(days=1), END], 1):
        made.now = at
        made.deliver(user_datas(blocks[: count * 2]))
        made.snapshot(0)
    return made


def test_of_a_pipeline_the_ends_are_its_signed_snapshots(world):
    made = stores_of(world).evidence(BEGIN, END)
    [strand] = made.strands
    assert (strand.before.sequence_no, strand.after.sequence_no, strand.blocks, strand.ledger) == (1, 5, 4, "bank")
    assert strand.after.snapshot.endswith("-5.json")
    assert strand.watermark == [(BEGIN, 4), (BEGIN + timedelta(days=1), 6)]
    assert strand.keys == [(BEGIN, "memory")]
    VALIDATOR.validate(compile_report(made))


def test_a_report_does_not_stand_on_a_snapshot_that_somebody_changed(world):
    name = sorted(world.snapshots.documents)[1]
    snapshot, signature = parse_document(world.snapshots.documents[name])
    world.snapshots.documents[name] = render_document(replace(snapshot, status="FINE"), signature)
    with pytest.raises(IntegrityError):
        stores_of(world).evidence(BEGIN, END)


def test_blocks_that_have_not_come_are_missing_in_the_report_too():
    world, blocks = World(now=BEGIN), transfers(8).blocks
    world.deliver(user_datas([*blocks[:3], *blocks[5:]]))
    world.snapshot(60)
    report = compile_report(stores_of(world).evidence(BEGIN, END))
    [strand] = report["completeness"]["strands"]
    assert [(each["first"], each["last"]) for each in strand["missing"]] == [(3, 4)]
    assert (strand["blocksExpected"] - strand["blocksVerified"], report["holds"]) == (2, False)


def test_a_strand_that_begins_at_a_trust_anchor_is_counted_from_there_and_what_is_before_is_said():
    anchor = parse_trust_anchor(receipt(12, 20))
    world = World(now=BEGIN, anchors=MemoryJournalSource(anchors={STRAND: anchor}))
    world.deliver(user_datas(JOURNAL.blocks[13:20]))
    world.snapshot(60)
    report = compile_report(stores_of(world).evidence(BEGIN, END))
    VALIDATOR.validate(report)
    [strand] = report["scope"]["strands"]
    assert (strand["firstBlock"], strand["lastBlock"]) == (13, 19)
    assert strand["digestAfter"]["digest"] == JOURNAL.builder.digest(19).hash.to_base64()
    [complete] = report["completeness"]["strands"]
    assert (complete["blocksVerified"], complete["blocksExpected"], complete["divergedAt"]) == (7, 7, None)
    assert str(anchor) in json.dumps(report)
