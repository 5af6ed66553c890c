"""A request to the function's URL in, the ledger's answer out: QLDB's two protocols, and whole transactions."""

import os
from typing import Any

from counterfoil.instruments import Logger, Metrics, count
from counterfoil.server.ledger_api import ledger_api

# No tracer: its SDK takes longer to start than everything else here. Lambda's own trace of each invocation stays.
logger, metrics = Logger(), Metrics()
api = ledger_api(os.environ)


@metrics.log_metrics
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    answer = api.answer(event, context)
    count(metrics, {"Requests": 1, "RequestsRefused": float(400 <= answer["statusCode"] < 500)})
    if answer["statusCode"] >= 500:
        logger.error("a request could not be carried out", extra={"status": answer["statusCode"]})
    return answer
