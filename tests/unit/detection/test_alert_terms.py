"""By what findings of a rule are one alert: said by its document, refused where no finding could meet it, carried by each finding."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.detection import rule_trial
from counterfoil.detection.alert_key import key_of, shown_key
from counterfoil.detection.alert_terms import AlertPart, AlertTerms, parse_alert_terms
from counterfoil.detection.catalogue import catalogue, documents
from counterfoil.detection.finding import Finding, Severity
from counterfoil.detection.fraud_rules import KINDS
from counterfoil.detection.judgement import Judge
from counterfoil.detection.rule import bind
from counterfoil.detection.rule_config import RuleConfig, parse_rule_config
from counterfoil.detection.rule_document import parse_rule_document
from counterfoil.errors import InputError
from tests.rule_documents import DOCUMENT, changed

DAY = 86_400
WINDOWS = [60, 90, 300, 3_600, 43_200, DAY, 2 * DAY, 7 * DAY, 31 * DAY]
KEYS = st.lists(st.sampled_from(AlertPart), unique=True)
# Of the document DOCUMENT, before documents could say anything of their alerts.
HASH = "0493c3b7fca49baaafa690a9556e4a572eef4eb134d01262afdae19f19ffe4a2"


def document(**alert):
    return parse_rule_document(changed(alert=alert))


def test_a_document_that_says_nothing_of_its_alerts_is_what_it_was():
    plain = parse_rule_document(DOCUMENT)
    assert (plain.hash, plain.alert) == (HASH, AlertTerms((AlertPart.ACCOUNT,), None))
    assert "alert" not in plain.render()
    assert "alert" not in bind(plain).settings_text


@pytest.mark.parametrize("alert", [{}, {"key": ["account"]}])
def test_what_is_usual_is_the_same_rule_whether_it_is_said_or_not(alert):
    assert parse_rule_document(changed(alert=alert)).hash == HASH


def test_another_key_or_window_is_another_rule():
    said = [{"key": ["currency"]}, {"key": []}, {"window_seconds": DAY}, {"key": ["currency"], "window_seconds": DAY}]
    hashes = {parse_rule_document(changed(alert=each)).hash for each in said}
    assert len(hashes | {HASH}) == 5
    settings = json.loads(bind(document(key=["currency"], window_seconds=DAY)).settings_text)
    assert settings["alert"] == {"key": ["currency"], "window_seconds": DAY}


def test_the_order_of_the_parts_is_not_a_difference():
    one, other = document(key=["currency", "account"]), document(key=["account", "currency"])
    assert (one.alert.key, one.hash) == ((AlertPart.ACCOUNT, AlertPart.CURRENCY), other.hash)


@given(KEYS, st.none() | st.sampled_from(WINDOWS))
def test_terms_are_read_as_they_were_written(key, window):
    given_terms = {"key": key} | ({} if window is None else {"window_seconds": window})
    terms = parse_alert_terms(given_terms, "alert")
    assert (set(terms.key), terms.window_seconds) == (set(key), window)
    assert parse_alert_terms(json.loads(json.dumps(terms.render())), "alert") == terms
    assert terms.usual == (terms.render() == {})


WRONG = {
    "a text": ("account", "alert must be an object, not 'account'"),
    "nothing": (None, "alert must be an object, not None"),
    "a list": ([], "alert must be an object"),
    "an unknown setting": ({"window": 60}, "alert has no setting 'window'; it has key, window_seconds"),
    "a key that is a text": ({"key": "account"}, "alert.key must be a list of at most 8 parts"),
    "a key that is nothing": ({"key": None}, "alert.key must be a list"),
    "a key that is an object": ({"key": {"account": 1}}, "alert.key must be a list"),
    "a key without end": ({"key": ["account"] * 9}, "alert.key must be a list of at most 8 parts"),
    "an unknown part": ({"key": ["account", "amount"]}, "transaction, verb, not 'amount'"),
    "a part in capitals": ({"key": ["ACCOUNT"]}, "not 'ACCOUNT'"),
    "a part that is a number": ({"key": [1]}, "not 1"),
    "a part that is a list": ({"key": [["account"]]}, "not ['account']"),
    "a part twice": ({"key": ["account", "account"]}, "alert.key names a part twice"),
    "a window that is a text": ({"window_seconds": "60"}, "window_seconds must be a whole number from 60 to 2678400"),
    "a window that is a flag": ({"window_seconds": True}, "alert.window_seconds must be a whole number"),
    "a window of nothing": ({"window_seconds": None}, "alert.window_seconds must be a whole number"),
    "a window too short": ({"window_seconds": 59}, "alert.window_seconds must be a whole number from 60"),
    "a window too long": ({"window_seconds": 32 * DAY}, "alert.window_seconds must be a whole number from 60"),
    "a window that drifts": ({"window_seconds": 7 * 3_600}, "must divide a day (86400) or be whole days, and 25200 does"),
    "a day and a half": ({"window_seconds": DAY + DAY // 2}, "must divide a day (86400) or be whole days"),
}  # fmt: skip


@pytest.mark.parametrize(("alert", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_terms_is_named(alert, said):
    with pytest.raises(InputError) as caught:
        parse_rule_document(changed(alert=alert))
    assert str(caught.value).startswith("fraud.round-amounts: alert")
    assert said in str(caught.value)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from([*AlertPart, *WINDOWS]),
    lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(max_size=5), each, max_size=2),
    max_leaves=6,
)


@given(JUNK | st.dictionaries(st.sampled_from(["key", "window_seconds", "x"]), JUNK))
def test_what_is_read_is_written_back_and_all_else_is_refused_by_name(junk):
    try:
        terms = parse_alert_terms(junk, "alert")
    except InputError as error:
        assert str(error).startswith("alert")
    else:
        assert set(junk) <= {"key", "window_seconds"}
        assert {"key": sorted(junk.get("key", ["account"])), "window_seconds": junk.get("window_seconds")} == {
            "key": list(terms.key),
            "window_seconds": terms.window_seconds,
        }


@pytest.mark.parametrize("window", WINDOWS)
def test_a_window_may_be_up_to_a_month_and_of_what_is_critical_a_day(window):
    assert document(window_seconds=window).alert.window_seconds == window
    critical = changed(alert={"window_seconds": window}, severity="CRITICAL")
    if window <= DAY:
        assert parse_rule_document(critical).severity is Severity.CRITICAL
    else:
        with pytest.raises(
            InputError, match=r"alert.window_seconds must be at most 86400 for a rule of severity CRITICAL"
        ):
            parse_rule_document(critical)


@pytest.mark.parametrize("part", AlertPart)
@pytest.mark.parametrize("kind", KINDS)
def test_a_key_has_only_what_findings_of_the_kind_carry(kind, part):
    shipped = next(each for each in documents() if each.kind == kind)
    terms = {"key": [part], "window_seconds": 60}
    given_document = parse_rule_document({**shipped.render(), "alert": terms})
    if part in KINDS[kind].alert_parts:
        assert bind(given_document).document.alert.key == (part,)
    else:
        with pytest.raises(
            InputError, match=f"{shipped.id}: alert.key has '?{part}'?, which findings of kind {kind} do not carry"
        ):
            bind(given_document)


def test_a_window_for_findings_that_nothing_joins_is_refused():
    """Those about statements have no account, which is the usual key."""
    shipped = next(each for each in documents() if each.kind == "statement")
    with pytest.raises(InputError, match="do not carry; they carry strand, verb"):
        bind(parse_rule_document({**shipped.render(), "alert": {"window_seconds": 3_600}}))


@pytest.mark.parametrize("rule", catalogue(), ids=lambda rule: rule.rule_id)
def test_findings_say_something_for_every_part_that_their_kind_promises(rule, monkeypatch):
    found = {}

    class Seen(Judge):
        def judge(self, contents):
            super().judge(contents)
            found.update(self.findings)

    monkeypatch.setattr(rule_trial, "Judge", Seen)
    parts = tuple(sorted(rule.kind.alert_parts))
    asked = bind(parse_rule_document({**rule.document.render(), "alert": {"key": parts}}))
    rule_trial.try_rule(asked)
    mine = [each for each in found.values() if each.rule_id == rule.rule_id]
    assert mine
    for each in mine:
        assert each.alert == asked.document.alert
        key = key_of(each)
        assert key is not None, each
        assert tuple(part for part, _ in key) == parts


def test_what_a_deployment_sets_goes_over_the_terms_of_a_shipped_rule():
    text = json.dumps({"rules": {"velocity-count": {"alert": {"key": ["account", "currency"], "window_seconds": DAY}}}})
    config = parse_rule_config(text)
    (rule,) = (each for each in config.rules if each.rule_id == "fraud.velocity-count")
    assert rule.document.alert == AlertTerms((AlertPart.ACCOUNT, AlertPart.CURRENCY), DAY)
    assert config.version != RuleConfig().version
    for wrong in ({"key": ["entry"]}, {"window_seconds": 1}, "account"):
        with pytest.raises(InputError, match=r"fraud.velocity-count: alert"):
            parse_rule_config(json.dumps({"rules": {"velocity-count": {"alert": wrong}}}))
    settings = {"severity": "CRITICAL", "alert": {"window_seconds": 2 * DAY}}
    with pytest.raises(InputError, match="CRITICAL"):
        parse_rule_config(json.dumps({"rules": {"velocity-count": settings}}))


def finding(key, **changes):
    fields = {
        "rule_id": "fraud.x",
        "severity": Severity.HIGH,
        "place": "strand#7",
        "reason": "seen",
        "found_at": datetime(2025, 3, 3, tzinfo=UTC),
        "evidence": {
            "from_account": "PAYER", "to_account": "PAYEE", "currency": "EUR", "transaction_id": "T-1", "entry": "X", "verb": "DROP",
        },
        "account_id": "PAYER",
        "document_id": "DOC",
        "alert": AlertTerms(tuple(key)),
    }  # fmt: skip
    return Finding(**{**fields, **changes})


def test_a_key_in_words():
    assert shown_key(key_of(finding(AlertPart))) == (
        "account PAYER, counterparty PAYEE, currency EUR, document DOC, entry X, strand strand, transaction T-1, verb DROP"
    )
    assert shown_key(key_of(finding([]))) == "the rule"
    assert shown_key(key_of(finding([AlertPart.VERB], evidence={}))) == "this finding alone"


@pytest.mark.parametrize(("account", "other"), [("PAYER", "PAYEE"), ("PAYEE", "PAYER")])
def test_the_counterparty_is_the_other_side_of_the_transfer(account, other):
    assert key_of(finding([AlertPart.COUNTERPARTY], account_id=account)) == ((AlertPart.COUNTERPARTY, other),)


@pytest.mark.parametrize("part", AlertPart)
def test_who_says_nothing_for_a_part_joins_nobody(part):
    assert key_of(finding([part])) is not None
    assert key_of(finding([part], evidence={}, account_id=None, document_id=None, place="")) is None


@pytest.mark.parametrize("rule_id", ["audit.gap", "export.broken"])
def test_findings_about_the_journal_join_nobody_whatever_their_terms(rule_id):
    assert key_of(finding([], rule_id=rule_id)) is None
