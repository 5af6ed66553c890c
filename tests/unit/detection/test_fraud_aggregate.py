"""The kind `aggregate`: every number it can make, its keys, directions and bounds, exactly."""

import json
from decimal import Decimal

import pytest

from counterfoil.detection.account_book import AccountBook
from counterfoil.detection.judgement import Judge
from counterfoil.detection.rule import bind
from counterfoil.detection.rule_config import RuleConfig
from counterfoil.detection.rule_document import parse_rule_document
from tests.fraud_court import MORNING, STRAND, Court, pay
from tests.rule_documents import changed


def court(when=None, **parameters):
    document = parse_rule_document(changed(when=when, parameters={"window_seconds": 60, **parameters}))
    made = Court()
    made.config = RuleConfig().only(bind(document))
    made.judge = Judge(AccountBook(STRAND, {}), made.config, MORNING)
    return made


def values(made, *transfers):
    """The value of each finding, block by block."""
    return [each.evidence["value"] for transfer in transfers for each in made.block(transfer)]


MONEY = {"key": "account+currency"}


@pytest.mark.parametrize(
    ("parameters", "amounts", "found"),
    [
        ({"aggregate": "count", "threshold": "2"}, ["1", "1", "1"], ["3"]),
        ({"aggregate": "count", "threshold": "2", "reached": "at"}, ["1", "1", "1"], ["2"]),
        ({"aggregate": "sum", "threshold": "3", **MONEY}, ["1", "2", "0.01"], ["3.01"]),
        ({"aggregate": "sum", "threshold": "3", "reached": "at", **MONEY}, ["1", "2"], ["3"]),
        ({"aggregate": "max", "threshold": "5", **MONEY}, ["5", "5.01"], ["5.01"]),
        ({"aggregate": "min", "threshold": "5", "at_least": 2, **MONEY}, ["9", "6"], ["6"]),
        ({"aggregate": "avg", "threshold": "1", "at_least": 3, **MONEY}, ["1", "1", "1.01"], ["1.0033"]),
        ({"aggregate": "avg", "threshold": "1", "at_least": 3, **MONEY}, ["1", "1", "1"], []),
    ],
)
def test_each_aggregate_is_compared_exactly(parameters, amounts, found):
    made = court(**parameters)
    assert values(made, *(pay("A", "B", amount) for amount in amounts)) == found


def test_an_average_that_no_decimal_holds_is_compared_exactly():
    third = court(aggregate="avg", threshold="0.3333333333", at_least=3, **MONEY)
    assert values(third, pay("A", "B", "0.3"), pay("A", "B", "0.3"), pay("A", "B", "0.4")) == ["0.3333"]


def test_counterparties_are_counted_once_each():
    made = court(aggregate="counterparties", threshold="2")
    assert values(made, *(pay("A", payee, 1) for payee in "BBCCBD")) == ["3"]


def test_a_long_id_counts_as_itself():
    long = "x" * 127
    made = court(aggregate="counterparties", threshold="1")
    assert values(made, pay("A", f"{long}1", 1), pay("A", f"{long}1", 1), pay("A", f"{long}2", 1)) == ["2"]


def test_a_key_with_the_counterparty_keeps_payees_apart():
    made = court(aggregate="count", threshold="1", key="account+counterparty")
    found = [each for payee in "BCBC" for each in made.block(pay("A", payee, 1))]
    assert [each.subject for each in found] == ["A:B", "A:C"]


def test_what_comes_in_is_judged_for_who_receives_it():
    made = court(aggregate="count", threshold="1", direction="in")
    found = [each for payer in "PQ" for each in made.block(pay(payer, "A", 1))]
    assert [(each.account_id, each.evidence["counterparty"]) for each in found] == [("A", "Q")]


def test_both_directions_count_together():
    made = court(aggregate="sum", threshold="5", direction="both", **MONEY)
    made.block(pay("P", "A", 3))
    assert [each.account_id for each in made.block(pay("A", "B", 3))] == ["A"]


def test_the_condition_chooses_what_is_counted_and_what_is_kept_of_inflows():
    made = court("amount >= threshold", aggregate="count", threshold="2", direction="in")
    for amount in (1, 5, 1, 5):
        made.block(pay("P", "A", amount))
    assert [each.amount for each in made.judge.book.account("A").movements] == [Decimal(5), Decimal(5)]
    assert [each.evidence["value"] for each in made.block(pay("P", "A", 7))] == ["3"]


def test_a_threshold_is_that_of_the_currency():
    made = court(aggregate="sum", threshold={"default": "10", "JPY": "1000"}, **MONEY)
    assert values(made, pay("A", "B", 900, currency="JPY"), pay("A", "B", 11)) == ["11"]


def test_a_shadow_rule_has_findings_of_its_own_and_tells_nobody():
    document = changed(when=None, parameters={"aggregate": "count", "threshold": "1", "window_seconds": 60})
    both = [
        bind(parse_rule_document({**document, "status": "active"})),
        bind(parse_rule_document({**document, "version": 2, "status": "shadow"})),
    ]
    judge = Judge(AccountBook(STRAND, {}), RuleConfig().only(*both), MORNING)
    made = Court()
    made.judge = judge
    made.block(pay("A", "B", 1))
    assert [each.shadow for each in made.block(pay("A", "B", 1))] == [False]
    found = judge.findings.values()
    assert sorted((each.shadow, each.subject, each.evidence["rule_version"]) for each in found) == [
        (False, "A", "1"),
        (True, "shadow-2:A", "2"),
    ]
    assert all(each.evidence["rule_hash"] == rule.document.hash for each, rule in zip(found, both, strict=True))
    assert json.loads(next(iter(found)).evidence["rule_settings"])["threshold"] == "1"
    assert {each.score for each in found} == {0}
