"""Kinesis batch in: the strands that went on are forwarded to the standby region; a scheduled ``{"sweep": true}`` forwards all."""

import os
from typing import Any

from counterfoil import wiring
from counterfoil.instruments import Logger, Metrics, Tracer, count
from counterfoil.lambda_events import batch_answer, is_sweep, parse_kinesis_event
from counterfoil.services.forward import ForwardReport

logger, metrics, tracer = Logger(), Metrics(), Tracer()
forwarder = wiring.forwarder(os.environ)


@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    if is_sweep(event):
        report = forwarder.forward_all()
        tell(report)
        if report.failures:
            raise RuntimeError("; ".join(report.failures.values()))
        return {"blocksForwarded": report.forwarded, "refused": sorted(report.refusals)}
    records = parse_kinesis_event(event)
    report = forwarder.forward(each.partition_key for each in records)
    tell(report)
    failed = next((at for at, each in enumerate(records) if each.partition_key in report.failures), None)
    return batch_answer([each.shard_sequence_number for each in records], failed)


def tell(report: ForwardReport) -> None:
    count(metrics, report.metrics())
    for strand_id, reason in report.refusals.items():
        logger.error("strand is not forwarded any more", extra={"strand_id": strand_id, "reason": reason})
    for strand_id, reason in report.failures.items():
        logger.error("strand will be forwarded again", extra={"strand_id": strand_id, "reason": reason})
