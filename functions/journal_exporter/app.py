"""``{"export": id}`` in, its objects written; it asks for itself again for what is left. ``{"sweep": true}`` goes on with all."""

import os
from typing import Any

from counterfoil import wiring
from counterfoil.errors import InputError
from counterfoil.instruments import Logger, Metrics, Tracer, count
from counterfoil.lambda_events import is_sweep

logger, metrics, tracer = Logger(), Metrics(), Tracer()
exporter = wiring.exporter(os.environ)
ask_again = wiring.invoker(os.environ, "AWS_LAMBDA_FUNCTION_NAME")


@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    if not is_sweep(event) and not isinstance(event.get("export"), str):
        raise InputError("an event of the exporter names an export, or is a sweep")
    report = exporter.run_all() if is_sweep(event) else exporter.run(event["export"])
    count(metrics, {"ObjectsExported": report.objects, "ExportsInTheWay": len(report.failures)})
    for export_id, reason in report.failures.items():
        logger.error("export failed", extra={"export_id": export_id, "reason": reason})
    for export_id in report.unfinished:
        if export_id not in report.failures:  # those the next sweep tries again
            ask_again({"export": export_id})
    return {"objectsExported": report.objects, "unfinished": report.unfinished}
