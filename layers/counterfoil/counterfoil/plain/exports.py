"""An export from its first block to its last (docs/format.md, "Exports" and "Digest")"""

from __future__ import annotations

import base64
import os
import re
import stat
import types
from collections.abc import Callable, Iterator
from pathlib import Path

from counterfoil.plain.blocks import Address, difference, link_differences, read_block
from counterfoil.plain.ion_binary import VERSION_MARKER, binary_values
from counterfoil.plain.ion_text import text_values
from counterfoil.plain.receipts import single
from counterfoil.plain.tree import merkle
from counterfoil.plain.values import BAD_INPUT, LIST, SEXP, STRUCT, Value, require

KEY = re.compile(r"(?:[^/]+/)*?(\d{4}/\d\d/\d\d/\d\d/([0-9A-Za-z_-]{1,64})\.(\d{1,19})-(\d{1,19})\.ion)", re.ASCII)
COMPLETED = re.compile(r"((?:.*/)?)([0-9A-Za-z_-]{1,64})\.([0-9A-Za-z_-]{1,64})\.completed\.manifest", re.DOTALL)
MAX_JSON_BYTES, MAX_MANIFEST_BYTES, MAX_OBJECT_BYTES, MAX_KEYS = 64 * 2**20, 16 * 2**20, 512 * 2**20, 200_000  # all read whole


class ExportVerifier:
    """The blocks of all objects in order; it goes on behind what does not hold."""

    def __init__(self, strand_id: str, say: Callable[[str], None]) -> None:
        self.strand_id, self.say, self.holds, self.count, self.bad = strand_id, say, True, 0, set[tuple[int, int]]()
        self.first, self.next = -1, -1  # numbers of the first block, and of the one that must come next
        self.last: types.SimpleNamespace | None = None  # the block before that one, where it holds
        self.leaves: list[bytes] = []  # hashes of the blocks from 0 on, up to the first that does not hold

    def fail(self, first: int, last: int, why: str) -> None:
        """Blocks ``first`` to ``last``, or the first one alone, do not hold or are missing."""
        self.say(f"block {first}{f' to {last}' if first < last else ''} does not hold: {why}")
        self.bad.add((first, max(first, last)))
        self.holds, self.last = False, None

    def take_object(self, path: str, strand_id: str, first: int, last: int, data: bytes | None) -> None:
        """An object has the blocks that its key names, and begins where the one before it ends."""
        if self.first < 0:
            self.first = self.next = first
        if first != self.next or strand_id != self.strand_id:
            self.fail(min(first, self.next), max(first - 1, self.next), f"{path} stands where {self.strand_id}#{self.next} belongs")
        self.next = first
        try:
            require(data is not None, "it is not there")
            for value in values_of(data or b""):
                self.take_block(value, strand_id, last)
            require(self.next == last + 1, f"its last block is {self.next - 1}")
        except BAD_INPUT as error:
            self.fail(self.next, last, f"{path} cannot be read from there on: {error}")
        self.next = last + 1

    def take_block(self, value: Value | Exception, strand_id: str, last: int) -> None:
        """A block stands where it says, its hashes are those of its contents, and it follows the one before."""
        try:
            block = read_block(single([value]))
        except BAD_INPUT as error:
            self.fail(self.next, self.next, f"it cannot be read: {error}")
            self.next += 1
            return
        number = block.address.sequence_no
        for each in difference("blockAddress", Address(strand_id, self.next), block.address):
            self.fail(self.next, number - 1 if block.address.strand_id == strand_id and number <= last else 0, each)
        self.next = number + 1
        differences = block.differences + (["revisions: expected some, found none"] if block.lacks_revisions else [])
        links = link_differences(self.last, block) if self.last and not differences else []
        for each in differences + links:
            self.fail(number, number, each)
        if not differences:
            self.last, self.count = block, self.count + 1
            self.leaves += [block.hash] if self.holds and self.first == 0 else []

    def conclude(self, digest: tuple[bytes, Address] | None) -> bool:
        """Compare with a digest that somebody kept, to which only blocks from 0 on can lead; say what came of all."""
        if digest is not None:
            expected, (strand_id, number) = digest
            is_here = strand_id == self.strand_id and number < self.next
            require(not (is_here and self.holds and self.first > 0), f"it begins with block {self.first}: it has no digest")
            reached = merkle(self.leaves[: number + 1]) if is_here and number < len(self.leaves) else b""
            for each in difference(f"digest at block {digest[1]}", expected, reached):
                self.say(each)
                self.holds = False
        if self.bad:
            runs = ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in sorted(self.bad))
            self.say(f"first bad block {min(self.bad)[0]}; bad blocks {runs}")
        if self.first > 0:
            self.say(f"it begins with block {self.first}: what was before, no export without it can show")
        if self.holds and self.leaves:
            self.say(f"digest {base64.b64encode(merkle(self.leaves)).decode()} at block {self.next - 1}")
        self.say(f"{'holds' if self.holds else 'does not hold'}: {self.count} blocks of {self.strand_id} verified")
        return self.holds


def verify_export(directory: Path, digest: tuple[bytes, Address] | None, say: Callable[[str], None]) -> bool:
    """Verify every completed export below a directory."""
    files = files_below(directory)
    manifests = [found for found in map(COMPLETED.fullmatch, sorted(files)) if found]
    require(manifests, f"no completed manifest (<exportId>.<strandId>.completed.manifest) below {directory}")
    verdicts = []
    for manifest, objects in {found: objects_of(files, found) for found in manifests}.items():
        verifier = ExportVerifier(manifest[3], say)
        for path, (strand_id, first, last) in objects.items():
            file = files.get(manifest[1] + path)
            verifier.take_object(path, strand_id, first, last, read_file(file, MAX_OBJECT_BYTES) if file else None)
        verdicts.append(verifier.conclude(digest))
    return all(verdicts)


def objects_of(files: dict[str, Path], manifest: re.Match[str]) -> dict[str, tuple[str, int, int]]:
    """Path, strand, first and last block of each object that a completed manifest lists; they lie below it from the year on."""
    started, objects = files.get(f"{manifest[1]}{manifest[2]}.started.manifest"), dict[str, tuple[str, int, int]]()
    _ = read_manifest(started).fields() if started else []  # nothing follows from it, but it must be readable
    for key in [each.text() for each in read_manifest(files[manifest[0]]).field("keys").get(LIST, SEXP)]:
        found = KEY.fullmatch(key)
        path, strand_id, first, last = found.groups() if found else ("", "", 1, 0)
        is_safe = len(key) <= 1024 and manifest[0].isprintable() and not any(part.startswith("..") for part in key.split("/"))
        is_key = is_safe and int(first) <= int(last) < 2**63 and path not in objects and len(objects) < MAX_KEYS
        require(is_key, f"{key[:200]!r} comes twice or is no yyyy/mm/dd/hh/<strand>.<first>-<last>.ion (JSON has lost types)")
        objects[path] = (strand_id, int(first), int(last))
    return objects


def files_below(directory: Path) -> dict[str, Path]:
    """Regular files by their path in the export; hidden ones, links, pipes and devices are none of it."""
    require(directory.is_dir(), f"{directory} is not a directory")
    paths = (Path(parent, name) for parent, _, names in os.walk(directory) for name in names)
    found = {path.relative_to(directory): path for path in paths if stat.S_ISREG(path.lstat().st_mode)}
    return {name.as_posix(): path for name, path in found.items() if not any(part[0] == "." for part in name.parts)}


def read_file(path: Path, limit_bytes: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(limit_bytes + 1)
    return bytes(require(len(data) <= limit_bytes, f"{path} has more than {limit_bytes} bytes", data))


def read_manifest(path: Path) -> Value:
    return single(values_of(read_file(path, MAX_MANIFEST_BYTES), of_blocks=False))


def values_of(data: bytes, *, of_blocks: bool = True) -> Iterator[Value | Exception]:
    """Binary Ion, if it begins with the version marker, else text, all of it up to a bad byte."""
    if data.startswith(VERSION_MARKER):
        yield from binary_values(data)
        return
    for value in text_values(data.decode(errors="surrogateescape")):
        require(not of_blocks or (value.kind == STRUCT and not value.annotations), "a struct was expected")
        yield value
    data.decode()  # a bad byte in a comment
