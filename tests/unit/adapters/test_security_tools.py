"""Security Hub and the bus as their own service models describe them: what they are given, and what a refusal comes to."""

import json
from datetime import UTC, datetime

import pytest

from counterfoil.adapters.security_tools import ATTEMPTS, OCSF_DETAIL_TYPE, OcsfChannel, SecurityHubChannel, home_of
from counterfoil.detection.alert import Alert
from counterfoil.detection.asff import render_asff
from counterfoil.errors import InputError, UnavailableError
from tests.security_findings import HOME, a_finding, ocsf_problems

NOW = datetime(2026, 3, 2, tzinfo=UTC)


class Told:
    """A message that is no finding's: a day's digest."""

    alert_id = kind = "digest"


class Hub:
    """Security Hub as far as it is asked; it refuses these ids so many times each."""

    def __init__(self, refusals=()):
        self.refusals = dict(refusals)
        self.calls = []

    def batch_import_findings(self, Findings):
        ids = [each["Id"] for each in Findings]
        self.calls.append(ids)
        refused = [each for each in ids if self.refusals.get(each, 0) > 0]
        for each in refused:
            self.refusals[each] -= 1
        failed = [{"Id": each, "ErrorCode": "Throttled", "ErrorMessage": "later"} for each in refused]
        return {"FailedCount": len(failed), "SuccessCount": len(ids) - len(failed), "FailedFindings": failed}


def channel(hub):
    return SecurityHubChannel(hub, HOME, lambda: NOW)


def test_security_hub_gets_the_finding_that_people_are_told_of(stub):
    hub, finding = stub("securityhub"), a_finding()
    answer = {"FailedCount": 0, "SuccessCount": 1, "FailedFindings": []}
    hub.add_response("batch_import_findings", answer, {"Findings": [render_asff(finding, HOME, NOW)]})
    channel(hub.client).send(Alert(finding))
    hub.assert_no_pending_responses()


def test_the_bus_gets_an_ocsf_event():
    put = []

    class Bus:
        def put_events(self, Entries):
            put.extend(Entries)
            return {"FailedEntryCount": 0, "Entries": [{}]}

    OcsfChannel(Bus(), "bus", HOME).send(Alert(a_finding()))
    assert (put[0]["EventBusName"], put[0]["DetailType"]) == ("bus", OCSF_DETAIL_TYPE)
    assert ocsf_problems(json.loads(put[0]["Detail"])) == []


def test_an_event_that_the_bus_refuses_was_not_sent(stub):
    events = stub("events")
    events.add_response("put_events", {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]})
    with pytest.raises(UnavailableError, match="InternalFailure"):
        OcsfChannel(events.client, "bus", HOME).send(Alert(a_finding()))


def test_what_is_no_finding_goes_by():
    hub = Hub()
    channel(hub).send(Told())
    OcsfChannel(None, "bus", HOME).send(Told())
    assert hub.calls == []


def test_only_what_was_refused_is_given_again():
    findings = [a_finding(place=f"strand#{number}") for number in range(150)]
    ids = [each.finding_id for each in findings]
    hub = Hub({ids[3]: 1, ids[120]: 2})
    channel(hub).import_all(findings)
    assert hub.calls == [ids[:100], [ids[3]], ids[100:], [ids[120]], [ids[120]]]


def test_what_is_refused_again_and_again_comes_back_later():
    finding = a_finding()
    hub = Hub({finding.finding_id: 99})
    with pytest.raises(UnavailableError, match="Throttled: later"):
        channel(hub).send(Alert(finding))
    assert len(hub.calls) == ATTEMPTS


def test_a_hub_that_is_off_is_unavailable(stub):
    hub = stub("securityhub")
    hub.add_client_error("batch_import_findings", "InvalidAccessException")
    with pytest.raises(UnavailableError, match="InvalidAccessException"):
        channel(hub.client).send(Alert(a_finding()))


def test_an_arn_says_where_one_is():
    assert home_of("arn:aws-cn:sns:cn-north-1:123456789012:alerts").partition == "aws-cn"
    no_resource, no_arn = "arn:aws:sns:eu-west-1:123456789012", "x:aws:sns:eu-west-1:123456789012:alerts"
    for text in ("-", "arn:aws:s3:::bucket", "topic", no_resource, no_arn):
        with pytest.raises(InputError):
            home_of(text)
