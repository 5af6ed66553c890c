"""A data object of an export, its blocks read and verified one by one; and what two neighbouring objects come to together.

An object is judged alone, from its name and its bytes, so that objects can be judged anywhere and in any order; only the link
between the last block of one and the first of the next is left for ``joined``. Nothing but one block is in memory at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from itertools import chain
from typing import Final, NamedTuple

from counterfoil.detection.export_rules import ExportRule, found, not_holding
from counterfoil.detection.finding import Finding
from counterfoil.errors import BrokenLinkError, ContentsMismatchError, InputError, IntegrityError
from counterfoil.ion import VERSION_MARKER, IonValue, binary_of_text, read_single
from counterfoil.ion.codec import decode, encode
from counterfoil.ion.streams import read_value_stream
from counterfoil.ion.text_stream import read_structs, split_structs
from counterfoil.journal import (
    BlockAddress,
    Segment,
    UnverifiedBlock,
    join,
    parse_block,
    segment_of,
    verify_block,
)
from counterfoil.journal.export_format import DataName
from counterfoil.journal.json_block import JsonBlock, lines_of, parse_json_block, parse_json_hashes
from counterfoil.journal.known_blocks import BinaryBlocks, JsonBlocks, TextBlocks
from counterfoil.journal.plain_block import PlainBlock

# What is read of an object: a block, verified or not yet, or why there is none.
_Item = PlainBlock | UnverifiedBlock | JsonBlock | InputError

# What blocks have in common, learned from all objects alike.
_BINARY: Final = BinaryBlocks()
_TEXT: Final = TextBlocks()

# S3 takes no larger object in one piece.
MAX_OBJECT_BYTES: Final = 5 * 1024 * 1024 * 1024
# Findings kept of one object; which blocks do not hold is kept of all (``Damage``).
MAX_FINDINGS: Final = 100
# Runs of blocks that do not hold, kept one by one: more are only counted.
MAX_RUNS: Final = 10_000


class Task(NamedTuple):
    """An object to verify: its key in the manifest, what that says, and what everything is judged by.

    ``digests_at`` are the blocks of the object at which digests are to be compared.
    """

    key: str
    name: DataName
    now: datetime
    digests_at: frozenset[int] = frozenset()


@dataclass(slots=True)
class Damage:
    """Blocks that do not hold or are missing, by their numbers: ``runs`` are first and last of each run, in order of reading."""

    count: int = 0
    runs: list[tuple[int, int]] = field(default_factory=list)
    uncounted_runs: bool = False

    def add(self, first: int, last: int) -> None:
        if self.runs and self.runs[-1][0] <= first <= self.runs[-1][1] + 1:
            self.count += max(0, last - self.runs[-1][1])
            self.runs[-1] = (self.runs[-1][0], max(last, self.runs[-1][1]))
            return
        self.count += last - first + 1
        if len(self.runs) < MAX_RUNS:
            self.runs.append((first, last))
        else:
            self.uncounted_runs = True

    def add_all(self, other: Damage) -> None:
        for first, last in other.runs:
            self.add(first, last)
        self.count += other.count - sum(last - first + 1 for first, last in other.runs)
        self.uncounted_runs |= other.uncounted_runs

    @property
    def first(self) -> int | None:
        """The lowest of them."""
        return min((first for first, _ in self.runs), default=None)


@dataclass(slots=True)
class Contents:
    """Blocks ``begin`` to ``end - 1``, as far as they hold.

    ``segments`` are the first and the last run of verified blocks, one where nothing separates them: a run ends where something is
    wrong. ``until`` has the run from ``begin`` to each block at which a digest is to be compared, where that is here and unbroken.
    Counts are of what was verified; ``data_unchecked`` counts revisions whose data JSON does not let anybody hash,
    ``without_transaction`` blocks that do not say what their transaction did. ``size_bytes`` and ``sha256`` are of the bytes read
    (``b""`` where not all were, or they are of several objects).
    """

    strand_id: str
    begin: int
    end: int
    segments: list[Segment] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    blocks: int = 0
    revisions: int = 0
    data_unchecked: int = 0
    until: dict[int, Segment] = field(default_factory=dict)
    without_transaction: int = 0
    first_unchecked: int | None = None
    damage: Damage = field(default_factory=Damage)
    size_bytes: int = 0
    sha256: bytes = b""


def verify_object(task: Task, chunks: Iterable[bytes], read: Callable[[int], object] = int) -> Contents:
    """What the bytes of an object come to. ``read`` is called with the size of each piece that was taken."""
    whole = sha256()

    def counted() -> Iterator[bytes]:
        for chunk in chunks:
            whole.update(chunk)
            check.contents.size_bytes += len(chunk)
            read(len(chunk))
            yield chunk
        check.contents.sha256 = whole.digest()

    check = _Check(task)
    return check.run(counted())


def missing_object(task: Task) -> Contents:
    """What an object that is not there comes to."""
    contents = Contents(task.name.strand_id, task.name.first, task.name.last + 1)
    reason = f"the manifest lists {task.key}, which is not there"
    contents.findings.append(found(ExportRule.MISSING_OBJECT, task.key, reason, task.now))
    contents.damage.add(task.name.first, task.name.last)
    return contents


def joined(left: Contents, right: Contents, task: Task) -> Contents:
    """Both as one; ``task`` is that of ``right``. What separates them is a finding."""
    segments = [*left.segments, *right.segments]
    until, damage = left.until, left.damage
    separating: list[Finding] = []
    if left.end != right.begin:
        place = BlockAddress(right.strand_id, right.begin)
        reason = f"{task.key} begins with block {right.begin}, but the object before it ends with block {left.end - 1}"
        separating.append(found(ExportRule.MISSING_BLOCKS, place, reason, task.now, field="keys", **_ends(left, right)))
        damage.add(min(left.end, right.begin), max(left.end, right.begin) - (left.end < right.begin))
    elif _touch(left, right):
        try:
            segments = [*left.segments[:-1], join(left.segments[-1], right.segments[0]), *right.segments[1:]]
        except BrokenLinkError as error:
            separating.append(not_holding(BlockAddress(right.strand_id, right.begin), error, task.now, task.key))
            damage.add(right.begin, right.begin)
        else:
            if len(left.segments) == 1:
                before = left.segments[0]
                until = until | {number: before.followed_by(each) for number, each in right.until.items()}
    damage.add_all(right.damage)
    return Contents(
        left.strand_id,
        left.begin,
        right.end,
        segments if len(segments) < 2 else [segments[0], segments[-1]],
        [*left.findings, *separating, *right.findings],
        left.blocks + right.blocks,
        left.revisions + right.revisions,
        left.data_unchecked + right.data_unchecked,
        until,
        left.without_transaction + right.without_transaction,
        right.first_unchecked if left.first_unchecked is None else left.first_unchecked,
        damage,
        left.size_bytes + right.size_bytes,
    )


def _ends(left: Contents, right: Contents) -> dict[str, str]:
    return {"expected": str(left.end), "found": str(right.begin)}


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
        except InputError as error:
            reason = f"{self.task.key} cannot be read from block {self.expected} on: {error}"
            self._break(self._found(ExportRule.UNREADABLE, reason), self.expected, contents.end - 1)
            return contents
        if self.expected != contents.end:
            reason = f"{self.task.key} ends with block {self.expected - 1}, not with the one that its name says"
            ends = {"field": "name", "expected": str(contents.end - 1), "found": str(self.expected - 1)}
            self._break(self._found(ExportRule.NAME_MISMATCH, reason, **ends), self.expected, contents.end - 1)
        return contents

    def _take(self, item: _Item) -> None:
        if isinstance(item, PlainBlock):
            self._take_plain(item)
            return
        if isinstance(item, InputError):
            reason = f"block {self.expected} cannot be read: {item}"
            self._break(self._found(ExportRule.UNREADABLE, reason), self.expected)
            self.expected += 1
            return
        unverified = item.block if isinstance(item, JsonBlock) else item
        self._check_place(unverified.address)
        self.expected = unverified.address.sequence_no + 1
        try:
            block = verify_block(unverified)
            _check_has_revisions(unverified)
        except IntegrityError as error:
            self._break(
                not_holding(unverified.address, error, self.task.now, self.task.key), unverified.address.sequence_no
            )
            return
        self.contents.blocks += 1
        self.contents.without_transaction += unverified.transaction_info is None
        self.contents.revisions += len(block.revisions)
        if isinstance(item, JsonBlock) and item.data_unchecked:
            self.contents.data_unchecked += item.data_unchecked
            if self.contents.first_unchecked is None:
                self.contents.first_unchecked = block.address.sequence_no
        self._link(segment_of(block), block.address)

    def _take_plain(self, block: PlainBlock) -> None:
        """A block that was verified as it was read."""
        address = block.segment.tip
        self._check_place(address)
        self.expected = address.sequence_no + 1
        self.contents.blocks += 1
        self.contents.revisions += block.revisions
        self._link(block.segment, address)

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
            last = address.sequence_no - 1 if rule is ExportRule.MISSING_BLOCKS else self.expected
            places = {"field": "blockAddress", "expected": str(self.expected), "found": str(address.sequence_no)}
            self._break(self._found(rule, reason, block=str(address), **places), self.expected, last)

    def _link(self, one: Segment, address: BlockAddress) -> None:
        segments = self.contents.segments
        if address.strand_id != self.task.name.strand_id or not self.contents.begin <= one.begin < self.contents.end:
            self.unbroken = False
            return
        if self.unbroken:
            try:
                segments[-1] = join(segments[-1], one)
            except BrokenLinkError as error:
                self._break(not_holding(address, error, self.task.now, self.task.key), one.begin)
        if not self.unbroken:
            segments[1:] = [one] if segments else []
            segments[:1] = segments[:1] or [one]
        self.unbroken = True
        if address.sequence_no in self.task.digests_at and segments[-1].begin == self.contents.begin:
            self.contents.until[address.sequence_no] = segments[-1]

    def _break(self, finding: Finding, first: int, last: int | None = None) -> None:
        if len(self.contents.findings) < MAX_FINDINGS:
            self.contents.findings.append(finding)
        self.contents.damage.add(first, max(first, first if last is None else last))
        self.unbroken = False

    def _found(self, rule: ExportRule, reason: str, **evidence: str) -> Finding:
        place = BlockAddress(self.task.name.strand_id, self.expected)
        return found(rule, place, reason, self.task.now, object_key=self.task.key, **evidence)


def _check_has_revisions(block: UnverifiedBlock) -> None:
    """An export's block that changed documents has revisions, not their summaries; only that of a redaction need have none."""
    if block.documents and not block.revisions and block.redaction_info is None:
        raise ContentsMismatchError(
            f"block {block.address} has no revisions, although its transaction changed {len(block.documents)} documents",
            expected=" ".join(sorted(each.document_id for each in block.documents)),
            found="nothing",
            part="revisions",
        )


def _blocks(extension: str, chunks: Iterable[bytes]) -> Iterator[_Item]:
    """The blocks of an object in order, or why one cannot be read. Where what follows cannot be found: ``InputError``, raised."""
    if extension == "json":
        lines = JsonBlocks()
        for line in lines_of(chunks):
            plain = lines.read_line(line)
            yield _read(partial(_parse_line, lines), line) if plain is None else plain
        return
    start, rest = _peeked(chunks)
    if start.startswith(VERSION_MARKER):
        for value in read_value_stream(rest):
            known = _BINARY.verify(value)
            yield _read(parse_block, value) if known is None else known
    else:
        for read in read_structs(rest, _TEXT.read):
            yield _read(_parse_text, read) if isinstance(read, str) else read


def stored_blocks(extension: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The blocks of an object as a ledger stores them, each with a symbol table of its own; of JSON there is no such thing."""
    if extension == "json":
        raise InputError("an export in JSON has lost types: a ledger can go on only from one in Ion")
    start, rest = _peeked(chunks)
    if start.startswith(VERSION_MARKER):
        return (encode(decode(value)) for value in read_value_stream(rest))
    return (binary_of_text(text) for text in split_structs(rest))


def blocks_at(
    name: DataName, chunks: Iterable[bytes], wanted: AbstractSet[int], *, to_verify: bool
) -> Iterator[tuple[int, UnverifiedBlock]]:
    """Those blocks of an object that stand where ``wanted`` numbers belong, parsed alone: what is verified of them, the caller knows.

    ``to_verify``: they are to be verified; of JSON that needs what their revisions' data was. One that cannot be read is left out;
    where what follows cannot be found that is an ``InputError``.
    """
    last, parse = max(wanted), partial(_parse_any, to_verify=to_verify)
    for number, source in enumerate(_sources(name.extension, chunks), name.first):
        if number in wanted and not isinstance(block := _read(parse, source), InputError):
            yield number, block
        if number >= last:
            return


def _sources(extension: str, chunks: Iterable[bytes]) -> Iterator[IonValue | str | _JsonLine]:
    if extension == "json":
        return map(_JsonLine, lines_of(chunks))
    start, rest = _peeked(chunks)
    return read_value_stream(rest) if start.startswith(VERSION_MARKER) else split_structs(rest)


class _JsonLine(NamedTuple):
    text: str


def _parse_any(source: IonValue | str | _JsonLine, *, to_verify: bool) -> UnverifiedBlock:
    if isinstance(source, _JsonLine):
        return parse_json_block(source.text).block if to_verify else parse_json_hashes(source.text)
    return parse_block(read_single(binary_of_text(source)) if isinstance(source, str) else source)


def _parse_line(known: JsonBlocks, line: str) -> JsonBlock:
    block = parse_json_block(line)
    known.learn_line(line, block)
    return block


def _parse_text(text: str) -> UnverifiedBlock:
    value = read_single(binary_of_text(text))
    _TEXT.learn(text, value)
    return parse_block(value)


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
