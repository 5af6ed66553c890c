"""From transfers per second to strands, shards, partitions, instances and money: every step is arithmetic on what was measured.

Measured: requests, units and bytes of a transfer (``bank``, the ledger's own code over counted tables). Simulated: commits of a crowd
(``benchmarks.crowd``) and conflicts (``hot``). Assumed: the round trips of ``benchmarks.crowd`` and the constants below.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from math import ceil
from typing import Final, NamedTuple

from benchmarks import crowd
from benchmarks.scale import limits
from benchmarks.scale.bank import PROJECTED_EVERY, PerTransfer, Setting, measured
from benchmarks.scale.limits import Limit
from counterfoil.adapters.dynamodb.projector import WRITERS
from lab import prices

RATES: Final = (10, 100, 1_000, 10_000, 100_000, 1_000_000)

# Nothing is planned for more than this part of its limit.
USED: Final = 0.7

# The driver's transfer: a start, a select, two updates, an insert, a commit; each appends an event to the session's log, of up to 1 KB
# (docs/decisions/0024). `POST /transactions` is one request and has no session.
REQUESTS: Final = 6
SESSION_PUTS: Final = 6

# Request units of the auditor and the detector for a transfer: `python -m benchmarks writes` counts them for stream records, of which
# a transfer has four. A test holds these against it.
RECORDS: Final = 4
AUDITOR_WRITES: Final = 0.28
DETECTOR_WRITES: Final = 3.3
PIPELINE_READS: Final = 2.9

# The projector's writes of a transfer are batches of 25 items; the publisher reads the blocks as the projector does and saves where
# it stands once for each run of blocks.
BATCH_ITEMS: Final = 25

# Milliseconds of a processor: all six requests of a transfer; a block in the projector or the publisher; a stream record in the
# auditor or the detector (0.05 and 0.12 were measured on this project's machines, rules included; with DynamoDB there is more to do
# for each batch, and a function's core may be slower).
API_COMPUTE: Final = 12.0
BLOCK_COMPUTE: Final = 1.5
RECORD_COMPUTE: Final = 0.2
MEMORY_GB: Final = 1_769 / 1_024

# Instances that serve one strand and follow it; how the units grow with them is measured at both.
FEW, MANY = 4, 16

# As `bank.Setting`, small enough for a test.
TRANSFERS: Final = 50
ACCOUNTS: Final = 120

MONTH_SECONDS: Final = prices.MONTH_HOURS * 3_600


class Crowded(NamedTuple):
    """So many clients of one strand: commits per second, the median wait, requests by kind and units for each commit."""

    clients: int
    rate: float
    wait_ms: float
    requests: float
    write_units: float
    room_units: float
    journal_looks: float


class StrandLimit(NamedTuple):
    """What stops one strand at ``rate`` transfers per second, and what can be turned."""

    name: str
    rate: float
    limit: Limit | None
    turn: str


@dataclass(frozen=True, slots=True)
class Demand:
    """What a rate takes; units are per second, money in USD per month."""

    rate: int
    strands: int
    shards: int
    write_units: float
    read_units: float
    partitions: int
    dynamodb_requests: float
    api_requests: float
    instances: int
    followers: int
    stored_gb: float
    dynamodb_usd: float
    provisioned_usd: float
    lambda_usd: float
    kinesis_usd: float
    qldb_usd: float

    @property
    def usd(self) -> float:
        return self.dynamodb_usd + self.lambda_usd + self.kinesis_usd


@cache
def transfer(instances: int = MANY) -> PerTransfer:
    return measured(Setting(transfers=TRANSFERS, accounts=ACCOUNTS, instances=instances))


@cache
def crowds() -> tuple[Crowded, ...]:
    """The crowds of ``benchmarks.crowd`` in which one leads, at its longer reads."""
    return tuple(_crowded(each) for each in crowd.CLIENTS)


def _crowded(clients: int) -> Crowded:
    """A put that stands alone costs its units once, a write of several twice."""
    found = crowd.Crowd(clients, crowd.READS[-1], crowd.one_leads)
    commits, block = len(found.waits), transfer().block_units
    alone = sum(1 for each in found.groups if each == 1)
    together = sum(found.groups) - alone
    failed = found.requests["items written"] - sum(found.groups)
    left = found.requests["leave"] * block
    writes = block * (alone + failed + 2 * together) + left + found.requests["lead"]
    requests = sum(number for kind, number in found.requests.items() if kind != "items written")
    return Crowded(
        clients,
        commits / crowd.SECONDS,
        sorted(found.waits)[commits // 2],
        requests / commits,
        writes / commits,
        left / commits,
        (found.requests["follow"] + found.requests["look"] / 2) / commits,
    )


def crowd_at(rate: float) -> Crowded:
    """The smallest crowd that commits so many per second on one strand, else the largest."""
    return next((each for each in crowds() if each.rate >= rate), crowds()[-1])


def strand_limits() -> list[StrandLimit]:
    """Whatever bounds one strand, the lowest first."""
    each, most = transfer(), crowds()[-1]
    items = each.projector_write_units * PROJECTED_EVERY
    rounds = ceil(ceil(items / BATCH_ITEMS) / WRITERS)
    run_ms = crowd.GET + BLOCK_COMPUTE * PROJECTED_EVERY + rounds * crowd.TRANSACT + crowd.PUT
    found = [
        StrandLimit(
            "writes of the journal's last partition, blocks written in groups",
            limits.PARTITION_WRITES.value / (2 * each.block_units),
            limits.PARTITION_WRITES,
            "more strands; smaller documents and statements (a block is rounded up to whole KB)",
        ),
        StrandLimit(
            "writes of the journal's last partition, each block written alone",
            limits.PARTITION_WRITES.value / each.block_units,
            limits.PARTITION_WRITES,
            "nothing: a crowd loses its races and has to write in groups",
        ),
        StrandLimit(
            f"reads of the journal's last partition by {MANY} instances that follow it",
            limits.PARTITION_READS.value / journal_reads(MANY, most),
            limits.PARTITION_READS,
            "fewer instances to a strand: a stack for each few strands, `ApiConcurrency`, `POST /transactions`; then more strands",
        ),
        StrandLimit(
            f"reads of the journal's last partition by {FEW} instances",
            limits.PARTITION_READS.value / journal_reads(FEW, most),
            limits.PARTITION_READS,
            "as above",
        ),
        StrandLimit(
            "writes of the waiting room's partition",
            limits.PARTITION_WRITES.value / most.room_units,
            limits.PARTITION_WRITES,
            "more strands",
        ),
        StrandLimit(
            "the Kinesis shard that has the strand's key",
            limits.SHARD_BYTES.value / each.stream_bytes,
            limits.SHARD_BYTES,
            "more strands: more shards do nothing for one key",
        ),
        StrandLimit("round trips of a leader's commits", most.rate, None, "more strands"),
        StrandLimit(
            "the projector's lane of the table's stream",
            1_000 * PROJECTED_EVERY / run_ms,
            None,
            "more strands; more memory does not help, one processor is all that a lane uses",
        ),
        StrandLimit(
            "the auditor's or the detector's lane of the shard",
            1_000 / (RECORDS * RECORD_COMPUTE),
            None,
            "more strands and shards; ParallelizationFactor splits by key, and a strand is one key",
        ),
    ]
    return sorted(found, key=lambda limit: limit.rate)


def journal_reads(instances: int, crowded: Crowded) -> float:
    """Read units that a transfer costs the journal's last partition.

    Each instance looks and reads each block; the projector and the publisher read it; whoever waits in a crowd looks more often.
    Between ``FEW`` and ``MANY`` instances the units were measured; beyond them, they go on as a straight line.
    """
    few, many = transfer(FEW).look_units, transfer().look_units
    looks = few + (many - few) * (instances - FEW) / (MANY - FEW)
    return looks + 2 * transfer().projector_read_units + crowded.journal_looks


def strand_rate() -> float:
    """What is planned for one strand, in transfers per second."""
    return USED * strand_limits()[0].rate


def demand(rate: int) -> Demand:
    strands = ceil(rate / strand_rate())
    each, crowded = transfer(), crowd_at(rate / strands)
    written = crowded.write_units + SESSION_PUTS + each.projector_write_units + AUDITOR_WRITES + DETECTOR_WRITES
    instances = rate * api_seconds(rate)
    followers = max(1, ceil(instances / strands))
    read = journal_reads(followers, crowded) + each.read_units + PIPELINE_READS
    write_units, read_units, month = rate * written, rate * read, rate * MONTH_SECONDS
    stream_gb = month * each.stream_bytes / 1e9
    behind = 2 * BLOCK_COMPUTE + 2 * RECORDS * RECORD_COMPUTE
    invocations = REQUESTS + 4 / PROJECTED_EVERY
    return Demand(
        rate=rate,
        strands=strands,
        shards=ceil(rate * each.stream_bytes / (USED * limits.SHARD_BYTES.value)),
        write_units=write_units,
        read_units=read_units,
        partitions=ceil(
            max(write_units / limits.PARTITION_WRITES.value, read_units / limits.PARTITION_READS.value) / USED
        ),
        dynamodb_requests=rate * (each.looks + each.reads + crowded.requests + SESSION_PUTS + each.projector_requests),
        api_requests=rate * REQUESTS,
        instances=ceil(instances),
        followers=followers,
        stored_gb=month * each.stored_bytes / 1e9,
        dynamodb_usd=month * prices.dynamodb_usd(read, written),
        provisioned_usd=prices.provisioned_usd(read_units / USED, write_units / USED),
        lambda_usd=month * prices.lambda_usd(invocations, MEMORY_GB * (api_seconds(rate) + behind / 1_000)),
        kinesis_usd=stream_gb * (prices.KINESIS_GB_IN + 2 * prices.KINESIS_GB_OUT),
        qldb_usd=month * prices.qldb_usd(prices.QLDB_TRANSFER),
    )


def api_seconds(rate: int) -> float:
    """How long a transfer's requests keep instances busy: what they compute, look, read, append and wait for, one after another."""
    each, strands = transfer(), ceil(rate / strand_rate())
    waited = crowd_at(rate / strands).wait_ms
    asked = (each.looks + each.reads) * crowd.GET + SESSION_PUTS * crowd.PUT
    return (API_COMPUTE + asked + waited) / 1_000


class Threshold(NamedTuple):
    """At ``rate`` transfers per second of the whole system something is saturated as it is given to a new account."""

    name: str
    rate: float
    turn: str


def thresholds() -> list[Threshold]:
    """In the order in which they are met, if whatever was met before was turned."""
    each, crowded = transfer(), crowd_at(strand_rate())
    room, journal = crowded.room_units, 2 * each.block_units
    busiest = max(SESSION_PUTS, journal, each.projector_write_units + room)
    seconds = api_seconds(RATES[-1])
    first = strand_limits()[0]
    found = [
        Threshold(f"one strand: {first.name}", first.rate, "strands: more ledgers, each with accounts of its own"),
        Threshold(
            "the projections' table while it is new",
            limits.NEW_TABLE_WRITES.value / busiest,
            "warm throughput set before the load comes, or provisioned capacity",
        ),
        Threshold(
            "an on-demand stream while it is new",
            limits.NEW_STREAM_BYTES.value / each.stream_bytes,
            "provisioned shards before the load comes",
        ),
        Threshold(
            "requests per second to functions",
            limits.INVOCATIONS.value * limits.CONCURRENCY.value / REQUESTS,
            'quota "Concurrent executions"; `POST /transactions`: one request for a transfer',
        ),
        Threshold(
            "the projections' table",
            limits.TABLE_WRITES.value / busiest,
            'quota "Table-level write throughput"; more stacks, each with tables of its own',
        ),
        Threshold(
            "functions running at once",
            limits.CONCURRENCY.value / seconds,
            'quota "Concurrent executions"; `ApiConcurrency`, so that other functions keep theirs',
        ),
        Threshold(
            "an on-demand stream",
            limits.STREAM_BYTES.value / each.stream_bytes,
            "provisioned shards and their quota; a stream for each group of ledgers",
        ),
    ]
    return sorted(found, key=lambda threshold: threshold.rate)


def growth_seconds(instances: int) -> float:
    """How long Lambda takes from nothing to so many, if they are allowed."""
    return 10 * instances / limits.CONCURRENCY_GROWTH.value


def one_request(rate: int) -> Demand:
    """The same by `POST /transactions`: one invocation, no session."""
    usual = demand(rate)
    saved = rate * SESSION_PUTS
    month = rate * MONTH_SECONDS
    return replace(
        usual,
        api_requests=rate,
        write_units=usual.write_units - saved,
        dynamodb_requests=usual.dynamodb_requests - saved,
        instances=ceil(rate * (api_seconds(rate) - SESSION_PUTS * crowd.PUT / 1_000)),
        dynamodb_usd=usual.dynamodb_usd - month * prices.dynamodb_usd(0, SESSION_PUTS),
        lambda_usd=usual.lambda_usd
        - month * prices.lambda_usd(REQUESTS - 1, MEMORY_GB * SESSION_PUTS * crowd.PUT / 1_000),
    )


def storage_usd(found: Demand) -> float:
    """What a month's growth costs in every month that follows."""
    return found.stored_gb * prices.DYNAMODB_GB_MONTH


def held_seconds(rate: float, reads_ms: float) -> float:
    """From what a transfer sees to its commit, at so many commits per second on its strand."""
    return (reads_ms + crowd.COMPUTE + crowd_at(rate).wait_ms) / 1_000


def hot_rate() -> float:
    """Transfers per second that one account can have, if each began when the one before was committed."""
    return 1 / held_seconds(strand_rate(), crowd.READS[-1])
