"""Blocks that were committed in, their projections written; a scheduled ``{"sweep": true}`` goes on with every ledger."""

import os
from typing import Any

from counterfoil import wiring
from counterfoil.instruments import Logger, Metrics, Tracer, count
from counterfoil.lambda_events import batch_answer, is_sweep, parse_journal_event
from counterfoil.services.strand_work import StrandReport

logger, metrics, tracer = Logger(), Metrics(), Tracer()
projector = wiring.projector(os.environ)


@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    if is_sweep(event):
        report = projector.run_all()
        tell(report)
        if report.failures:
            raise RuntimeError("; ".join(report.failures.values()))
        return {"blocksProjected": report.done}
    changes = parse_journal_event(event)
    report = projector.run(each.strand_id for each in changes)
    tell(report)
    failed = next((at for at, each in enumerate(changes) if each.strand_id in report.failures), None)
    return batch_answer([each.sequence_number for each in changes], failed)


def tell(report: StrandReport) -> None:
    count(metrics, {"BlocksProjected": report.done})
    for strand_id, reason in report.failures.items():
        logger.error("strand will be projected again", extra={"strand_id": strand_id, "reason": reason})
