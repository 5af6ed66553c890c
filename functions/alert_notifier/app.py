"""Changes of the Findings table in, alerts out: one per alert on each channel; by the clock, what was held back."""

import os
from typing import Any

from counterfoil import wiring
from counterfoil.adapters.dynamodb.findings import parse_finding
from counterfoil.errors import InputError
from counterfoil.instruments import Logger, Metrics, Tracer, count
from counterfoil.lambda_events import StreamImage, batch_answer, is_digest, parse_dynamodb_event

logger, metrics, tracer = Logger(), Metrics(), Tracer()
notifier = wiring.notifier(os.environ)


@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    if is_digest(event):
        told = notifier.tell_digests()
        count(metrics, {"AlertsSent": told.sent, "AlertsRepeated": told.repeated})
        return {"digests": told.sent}
    news = [each for each in parse_dynamodb_event(event) if each.is_news and readable(each)]
    report = notifier.notify([parse_finding(each.image) for each in news])
    count(metrics, {"AlertsSent": report.sent, "AlertsRepeated": report.repeated})
    count(metrics, {"FindingsHeldBack": report.count("HELD"), "FindingsSuppressed": report.count("SUPPRESSED")})
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
