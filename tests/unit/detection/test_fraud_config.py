"""The rule configuration: everything may be left out, nothing may be wrong."""

import json
from decimal import Decimal

import pytest

from counterfoil.detection.expressions import asked_first, check
from counterfoil.detection.finding import Severity
from counterfoil.detection.fraud_rules.network import VOCABULARY
from counterfoil.detection.rule_config import RuleConfig, parse_rule_config
from counterfoil.errors import InputError


def rules(name, **settings):
    return json.dumps({"rules": {name: settings}})


def rule(config, name):
    return next(rule for rule in config.rules if rule.rule_id == f"fraud.{name}")


def test_an_empty_object_is_the_catalogue():
    config = parse_rule_config("{}")
    assert config.version == RuleConfig().version
    assert (
        rule(config, "velocity-count").kind.threshold.of("EUR"),
        rule(config, "velocity-count").kind.window_seconds,
    ) == (20, 3_600)
    assert rule(config, "velocity-sum").kind.threshold.of("EUR") == 50_000
    assert (rule(config, "structuring").kind.threshold.of("EUR"), rule(config, "structuring").kind.count) == (10_000, 3)
    assert rule(config, "rapid-in-out").kind.minimum.of("EUR") == 5_000
    assert rule(config, "conservation-of-money").severity is Severity.CRITICAL


def test_what_is_given_goes_over_the_catalogue():
    text = json.dumps(
        {
            "accounts": {"table": "Konten"},
            "transactions": {"effective": ["BOOKED", "DONE"]},
            "external_accounts": ["CASH"],
            "transaction_memory_days": 30,
            "rules": {"velocity-sum": {"threshold": {"default": "100.5", "JPY": "7"}, "severity": "LOW"}},
        }
    )
    config = parse_rule_config(text)
    assert config.accounts.table == "Konten"
    assert config.accounts.balance == "balance"
    assert config.transactions.effective == ("BOOKED", "DONE")
    assert config.surroundings.external_accounts == ("CASH",)
    velocity = rule(config, "velocity-sum")
    assert velocity.kind.threshold.of("JPY") == 7
    assert velocity.kind.threshold.of("EUR") == Decimal("100.5")
    assert velocity.kind.window_seconds == 86_400
    assert velocity.severity is Severity.LOW


def test_equal_settings_have_equal_versions_however_they_are_written():
    plain, other = rules("velocity-sum", threshold="100"), rules("velocity-sum", threshold="100.00")
    assert (
        rule(parse_rule_config(plain), "velocity-sum").settings_text
        == rule(parse_rule_config(other), "velocity-sum").settings_text
    )
    assert parse_rule_config(rules("velocity-sum", threshold="50000")).version == RuleConfig().version
    assert parse_rule_config(plain).version != RuleConfig().version


def test_a_paused_rule_is_not_asked():
    config = parse_rule_config(rules("velocity-count", status="paused"))
    assert "fraud.velocity-count" not in {each.rule_id for each in config.evaluated}
    assert config.version != RuleConfig().version


def test_the_past_reaches_back_as_far_as_the_longest_window_of_what_is_evaluated():
    longer = {"window_seconds": 604_800}
    assert parse_rule_config(rules("structuring", **longer)).horizon == 604_800 * 1_000_000
    assert parse_rule_config(rules("structuring", status="paused", **longer)).horizon < 604_800 * 1_000_000


def test_rules_on_the_network_are_asked_in_their_order_whatever_they_share():
    """What rules side by side ask first is asked once; without it none of them sees anything."""
    config = parse_rule_config(json.dumps({"rules": {"scatter-gather": {"status": "paused"}}}))
    groups = config.network_groups
    assert tuple(rule for _, rules in groups for rule in rules) == config.network_rules
    assert len(groups) < len(config.network_rules)
    firsts = {rule.rule_id: asked_first(rule.tree) for rule in config.network_rules if rule.tree}
    for _, rules in groups:
        assert len({json.dumps(firsts[rule.rule_id]) for rule in rules}) == 1
    assert [rule.rule_id for rule in config.network_rules if rule.tree is None] == []
    assert [first for first, (rule, *_) in parse_rule_config("{}").network_groups if rule.tree is None] == [None]


@pytest.mark.parametrize(
    ("condition", "first"),
    [
        ("first_payment == 1", "first_payment == 1"),
        ("first_payment == 1 and cycle >= 3 and depth > 1", "first_payment == 1"),
        ("(cycle >= 3 or depth > 1) and first_payment == 1", "cycle >= 3 or depth > 1"),
        ("cycle >= 3 or first_payment == 1 and depth > 1", "cycle >= 3 or first_payment == 1 and depth > 1"),
        ("not (cycle >= 3 and depth > 1)", "not (cycle >= 3 and depth > 1)"),
        ("model_asked", "model_asked"),
    ],
)
def test_what_a_condition_asks_first_is_what_it_cannot_do_without(condition, first):
    assert asked_first(check(condition, VOCABULARY)) == check(first, VOCABULARY)


def test_an_id_that_a_store_knows_is_the_stores_alone():
    config = RuleConfig()
    stored = rule(parse_rule_config(rules("structuring", severity="LOW")), "structuring")
    merged = config.with_rules([stored])
    assert len(merged.rules) == len(config.rules)
    assert rule(merged, "structuring").severity is Severity.LOW
    assert rule(merged, "structuring") in merged.evaluated
    assert merged.version != config.version


WRONG = {
    "not JSON": ("{", "not JSON"),
    "no object": ("[]", "must be an object"),
    "null": ("null", "must be an object"),
    "nested without end": ("[" * 100_000, "at most"),
    "nested deeply": ("[" * 60_000, "not JSON"),
    "too long": ('{"a": "' + "x" * 70_000 + '"}', "at most"),
    "an unknown key": ('{"rulez": {}}', "rulez"),
    "an unknown rule": (rules("velocity"), "velocity"),
    "an unknown setting": (rules("velocity-count", limits=3), "limits"),
    "a key given twice": ('{"rules": {}, "rules": {}}', "twice"),
    "a float": ('{"rules": {"velocity-sum": {"threshold": 1.5}}}', "1.5"),
    "NaN": ('{"rules": {"velocity-sum": {"threshold": NaN}}}', "NaN"),
    "an int of 5,000 digits": ('{"rules": {"velocity-count": {"window_seconds": ' + "1" * 5_000 + "}}}", "JSON"),
    "an amount that is a number": (rules("velocity-sum", threshold=100), "fraud.velocity-sum: parameters.threshold"),
    "an amount of nothing": (rules("velocity-sum", threshold="0"), "fraud.velocity-sum: parameters.threshold"),
    "an amount below nothing": (rules("velocity-sum", threshold="-1"), "fraud.velocity-sum: parameters.threshold"),
    "an amount of 39 digits": (rules("velocity-sum", threshold="1" * 39), "fraud.velocity-sum: parameters.threshold"),
    "an amount with an exponent": (rules("velocity-sum", threshold="1E9"), "fraud.velocity-sum: parameters.threshold"),
    "an amount in other digits": (rules("velocity-sum", threshold="١٢"), "fraud.velocity-sum: parameters.threshold"),
    "amounts without a default": (rules("velocity-sum", threshold={"EUR": "1"}), "default"),
    "a wrong amount of one currency": (rules("velocity-sum", threshold={"default": "1", "EUR": "x"}), "threshold.EUR"),
    "a count of nothing": (rules("velocity-count", threshold="0"), "fraud.velocity-count: parameters.threshold"),
    "a count beyond the memory": (rules("velocity-count", threshold="512"), "fraud.velocity-count: threshold"),
    "a count that is a truth": (rules("velocity-count", threshold=True), "fraud.velocity-count: parameters.threshold"),
    "a count that is a text": (rules("structuring", count="3"), "fraud.structuring: parameters.count"),
    "a window of nothing": (rules("structuring", window_seconds=0), "fraud.structuring: parameters.window_seconds"),
    "a window of eight days": (
        rules("structuring", window_seconds=691_200),
        "fraud.structuring: parameters.window_seconds",
    ),
    "one amount as structuring": (rules("structuring", count=1), "fraud.structuring: parameters.count"),
    "a ratio of one": (rules("structuring", lower_ratio="1"), "fraud.structuring: parameters.lower_ratio"),
    "a ratio of ten digits": (
        rules("structuring", lower_ratio="0.1234567891"),
        "fraud.structuring: parameters.lower_ratio",
    ),
    "ratios the wrong way round": (
        rules("rapid-in-out", lower_ratio="1.2"),
        "fraud.rapid-in-out: lower_ratio is above",
    ),
    "a severity of another name": (rules("structuring", severity="high"), "severity"),
    "a status of another name": (rules("structuring", status="on"), "fraud.structuring: status"),
    "rules as a list": ('{"rules": []}', "rules"),
    "a rule as a number": ('{"rules": {"structuring": 1}}', "rules.structuring"),
    "an empty table": ('{"accounts": {"table": ""}}', "accounts.table"),
    "a field name of null": ('{"accounts": {"balance": null}}', "accounts.balance"),
    "one table for both": ('{"accounts": {"table": "Transactions"}}', "transactions.table"),
    "statuses as a text": ('{"transactions": {"effective": "DONE"}}', "transactions.effective"),
    "too many statuses": (json.dumps({"transactions": {"effective": list(map(str, range(101)))}}), "effective"),
    "a memory of no days": ('{"transaction_memory_days": 0}', "transaction_memory_days"),
}


@pytest.mark.parametrize(("text", "named"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(text, named):
    with pytest.raises(InputError) as caught:
        parse_rule_config(text)
    assert named in str(caught.value)
    assert len(str(caught.value)) < 1_000
