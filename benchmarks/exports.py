"""Verification of a whole export: revisions per second of one core, what a second process gains, and the memory it takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.journal import transfers
from counterfoil.adapters.outbox import DirectoryBucket
from counterfoil.journal.export_format import OutputFormat
from counterfoil.services import export
from counterfoil.services.export import Exporter
from tests.exports import ListReader, export_job

# Blocks of three revisions each, and a quarter of them: memory must not follow their number.
BLOCKS = 24_000
END = datetime(2027, 1, 1, tzinfo=UTC)

ALONE = """
import json, resource, sys, time
from datetime import UTC, datetime
from pathlib import Path
from counterfoil.adapters.export_directory import ExportDirectory
from counterfoil.services.verify_export import verify_export
begin = time.process_time()
(verdict,) = verify_export(ExportDirectory(Path(sys.argv[1])), datetime.now(UTC))
seconds = time.process_time() - begin
assert not verdict.findings
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"revisions": verdict.contents.revisions, "seconds": seconds, "peak_kib": peak}))
"""


def run() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        stored = [block.block_binary() for block in transfers(BLOCKS)]
        whole = _write(Path(folder, "whole"), stored, OutputFormat.ION_BINARY)
        part = _write(Path(folder, "part"), stored[: BLOCKS // 4], OutputFormat.ION_BINARY)
        text = _write(Path(folder, "text"), stored[: BLOCKS // 4], OutputFormat.ION_TEXT)
        binary, shorter, textual = _alone(whole), _alone(part), _alone(text)
        one, two = _command(whole, 1), _command(whole, 2)
    rate = binary["revisions"] / binary["seconds"]
    print(f"export of {BLOCKS} blocks and {binary['revisions']:.0f} revisions, verified whole")
    print(f"  binary     {rate:10,.0f} revisions/s and core   (wanted: 12,000)")
    print(f"  text       {textual['revisions'] / textual['seconds']:10,.0f} revisions/s and core")
    print(f"  two processes are {one / two:.2f} times as fast as one on {os.cpu_count()} cores   (wanted: 1.7)")
    print(
        f"  peak memory {binary['peak_kib'] / 1024:.0f} MiB, of a quarter of the blocks {shorter['peak_kib'] / 1024:.0f} MiB"
    )
    return {
        "revisions_per_second": rate,
        "two_processes": one / two,
        "memory_of_four_times_the_blocks": binary["peak_kib"] / shorter["peak_kib"],
    }


def _write(directory: Path, stored: list[bytes], output_format: OutputFormat) -> Path:
    standard, export.OBJECT_BYTES = export.OBJECT_BYTES, 1024 * 1024
    try:
        job = export_job(output_format, prefix="", exclusive_end=END)
        list(Exporter(ListReader(stored), DirectoryBucket(directory)).export(job, END))
    finally:
        export.OBJECT_BYTES = standard
    return directory


def _alone(directory: Path) -> dict[str, float]:
    answer = subprocess.run([sys.executable, "-c", ALONE, directory], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(answer.stdout)
    return found


def _command(directory: Path, workers: int) -> float:
    command = [Path(sys.executable).with_name("counterfoil"), "verify", "export", directory, "--workers", str(workers)]
    begin = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - begin
