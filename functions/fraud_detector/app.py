"""Kinesis batch in, findings on verified transfers out; a scheduled ``{"sweep": true}`` goes on past what never came."""

import os
from typing import Any

from counterfoil import wiring
from counterfoil.detection.account_book import collect_seldom
from counterfoil.instruments import Logger, Metrics, Tracer, count, log_findings
from counterfoil.lambda_events import batch_answer, is_sweep, parse_kinesis_event
from counterfoil.services.detect import DetectionReport

logger, metrics, tracer = Logger(), Metrics(), Tracer()
detector = wiring.detector(os.environ)
collect_seldom()


@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    if is_sweep(event):
        report = detector.sweep()
        tell(report)
        if report.failure:
            raise RuntimeError(report.failure)
        return {"blocksJudged": report.blocks_judged, "findingsWritten": report.findings_written}
    records = parse_kinesis_event(event)
    report = detector.detect(records)
    tell(report)
    return batch_answer([record.shard_sequence_number for record in records], report.failed_index)


def tell(report: DetectionReport) -> None:
    count(metrics, report.metrics())
    log_findings(logger, report.findings)
    if report.failure:
        logger.error("batch will be delivered again", extra={"reason": report.failure})
