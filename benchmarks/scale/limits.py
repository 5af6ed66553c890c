"""The limits that the model holds rates against, each with where it is written and how surely it is known."""

from __future__ import annotations

from typing import Final, NamedTuple

DOCUMENTED: Final = "documented"
ASSUMED: Final = "assumed"
MEASURED: Final = "measured"


class Limit(NamedTuple):
    """``source`` is the page of AWS's documentation, or the file of the repository; ``how`` is how surely it is known.

    Nothing of it was looked up while this was written, for there is no network here: check a quota before a decision rests on it.
    """

    name: str
    value: float
    unit: str
    source: str
    how: str = DOCUMENTED


PARTITION_WRITES: Final = Limit(
    "writes to one partition", 1_000, "write units/s", "DynamoDB Developer Guide, Best practices for partition keys"
)
PARTITION_READS: Final = Limit(
    "reads of one partition", 3_000, "read units/s", "DynamoDB Developer Guide, Best practices for partition keys"
)
ITEM: Final = Limit("an item", 400, "KB", "DynamoDB Developer Guide, Quotas: item size")
TRANSACTION: Final = Limit(
    "items of a TransactWriteItems", 100, "items, 4 MB", "DynamoDB Developer Guide, Transactions"
)
TABLE_WRITES: Final = Limit(
    "writes to one table",
    40_000,
    "write units/s",
    "DynamoDB Developer Guide, Quotas: table-level write throughput (on request more)",
)
TABLE_READS: Final = Limit(
    "reads of one table",
    40_000,
    "read units/s",
    "DynamoDB Developer Guide, Quotas: table-level read throughput (on request more)",
)
NEW_TABLE_WRITES: Final = Limit(
    "writes to a new on-demand table",
    4_000,
    "write units/s",
    "DynamoDB Developer Guide, On-demand capacity mode: doubles within 30 minutes; warm throughput sets it before",
)
SHARD_BYTES: Final = Limit(
    "bytes into one shard", 1_048_576, "bytes/s", "Kinesis Data Streams Developer Guide, Quotas and limits"
)
SHARD_RECORDS: Final = Limit(
    "records into one shard", 1_000, "records/s", "Kinesis Data Streams Developer Guide, Quotas and limits"
)
SHARD_OUT: Final = Limit(
    "bytes out of one shard, for all readers without enhanced fan-out",
    2 * 1_048_576,
    "bytes/s",
    "Kinesis Data Streams Developer Guide, Quotas and limits",
)
NEW_STREAM_BYTES: Final = Limit(
    "bytes into a new on-demand stream",
    4 * 1_048_576,
    "bytes/s",
    "Kinesis Data Streams Developer Guide, On-demand mode: then twice the peak of 30 days",
)
STREAM_BYTES: Final = Limit(
    "bytes into an on-demand stream",
    200 * 1_048_576,
    "bytes/s",
    "Kinesis Data Streams Developer Guide, On-demand mode (in the largest regions and on request more)",
)
CONCURRENCY: Final = Limit(
    "functions running at once",
    1_000,
    "per account and region",
    "Lambda Developer Guide, Quotas: concurrent executions",
)
CONCURRENCY_GROWTH: Final = Limit(
    "functions that start within 10 s", 1_000, "per function", "Lambda Developer Guide, Scaling rate"
)
INVOCATIONS: Final = Limit(
    "invocations for each unit of concurrency",
    10,
    "requests/s",
    "Lambda Developer Guide, Concurrency: requests per second",
)
LANES: Final = Limit(
    "lanes of one shard (ParallelizationFactor)",
    10,
    "at most; by partition key",
    "Lambda Developer Guide, Kinesis event source mapping",
)
FAN_OUT: Final = Limit(
    "readers with enhanced fan-out", 20, "per stream", "Kinesis Data Streams Developer Guide, Enhanced fan-out"
)
QLDB_LEDGERS: Final = Limit("QLDB: ledgers", 5, "per region", "QLDB Developer Guide, Quotas")
QLDB_SESSIONS: Final = Limit("QLDB: sessions", 3_000, "per ledger", "QLDB Developer Guide, Quotas (earlier 1,500)")
QLDB_DOCUMENTS: Final = Limit(
    "QLDB: documents of a transaction", 40, "documents, 4 MB, 30 s", "QLDB Developer Guide, Quotas"
)

ALL: Final = (
    PARTITION_WRITES, PARTITION_READS, ITEM, TRANSACTION, TABLE_WRITES, TABLE_READS, NEW_TABLE_WRITES,
    SHARD_BYTES, SHARD_RECORDS, SHARD_OUT, NEW_STREAM_BYTES, STREAM_BYTES, FAN_OUT,
    CONCURRENCY, CONCURRENCY_GROWTH, INVOCATIONS, LANES,
    QLDB_LEDGERS, QLDB_SESSIONS, QLDB_DOCUMENTS,
)  # fmt: skip
