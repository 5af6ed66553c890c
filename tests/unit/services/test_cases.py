"""Cases: pending, investigating, closed; every step appended, none undone; and what they say about a rule's precision."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.adapters.memory.desk import MemoryDeskLog
from counterfoil.detection import case as cases_of
from counterfoil.detection.case import Case, CaseOutcome, CaseStatus, parse_case_id, parse_outcome, precision
from counterfoil.detection.finding import Finding, Severity
from counterfoil.errors import ConflictError, InputError, NotFoundError, PreconditionError, UnavailableError
from counterfoil.services.cases import Cases

NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)
CONFIRMED, VALUABLE, FALSE_POSITIVE = CaseOutcome


def finding(number=1, **changes):
    made = Finding("fraud.structuring", Severity.HIGH, f"strand#{number}", "seen", NOON, account_id="ACC-1")
    return replace(made, **changes)


@pytest.fixture
def cases():
    seconds = iter(range(10**6))
    return Cases(MemoryDeskLog(), lambda: NOON + timedelta(seconds=next(seconds)))


def test_findings_of_one_account_are_one_case_until_it_is_closed(cases):
    assert [cases.open(finding(number)).case_id for number in (1, 2, 2, 1)] == ["ACC-1/1"] * 4
    assert cases.open(finding(3, account_id="ACC-2")).case_id == "ACC-2/1"
    case = cases.case("ACC-1/1")
    assert case.finding_ids == ("fraud.structuring@strand#1", "fraud.structuring@strand#2")
    assert (case.status, len(case.entries)) == (CaseStatus.PENDING, 2)
    cases.close("ACC-1/1", CONFIRMED, "mule account", "Ada")
    assert cases.open(finding(1)).case_id == "ACC-1/1", "what was judged stays judged"
    assert cases.open(finding(4)).case_id == "ACC-1/2"
    assert [each.case_id for each in cases.all()] == ["ACC-1/1", "ACC-2/1", "ACC-1/2"]


def test_a_ring_is_one_case_and_what_has_no_account_is_its_strand_s(cases):
    ring = {"evidence": {"ring": "ring-7"}}
    assert [cases.open(finding(n, account_id=f"ACC-{n}", **ring)).case_id for n in (1, 2)] == ["ring-7/1"] * 2
    assert cases.open(finding(account_id=None)).case_id == "strand/1"


def test_the_life_of_a_case(cases):
    cases.open(finding())
    assert cases.take("ACC-1/1", "Bob", "Ada").status is CaseStatus.INVESTIGATING
    cases.note("ACC-1/1", "asked the branch", "Bob")
    cases.take("ACC-1/1", "Eve", "Bob")
    closed = cases.close("ACC-1/1", VALUABLE, "an honest mistake", "Eve")
    assert cases.case("ACC-1/1") == closed
    assert (closed.status, closed.outcome, closed.assignee) == (CaseStatus.CLOSED, VALUABLE, "Eve")
    assert [(each.step, each.author, each.about) for each in closed.entries] == [
        ("opened", "counterfoil", "fraud.structuring@strand#1"),
        ("taken", "Ada", "Bob"),
        ("noted", "Bob", "asked the branch"),
        ("taken", "Bob", "Eve"),
        ("closed", "Eve", "valuable"),
    ]
    assert [each.at for each in closed.entries] == [NOON + timedelta(seconds=number) for number in range(5)]
    assert closed.entries[-1].note == "an honest mistake"
    cases.note("ACC-1/1", "the customer wrote again", "Eve")
    assert len(cases.case("ACC-1/1").notes) == 2


def test_a_closed_case_stays_closed(cases):
    cases.open(finding())
    cases.close("ACC-1/1", FALSE_POSITIVE, "payroll", "Ada")
    for step in (
        lambda: cases.close("ACC-1/1", CONFIRMED, "or is it", "Eve"),
        lambda: cases.take("ACC-1/1", "Eve", "Eve"),
    ):
        with pytest.raises(PreconditionError):
            step()
    assert cases.case("ACC-1/1").outcome is FALSE_POSITIVE


@pytest.mark.parametrize("case_id", ["ACC-1/2", "ACC-2/1", "ACC-1/999999"])
def test_a_case_that_is_not_there(cases, case_id):
    cases.open(finding())
    with pytest.raises(NotFoundError):
        cases.note(case_id, "hello", "Ada")


@pytest.mark.parametrize("case_id", ["", "ACC-1", "/1", "ACC-1/0", "ACC-1/x", "ACC-1/1000000", "ACC-1/-1"])
def test_a_name_that_is_no_case_s(case_id):
    with pytest.raises(InputError):
        parse_case_id(case_id)


def test_an_account_s_name_may_hold_a_slash(cases):
    assert cases.open(finding(account_id="A/B")).case_id == "A/B/1"
    assert cases.case("A/B/1").subject == "A/B"


def test_words_are_mandatory(cases):
    cases.open(finding())
    for step in (
        lambda: cases.note("ACC-1/1", " ", "Ada"),
        lambda: cases.note("ACC-1/1", "x", ""),
        lambda: cases.take("ACC-1/1", "", "Ada"),
        lambda: cases.close("ACC-1/1", CONFIRMED, "", "Ada"),
    ):
        with pytest.raises(InputError):
            step()
    with pytest.raises(InputError):
        parse_outcome("perhaps")
    assert parse_outcome("valuable") is VALUABLE


def test_of_two_people_one_is_told_that_the_other_was_first(cases):
    cases.open(finding())

    class Late(MemoryDeskLog):
        """Between this one's reading and writing somebody else closed the case."""

        def append(self, entries, /):
            Cases(cases.log, cases.clock).close("ACC-1/1", CONFIRMED, "first", "Ada")
            super().append(entries)

    with pytest.raises(ConflictError):
        Cases(Late(cases.log.kept), cases.clock).close("ACC-1/1", FALSE_POSITIVE, "second", "Eve")
    assert cases.case("ACC-1/1").outcome is CONFIRMED


def test_rules_that_open_at_the_same_time_open_one_case(cases):
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda number: cases.open(finding(number)).case_id, range(16)))
    assert set(opened) == {"ACC-1/1"}
    assert len(cases.case("ACC-1/1").finding_ids) == 16


def test_whoever_never_gets_a_turn_is_told_to_try_again(cases):
    class Busy(MemoryDeskLog):
        def append(self, entries, /):
            raise ConflictError("another writer was first")

    with pytest.raises(UnavailableError):
        Cases(Busy(), cases.clock).open(finding())


def test_a_case_takes_a_thousand_findings_and_opens_no_other_for_the_rest(cases, monkeypatch):
    monkeypatch.setattr("counterfoil.services.cases.MAX_FINDINGS", 3)
    assert cases_of.MAX_FINDINGS == 1_000
    for number in range(5):
        assert cases.open(finding(number)).case_id == "ACC-1/1"
    assert len(cases.case("ACC-1/1").finding_ids) == 3


def closed(rules, outcome):
    return Case("ACC-1", 1, CaseStatus.CLOSED, outcome, rule_ids=frozenset(rules))


def test_precision_counts_each_closed_case_once_for_each_of_its_rules():
    made = [closed(["a", "b"], CONFIRMED), closed(["a"], VALUABLE), closed(["a"], FALSE_POSITIVE), Case("ACC-1", 2)]
    a, b = precision(made)
    assert (a.rule_id, a.confirmed, a.valuable, a.false_positive) == ("a", 1, 1, 1)
    assert (a.closed, a.confirmed_percent, a.useful_percent) == (3, 33, 66)
    assert (b.rule_id, b.confirmed_percent, b.useful_percent) == ("b", 100, 100)
    assert precision([Case("ACC-1", 1, rule_ids=frozenset("a"))]) == []
