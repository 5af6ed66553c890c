"""Takes metrics out of what functions print, as CloudWatch Logs does: Amazon CloudWatch User Guide, "Embedded metric format"."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

# "PutMetricData": at most 1,000 metrics a request.
_AT_ONCE: Final = 1_000


def metrics_in(lines: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every metric in log lines, with its namespace, as PutMetricData takes it; lines that hold none are left out."""
    for line in lines:
        if '"_aws"' not in line:
            continue
        try:
            document = json.loads(line)
        except ValueError:
            continue
        if isinstance(document, dict) and isinstance(document.get("_aws"), dict):
            yield from _metrics_of(document)


def _metrics_of(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    taken_at = datetime.fromtimestamp(document["_aws"]["Timestamp"] / 1000, UTC)
    for directive in document["_aws"].get("CloudWatchMetrics", ()):
        for names in directive.get("Dimensions") or [[]]:
            dimensions = [{"Name": name, "Value": str(document[name])} for name in names]
            for metric in directive["Metrics"]:
                values = document[metric["Name"]]
                yield (
                    directive["Namespace"],
                    {
                        "MetricName": metric["Name"],
                        "Dimensions": dimensions,
                        "Timestamp": taken_at,
                        "Values": [float(each) for each in (values if isinstance(values, list) else [values])],
                        "Unit": metric.get("Unit", "None"),
                    },
                )


def publish(cloudwatch: Any, lines: Iterable[str]) -> int:
    """Put the metrics in log lines into CloudWatch; how many there were."""
    by_namespace: dict[str, list[dict[str, Any]]] = {}
    for namespace, metric in metrics_in(lines):
        by_namespace.setdefault(namespace, []).append(metric)
    for namespace, found in by_namespace.items():
        for first in range(0, len(found), _AT_ONCE):
            cloudwatch.put_metric_data(Namespace=namespace, MetricData=found[first : first + _AT_ONCE])
    return sum(map(len, by_namespace.values()))
