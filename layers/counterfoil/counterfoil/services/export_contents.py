"""A data object of an export, its blocks read and verified one by one; and what two neighbouring objects come to together.

An object is judged alone, from its name and its bytes, so that objects can be judged anywhere and in any order; only the link
between the last block of one and the first of the next is left for ``joined``. Nothing but one block is in memory at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Final, NamedTuple

from counterfoil.detection.export_rules import ExportRule, found, not_holding
from counterfoil.detection.finding import Finding
from counterfoil.errors import BrokenLinkError, InputError, IntegrityError
from counterfoil.ion import VERSION_MARKER, binary_of_text, read_single
from counterfoil.ion.streams import read_value_stream
from counterfoil.ion.text_stream import split_structs
from counterfoil.journal import (
    Block,
    BlockAddress,
    Segment,
    UnverifiedBlock,
    join,
    parse_block,
    segment_of,
    verify_block,
)
from counterfoil.journal.export_format import DataName
from counterfoil.journal.json_block import JsonBlock, lines_of, parse_json_block

# An object with more findings than this is not read further: one more would tell nobody anything.
MAX_FINDINGS: Final = 100


class Task(NamedTuple):
    """An object to verify: its key in the manifest, what that says, and what everything is judged by.

    ``digest_at`` is the block at which the digest is to be compared, if any.
    """

    key: str
    name: DataName
    now: datetime
    digest_at: int | None = None


@dataclass(slots=True)
class Contents:
    """Blocks ``begin`` to ``end - 1``, as far as they hold.

    ``segments`` are runs of verified blocks in order; a run ends where something is wrong. ``until_digest`` is the run from ``begin``
    to the block at which the digest is to be compared, if it is here and unbroken. Counts are of what was verified;
    ``data_unchecked`` counts revisions whose data JSON does not let anybody hash.
    """

    strand_id: str
    begin: int
    end: int
    segments: list[Segment] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    blocks: int = 0
    revisions: int = 0
    data_unchecked: int = 0
    until_digest: Segment | None = None


def verify_object(task: Task, chunks: Iterable[bytes]) -> Contents:
    """What the bytes of an object come to."""
    return _Check(task).run(chunks)


def missing_object(task: Task) -> Contents:
    """What an object that is not there comes to."""
    contents = Contents(task.name.strand_id, task.name.first, task.name.last + 1)
    reason = f"the manifest lists {task.key}, which is not there"
    contents.findings.append(found(ExportRule.MISSING_OBJECT, task.key, reason, task.now))
    return contents


def joined(left: Contents, right: Contents, task: Task) -> Contents:
    """Both as one; ``task`` is that of ``right``. What separates them is a finding."""
    findings = [*left.findings, *right.findings]
    segments = [*left.segments, *right.segments]
    until_digest = left.until_digest
    if left.end != right.begin:
        place = BlockAddress(right.strand_id, right.begin)
        reason = f"{task.key} begins with block {right.begin}, but the object before it ends with block {left.end - 1}"
        findings.append(found(ExportRule.MISSING_BLOCKS, place, reason, task.now))
    elif _touch(left, right):
        try:
            segments = [*left.segments[:-1], join(left.segments[-1], right.segments[0]), *right.segments[1:]]
        except BrokenLinkError as error:
            findings.append(not_holding(BlockAddress(right.strand_id, right.begin), error, task.now, task.key))
        else:
            if right.until_digest is not None and len(left.segments) == 1:
                until_digest = left.segments[0].followed_by(right.until_digest)
    return Contents(
        left.strand_id,
        left.begin,
        right.end,
        segments,
        findings,
        left.blocks + right.blocks,
        left.revisions + right.revisions,
        left.data_unchecked + right.data_unchecked,
        until_digest,
    )


def _touch(left: Contents, right: Contents) -> bool:
    """Whether the last block of the one and the first of the other are both verified."""
    if not left.segments or not right.segments:
        return False
    return left.segments[-1].end == left.end and right.segments[0].begin == right.begin


class _Check:
    """One object being verified."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.contents = Contents(task.name.strand_id, task.name.first, task.name.last + 1)
        self.expected = task.name.first
        self.unbroken = False

    def run(self, chunks: Iterable[bytes]) -> Contents:
        contents = self.contents
        try:
            for unverified in _blocks(self.task.name.extension, chunks):
                self._take(unverified)
                if len(contents.findings) > MAX_FINDINGS:
                    return contents
        except InputError as error:
            reason = f"{self.task.key} cannot be read from block {self.expected} on: {error}"
            contents.findings.append(self._found(ExportRule.UNREADABLE, reason))
            return contents
        if self.expected != contents.end:
            reason = f"{self.task.key} ends with block {self.expected - 1}, not with the one that its name says"
            contents.findings.append(self._found(ExportRule.NAME_MISMATCH, reason))
        return contents

    def _take(self, item: UnverifiedBlock | JsonBlock | InputError) -> None:
        if isinstance(item, InputError):
            self._break(self._found(ExportRule.UNREADABLE, f"block {self.expected} cannot be read: {item}"))
            self.expected += 1
            return
        unverified = item.block if isinstance(item, JsonBlock) else item
        self._check_place(unverified.address)
        self.expected = unverified.address.sequence_no + 1
        try:
            block = verify_block(unverified)
        except IntegrityError as error:
            self._break(not_holding(unverified.address, error, self.task.now, self.task.key))
            return
        self.contents.blocks += 1
        self.contents.revisions += len(block.revisions)
        self.contents.data_unchecked += item.data_unchecked if isinstance(item, JsonBlock) else 0
        self._link(block)

    def _check_place(self, address: BlockAddress) -> None:
        """A block must be the one that the name and the blocks before it lead to."""
        if address != (self.task.name.strand_id, self.expected):
            reason = f"{self.task.key} has block {address} where block {self.expected} belongs"
            rule = ExportRule.NAME_MISMATCH
            if (
                address.strand_id == self.task.name.strand_id
                and self.expected < address.sequence_no < self.contents.end
            ):
                rule = ExportRule.MISSING_BLOCKS
            self._break(self._found(rule, reason, block=str(address)))

    def _link(self, block: Block) -> None:
        segments, one = self.contents.segments, segment_of(block)
        if (
            block.address.strand_id != self.task.name.strand_id
            or not self.contents.begin <= one.begin < self.contents.end
        ):
            self.unbroken = False
            return
        if self.unbroken:
            try:
                segments[-1] = join(segments[-1], one)
            except BrokenLinkError as error:
                self.contents.findings.append(not_holding(block.address, error, self.task.now, self.task.key))
                segments.append(one)
        else:
            segments.append(one)
        self.unbroken = True
        if block.address.sequence_no == self.task.digest_at and segments[-1].begin == self.contents.begin:
            self.contents.until_digest = segments[-1]

    def _break(self, finding: Finding) -> None:
        self.contents.findings.append(finding)
        self.unbroken = False

    def _found(self, rule: ExportRule, reason: str, **evidence: str) -> Finding:
        place = BlockAddress(self.task.name.strand_id, self.expected)
        return found(rule, place, reason, self.task.now, object_key=self.task.key, **evidence)


def _blocks(extension: str, chunks: Iterable[bytes]) -> Iterator[UnverifiedBlock | JsonBlock | InputError]:
    """The blocks of an object in order, or why one cannot be read. Where what follows cannot be found: ``InputError``, raised."""
    if extension == "json":
        for line in lines_of(chunks):
            yield _read(parse_json_block, line)
        return
    start, rest = _peeked(chunks)
    if start.startswith(VERSION_MARKER):
        for value in read_value_stream(rest):
            yield _read(parse_block, value)
    else:
        for text in split_structs(rest):
            yield _read(_parse_text, text)


def _parse_text(text: str) -> UnverifiedBlock:
    return parse_block(read_single(binary_of_text(text)))


def _read[Source, Parsed](parse: Callable[[Source], Parsed], source: Source) -> Parsed | InputError:
    try:
        return parse(source)
    except InputError as error:
        return error


def _peeked(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """How the bytes begin, long enough to tell binary Ion, and all of them."""
    rest = iter(chunks)
    start = b""
    for chunk in rest:
        start += chunk
        if len(start) >= len(VERSION_MARKER):
            break
    return start, chain((start,), rest)
