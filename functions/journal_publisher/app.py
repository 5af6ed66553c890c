"""Committed blocks in, journal streams put into Kinesis; ``{"stream": id}`` goes on with one, ``{"sweep": true}`` with all."""

import os
from typing import Any

from counterfoil import wiring
from counterfoil.instruments import Logger, Metrics, Tracer, count
from counterfoil.lambda_events import batch_answer, is_sweep, parse_journal_event
from counterfoil.services.stream_publishing import PublishReport

logger, metrics, tracer = Logger(), Metrics(), Tracer()
publisher = wiring.publisher(os.environ)


@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    if is_sweep(event) or "stream" in event:
        report = publisher.publish_all() if is_sweep(event) else publisher.publish_stream(str(event["stream"]))
        tell(report)
        return {"blocksPublished": report.blocks, "unfinished": report.unfinished}
    changes = parse_journal_event(event)
    report = publisher.publish_strands(each.strand_id for each in changes)
    altered = [each for each in changes if each.altered]
    for each in altered:
        logger.critical("block was altered", extra={"strand_id": each.strand_id, "sequence_no": each.sequence_no})
        report.add(publisher.publish_altered(each.strand_id, each.sequence_no))
    tell(report, len(altered))
    failed = next((at for at, each in enumerate(changes) if each.strand_id in report.failed_strands), None)
    return batch_answer([each.sequence_number for each in changes], failed)


def tell(report: PublishReport, altered: int = 0) -> None:
    numbers = {"BlocksPublished": report.blocks, "BlocksAltered": altered, "StreamsInTheWay": len(report.failures)}
    count(metrics, numbers)
    for stream_id, reason in report.failures.items():
        logger.error("stream will be tried again", extra={"stream_id": stream_id, "reason": reason})
