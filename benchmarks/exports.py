"""Verification of a whole export beside AWS's approach: revisions per second of one process and of two, and peak memory.

AWS's approach is amazon.ion 0.9.3 with ionhash 1.2.1 (the last releases that work together), as its samples of QLDB verify: every
revision, the block's list of hashes, its hash. It runs in its own environment, on the same bytes, on as many blocks as it can do in
some seconds. ``--long`` exports 5 million revisions in the place of 500,000.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from benchmarks.journal import STRAND, transfers
from benchmarks.verification import INCUMBENT
from counterfoil.adapters.outbox import DirectoryBucket
from counterfoil.journal.export_format import OutputFormat
from counterfoil.ports import JournalReader
from counterfoil.services import export
from counterfoil.services.export import Exporter
from tests.exports import export_job

# Transfers make blocks of three revisions, behind 13 blocks that open 500 accounts.
OPENED, OPENING_BLOCKS = 500, 13
FEW = 10_000
SOME = 72_500
MANY = 500_000
LONG = 5_000_000
PEER_BLOCKS = 60
END = datetime(2036, 1, 1, tzinfo=UTC)

ALONE = """
import json, sys, time
from datetime import UTC, datetime
from pathlib import Path
from counterfoil.adapters.export_directory import ExportDirectory
from counterfoil.services.verify_export import verify_export
begin = time.process_time()
(verdict,) = verify_export(ExportDirectory(Path(sys.argv[1])), datetime.now(UTC))
seconds = time.process_time() - begin
assert not verdict.findings
# What getrusage says would include the process that started this one.
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"revisions": verdict.contents.revisions, "seconds": seconds, "peak_kib": peak}))
"""

PEER = """
import json, sys, time
from hashlib import sha256
from amazon.ion import simpleion
import ionhash  # adds ion_hash() to values

def dot(a, b):
    signed = lambda h: [x - 256 if x > 127 else x for x in reversed(h)]
    return sha256(a + b if signed(a) < signed(b) else b + a).digest()

def root(hashes):
    while len(hashes) > 1:
        pairs = [hashes[i:i + 2] for i in range(0, len(hashes), 2)]
        hashes = [dot(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return hashes[0]

begin = time.process_time()
revisions = 0
for block in simpleion.load(open(sys.argv[1], "rb"), single_value=False):
    hashes = []
    for each in block["revisions"]:
        found = dot(each["metadata"].ion_hash("SHA256"), each["data"].ion_hash("SHA256"))
        assert found == each["hash"]
        hashes.append(found)
    entries = [bytes(each) for each in block["entriesHashList"]]
    assert root(hashes) in entries and block["transactionInfo"].ion_hash("SHA256") in entries
    assert root(entries) == block["entriesHash"]
    assert dot(block["entriesHash"], block["previousBlockHash"]) == block["blockHash"]
    revisions += len(hashes)
print(json.dumps({"revisions": revisions, "seconds": time.process_time() - begin}))
"""


class MadeJournal(JournalReader):
    """The journal that the benchmarks run on, with so many revisions at least, made as it is read."""

    strand_id = STRAND

    def __init__(self, revisions: int) -> None:
        self.transfers = -(-(revisions - OPENED) // 3)
        self.count = OPENING_BLOCKS + self.transfers

    def tip(self) -> int:
        return self.count - 1

    def blocks(self, begin: int, end: int, /) -> Iterator[bytes]:
        # Whoever asks for one block looks for a time, which is that of no block.
        first, behind = (0, 1) if end == begin + 1 else (begin, end)
        return (block.block_binary() for block in islice(transfers(self.transfers), first, behind))

    def wait_for(self, sequence_no: int, _timeout: float, /) -> bool:
        return sequence_no < self.count


def run() -> dict[str, float]:
    many = LONG if "--long" in sys.argv else MANY
    with tempfile.TemporaryDirectory() as folder:
        text = _alone(_write(Path(folder, "text"), SOME, OutputFormat.ION_TEXT))
        json_ = _alone(_write(Path(folder, "json"), SOME, OutputFormat.JSON))
        few = _alone(_write(Path(folder, "few"), FEW, OutputFormat.ION_BINARY))
        some = _write(Path(folder, "some"), SOME, OutputFormat.ION_BINARY)
        peer = _peer(Path(folder, "peer"))
        ours = _alone(some)
        one, two = _interleaved(some)
        shutil.rmtree(some)
        large = _write(Path(folder, "many"), many, OutputFormat.ION_BINARY)
        whole, at_once = _alone(large), _command(large, 2)
    measured = {"ours": ours, "text": text, "json": json_, "peer": peer, "whole": whole}
    rates = {name: each["revisions"] / each["seconds"] for name, each in measured.items()}
    times, memory = rates["ours"] / rates["peer"], whole["peak_kib"] / few["peak_kib"]
    print(f"export of {ours['revisions']:,} revisions, verified whole   (wanted: 12,000 revisions/s and core)")
    print(f"  binary       {rates['ours']:10,.0f} revisions/s and core")
    print(f"  text         {rates['text']:10,.0f} revisions/s and core")
    print(f"  JSON         {rates['json']:10,.0f} revisions/s and core; {rates['json'] / rates['text']:.2f} of text")
    print(f"  incumbent    {rates['peer']:10,.0f} revisions/s and core; ours is {times:.0f} times as fast")
    print(
        f"  command      {ours['revisions'] / one.wall:10,.0f} revisions/s with one process, from its start to its end"
    )
    print(
        f"               {ours['revisions'] / two.wall:10,.0f} with two: {one.wall / two.wall:.2f} times as fast   (wanted: 1.7), "
        f"in {two.processor / one.processor:.2f} times the processor time, on {os.cpu_count()} cores"
    )
    print(
        f"  {whole['revisions']:,} revisions: {rates['whole']:,.0f}/s and core; {whole['revisions'] / at_once.wall:,.0f}/s with two"
    )
    print(
        f"  peak memory  {few['peak_kib'] / 1024:.0f} MiB at {few['revisions']:,} revisions, "
        f"{whole['peak_kib'] / 1024:.0f} MiB at {whole['revisions']:,}"
    )
    return {
        "revisions_per_second": rates["ours"],
        "text_revisions_per_second": rates["text"],
        "json_of_text": rates["json"] / rates["text"],
        "times_incumbent": times,
        "two_processes": one.wall / two.wall,
        "memory_of_many": memory,
    }


class Spent(NamedTuple):
    """Seconds of a command: until it ended, and of processors, its processes' together."""

    wall: float
    processor: float


def _write(directory: Path, revisions: int, output_format: OutputFormat) -> Path:
    standard, export.OBJECT_BYTES = export.OBJECT_BYTES, 1024 * 1024
    try:
        job = export_job(output_format, prefix="", exclusive_end=END)
        for _ in Exporter(MadeJournal(revisions), DirectoryBucket(directory)).export(job, END):
            pass
    finally:
        export.OBJECT_BYTES = standard
    return directory


def _alone(directory: Path) -> dict[str, float]:
    return _answer([sys.executable, "-c", ALONE, directory])


def _peer(file: Path) -> dict[str, float]:
    """The incumbent's, of blocks of one transfer each."""
    file.write_bytes(b"".join(MadeJournal(SOME).blocks(OPENING_BLOCKS, OPENING_BLOCKS + PEER_BLOCKS)))
    return _answer([INCUMBENT, "-c", PEER, file])


def _answer(command: list[Path | str]) -> dict[str, float]:
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(answer.stdout)
    return found


def _interleaved(directory: Path, rounds: int = 3) -> tuple[Spent, Spent]:
    """The command with one process and with two, the best of some rounds: the other core may be somebody else's for a while."""
    spent = [(_command(directory, 1), _command(directory, 2)) for _ in range(rounds)]
    return min(one for one, _ in spent), min(two for _, two in spent)


def _command(directory: Path, workers: int) -> Spent:
    command = [Path(sys.executable).with_name("counterfoil"), "verify", "export", directory, "--workers", str(workers)]
    begin, before = time.perf_counter(), _processor()
    subprocess.run(command, capture_output=True, check=True)
    return Spent(time.perf_counter() - begin, _processor() - before)


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
