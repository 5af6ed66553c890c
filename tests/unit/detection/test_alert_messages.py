"""What a person and a filter read about a finding."""

import json
from datetime import UTC, datetime

import pytest

from counterfoil.detection.alert import Alert
from counterfoil.detection.alert_terms import AlertPart, AlertTerms
from counterfoil.detection.finding import Finding, Severity, Status
from counterfoil.detection.telling import TellingPolicy

FOUND_AT = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)


def finding(**changes):
    fields = {
        "rule_id": "audit.fork",
        "severity": Severity.CRITICAL,
        "place": "strand#7",
        "reason": "two blocks claim to be strand#7",
        "found_at": FOUND_AT,
        "subject": "ab12",
        "evidence": {"verified_hash": "aa", "other_hash": "bb"},
        "account_id": "ACC-1",
        "document_id": "DOC-1",
    }
    return Finding(**{**fields, **changes})


def test_the_text_says_everything_that_was_found():
    assert Alert(finding()).text == (
        "two blocks claim to be strand#7.\n"
        "\n"
        "Finding   audit.fork@strand#7:ab12\n"
        "Severity  CRITICAL\n"
        "Status    OPEN\n"
        "Place     strand#7\n"
        "Found at  2025-03-03T09:00:00+00:00\n"
        "Account   ACC-1\n"
        "Document  DOC-1\n"
        "\n"
        "Evidence\n"
        "  verified_hash: aa\n"
        "  other_hash: bb\n"
        "\n"
        "What to do: docs/runbook.md, audit.fork"
    )


def test_the_text_leaves_out_what_is_not_known():
    text = Alert(finding(account_id=None, document_id=None, evidence={})).text
    assert "Account" not in text
    assert "Document" not in text
    assert "Evidence" not in text


@pytest.mark.parametrize(
    ("status", "news"), [(Status.OPEN, "found"), (Status.CONFIRMED, "confirmed"), (Status.HEALED, "healed")]
)
def test_the_subject_says_how_severe_what_and_where(status, news):
    assert Alert(finding(status=status)).subject == f"[CRITICAL] audit.fork {news} at strand#7"


@pytest.mark.parametrize("place", ["größe#7", "\U0001f600" * 200, "x" * 500, "a\ud800b"])
def test_the_subject_is_what_sns_takes(place):
    subject = Alert(finding(place=place)).subject
    assert subject.isascii()
    assert 0 < len(subject) <= 100


def test_each_status_of_a_finding_is_an_alert_of_its_own():
    ids = [Alert(finding(status=status)).alert_id for status in Status]
    assert len(set(ids)) == 3
    assert Alert(finding(evidence={})).alert_id == ids[0], "evidence is no part of it"


def test_attributes_are_what_subscribers_filter_by():
    assert Alert(finding()).attributes == {
        "finding_id": "audit.fork@strand#7:ab12",
        "rule_id": "audit.fork",
        "severity": "CRITICAL",
        "status": "OPEN",
        "account_id": "ACC-1",
    }
    assert "account_id" not in Alert(finding(account_id=None)).attributes, "SNS takes no empty attribute"


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        (AlertTerms(), ""),
        (AlertTerms((AlertPart.ENTRY,)), ""),
        (AlertTerms((AlertPart.CURRENCY,)), "\nJoined by others with currency EUR\n"),
        (AlertTerms(window_seconds=86_400), "\nJoined by others with account ACC-1 in windows of 86400 seconds\n"),
        (AlertTerms((), 60), "\nJoined by all others of the rule in windows of 60 seconds\n"),
    ],
)
def test_people_learn_which_findings_they_will_not_be_told_of(terms, said):
    text = Alert(finding(rule_id="fraud.x", evidence={"currency": "EUR"}, alert=terms)).text
    assert said in text
    assert ("Joined by" in text) == bool(said)


def test_programs_learn_what_the_findings_of_the_alert_have_in_common():
    fraud = {"rule_id": "fraud.x", "severity": Severity.HIGH, "evidence": {"currency": "EUR"}}
    assert Alert(finding(**fraud)).detail["alert_key"] == {"account": "ACC-1"}
    keyed = finding(**fraud, alert=AlertTerms((AlertPart.ACCOUNT, AlertPart.CURRENCY)))
    assert json.loads(json.dumps(Alert(keyed).detail))["alert_key"] == {"account": "ACC-1", "currency": "EUR"}
    assert Alert(finding(**fraud, alert=AlertTerms(()))).detail["alert_key"] == {}, "the rule alone"
    assert Alert(finding()).detail["alert_key"] is None, "it joins nothing"


@pytest.mark.parametrize("minimum", Severity)
def test_the_policy_tells_from_its_minimum_on(minimum):
    told = [severity for severity in Severity if TellingPolicy(minimum).tells(finding(severity=severity))]
    assert told == [severity for severity in Severity if severity >= minimum]
