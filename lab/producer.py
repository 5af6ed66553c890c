"""Blocks that the lab builds, as the product streams them: its records, frames and puts, under the lab's stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from counterfoil.adapters import kinesis
from counterfoil.adapters.kinesis import RECORD_LIMIT_BYTES, REQUEST_LIMIT_BYTES, PutSummary, aggregate, put
from counterfoil.journal import publication
from counterfoil.journal.builder import BuiltBlock
from counterfoil.journal.publication import KeyedRecord as UserRecord
from counterfoil.journal.publication import OuterRecord, StreamedBlock, streamed_block
from counterfoil.services import publish
from counterfoil.services.publish import AGGREGATE_BYTES

__all__ = [
    "RECORD_LIMIT_BYTES",
    "REQUEST_LIMIT_BYTES",
    "STREAM_ARN",
    "OuterRecord",
    "PutSummary",
    "StreamedBlock",
    "UserRecord",
    "aggregate",
    "control",
    "outer_records",
    "put",
    "streamed",
]

STREAM_ARN: Final = "arn:aws:qldb:eu-central-1:123456789012:stream/financial-ledger-demo/IiPT4brpZCqCq3f4MTHbYy"


def streamed(block: BuiltBlock, stream_arn: str = STREAM_ARN) -> StreamedBlock:
    """The stream records of a block under QLDB's keys."""
    return streamed_block(block.fields, stream_arn)


def control(control_type: str, stream_arn: str = STREAM_ARN) -> UserRecord:
    """A CONTROL record of the lab's stream."""
    return publication.control(control_type, stream_arn)


def outer_records(
    records: Iterable[UserRecord], outer_key: str, *, aggregation: bool = True, max_bytes: int = AGGREGATE_BYTES
) -> Iterator[OuterRecord]:
    """User records in order as Kinesis records, in frames unless ``aggregation`` is ``False``."""
    return publish.outer_records(records, outer_key, kinesis.aggregate if aggregation else None, max_bytes=max_bytes)
