"""New findings in, what their rules ask for done: cases opened, accounts frozen, compensations proposed, programs told."""

import os
from typing import Any

from counterfoil import wiring
from counterfoil.adapters.dynamodb.findings import parse_finding
from counterfoil.errors import InputError
from counterfoil.instruments import Logger, Metrics, Tracer, count
from counterfoil.lambda_events import StreamImage, batch_answer, parse_dynamodb_event

logger, metrics, tracer = Logger(), Metrics(), Tracer()
runner = wiring.action_runner(os.environ)


@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    news = [each for each in parse_dynamodb_event(event) if each.is_news and readable(each)]
    report = runner.carry_out([parse_finding(each.image) for each in news])
    count(metrics, {"ActionsDone": report.done, "ActionsRefused": report.refused})
    for failure in report.failures:
        logger.error("an action will be tried again", extra={"reason": failure})
    return batch_answer([image.sequence_number for image in news], report.failed_index)


def readable(image: StreamImage) -> bool:
    """Whether the item is a finding; what is not was put there by somebody else, and nothing is done for it."""
    try:
        parse_finding(image.image)
    except InputError as error:
        logger.warning("not a finding", extra={"reason": str(error), "sequence_number": image.sequence_number})
        return False
    return True
