"""By the clock: carries out the redactions that blocks ask for and that have waited long enough."""

import os
from typing import Any

from counterfoil import wiring
from counterfoil.instruments import Logger, Metrics, Tracer, count

logger, metrics, tracer = Logger(), Metrics(), Tracer()
redactor = wiring.redactor(os.environ)


@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    report = redactor.run_all()
    count(metrics, {"RevisionsRedacted": report.done})
    for strand_id, reason in report.failures.items():
        logger.error("redactions will be tried again", extra={"strand_id": strand_id, "reason": reason})
    if report.failures:
        raise RuntimeError("; ".join(report.failures.values()))
    return {"revisionsRedacted": report.done}
