"""Rules under two pairs of eyes: what each act does, who may do it, and that a detector follows without a deployment."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.adapters.memory import MemoryFindings
from counterfoil.adapters.memory.rules import MemoryRules
from counterfoil.detection.catalogue import catalogue
from counterfoil.detection.finding import Severity
from counterfoil.detection.rule_config import RuleConfig
from counterfoil.detection.rule_log import Act, in_force
from counterfoil.errors import ConflictError, InputError, NotFoundError, UnavailableError
from counterfoil.services.rules import RELOADED_EVERY, HotRules, RuleDesk, read_version, status_of
from tests.rule_documents import changed

NOW = datetime(2025, 3, 1, tzinfo=UTC)
ID = "test.round-amounts"
LIST = {"id": "list.watch-list", "version": 1, "owner": "compliance", "entries": ["X-1"]}


def document(**fields):
    return json.dumps(changed(id=ID, status="draft", **fields) if "status" not in fields else changed(id=ID, **fields))


@dataclass
class Office:
    store: MemoryRules = field(default_factory=MemoryRules)
    findings: MemoryFindings = field(default_factory=MemoryFindings)

    def __post_init__(self):
        self.desk = RuleDesk(self.store, self.findings, lambda: NOW)

    def rules(self):
        """The evaluated rules that the log speaks of: id, version, shadow or not."""
        found, _ = in_force(self.store.events(), catalogue())
        return {(each.rule_id, each.document.version, each.shadow) for each in found if each.document.status.evaluated}


@pytest.fixture
def office():
    return Office()


def test_a_draft_is_kept_and_not_evaluated(office):
    office.desk.submit(document(), "ann", "seen in March")
    assert office.rules() == set()
    assert status_of(office.desk.life(ID)) == "draft"
    (event,) = office.desk.history(ID)
    assert (event.act, event.version, event.by, event.at, event.reason) == (Act.SUBMIT, 1, "ann", NOW, "seen in March")


def test_a_shadow_version_is_on_trial_at_once(office):
    office.desk.submit(document(status="shadow"), "ann", "")
    assert office.rules() == {(ID, 1, True)}


def test_a_version_becomes_active_by_somebody_elses_approval(office):
    office.desk.submit(document(status="shadow"), "ann", "")
    with pytest.raises(InputError, match="somebody else"):
        office.desk.approve(ID, 1, "ann")
    with pytest.raises(InputError, match="somebody else"):
        office.desk.approve(ID, 1, " ann ")
    office.desk.approve(ID, 1, "bob")
    assert office.rules() == {(ID, 1, False)}
    assert office.findings.findings == {}


def test_a_candidate_runs_beside_the_active_version_and_takes_its_place(office):
    office.desk.submit(document(), "ann", "")
    office.desk.approve(ID, 1, "bob")
    office.desk.submit(document(version=2, status="shadow"), "ann", "")
    assert office.rules() == {(ID, 1, False), (ID, 2, True)}
    assert status_of(office.desk.life(ID)) == "active 1, shadow 2"
    office.desk.approve(ID, 2, "bob")
    assert office.rules() == {(ID, 2, False)}


def test_an_override_is_a_finding(office):
    office.desk.submit(document(), "ann", "")
    with pytest.raises(InputError, match="needs a reason"):
        office.desk.override(ID, 1, "ann", " ")
    assert office.findings.findings == {}
    office.desk.override(ID, 1, "ann", "attack under way, nobody else awake")
    assert office.rules() == {(ID, 1, False)}
    (finding,) = office.findings.findings.values()
    assert (finding.rule_id, finding.severity, finding.place) == ("audit.rule-override", Severity.HIGH, "rules-2")
    assert finding.evidence["by"] == "ann"
    assert "attack under way" in finding.reason


def test_a_paused_rule_is_not_evaluated_and_resumed_by_somebody_else(office):
    office.desk.submit(document(), "ann", "")
    office.desk.approve(ID, 1, "bob")
    office.desk.pause(ID, "eve", "too many findings")
    assert office.rules() == set()
    assert status_of(office.desk.life(ID)) == "paused"
    with pytest.raises(InputError, match="nothing to pause"):
        office.desk.pause(ID, "eve", "")
    with pytest.raises(InputError, match="somebody else"):
        office.desk.approve(ID, 1, "eve")
    office.desk.approve(ID, 1, "bob")
    assert office.rules() == {(ID, 1, False)}


def test_a_shipped_rule_is_paused_and_replaced_like_any_other(office):
    office.desk.pause("fraud.velocity-count", "eve", "")
    rules, _ = in_force(office.store.events(), catalogue())
    config = RuleConfig().with_rules(rules)
    assert "fraud.velocity-count" not in {rule.rule_id for rule in config.evaluated}
    shipped = next(rule.document for rule in catalogue() if rule.rule_id == "fraud.velocity-count").render()
    with pytest.raises(InputError, match=r"next version of fraud\.velocity-count is 2"):
        office.desk.submit(json.dumps({**shipped, "status": "draft"}), "ann", "")
    office.desk.submit(json.dumps({**shipped, "version": 2, "severity": "LOW", "status": "draft"}), "ann", "")
    office.desk.approve("fraud.velocity-count", 2, "bob")
    rules, _ = in_force(office.store.events(), catalogue())
    assert [(rule.document.version, rule.severity) for rule in rules] == [(2, Severity.LOW)]


def test_a_list_is_in_force_when_it_was_approved(office):
    office.desk.submit(json.dumps(LIST), "ann", "")
    assert in_force(office.store.events(), catalogue()) == ([], [])
    office.desk.approve("list.watch-list", 1, "bob")
    _, (watched,) = in_force(office.store.events(), catalogue())
    assert watched.find("x-1") == "X-1"
    office.desk.submit(json.dumps({**LIST, "version": 2, "entries": []}), "ann", "")
    _, (watched,) = in_force(office.store.events(), catalogue())
    assert watched.version == 1


REFUSED = {
    "active by its own word": (document(status="active"), "active by approval"),
    "paused by its own word": (document(status="paused"), "active by approval"),
    "a version that is not the next": (document(version=2), "next version of test.round-amounts is 1"),
    "a condition with a typo": (document(when="trailing_zero >= 3"), "'trailing_zero'"),
    "tests that fail": (document(tests=changed()["tests"][:1]), "near miss"),
    "no object": ("[]", "an object"),
    "an entry without letters": (json.dumps({**LIST, "entries": ["..."]}), "neither letters nor digits"),
    "a list without entries": (json.dumps({"id": "list.x", "version": 1, "owner": "o"}), "needs entries"),
}


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_not_kept(office, text, said):
    with pytest.raises(InputError, match=said):
        office.desk.submit(text, "ann", "")
    assert office.store.revision() == 0


def test_who_does_it_must_be_said_and_what_is_not_there_cannot_be_approved(office):
    with pytest.raises(InputError, match="on record"):
        office.desk.submit(document(), " ", "")
    with pytest.raises(NotFoundError):
        office.desk.approve("fraud.nothing", 1, "bob")
    office.desk.submit(document(), "ann", "")
    with pytest.raises(InputError, match="no version 7"):
        office.desk.approve(ID, 7, "bob")
    office.desk.approve(ID, 1, "bob")
    with pytest.raises(InputError, match="active already"):
        office.desk.approve(ID, 1, "bob")


def test_two_at_once_do_not_both_write(office):
    office.desk.submit(document(), "ann", "")
    event = office.store.kept[0]
    with pytest.raises(ConflictError):
        office.store.append(event)


def test_a_stored_rule_runs_by_the_tree_that_was_checked(office):
    office.desk.submit(document(status="shadow"), "ann", "")
    (event,) = office.store.events()
    assert json.loads(event.tree) == ["ge", ["symbol", "trailing_zeros"], ["number", "3"]]
    assert read_version(event.text).document.when == "trailing_zeros >= 3"


# ---- following -------------------------------------------------------------------------------------------------------


class CountingRules(MemoryRules):
    gone = False
    asked = 0
    read = 0

    def revision(self):
        type(self).asked += 1
        if self.gone:
            raise UnavailableError("gone")
        return super().revision()

    def events(self):
        type(self).read += 1
        return super().events()


@pytest.fixture
def following():
    CountingRules.asked = CountingRules.read = 0
    office = Office(CountingRules())
    return office, HotRules(office.store, RuleConfig())


def versions(config):
    return {(each.rule_id, each.document.version) for each in config.evaluated if each.rule_id == ID}


def test_a_change_is_followed_within_half_a_minute(following):
    office, source = following
    assert versions(source.current(NOW)) == set()
    office.desk.submit(document(status="shadow"), "ann", "")
    assert versions(source.current(NOW + RELOADED_EVERY - timedelta(seconds=1))) == set()
    assert versions(source.current(NOW + RELOADED_EVERY)) == {(ID, 1)}
    assert timedelta(seconds=30) >= RELOADED_EVERY


def test_what_did_not_change_is_not_read_again(following):
    _, source = following
    first = source.current(NOW)
    assert all(source.current(NOW + number * RELOADED_EVERY) is first for number in range(5))
    assert (CountingRules.asked, CountingRules.read) == (5, 1)


def test_rules_read_once_go_on_where_the_store_is_gone(following):
    office, source = following
    office.store.gone = True
    with pytest.raises(UnavailableError):
        source.current(NOW)
    office.store.gone = False
    first = source.current(NOW)
    office.store.gone = True
    assert source.current(NOW + 2 * RELOADED_EVERY) is first
