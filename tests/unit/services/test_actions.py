"""Rule actions: each once for what set it off, whatever is delivered again, fails or dies on the way; and all of it on record."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from counterfoil.adapters.memory import MemoryChannel
from counterfoil.adapters.memory.desk import MemoryDeskLog, MemoryLedgerDoor
from counterfoil.detection.action import ActionKind, RuleAction, actions_of
from counterfoil.detection.finding import Finding, Severity
from counterfoil.errors import InputError, UnavailableError
from counterfoil.services.act import ActionRunner
from counterfoil.services.cases import Cases

NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)
ALL = tuple(ActionKind)
MOVED = {
    "transaction_id": "TX-1",
    "from_account": "ACC-1",
    "to_account": "ACC-2",
    "amount": "90.00",
    "currency": "USD",
    "revision_hash": "ab" * 32,
    "rule_version": "3",
}


def finding(number=1, actions=ALL, **changes):
    made = Finding(
        "fraud.x", Severity.HIGH, f"strand#{number}", "seen", NOON, evidence=MOVED, account_id="ACC-1", actions=actions
    )
    return replace(made, **changes)


class World:
    def __init__(self):
        self.log, self.ledgers, self.bus = MemoryDeskLog(), MemoryLedgerDoor({"strand": "bank"}), MemoryChannel()
        self.runner = ActionRunner(self.log, Cases(self.log, lambda: NOON), self.ledgers, self.bus, lambda: NOON)

    def outcomes(self):
        """Kind, outcome and result of every action on record."""
        noted = []
        for listed in self.log.entries("actions"):
            asked, over = (json.loads(each.text) for each in self.log.entries(f"action/{listed.text}"))
            noted.append((asked["action"], over["outcome"], over["result"]))
        return sorted(noted)


@pytest.fixture
def world():
    return World()


def test_every_action_is_carried_out_and_on_record(world):
    report = world.runner.carry_out([finding()])
    assert (report.done, report.refused, report.failed_index) == (4, 0, None)
    ids = {kind: RuleAction(kind, finding()).action_id for kind in ActionKind}
    assert world.outcomes() == [
        ("freeze", "done", f"a document of AccountFreezes in bank, transaction transaction-{ids['freeze']}"),
        ("open_case", "done", "case ACC-1/1"),
        (
            "propose_compensation", "done",
            f"a document of ProposedCompensations in bank, transaction transaction-{ids['propose_compensation']}",
        ),
        ("webhook", "done", "told"),
    ]  # fmt: skip
    (case,) = world.runner.cases.all()
    assert case.finding_ids == ("fraud.x@strand#1",)


def test_a_freeze_says_why_and_is_the_same_however_often_it_is_made(world):
    world.runner.carry_out([finding(actions=("freeze",))])
    ((ledger, table, document),) = world.ledgers.documents.values()
    assert (ledger, table) == ("bank", "AccountFreezes")
    assert document == {
        "accountId": "ACC-1",
        "frozen": True,
        "actionId": RuleAction(ActionKind.FREEZE, finding()).action_id,
        "findingId": "fraud.x@strand#1",
        "ruleId": "fraud.x",
        "ruleVersion": "3",
        "reason": "seen",
        "foundAt": "2025-03-03T12:00:00+00:00",
        "by": "counterfoil",
    }


def test_a_compensation_is_the_transfer_back_and_only_proposed(world):
    world.runner.carry_out([finding(actions=("propose_compensation",))])
    ((_, table, document),) = world.ledgers.documents.values()
    assert table == "ProposedCompensations"
    assert {name: document[name] for name in ("fromAccountId", "toAccountId", "amount", "currency")} == {
        "fromAccountId": "ACC-2", "toAccountId": "ACC-1", "amount": "90.00", "currency": "USD",
    }  # fmt: skip
    assert (document["status"], document["compensates"]) == ("PROPOSED", "TX-1")


def test_a_program_is_told_the_whole_finding(world):
    world.runner.carry_out([finding(actions=("webhook",))])
    (message,) = world.bus.alerts
    assert message.kind == "RuleAction"
    assert message.detail["findingId"] == "fraud.x@strand#1"
    assert message.detail["actionId"] == message.alert_id
    assert message.detail["evidence"] == MOVED


def test_what_set_it_off_does_so_once(world):
    world.runner.carry_out([finding()])
    again = world.runner.carry_out([finding(), finding(2)])
    assert (again.done, again.repeated) == (0, 8), "the same revision, seen at another place"
    assert (len(world.ledgers.documents), len(world.bus.alerts)) == (2, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"rule_id": "fraud.y"},
        {"evidence": MOVED | {"rule_version": "4"}},
        {"evidence": MOVED | {"revision_hash": "cd" * 32}},
        {"account_id": "ACC-2"},
    ],
)
def test_another_rule_version_revision_or_account_is_another_action(world, changes):
    world.runner.carry_out([finding(actions=("freeze",))])
    assert world.runner.carry_out([finding(actions=("freeze",), **changes)]).done == 1
    assert len(world.ledgers.documents) == 2


def test_nothing_is_done_about_what_a_tried_rule_saw_or_where_nothing_is_asked(world):
    report = world.runner.carry_out([finding(shadow=True), finding(2, actions=())])
    assert (report.done, world.log.kept) == (0, {})


@pytest.mark.parametrize(
    ("kind", "changes", "why"),
    [
        ("freeze", {"account_id": None}, "names no account"),
        ("freeze", {"place": "elsewhere#1"}, "no active ledger"),
        ("propose_compensation", {"evidence": {"amount": "1"}}, "no transaction_id"),
    ],
)
def test_what_can_never_be_done_is_refused_once_and_on_record(world, kind, changes, why):
    report = world.runner.carry_out([finding(actions=(kind,), **changes)])
    assert (report.done, report.refused, report.failed_index) == (0, 1, None)
    ((_, outcome, result),) = world.outcomes()
    assert outcome == "refused"
    assert why in result
    assert world.runner.carry_out([finding(actions=(kind,), **changes)]).repeated == 1


def test_an_action_that_does_not_exist_is_refused(world):
    with pytest.raises(InputError):
        actions_of(finding(actions=("burn",)))
    assert world.runner.carry_out([finding(actions=("burn",)), finding(2)]).refused == 1


def test_a_ledger_that_is_away_keeps_nothing_else_from_being_done(world):
    def away(*_):
        raise UnavailableError("away")

    world.ledgers.insert, insert = away, world.ledgers.insert
    other = finding(2, actions=("open_case", "freeze"), account_id="ACC-2")
    report = world.runner.carry_out([finding(0, actions=()), finding(), other])
    assert (report.failed_index, len(report.failures)) == (1, 3)
    assert {each.case_id for each in world.runner.cases.all()} == {"ACC-1/1", "ACC-2/1"}
    world.ledgers.insert = insert
    again = world.runner.carry_out([finding(), other])
    assert (again.done, again.repeated, again.failed_index) == (3, 3, None)
    assert len(world.ledgers.documents) == 3


class Crash(Exception):  # noqa: N818 - what happens to the process, no error of ours
    """The process is gone."""


@pytest.mark.parametrize("seed", range(60))
def test_whatever_dies_on_the_way_every_action_comes_to_one_effect(seed):
    chance, world = Random(seed), World()
    findings = [finding(n, account_id=f"ACC-{n % 3}", evidence=MOVED | {"revision_hash": str(n)}) for n in range(4)] + [
        finding(9, account_id=None, evidence={})
    ]

    def failing(write):
        def call(*arguments):
            fate = chance.random()
            if fate < 0.05:
                raise chance.choice([Crash(), UnavailableError("not now")])
            result = write(*arguments)
            if fate < 0.10:
                raise chance.choice([Crash(), UnavailableError("the answer was lost")])
            return result

        return call

    class Log(MemoryDeskLog):
        append = failing(MemoryDeskLog.append)

    log = Log(world.log.kept)
    world.ledgers.insert, world.bus.send = failing(world.ledgers.insert), failing(world.bus.send)
    runner = ActionRunner(log, Cases(log, lambda: NOON + timedelta(1)), world.ledgers, world.bus, lambda: NOON)
    for _ in range(300):
        try:
            if runner.carry_out(findings).failed_index is None:
                break
        except Crash:
            continue
    else:
        raise AssertionError("it never came through")
    outcomes = [(kind, outcome) for kind, outcome, _ in world.outcomes()]
    expected = [(kind, "done") for kind in ALL for _ in range(4)]
    expected += [(kind, "done" if kind in {"open_case", "webhook"} else "refused") for kind in ALL]
    assert outcomes == sorted(expected)
    assert len(world.ledgers.documents) == 8
    assert len({each.alert_id for each in world.bus.alerts}) == 5
    cases = list(Cases(world.log, lambda: NOON).all())
    assert sorted(each.subject for each in cases) == ["ACC-0", "ACC-1", "ACC-2", "strand"]
    assert sum(len(each.entries) for each in cases) == 5, "no finding joined a case twice"
