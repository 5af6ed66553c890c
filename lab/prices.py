"""What AWS asks for what the stack uses: list prices of us-east-1 in USD, without free tiers, volume discounts or commitments.

Sources: DynamoDB on-demand requests: AWS, "Amazon DynamoDB pricing" as of 2025 (halved in November 2024). Lambda: "AWS Lambda
pricing", arm64. Kinesis: "Amazon Kinesis Data Streams pricing", on-demand. QLDB: "Amazon QLDB pricing" as it was until the service
ended on 2025-07-31. Written down in 2026-11 from memory, with no network at hand: check them before a decision rests on them.
"""

from __future__ import annotations

from typing import Final, NamedTuple

MILLION: Final = 1_000_000

# Per million request units: writes of up to 1 KB, strongly consistent reads of up to 4 KB. Lambda reads tables' streams for nothing.
DYNAMODB_WRITES: Final = 0.625
DYNAMODB_READS: Final = 0.125

# Provisioned capacity: per unit per second, kept for an hour, used or not. And what is kept, per GB and month.
DYNAMODB_WRITE_HOUR: Final = 0.00065
DYNAMODB_READ_HOUR: Final = 0.00013
DYNAMODB_GB_MONTH: Final = 0.25
MONTH_HOURS: Final = 730

# Per million requests, and per GB-second of a function's memory.
LAMBDA_REQUESTS: Final = 0.20
LAMBDA_GB_SECOND: Final = 0.0000133334

# Per GB that a stream takes in and gives out, to each of its consumers.
KINESIS_GB_IN: Final = 0.08
KINESIS_GB_OUT: Final = 0.04

# Per million I/O requests.
QLDB_WRITES: Final = 0.70
QLDB_READS: Final = 0.136


class QldbRequests(NamedTuple):
    """I/O requests that a transaction makes, as QLDB's pricing page counts: documents and index entries, and the journal's block."""

    read: int
    write: int


# The bank's transfer: two accounts found by index and read, and again by each of the two updates (an entry and a document each time);
# a block, two accounts and a transfer written, the transfer under three indexes. All of them are far below 4 KB.
QLDB_TRANSFER: Final = QldbRequests(read=8, write=7)


def dynamodb_usd(read_units: float, write_units: float) -> float:
    return (read_units * DYNAMODB_READS + write_units * DYNAMODB_WRITES) / MILLION


def provisioned_usd(read_units: float, write_units: float) -> float:
    """A month of so many units per second."""
    return MONTH_HOURS * (read_units * DYNAMODB_READ_HOUR + write_units * DYNAMODB_WRITE_HOUR)


def lambda_usd(requests: float, gb_seconds: float) -> float:
    return requests * LAMBDA_REQUESTS / MILLION + gb_seconds * LAMBDA_GB_SECOND


def qldb_usd(requests: QldbRequests) -> float:
    return (requests.read * QLDB_READS + requests.write * QLDB_WRITES) / MILLION
