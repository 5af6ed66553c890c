"""Proofs of the transparency log over ten million blocks: made from tiles on disk and checked, cold and warm, and their size.

The log's tiles are real files, of which only those are written that the drawn proofs ask for; every full bundle has the same 256
entries, so that the tiles above them follow without hashing ten million. Nothing in reading them depends on that.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from counterfoil.adapters.log_directory import LogDirectory
from counterfoil.adapters.note_keys import PrivateKey
from counterfoil.merkle import Hash, hash_of
from counterfoil.services.transparency_log import TransparencyLog
from counterfoil.transparency.checkpoint import Checkpoint, sign_checkpoint
from counterfoil.transparency.cosignature import Ed25519Verifier
from counterfoil.transparency.entry import LogEntry, render_entry
from counterfoil.transparency.note import KeyType
from counterfoil.transparency.proof_file import LogProof, parse_proof, render_proof, verify_proof
from counterfoil.transparency.tiles import HEIGHT, WIDTH, TileReader, layers_of, render_bundle
from counterfoil.transparency.tree import (
    TreeHead,
    head_of,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    verify_consistency,
    verify_inclusion,
)

SIZE = 10_000_000
PROOFS = 200
STRAND = "JdxjkR9bSYB5jMHWcI464T"
ORIGIN = f"ledger.example/{STRAND}"


class AlikeTiles:
    """A log whose full bundles are all the same one: what stands under each path, and its nodes, without making the others."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.entries = [
            render_entry(LogEntry(STRAND, size + number, hash_of(b"%d" % number))) for number in range(WIDTH)
        ]
        self.layers = [layers_of(b"".join(map(leaf_hash, self.entries)))]
        while len(self.layers) < 4:
            self.layers.append(layers_of(self.layers[-1][HEIGHT] * WIDTH))

    def node(self, level: int, position: int) -> Hash:
        above, within = divmod(level, HEIGHT)
        layer = self.layers[above][within]
        place = 32 * (position % (len(layer) // 32))
        return Hash(layer[place : place + 32])

    def file(self, level: int, width: int) -> bytes:
        if level < 0:
            return render_bundle(self.entries[:width])
        return self.layers[level][0][: 32 * width]


class Recorded:
    """Writes each file of a log when it is first asked for, and reads it from there."""

    def __init__(self, made: AlikeTiles, root: Path) -> None:
        self.made, self.store, self.root = made, LogDirectory(root), root

    def load(self, path: str) -> bytes | None:
        file = self.root / path
        if not file.exists():
            parts = path.split("/")
            level = -1 if parts[1] == "entries" else int(parts[1])
            width = int(parts[-1]) if ".p" in path else WIDTH
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(self.made.file(level, width))
        return self.store.load(path)


def run() -> dict[str, float]:
    made = AlikeTiles(SIZE)
    head = head_of(made.node, SIZE)
    key = PrivateKey.of_seed(ORIGIN, KeyType.ED25519, bytes(32))
    signed = sign_checkpoint(Checkpoint(ORIGIN, head), key)
    verifier = Ed25519Verifier(key.key)
    chance = random.Random(7)
    numbers = [chance.randrange(SIZE) for _ in range(PROOFS)]
    olds = [TreeHead(size, head_of(made.node, size).root) for size in (chance.randrange(1, SIZE) for _ in numbers)]
    with tempfile.TemporaryDirectory() as folder:
        recorded = Recorded(made, Path(folder))
        first = TileReader(recorded.load, head)
        for number, old in zip(numbers, olds, strict=True):
            prove_inclusion(first.node, number, SIZE)
            prove_consistency(first.node, old.size, SIZE)
            first.entry(number)
        log = TransparencyLog(LogDirectory(Path(folder)), verifier)

        def prove(number: int, reader: TileReader) -> bytes:
            return render_proof(
                LogProof(number, prove_inclusion(reader.node, number, SIZE), signed, reader.entry(number))
            )

        def extends(old: TreeHead, reader: TileReader) -> tuple[Hash, ...]:
            return prove_consistency(reader.node, old.size, SIZE)

        warm = log.reader(signed)
        opening = _median(lambda _: log.reader(signed), numbers)
        cold = _median(lambda number: prove(number, log.reader(signed)), numbers)
        cold_old = _median(lambda old: extends(old, log.reader(signed)), olds)
        again = _median(lambda number: prove(number, warm), numbers, before=lambda number: prove(number, warm))
        again_old = _median(lambda old: extends(old, warm), olds, before=lambda old: extends(old, warm))
        files = [prove(number, warm) for number in numbers]
        paths = [extends(old, warm) for old in olds]
    proofs = [parse_proof(each) for each in files]
    checked = _median(_check_path, proofs)
    checked_file = _median(lambda data: _check_file(data, verifier), files)
    signature = _median(lambda number: _verify_signed(number, key, verifier), range(20))
    grown = list(zip(olds, paths, strict=True))
    checked_old = _median(lambda each: verify_consistency(each[0], head, each[1]), grown)
    sizes = [len(each) for each in files]
    old_sizes = [45 * len(each) for each in paths]
    print(f"proofs in a log of {SIZE:,} blocks, tiles on disk, median of {PROOFS}   (wanted: 1 ms and 2 KB)")
    print("                          cold    warm   check   bytes, at most")
    print(f"  a block is in it     {cold:7.2f} {again:7.3f} {checked:7.3f}   {max(sizes):,}")
    print(f"  it only grew         {cold_old:7.2f} {again_old:7.3f} {checked_old:7.3f}   {max(old_sizes):,}")
    print(
        f"  milliseconds; of cold, {opening:.2f} hold the tiles at the edge against the signed root, once per checkpoint"
    )
    print(
        f"  a proof file is checked in {checked_file:.2f}, and a checkpoint's signature, once per checkpoint, in {signature:.1f}"
    )
    return {"inclusion_ms": cold, "consistency_ms": cold_old, "warm_ms": again, "bytes": max(sizes)}


def _check_path(proof: LogProof) -> Hash:
    assert proof.extra is not None
    return verify_inclusion(leaf_hash(proof.extra), proof.index, proof.path, proof.checkpoint.head)


def _check_file(data: bytes, verifier: Ed25519Verifier) -> None:
    proof = parse_proof(data)
    assert proof.extra is not None
    verify_proof(proof, proof.extra, verifier)


def _verify_signed(number: int, key: PrivateKey, verifier: Ed25519Verifier) -> None:
    text = f"{ORIGIN}\n{number}\n"
    verifier.verify(text, key.sign(text).value)


def _median[Each](
    task: Callable[[Each], object], over: Iterable[Each], before: Callable[[Each], object] = lambda _: None
) -> float:
    """Milliseconds of processor time that the task takes of each."""
    times = []
    for each in over:
        before(each)
        begin = time.process_time()
        task(each)
        times.append(time.process_time() - begin)
    return statistics.median(times) * 1e3
