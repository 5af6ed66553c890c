"""Conditions: what is taken, what is refused and in which words, and that a tree is enough to run one."""

import json
import subprocess
import sys
from decimal import Decimal

import pytest

from counterfoil.detection.expressions import check, compile_tree, flag, number, text
from counterfoil.errors import InputError

VOCABULARY = {
    "amount": number(lambda subject: subject["amount"], "an amount"),
    "threshold": number(lambda subject: subject["threshold"], "a limit"),
    "currency": text(lambda subject: subject["currency"], "a currency"),
    "is_new": flag(lambda subject: subject["is_new"], "new or not"),
}
SUBJECT = {"amount": Decimal("12.50"), "threshold": 10, "currency": "EUR", "is_new": True}


def value_of(expression, subject=SUBJECT):
    return compile_tree(check(expression, VOCABULARY), VOCABULARY)(subject)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("amount > threshold", True),
        ("amount * 2 - 25 == 0", True),
        ("amount + 0.1 == 12.6", True),
        ("-amount < -12", True),
        ("currency == 'EUR' and not (is_new == false)", True),
        ("currency in ['USD', 'CHF'] or is_new", True),
        ("currency not in ['USD', 'CHF']", True),
        ("amount in [1, 12.5]", True),
        ("'U' in currency", True),
        ('currency != "EUR"', False),
        ("true", True),
        ("1 + 1 == 3", False),
        ("is_new and amount <= 12.49", False),
        ("amount\n  >= 12.5", True),
    ],
)  # fmt: skip
def test_a_condition_says_what_it_says(expression, value):
    assert value_of(expression) is value


def test_numbers_are_exact_also_where_they_are_constant():
    long = "9" * 38
    assert value_of(f"{long} * {long} - {long} * {long} == 0")
    assert value_of(f"amount * {long} != amount * {long[:-1]}8")
    assert value_of("0.1 + 0.2 == 0.3")
    assert value_of("1000000000000000000000000000000.1 + 0.02 == 1000000000000000000000000000000.12")


REFUSED = {
    "a regular expression": ('currency =~ "(a+)+$"', "'=~ "),
    "a search": ('currency =~~ "a"', "=~~"),
    "not a search": ('currency !~ "a"', "!~"),
    "a power": ("amount ** 9 > 1", "**"),
    "a division": ("amount / 3 > 1", "'/ 3"),
    "a remainder": ("amount % 1000 == 0", "%"),
    "a shift": ("amount << 3 > 1", "<<"),
    "a union": ("amount | 3 > 1", "|"),
    "an attribute": ("currency.length > 1", ".length"),
    "an attribute of a literal": ('"a".length > 1', ".length"),
    "an attribute in front of a number": ("amount.5 > 1", ".5"),
    "a function": ("$abs(amount) > 1", "$abs"),
    "an item": ("currency[0] == 'E'", "getitem"),
    "a comprehension": ("[amount for x in [1]] == 1", "'for'"),
    "a set": ("amount in {1, 2}", "{1"),
    "null": ("currency == null", "'null'"),
    "a choice": ("is_new ? true : false", "? true"),
    "a comment": ("is_new # said so", "#"),
    "an escape": (r"currency == '\x45'", "'"),
    "a date": ('d"2025-01-01" == d"2025-01-01"', 'd"2025'),
    "a raw text": ("r'E' == currency", "r'E'"),
    "an exponent": ("amount > 1e9", "1e9"),
    "another base": ("amount > 0x10", "0x10"),
    "a number of 39 digits": ("amount > " + "1" * 39, "38 digits"),
    "a constant of more digits than that": (f"amount > {'9' * 38} * {'9' * 38}", "38 digits"),
    "a typo": ("amuont > 1", "'amuont' here; it knows amount, currency, is_new, threshold"),
    "a builtin": ("now > 1", "'now'"),
    "a number as a truth": ("amount and is_new", "takes flag and flag, not number and flag"),
    "a text as a truth": ("not currency", "takes flag, not text"),
    "a number like a text": ("amount == 'EUR'", "compares a number with a text"),
    "texts in order": ("currency > 'EUR'", "takes number and number"),
    "texts added up to nothing": ("currency + 1 == 'x'", "data type mismatch"),
    "a list of anything": ("amount in [1, '1']", "compares a number with a text"),
    "a list of names": ("amount in [threshold]", "written out"),
    "an empty list": ("amount in []", "1 to 200"),
    "a list of too many": (f"amount in [{','.join(['1'] * 201)}]", "1 to 200"),
    "no truth": ("amount + 1", "is a number"),
    "nothing": ("", "1 to 1000 characters"),
    "blank": ("  ", "refused"),
    "too long": ("is_new or " * 100 + "is_new", "1 to 1000 characters"),
    "too many operators": ("true or " * 101 + "true", "100 operators"),
    "too deep": ("(" * 17 + "is_new" + ")" * 17, "16 brackets"),
    "too many products": ("amount * " * 9 + "amount > 1", "8 products"),
    "open brackets": ("(is_new", "syntax"),
    "a chain": ("1 < amount < 3", "syntax"),
}  # fmt: skip


@pytest.mark.parametrize(("expression", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_named(expression, said):
    with pytest.raises(InputError) as caught:
        check(expression, VOCABULARY)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "tree",
    [
        None, "amount", [], ["and"], ["symbol", "secret"], ["symbol", ["amount"]], ["number", 5], ["number", "1E9"], ["flag", 1],
        ["eq", ["symbol", "amount"]], ["and", ["symbol", "amount"], ["flag", True]], ["pow", ["number", "1"], ["number", "2"]],
        ["in", ["symbol", "amount"], []], ["in", ["symbol", "amount"], [["symbol", "amount"]]], ["symbol", "amount"], [["and"], 1],
        ["not", ["flag", True], ["flag", True]], ["in", ["symbol", "amount"], "ab"], ["in", ["symbol", "amount"], [[]]],
    ],
)  # fmt: skip
def test_a_tree_that_no_condition_has_is_refused(tree):
    with pytest.raises(InputError):
        compile_tree(tree, VOCABULARY)


def test_a_tree_that_has_no_end_is_refused():
    tree = ["flag", True]
    for _ in range(3_000):
        tree = ["not", tree]
    with pytest.raises(InputError):
        compile_tree(tree, VOCABULARY)


def test_a_tree_survives_being_written():
    tree = check("amount in [1, 2] and currency == 'ÄÖ'", VOCABULARY)
    assert json.loads(json.dumps(tree)) == tree


def test_running_conditions_does_not_import_what_checks_them():
    """The import costs more than half a second: a cold start must not pay it."""
    program = (
        "import sys, counterfoil.detection.rule_config as r, counterfoil.detection.rule_trial as t\n"
        "config = r.parse_rule_config('{}')\n"
        "assert any(rule.when for rule in config.rules) or not any(rule.document.when for rule in config.rules)\n"
        "assert 'rule_engine' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
