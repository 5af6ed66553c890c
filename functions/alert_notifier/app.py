"""Changes of the Findings table in, alerts out: one per finding and status on each channel."""

import os
from typing import Any

from counterfoil import wiring
from counterfoil.adapters.dynamodb.findings import parse_finding
from counterfoil.errors import InputError
from counterfoil.instruments import Logger, Metrics, Tracer, count
from counterfoil.lambda_events import StreamImage, batch_answer, parse_dynamodb_event

logger, metrics, tracer = Logger(), Metrics(), Tracer()
notifier = wiring.notifier(os.environ)


@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    news = [image for image in parse_dynamodb_event(event) if image.is_news and readable(image)]
    report = notifier.notify([parse_finding(image.image) for image in news])
    count(metrics, {"AlertsSent": report.sent, "AlertsRepeated": report.repeated})
    if report.failure:
        logger.error("alerts will be sent again", extra={"reason": report.failure})
    return batch_answer([image.sequence_number for image in news], report.failed_index)


def readable(image: StreamImage) -> bool:
    """Whether the item is a finding; what is not was put there by somebody else and is said in the log."""
    try:
        parse_finding(image.image)
    except InputError as error:
        logger.warning("not a finding", extra={"reason": str(error), "sequence_number": image.sequence_number})
        return False
    return True
