"""The auditor's service on batches of aggregated records, memory adapters; and what its state costs in DynamoDB.

The limit is what one Kinesis shard can be read with, 2 MB/s: an auditor slower than that falls behind on one shard.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from datetime import timedelta

from benchmarks.clock import best_seconds
from benchmarks.journal import START, STRAND, STREAM_ARN, transfers
from counterfoil.adapters.memory import MemoryFindings, MemoryHeads, MemoryQuarantine
from counterfoil.adapters.memory.set_aside import MemorySetAside
from counterfoil.detection.strand_audit import Patience
from counterfoil.services.audit import Auditor
from counterfoil.services.batch import KinesisRecord
from lab.producer import outer_records, streamed

SHARD_BYTES_PER_SECOND = 2_000_000
SIZES = (1_000, 10_000, 100_000)
MEMORY_SIZE = 10_000


def kinesis_records(revisions: int) -> list[KinesisRecord]:
    """Aggregated records that hold about this many revisions, three to a transfer."""
    users = (record for block in transfers(revisions // 3) for record in streamed(block, STREAM_ARN).records)
    return [
        KinesisRecord("shardId-000000000000", str(index), outer.partition_key, outer.data, START)
        for index, outer in enumerate(outer_records(users, STRAND))
    ]


def auditor() -> Auditor:
    patience = Patience(timedelta(seconds=60), timedelta(seconds=900))
    return Auditor(
        MemoryHeads(), MemoryFindings(), MemoryQuarantine(), MemorySetAside(lambda: START), lambda: START, patience
    )


def run() -> dict[str, float]:
    print("auditor's service, aggregated records, memory adapters, one core")
    costs = {}
    for size in SIZES:
        records = kinesis_records(size)
        volume = sum(len(record.data) for record in records)
        batches = [records[start : start + 10] for start in range(0, len(records), 10)]
        seconds = best_seconds({"audit": lambda batches=batches: _audit(batches)}, rounds=5 if size < 50_000 else 2)[
            "audit"
        ]
        costs[size] = seconds / size
        rate = volume / seconds
        print(
            f"  {size:7,} revisions  {volume / 1e6:6.1f} MB   {size / seconds:8,.0f} revisions/s   {rate / 1e6:5.1f} MB/s"
            f" = {rate / SHARD_BYTES_PER_SECOND:.1f} times one shard's read limit (wanted: 3)"
        )
        if size == MEMORY_SIZE:
            ratio = volume / seconds / SHARD_BYTES_PER_SECOND
    flat = costs[SIZES[-1]] / costs[SIZES[0]]
    print(f"  cost per revision at {SIZES[-1]:,} is {flat:.2f} times that at {SIZES[0]:,} (wanted: flat)")
    peak = _peak_megabytes()
    print(
        f"  memory of a process that audits one batch of {MEMORY_SIZE:,} revisions: {peak:.0f} MB at its peak (wanted: below 256)"
    )
    return {"times_shard_limit": ratio, "flatness": flat, "peak_megabytes": peak}


def _audit(batches: list[list[KinesisRecord]]) -> None:
    service = auditor()
    for batch in batches:
        report = service.audit(batch)
        if report.findings or report.failure:
            raise AssertionError(report)


def _peak_megabytes() -> float:
    """Peak resident size of a process of its own that builds nothing else: the records are read from a file."""
    code = (
        "import pickle, resource, sys\n"
        "from benchmarks.auditing import auditor\n"
        "report = auditor().audit(pickle.load(sys.stdin.buffer))\n"
        "assert not report.findings and not report.failure\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)\n"
    )
    batch = pickle.dumps(kinesis_records(MEMORY_SIZE))
    answer = subprocess.run([sys.executable, "-c", code], input=batch, capture_output=True, check=True)
    return float(answer.stdout)
