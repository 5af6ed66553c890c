"""For AWS Config, by its clock: whether the ledger is verified, without gaps, and its digests locked."""

import os
from typing import Any

from counterfoil import wiring
from counterfoil.instruments import Logger, Metrics, Tracer, count
from counterfoil.lambda_events import parse_config_event

logger, metrics, tracer = Logger(), Metrics(), Tracer()
compliance = wiring.ledger_compliance(os.environ)


@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    judged = compliance.judge(parse_config_event(event))
    count(metrics, {"RulesJudged": 1, "RulesNotCompliant": int(not judged.holds)})
    logger.info("judged", extra={"verdict": judged.verdict, "resource_id": judged.resource_id})
    return {"verdict": str(judged.verdict), "annotation": judged.annotation}
