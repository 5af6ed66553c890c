"""Kinesis batch in, verified heads and findings out; a scheduled ``{"sweep": true}`` looks at what is overdue."""

import os
from typing import Any

from counterfoil import wiring
from counterfoil.instruments import Logger, Metrics, Tracer, count, log_findings
from counterfoil.lambda_events import batch_answer, is_sweep, parse_kinesis_event
from counterfoil.services.audit import AuditReport

logger, metrics, tracer = Logger(), Metrics(), Tracer()
auditor = wiring.auditor(os.environ)


@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    if is_sweep(event):
        report = auditor.sweep()
        tell(report)
        if report.failure:
            raise RuntimeError(report.failure)
        return {"openGaps": report.open_gaps, "findingsWritten": report.findings_written}
    records = parse_kinesis_event(event)
    report = auditor.audit(records)
    tell(report)
    return batch_answer([record.shard_sequence_number for record in records], report.failed_index)


def tell(report: AuditReport) -> None:
    count(metrics, report.metrics(auditor.clock()))
    log_findings(logger, report.findings)
    if report.failure:
        logger.error("batch will be delivered again", extra={"reason": report.failure})
