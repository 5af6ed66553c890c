"""Metrics in log lines, by the embedded metric format."""

import json
from datetime import UTC, datetime

from lab.child_process import Log
from lab.metrics import metrics_in, publish

LINE = {
    "_aws": {
        "Timestamp": 1_700_000_000_000,
        "CloudWatchMetrics": [
            {
                "Namespace": "counterfoil",
                "Dimensions": [["service"], ["service", "strand"]],
                "Metrics": [{"Name": "Blocks", "Unit": "Count"}, {"Name": "LagMs"}],
            }
        ],
    },
    "service": "journal_publisher",
    "strand": "s",
    "Blocks": [3.0, 4],
    "LagMs": 7,
}


def test_each_metric_is_taken_under_each_of_its_sets_of_dimensions():
    found = list(metrics_in([json.dumps(LINE)]))
    assert [(namespace, each["MetricName"], len(each["Dimensions"])) for namespace, each in found] == [
        ("counterfoil", "Blocks", 1),
        ("counterfoil", "LagMs", 1),
        ("counterfoil", "Blocks", 2),
        ("counterfoil", "LagMs", 2),
    ]
    assert found[0][1]["Values"] == [3.0, 4.0]
    assert found[1][1]["Values"] == [7.0]
    assert (found[0][1]["Unit"], found[1][1]["Unit"]) == ("Count", "None")
    assert found[0][1]["Dimensions"] == [{"Name": "service", "Value": "journal_publisher"}]
    assert found[0][1]["Timestamp"] == datetime.fromtimestamp(1_700_000_000, UTC)


def test_lines_without_metrics_are_left_out():
    lines = [
        "START RequestId: 1",
        '{"message": "_aws"}',
        '{"_aws": broken',
        '["_aws"]',
        '{"_aws": 7}',
        '{"_aws": {}}'[:0],
    ]
    assert list(metrics_in(lines)) == []


def test_they_are_put_by_namespace_in_requests_that_are_not_too_large():
    class CloudWatch:
        def __init__(self):
            self.requests = []

        def put_metric_data(self, **request):
            self.requests.append((request["Namespace"], len(request["MetricData"])))

    cloudwatch = CloudWatch()
    assert publish(cloudwatch, [json.dumps(LINE)] * 300) == 1200
    assert cloudwatch.requests == [("counterfoil", 1000), ("counterfoil", 200)]


def test_a_log_is_read_on_from_where_it_was_left():
    log = Log()
    log.write("a")
    lines, mark = log.since(0)
    assert (lines, log.since(mark)[0]) == (["a"], [])
    log.write("b")
    log.write("c")
    lines, mark = log.since(mark)
    assert lines == ["b", "c"]
    for number in range(10_005):
        log.write(str(number))
    lines, mark = log.since(mark)
    assert (lines[0], lines[-1], len(lines)) == ("5", "10004", 10_000)
