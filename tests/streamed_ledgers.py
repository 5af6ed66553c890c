"""A ledger's whole journal as its stream would carry it, judged by the auditor."""

from datetime import UTC, datetime

from counterfoil.cli.verify import conclude
from counterfoil.journal import digest_of
from counterfoil.journal.stored import streamed_datagram
from counterfoil.services.batch import KinesisRecord

STREAM_ARN = "arn:aws:qldb:us-east-1:123456789012:stream/bank/IiPT4brpZCqCq3f4MTHbYy"


def audited(ledger):
    """What the auditor finds in all blocks of a ledger, and the digests that it comes to by itself, one a strand."""
    arrived = datetime.now(UTC)
    records = [
        KinesisRecord("shardId-0", str(number), each.partition_key, each.data, arrived)
        for block in ledger.blocks(0, ledger.head.sequence_no + 1)
        for number, each in enumerate(streamed_datagram(block, STREAM_ARN).records)
    ]
    report, findings, states = conclude(records)
    assert report.blocks_new == ledger.head.sequence_no + 1
    assert report.quarantined == 0
    return findings, [digest_of(state.segments[0].segment) for state in states]
