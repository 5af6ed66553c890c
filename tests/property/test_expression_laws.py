"""Our closures are rule-engine's own evaluation: the same value for every subject, refused where it is refused."""

from decimal import Decimal

import pytest
import rule_engine
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.detection.expressions import Type, check, compile_tree, flag, number, text
from counterfoil.detection.expressions.checking import context_of
from counterfoil.detection.expressions.tokens import KEYWORDS
from counterfoil.detection.expressions.trees import type_of
from counterfoil.errors import InputError

NAMES = {"a": Type.NUMBER, "b": Type.NUMBER, "s": Type.TEXT, "t": Type.TEXT, "p": Type.FLAG, "q": Type.FLAG}
MAKE = {Type.NUMBER: number, Type.TEXT: text, Type.FLAG: flag}
VOCABULARY = {name: MAKE[kind](lambda subject, name=name: subject[name], "a test's") for name, kind in NAMES.items()}

amounts = st.decimals(-(10**20), 10**20, places=2) | st.integers(-100, 100).map(Decimal) | st.sampled_from([Decimal(0)])
words = st.text("ab 'é", max_size=3)
subjects = st.fixed_dictionaries(
    {name: {Type.NUMBER: amounts, Type.TEXT: words, Type.FLAG: st.booleans()}[kind] for name, kind in NAMES.items()}
)


def written(names, literals):
    return st.sampled_from([name for name, kind in NAMES.items() if kind is names]) | literals


digits = st.integers(0, 10**38 - 1).map(str) | st.decimals(0, 1000, places=3).map(lambda value: f"{value:f}")
quoted = st.text("ab é", max_size=3).map(lambda value: f"'{value}'")
numbers = st.recursive(
    written(Type.NUMBER, digits),
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from("+-"), inner)
        | st.builds("({} * {})".format, inner, st.sampled_from(["a", "b", "3"]))
        | inner.map("(-{})".format)
    ),
    max_leaves=4,
)
texts = written(Type.TEXT, quoted)
lists = st.lists(digits, min_size=1, max_size=4) | st.lists(quoted, min_size=1, max_size=4)
comparisons = (
    st.builds("{} {} {}".format, numbers, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), numbers)
    | st.builds("{} {} {}".format, texts, st.sampled_from(["==", "!=", "in", "not in"]), texts)
    | st.builds("{} in [{}]".format, numbers, st.lists(digits, min_size=1, max_size=4).map(", ".join))
    | st.builds("{} not in [{}]".format, texts, st.lists(quoted, min_size=1, max_size=4).map(", ".join))
)
conditions = st.recursive(
    written(Type.FLAG, st.sampled_from(["true", "false"])) | comparisons,
    lambda inner: (
        st.builds("{} {} {}".format, inner, st.sampled_from(["and", "or", "=="]), inner)
        | inner.map("({})".format)
        | inner.map("not {}".format)
    ),
    max_leaves=6,
)


def theirs(expression):
    """rule-engine's own rule, without anything of ours before it."""
    return rule_engine.Rule(expression, context_of(VOCABULARY))


@given(conditions, subjects)
def test_what_is_taken_has_rule_engines_own_value(expression, subject):
    try:
        tree = check(expression, VOCABULARY)
    except InputError:
        return
    assert compile_tree(tree, VOCABULARY)(subject) is theirs(expression).evaluate(subject)


@given(numbers, numbers, subjects)
def test_comparisons_of_well_typed_numbers_are_taken_and_exact(left, right, subject):
    expression = f"{left} < {right}"
    try:
        mine = compile_tree(check(expression, VOCABULARY), VOCABULARY)
    except InputError as error:
        assert "digits" in str(error) or "products" in str(error) or "characters" in str(error)
        return
    assert mine(subject) is theirs(expression).evaluate(subject)


tokens = st.sampled_from(
    [*NAMES, *KEYWORDS, "(", ")", "[", "]", ",", "==", "<", ">=", "+", "-", "*", "1", "2.5", "'a'", '"b"']
)


@given(st.lists(tokens, min_size=1, max_size=9).map(" ".join), subjects)
def test_what_rule_engine_refuses_is_refused_and_the_rest_agrees(expression, subject):
    try:
        rule = theirs(expression)
    except rule_engine.errors.EngineError:
        with pytest.raises(InputError):
            check(expression, VOCABULARY)
        return
    try:
        tree = check(expression, VOCABULARY)
    except InputError:
        return
    assert compile_tree(tree, VOCABULARY)(subject) is rule.evaluate(subject)


@given(st.text(max_size=40) | st.text("ab()[]'\"=~!<>*/%&|^$.,:?{}#\\ \n0123456789efd", max_size=40))
def test_any_text_is_a_condition_or_an_input_error(expression):
    try:
        tree = check(expression, VOCABULARY)
    except InputError:
        return
    assert type_of(tree, VOCABULARY) is Type.FLAG
