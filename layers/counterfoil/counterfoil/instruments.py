"""Logger, metrics and tracer for the doors: the only place where the core's counts become log lines and numbers.

Log lines carry counts, rule ids and addresses, never amounts, names or documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

if TYPE_CHECKING:
    from counterfoil.detection.finding import Finding

__all__ = ["Logger", "Metrics", "Tracer", "count", "log_findings"]


def count(metrics: Metrics, counts: Mapping[str, float]) -> None:
    """Emit metrics by name; a name that ends in ``Ms`` is a time, every other one a count."""
    for name, value in counts.items():
        metrics.add_metric(name, MetricUnit.Milliseconds if name.endswith("Ms") else MetricUnit.Count, value)


def log_findings(logger: Logger, findings: Iterable[Finding]) -> None:
    """One line per finding, by id and severity."""
    for finding in findings:
        details = {"finding_id": finding.finding_id, "severity": finding.severity.name, "status": finding.status}
        logger.warning("finding", extra=details)
