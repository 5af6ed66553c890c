"""The figures of the demonstration: how long until a finding, how much for a transfer."""

import json
from urllib.parse import urlencode

import pytest

from lab import prices
from lab.demo.cost import cost_of, work_between
from lab.demo.timeline import Delays, Timeline, timing_of
from lab.gateway.units import NOTHING
from lab.gateway.usage import Call, Kind, Meter, Tally, Units, Usage
from lab.runtime import Work


def call(operation, request, at, service="dynamodb", status=200, ddb_tables=("findings",)):
    return Call(at, "FraudDetectorFunction", service, operation, ddb_tables, request, status, 10, NOTHING)


def stored(finding_id, at, **how):
    return call("PutItem", json.dumps({"Item": {"finding_id": {"S": finding_id}}}).encode(), at, **how)


def told(finding_id, at):
    attributes = {"status": "OPEN", "finding_id": finding_id, "severity": "HIGH"}
    fields = {"Action": "Publish", "Message": "finding_id"}
    for number, (name, value) in enumerate(attributes.items(), 1):
        fields[f"MessageAttributes.entry.{number}.Name"] = name
        fields[f"MessageAttributes.entry.{number}.Value.StringValue"] = value
    return call("Publish", urlencode(fields).encode(), at, "sns", ddb_tables=())


def test_a_finding_is_timed_from_the_commit_to_its_first_writing_and_its_first_alert():
    timeline = Timeline("findings")
    for each in (
        stored("a", 10.5, status=400),
        stored("a", 11.0),
        stored("a", 12.0),
        stored("other", 11.0, ddb_tables=("accounts",)),
        told("a", 13.0),
        told("a", 14.0),
        stored("b", 11.0),
    ):
        timeline(each)
    findings = [("a", "s#1"), ("b", "s#2"), ("c", "s#1"), ("d", "s#9")]
    timing = timing_of({"s#1": 10.0, "s#2": 10.0}, findings, timeline)
    assert timing.to_finding == Delays([1.0, 1.0])
    assert timing.to_alert == Delays([3.0])


@pytest.mark.parametrize(
    ("seconds", "half", "most"),
    [([], 0.0, 0.0), ([3.0], 3.0, 3.0), ([4, 1, 3, 2], 2, 4), (list(range(1, 201)), 100, 198)],
)
def test_percentiles_are_cases_that_happened(seconds, half, most):
    delays = Delays(seconds)
    assert (delays.percentile(0.5), delays.percentile(0.99)) == (half, most)


def test_usage_is_counted_added_and_taken_apart():
    meter = Meter()
    for service, function_id in (("dynamodb", "A"), ("dynamodb", "A"), ("dynamodb", "B"), ("sns", "A")):
        meter.count(Call(0.0, function_id, service, "Op", ("t", "u"), b"xy", 400, 3, Units(1.0, 2.0)))
    usage = meter.usage()
    assert usage.of("dynamodb", "A").tallies == {Kind("A", "dynamodb", "Op", "t"): Tally(2, 2, 2.0, 4.0, 4, 6)}
    assert usage.of("dynamodb").total.requests == 3
    assert usage.by("service") == {("dynamodb",): Tally(3, 3, 3.0, 6.0, 6, 9), ("sns",): Tally(1, 1, 1.0, 2.0, 2, 3)}
    assert (meter.usage() - usage).tallies == {}


def test_the_cost_is_of_what_was_counted_for_each_transaction():
    def used(function_id, reads, writes):
        return {Kind(function_id, "dynamodb", "PutItem", "t"): Tally(10, 0, reads, writes, 0, 0)}

    usage = Usage({**used("LedgerApiFunction", 40.0, 20.0), **used("JournalAuditorFunction", 0.0, 10.0)})
    work = {"LedgerApiFunction": Work(60, 6.0), "JournalAuditorFunction": Work(5, 1.0), "Idle": Work()}
    cost = cost_of(10, usage, work, {"LedgerApiFunction": 1024, "JournalAuditorFunction": 2048, "Idle": 128})
    assert set(cost.functions) == {"LedgerApiFunction", "JournalAuditorFunction"}
    ledger = cost.ledger
    assert (ledger.requests, ledger.read_units, ledger.write_units, ledger.invocations) == (1.0, 4.0, 2.0, 6.0)
    assert ledger.dynamodb_usd == pytest.approx(4 * prices.DYNAMODB_READS + 2 * prices.DYNAMODB_WRITES)
    assert ledger.lambda_usd == pytest.approx(6 * 0.20 + 0.6 * prices.LAMBDA_GB_SECOND * 1e6)
    assert cost.everything.write_units == 3.0
    assert cost.qldb_usd == pytest.approx(8 * 0.136 + 7 * 0.70)
    assert cost.as_json()["perTransaction"]["everything"]["dynamodbRequests"] == 2.0


def test_work_is_what_was_done_in_between():
    assert work_between({"A": Work(1, 0.5)}, {"A": Work(3, 2.0), "B": Work(1, 1.0)}) == {
        "A": Work(2, 1.5),
        "B": Work(1, 1.0),
    }
