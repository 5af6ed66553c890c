"""Rule documents: strict to read, one hash per meaning, bound to a kind by its names, tried by their own tests."""

import json

import pytest

from counterfoil.detection.catalogue import catalogue, documents
from counterfoil.detection.finding import Severity
from counterfoil.detection.fraud_rules import KINDS
from counterfoil.detection.rule import bind
from counterfoil.detection.rule_document import Action, RuleStatus, parse_rule_document
from counterfoil.detection.rule_trial import try_rule
from counterfoil.errors import InputError
from lab.rules import MARK, PAGE, chapters, conditions
from tests.rule_documents import DOCUMENT, changed, pay

SHIPPED = {document.id: document for document in documents()}


def test_a_document_is_read_whole():
    document = parse_rule_document(json.dumps(DOCUMENT))
    assert (document.id, document.version, document.kind) == ("fraud.round-amounts", 1, "aggregate")
    assert (document.severity, document.status) == (Severity.LOW, RuleStatus.ACTIVE)
    assert document.actions == (Action.OPEN_CASE,)
    assert parse_rule_document(json.dumps(document.render())) == document


def test_the_hash_is_of_what_the_rule_says_and_not_of_its_status_or_layout():
    document = parse_rule_document(DOCUMENT)
    assert parse_rule_document(json.dumps(DOCUMENT, indent=4)).hash == document.hash
    assert parse_rule_document(changed(status="paused")).hash == document.hash
    assert parse_rule_document(changed(title="Another")).hash != document.hash
    assert parse_rule_document(changed(when="trailing_zeros >= 2")).hash != document.hash
    assert len(document.hash) == 64


@pytest.mark.parametrize(("value", "score"), [(0, 0), (2, 0), (3, 30), (4, 30), (9, 30), (10, 60), (10_000, 60)])
def test_the_score_is_that_of_the_highest_band_reached(value, score):
    assert parse_rule_document(DOCUMENT).score.of(value) == score


WRONG = {
    "no object": ([], "a rule is an object"),
    "not JSON": ("{", "not JSON"),
    "a float": ('{"version": 1.0}', "written as strings"),
    "a key given twice": ('{"id": "a.b", "id": "a.b"}', "twice"),
    "too long": (json.dumps("x" * 40_000), "at most 32768"),
    "an unknown key": (changed(windows=3), "'windows'"),
    "a missing key": ({key: value for key, value in DOCUMENT.items() if key != "owner"}, "needs owner"),
    "an id in capitals": (changed(id="Fraud.x"), "'Fraud.x'"),
    "an id without a family": (changed(id="round"), "'round'"),
    "a version of nothing": (changed(version=0), "the rule.version"),
    "a version that is a text": (changed(version="1"), "the rule.version"),
    "another severity": (changed(severity="low"), "the rule.severity"),
    "another status": (changed(status="on"), "status must be one of draft, shadow, active, paused"),
    "another action": (changed(actions=["run"]), "open_case, freeze, propose_compensation, webhook"),
    "actions as a text": (changed(actions="freeze"), "actions must be a list"),
    "a condition that is a number": (changed(when=3), "when must be a condition"),
    "a score above 100": (changed(score=101), "score must be a whole number from 0 to 100"),
    "a score on nothing": (changed(score={"bands": []}), "score.on"),
    "a score without bands": (changed(score={"on": "value", "bands": []}), "must be there, and rise"),
    "bands that fall": (
        changed(score={"on": "value", "bands": [{"from": "2", "score": 1}, {"from": "1", "score": 2}]}), "rise",
    ),
    "a band that is a number": (changed(score={"on": "value", "bands": [{"from": 2, "score": 1}]}), "bands[0]"),
    "parameters as a list": (changed(parameters=[]), "parameters must be an object"),
    "a title of two lines": (changed(title="a\nb"), "the rule.title"),
    "tests as a text": (changed(tests="none"), "tests must be a list"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_a_document_is_named(given, said):
    with pytest.raises(InputError) as caught:
        parse_rule_document(given)
    assert said in str(caught.value)


UNBOUND = {
    "an unknown kind": (changed(kind="magic"), "no kind 'magic'; there are aggregate"),
    "an unknown parameter": (changed(parameters={"limit": 3}), "'limit'"),
    "an aggregate that is none": (changed(parameters={"aggregate": "median"}), "parameters.aggregate must be one of"),
    "a sum across currencies": (changed(parameters={"aggregate": "sum", "key": "account"}), "needs the currency"),
    "more than is remembered": (changed(parameters={"threshold": "448"}), "at most 448"),
    "more inflows than are remembered": (changed(parameters={"direction": "in", "threshold": "64"}), "at most 64"),
    "a condition of another kind": (changed(when="statement == 'x'"), "'statement'"),
    "a condition where there is none": (
        changed(kind="conservation-of-money", parameters={}, reason="x", score=1), "takes no condition",
    ),
    "a reason over another name": (changed(reason="{secret}"), "{secret}"),
    "a reason over nothing": (changed(reason="{}"), "knows no {}"),
    "a reason that reaches inside": (changed(reason="{account.__class__}"), "{account.__class__}"),
    "a reason that indexes": (changed(reason="{account[0]}"), "{account[0]}"),
    "a reason that formats": (changed(reason="{account:>900000}"), "shown as they are"),
    "a reason that converts": (changed(reason="{account!r}"), "shown as they are"),
    "a reason that is no template": (changed(reason="{account"), "not a template"),
    "a score on a text": (changed(score={"on": "account", "bands": [{"from": "0", "score": 1}]}), "the numbers of aggregate"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "said"), UNBOUND.values(), ids=UNBOUND)
def test_what_does_not_fit_the_kind_is_named(given, said):
    document = parse_rule_document(given)
    with pytest.raises(InputError) as caught:
        bind(document)
    assert said in str(caught.value)
    assert str(caught.value).startswith("fraud.round-amounts")


def test_a_reason_may_hold_braces():
    assert bind(parse_rule_document(changed(reason="{{{value}}}"))).reason({"value": 3}) == "{3}"


FAILING = {
    "no finding": ([{"title": "x", "expect": "found", "blocks": [{"transfers": [pay("5")]}]}], "there is none"),
    "a finding": (
        [{"title": "x", "expect": "nothing", "blocks": [{"times": 4, "transfers": [pay("5000")]}]}], "block 3 is found",
    ),
    "found too early": (
        [{"title": "x", "expect": "found", "blocks": [{"times": 5, "transfers": [pay("5000")]}]}], "in its last block",
    ),
    "no near miss": (DOCUMENT["tests"][:1], "a near miss"),
    "nothing but near misses": (DOCUMENT["tests"][1:], "a test that expects 'found'"),
    "no test": ([], "a test that expects 'found'"),
    "an unknown field": ([{"title": "x", "expect": "found", "blocks": [{"transfer": []}]}], "'transfer'"),
    "a missing field": ([{"title": "x", "expect": "found", "blocks": [{"transfers": [{"from": "A"}]}]}], "missing"),
    "an amount of nothing": ([{"title": "x", "expect": "found", "blocks": [{"transfers": [pay("0")]}]}], "not more than 0"),
    "an amount that is none": ([{"title": "x", "expect": "found", "blocks": [{"transfers": [pay("x")]}]}], "not a decimal"),
    "no blocks": ([{"title": "x", "expect": "found", "blocks": []}], "at least one"),
    "a block that is a text": ([{"title": "x", "expect": "found", "blocks": ["x"]}], "blocks[0]"),
    "a test that is a text": (["x"], "tests[0]"),
    "a test without a title": ([{"expect": "found", "blocks": [{}]}], "missing"),
    "too many blocks": ([{"title": "x", "expect": "found", "blocks": [{"times": 600}, {"times": 600}]}], "more than 1000"),
    "too many items": ([{"title": "x", "expect": "found", "blocks": [{"transfers": [pay("1")] * 101}]}], "at most 100"),
}  # fmt: skip


@pytest.mark.parametrize(("tests", "said"), FAILING.values(), ids=FAILING)
def test_a_document_whose_own_tests_fail_is_refused(tests, said):
    with pytest.raises(InputError) as caught:
        try_rule(bind(parse_rule_document(changed(tests=tests))))
    assert said in str(caught.value)


@pytest.mark.parametrize("status", ["draft", "shadow", "active", "paused"])
def test_a_rules_tests_do_not_depend_on_its_status(status):
    try_rule(bind(parse_rule_document(changed(status=status))))


# ---- what is shipped -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", catalogue(), ids=lambda rule: rule.rule_id)
def test_every_shipped_rule_passes_its_tests(rule):
    try_rule(rule)


def test_the_trees_of_the_shipped_conditions_are_what_checking_gives_now():
    from importlib.resources import files

    import counterfoil.detection.catalogue as shipped

    kept = (files(shipped.__name__) / shipped.CONDITIONS).read_text("utf-8")
    assert kept == conditions(), "run `make rules`"


def test_the_page_of_the_rules_says_which_kinds_and_rules_there_are():
    assert PAGE.read_text("utf-8").endswith(MARK + chapters()), "run `make rules`"


@pytest.mark.parametrize("document", SHIPPED.values(), ids=SHIPPED)
def test_a_shipped_document_stands_in_a_file_of_its_name(document):
    from importlib.resources import files

    import counterfoil.detection.catalogue as shipped

    assert (files(shipped.__name__) / f"{document.id.removeprefix('fraud.')}.json").is_file()
    assert document.id.startswith("fraud.")


def test_every_kind_is_shipped_in_some_rule():
    assert {document.kind for document in SHIPPED.values()} == set(KINDS)
