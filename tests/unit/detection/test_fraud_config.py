"""The rule configuration: everything may be left out, nothing may be wrong."""

import json
from decimal import Decimal

import pytest

from counterfoil.detection.finding import Severity
from counterfoil.detection.rule_config import RuleConfig, parse_rule_config
from counterfoil.errors import InputError


def rules(name, **settings):
    return json.dumps({"rules": {name: settings}})


def test_an_empty_object_is_the_defaults():
    config = parse_rule_config("{}")
    assert config.version == RuleConfig().version
    assert (config.velocity_count.limit, config.velocity_count.window_seconds) == (20, 3_600)
    assert config.velocity_sum.limit.of("EUR") == 50_000
    assert (config.structuring.threshold.of("EUR"), config.structuring.count) == (10_000, 3)
    assert config.rapid_in_out.minimum.of("EUR") == 5_000
    assert config.conservation_of_money.severity is Severity.CRITICAL
    assert all(rule.enabled for rule in config.account_rules)


def test_what_is_given_goes_over_the_defaults():
    text = json.dumps(
        {
            "accounts": {"table": "Konten"},
            "transactions": {"effective": ["BOOKED", "DONE"]},
            "external_accounts": ["CASH"],
            "transaction_memory_days": 30,
            "rules": {"velocity-sum": {"limit": {"default": "100.5", "JPY": "7"}, "severity": "LOW"}},
        }
    )
    config = parse_rule_config(text)
    assert config.accounts.table == "Konten"
    assert config.accounts.balance == "balance"
    assert config.transactions.effective == ("BOOKED", "DONE")
    assert config.surroundings.external_accounts == ("CASH",)
    assert config.velocity_sum.limit.of("JPY") == 7
    assert config.velocity_sum.limit.of("EUR") == Decimal("100.5")
    assert config.velocity_sum.severity is Severity.LOW


def test_what_is_rendered_reads_as_the_same():
    config = parse_rule_config(rules("structuring", threshold={"default": "3", "JPY": "9"}, lower_ratio="0.75"))
    again = parse_rule_config(json.dumps(config.render()))
    assert again == config
    assert again.version == config.version


def test_equal_settings_have_equal_versions_however_they_are_written():
    plain, other = rules("velocity-sum", limit="100"), rules("velocity-sum", limit="100.00")
    assert parse_rule_config(plain).version == parse_rule_config(other).version
    assert parse_rule_config(rules("velocity-sum", limit="50000")).version == RuleConfig().version
    assert parse_rule_config(plain).version != RuleConfig().version


def test_the_version_of_the_defaults_is_stable():
    """Findings carry it: when it changes, so did a default, and the runbook has to say so."""
    assert RuleConfig().version == "6b6a6afdee226492aca9d56212dad7881245f5aad557a6a84c324f9e6aeb73fd"


def test_a_disabled_rule_is_not_asked():
    config = parse_rule_config(rules("velocity-count", enabled=False))
    assert "fraud.velocity-count" not in {rule.rule_id for rule in config.account_rules}


def test_the_past_reaches_back_as_far_as_the_longest_window():
    assert parse_rule_config(rules("structuring", window_seconds=172_800)).horizon == 172_800 * 1_000_000


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
    "a float": ('{"rules": {"velocity-sum": {"limit": 1.5}}}', "1.5"),
    "NaN": ('{"rules": {"velocity-sum": {"limit": NaN}}}', "NaN"),
    "an int of 5,000 digits": ('{"rules": {"velocity-count": {"limit": ' + "1" * 5_000 + "}}}", "JSON"),
    "an amount that is a number": (rules("velocity-sum", limit=100), "rules.velocity-sum.limit"),
    "an amount of nothing": (rules("velocity-sum", limit="0"), "rules.velocity-sum.limit"),
    "an amount below nothing": (rules("velocity-sum", limit="-1"), "rules.velocity-sum.limit"),
    "an amount of 39 digits": (rules("velocity-sum", limit="1" * 39), "rules.velocity-sum.limit"),
    "an amount with an exponent": (rules("velocity-sum", limit="1E9"), "rules.velocity-sum.limit"),
    "an amount in other digits": (rules("velocity-sum", limit="١٢"), "rules.velocity-sum.limit"),
    "amounts without a default": (rules("velocity-sum", limit={"EUR": "1"}), "default"),
    "a wrong amount of one currency": (rules("velocity-sum", limit={"default": "1", "EUR": "x"}), "limit.EUR"),
    "a count of nothing": (rules("velocity-count", limit=0), "rules.velocity-count.limit"),
    "a count beyond the memory": (rules("velocity-count", limit=512), "rules.velocity-count.limit"),
    "a count that is a truth": (rules("velocity-count", limit=True), "rules.velocity-count.limit"),
    "a count that is a text": (rules("velocity-count", limit="3"), "rules.velocity-count.limit"),
    "a window of nothing": (rules("structuring", window_seconds=0), "rules.structuring.window_seconds"),
    "a window of eight days": (rules("structuring", window_seconds=691_200), "rules.structuring.window_seconds"),
    "one amount as structuring": (rules("structuring", count=1), "rules.structuring.count"),
    "a ratio of one": (rules("structuring", lower_ratio="1"), "rules.structuring.lower_ratio"),
    "a ratio of ten digits": (rules("structuring", lower_ratio="0.1234567891"), "rules.structuring.lower_ratio"),
    "ratios the wrong way round": (rules("rapid-in-out", lower_ratio="1.2"), "rapid-in-out.lower_ratio"),
    "a severity of another name": (rules("structuring", severity="high"), "rules.structuring.severity"),
    "enabled by a text": (rules("structuring", enabled="yes"), "rules.structuring.enabled"),
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
    assert len(str(caught.value)) < 600
