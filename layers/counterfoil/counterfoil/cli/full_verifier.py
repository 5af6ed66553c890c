"""The product's own verifier alone: an export in Ion, a receipt or a bundle of evidence, with nothing but Python's standard library.

    python3 -I counterfoil_verify_full.py export DIR [--digest FILE]
    python3 -I counterfoil_verify_full.py receipt FILE
    python3 -I counterfoil_verify_full.py evidence FILE [--key FILE]... [--policy FILE]

``make verifier`` makes the file from this module and those that it imports (lab/standalone.py). It reads one export, from
its first block to its last, in one process; JSON exports, S3, workers and notes are the whole command line's.

Exit status: 0 holds, 1 something does not hold, 2 bad input, or evidence in which not all is there.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, Final

from counterfoil.detection.evidence.bundle import MAX_BUNDLE_BYTES, parse_bundle
from counterfoil.detection.evidence.verification import verify_bundle
from counterfoil.errors import BrokenLinkError, ContentsMismatchError, CounterfoilError, InputError, IntegrityError
from counterfoil.ion.streams import read_single, read_value_stream
from counterfoil.ion.symbols import VERSION_MARKER
from counterfoil.ion.text import binary_of_text
from counterfoil.ion.text_stream import split_structs
from counterfoil.journal.address import BlockAddress
from counterfoil.journal.block import UnverifiedBlock, parse_block, verify_block
from counterfoil.journal.chain import Digest, Segment, digest_of, extend, segment_of
from counterfoil.journal.export_format import (
    DataName,
    local_name,
    parse_completed_manifest,
    parse_completed_name,
    parse_data_key,
    parse_started_manifest,
)
from counterfoil.journal.receipt import parse_digest, parse_json_object, verify_receipt
from counterfoil.transparency.policy import WitnessPolicy, parse_policy
from counterfoil.transparency.public_key import StatementKey

_USAGE: Final = (
    "usage: counterfoil_verify_full.py export DIR [--digest FILE] | receipt FILE"
    " | evidence FILE [--key FILE]... [--policy FILE]"
)
_CHUNK_BYTES: Final = 1024 * 1024
MAX_JSON_BYTES: Final = 64 * 1024 * 1024
MAX_MANIFEST_BYTES: Final = 16 * 1024 * 1024


def main(arguments: list[str] | None = None) -> int:
    """Verify what the arguments name, say what came of it, and return the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        if len(given) == 2 and given[0] == "receipt":
            return _receipt(Path(given[1]))
        if len(given) in {2, 4} and given[0] == "export" and given[2:3] in ([], ["--digest"]):
            return _export(Path(given[1]), parse_digest(_json(Path(given[3]))) if given[3:] else None)
        if len(given) >= 2 and given[0] == "evidence" and len(given) % 2 == 0 and given[2::2].count("--policy") <= 1:
            return _evidence(Path(given[1]), list(zip(given[2::2], given[3::2], strict=True)))
        raise InputError(_USAGE)
    except IntegrityError as error:
        _say(f"does not hold: {error}")
        return 1
    except (CounterfoilError, OSError) as error:
        _say(f"error: {error}")
        return 2


def _receipt(file: Path) -> int:
    receipt = verify_receipt(_json(file))
    _say(f"holds: the {receipt.kind} in block {receipt.address} is under the digest at {receipt.digest.tip_address}")
    _say(
        f"leaf {receipt.leaf.to_base64()}, proof of {receipt.path_length} hashes, digest {receipt.digest.hash.to_base64()}"
    )
    return 0


def _evidence(file: Path, options: list[tuple[str, str]]) -> int:
    if not {name for name, _ in options} <= {"--key", "--policy"}:
        raise InputError(_USAGE)
    keys = [StatementKey.parse(Path(value).read_bytes()) for name, value in options if name == "--key"]
    policy = next((_policy(Path(value)) for name, value in options if name == "--policy"), None)
    if file.stat().st_size > MAX_BUNDLE_BYTES:
        raise InputError(f"{file} is larger than {MAX_BUNDLE_BYTES} bytes")
    verdict = verify_bundle(parse_bundle(file.read_bytes()), keys, policy)
    if not verdict.complete:
        _say("not proven: nothing contradicts, but not all is there")
    elif keys:
        _say("holds: all that the finding rests on is under the key's signature")
    else:
        signers = sorted({each.key.fingerprint for each in verdict.held.statements})
        _say(f"agrees with itself; no key was given, signed by {' '.join(signers) or 'nobody'}")
    _say(f"finding {verdict.finding.finding_id}: {verdict.finding.reason}")
    for what, sentences in (("proven", verdict.proven), ("claimed", verdict.claimed), ("missing", verdict.missing)):
        for each in sentences:
            _say(f"{what}: {each}")
    return 0 if verdict.complete else 2


def _export(directory: Path, digest: Digest | None) -> int:
    files = _files(directory)
    manifests = [(file, found) for file in files if (found := parse_completed_name(file.name)) is not None]
    if len(manifests) != 1:
        raise InputError(f"{len(manifests)} completed manifests below {directory}; one export is verified at a time")
    ((manifest, named),) = manifests
    if not str(manifest.relative_to(directory)).isprintable():
        raise InputError("an export in a directory whose name is not printable")
    started = manifest.with_name(f"{named.export_id}.started.manifest")
    if started in files:
        parse_started_manifest(_read(started, MAX_MANIFEST_BYTES))  # nothing follows from it, but it must be readable
    verifier = _ExportVerifier(named.strand_id, digest)
    objects = [
        (manifest.parent / local_name(key), parse_data_key(key))
        for key in parse_completed_manifest(_read(manifest, MAX_MANIFEST_BYTES))
    ]
    if any(name.extension != "ion" for _, name in objects):
        raise InputError("an export in JSON has lost types; verify one in Ion")
    for file, name in objects:
        verifier.take_object(file if file in files else None, name)
    return verifier.conclude()


def _files(directory: Path) -> set[Path]:
    """Regular files; hidden ones, links, pipes and devices are none of an export."""
    if not directory.is_dir():
        raise InputError(f"{directory} is not a directory")
    found = set()
    for parent, below, names in os.walk(directory):
        below[:] = [each for each in below if not each.startswith(".")]
        found |= {Path(parent, each) for each in names if not each.startswith(".")}
    return {each for each in found if stat.S_ISREG(each.lstat().st_mode)}


def _read(file: Path, limit_bytes: int) -> bytes:
    with file.open("rb") as opened:
        data = opened.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise InputError(f"{file} has more than {limit_bytes} bytes")
    return data


def _policy(file: Path) -> WitnessPolicy:
    try:
        return replace(parse_policy(file.read_bytes().decode()), as_of=datetime.now(UTC))
    except UnicodeDecodeError:
        raise InputError(f"{file} is no policy: not UTF-8") from None


class _ExportVerifier:
    """The fold over the blocks of all objects in order; it goes on behind what does not hold."""

    def __init__(self, strand_id: str, digest: Digest | None) -> None:
        self.strand_id = strand_id
        self.digest = digest
        self.head: Segment | None = None
        self.at_digest: Segment | None = None
        self.expected: int | None = None
        self.blocks = 0
        self.bad: list[int] = []

    def take_object(self, file: Path | None, name: DataName) -> None:
        if self.expected not in {None, name.first}:
            self._break(name.first, f"its object begins with it, but block {self.expected} comes next")
        if name.strand_id != self.strand_id:
            self._break(
                name.first, f"its object is of strand {name.strand_id}, the manifest of strand {self.strand_id}"
            )
        self.expected = name.first
        if file is None:
            self._break(name.first, "its object is not there")
            self.expected = name.last + 1
            return
        try:
            for block in _blocks(file):
                self._take(block, name)
        except (InputError, OSError) as error:
            self._break(self.expected, f"{file.name} cannot be read from here on: {error}")
        if self.expected != name.last + 1:
            self._break(self.expected, f"{file.name} ends before it")
        self.expected = name.last + 1

    def conclude(self) -> int:
        reached = None if self.head is None else digest_of(self.head)
        if self.digest is not None:
            at_digest = None if self.at_digest is None else digest_of(self.at_digest)
            if at_digest != self.digest:
                _say(f"the digest at {self.digest.tip_address} is {self.digest.hash.to_base64()}, but the blocks give "
                     f"{'none' if at_digest is None else at_digest.hash.to_base64()}")  # fmt: skip
                return self._failed()
        if self.bad:
            return self._failed()
        _say(f"holds: {self.blocks} blocks verified" + ("" if self.digest is None else ", the digest is as given"))
        if reached is not None:
            _say(f"digest {reached.hash.to_base64()} at block {reached.tip_address.sequence_no}")
        return 0

    def _failed(self) -> int:
        first = f"; first bad block {min(self.bad)}, bad blocks {' '.join(map(str, self.bad))}" if self.bad else ""
        _say(f"does not hold: {self.blocks} blocks verified{first}")
        return 1

    def _take(self, unverified: UnverifiedBlock, name: DataName) -> None:
        place = BlockAddress(name.strand_id, self.expected or 0)
        self.expected = place.sequence_no + 1
        try:
            if unverified.address != place:
                raise ContentsMismatchError(f"block {unverified.address} stands here")
            if unverified.documents and not unverified.summaries and unverified.redaction_info is None:
                raise ContentsMismatchError("its transaction changed documents, but it has no revisions")
            one = segment_of(block := verify_block(unverified))
        except IntegrityError as error:
            self._break(place.sequence_no, str(error))
            self.expected = unverified.address.sequence_no + 1
            return
        self.blocks += 1
        try:
            self.head = extend(self.head if self.head is not None and self.head.end == one.begin else None, block)
        except BrokenLinkError as error:
            self._break(place.sequence_no, str(error))
            self.head = one
        if self.digest is not None and self.digest.tip_address == place:
            self.at_digest = self.head

    def _break(self, sequence_no: int, why: str) -> None:
        _say(f"block {sequence_no} does not hold: {why}")
        self.bad.append(sequence_no)
        self.head = None


def _blocks(file: Path) -> Iterator[UnverifiedBlock]:
    chunks = _chunks(file)
    start = next(chunks, b"")
    whole = chain([start], chunks)
    if start.startswith(VERSION_MARKER):
        return (parse_block(value) for value in read_value_stream(whole))
    return (parse_block(read_single(binary_of_text(text))) for text in split_structs(whole))


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK_BYTES):
            yield chunk


def _json(file: Path) -> dict[str, Any]:
    return parse_json_object(_read(file, MAX_JSON_BYTES), str(file))


def _say(text: str) -> None:
    """What came from outside may not move the cursor of a terminal."""
    print("".join(_printable(text)))  # noqa: T201 - it has nothing else to say it with


def _printable(text: str) -> Iterable[str]:
    return (each if each.isprintable() else "?" for each in text)


if __name__ == "__main__":
    raise SystemExit(main())
