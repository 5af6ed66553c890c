"""Verification of the reference revision: against the incumbent stack, and against SHA-256 alone.

The incumbent (amazon.ion 0.9.3 with ionhash 1.2.1, the last releases that work together) runs in its own environment, in
alternation with ours, on the same bytes. The limit is hashlib over exactly the inputs that our verification hashes.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path

from benchmarks.clock import best_seconds
from benchmarks.journal import REFERENCE_BYTES, reference_revision, transfers
from counterfoil.ion import hash_of_ion, read_single
from counterfoil.journal import parse_revision, verify_revision

COUNT = 3_000
INCUMBENT_COUNT = 150
INCUMBENT = Path(".tools/incumbent/bin/python")

PEER = """
import json, sys, time
from hashlib import sha256
from amazon.ion import simpleion
import ionhash  # adds ion_hash() to values

def dot(a, b):
    signed = lambda h: [x - 256 if x > 127 else x for x in reversed(h)]
    return sha256(a + b if signed(a) < signed(b) else b + a).digest()

revisions = [bytes.fromhex(line) for line in open(sys.argv[1])]
best = float("inf")
for _ in range(3):
    begin = time.perf_counter()
    for data in revisions:
        value = simpleion.loads(data)
        hashes = value["metadata"].ion_hash("SHA256"), value["data"].ion_hash("SHA256")
        assert dot(*hashes) == value["hash"]
    best = min(best, time.perf_counter() - begin)
print(json.dumps(best / len(revisions)))
"""


def run() -> dict[str, float]:
    transferred = (block for block in transfers(COUNT) if len(block.revisions) == 3)
    revisions = [reference_revision(block) for block in transferred]
    inputs = _hash_inputs(revisions)
    for data in revisions[:INCUMBENT_COUNT]:
        verify_revision(parse_revision(read_single(data)))
    times = best_seconds({"ours": lambda: _verify(revisions), "limit": lambda: _hash(inputs)})
    ours, limit, peer = times["ours"] / COUNT, times["limit"] / COUNT, _incumbent(revisions[:INCUMBENT_COUNT])
    mean = sum(map(len, revisions)) / COUNT
    print(f"revision of {mean:.0f} bytes (reference {REFERENCE_BYTES}), binary Ion, parse and verify, one core")
    print(f"  ours       {ours * 1e6:8.1f} µs   {1 / ours:10,.0f} revisions/s   (wanted: 15,000)")
    print(
        f"  incumbent  {peer * 1e6:8.1f} µs   {1 / peer:10,.0f} revisions/s   ours is {peer / ours:.0f} times as fast (wanted: 50)"
    )
    print(
        f"  SHA-256    {limit * 1e6:8.1f} µs   {1 / limit:10,.0f} revisions/s   ours reaches {limit / ours:.0%} of this limit"
    )
    return {"revisions_per_second": 1 / ours, "times_incumbent": peer / ours, "share_of_sha256": limit / ours}


def _verify(revisions: list[bytes]) -> None:
    for data in revisions:
        verify_revision(parse_revision(read_single(data)))


def _hash(inputs: list[bytes]) -> None:
    for data in inputs:
        sha256(data).digest()


def _hash_inputs(revisions: list[bytes]) -> list[bytes]:
    """Everything that verification puts into SHA-256, recorded."""
    inputs: list[bytes] = []

    def recording(data: bytes):
        inputs.append(data)
        return sha256(data)

    for data in revisions:
        fields = read_single(data).fields()
        hash_of_ion(fields["metadata"], recording)
        hash_of_ion(fields["data"], recording)
        inputs.append(bytes(64))  # the dot of the two
    return inputs


def _incumbent(revisions: list[bytes]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        data, script = Path(folder, "revisions.txt"), Path(folder, "peer.py")
        data.write_text("\n".join(each.hex() for each in revisions))
        script.write_text(PEER)
        answer = subprocess.run([INCUMBENT, script, data], capture_output=True, text=True, check=True)
    return float(json.loads(answer.stdout))
