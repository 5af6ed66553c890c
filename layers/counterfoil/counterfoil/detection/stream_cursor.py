"""How far a strand was judged, and what is held of it until its turn comes.

The cursor is the root of everything held: records that came early lie in blobs that only it points to, small ones inside
it. Replacing the cursor by compare-and-set therefore moves the place and the held records in one step; a blob that no cursor points
to is rubbish, and expires.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, NamedTuple

from counterfoil.detection.account import StateKey
from counterfoil.errors import UnavailableError

# All cursors are in one partition, so that a sweep finds them with one query.
CURSORS: Final = "strands"

# DynamoDB's items have at most 400 KB: blobs are cut to pieces below that, and what is inside the cursor stays small.
PIECE_BYTES: Final = 350_000
INLINE_BYTES: Final = 32_768

# More blobs than this are written together into one.
MAX_BLOBS: Final = 16

# Ranges of blocks that were passed over, the latest ones.
MAX_PASSED: Final = 64

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class HeldRecord(NamedTuple):
    """The bytes of a record of the stream that came before its turn, and since when they are held."""

    held_at: datetime
    data: bytes


class Blob(NamedTuple):
    """Where held records lie: ``pieces`` items called ``name`` and a number, together hashing to what ends the name."""

    name: str
    pieces: int


class Range(NamedTuple):
    """Blocks ``begin`` to ``end - 1``."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class StreamCursor:
    """``next_no`` is the block that is judged next, ``None`` as long as nothing says where the strand begins.

    ``last_hash`` is the hash of the block judged last, where ``next_no`` comes directly behind it. ``moved_at`` is when ``next_no``
    last went on. ``passed`` are blocks that were missing or incomplete when it went past them.
    """

    strand_id: str
    next_no: int | None = None
    last_hash: str = ""
    moved_at: datetime | None = None
    passed: tuple[Range, ...] = ()
    inline: str = ""
    blobs: tuple[Blob, ...] = ()

    @property
    def holds(self) -> bool:
        return bool(self.inline or self.blobs)

    def passed_over(self, sequence_no: int) -> bool:
        return any(begin <= sequence_no < end for begin, end in self.passed)


def cursor_key(strand_id: str) -> StateKey:
    return StateKey(CURSORS, strand_id)


def piece_keys(strand_id: str, blob: Blob) -> list[StateKey]:
    return [StateKey(f"held#{strand_id}", f"{blob.name}#{number:05d}") for number in range(blob.pieces)]


def render_cursor(cursor: StreamCursor) -> str:
    body = {
        "next_no": cursor.next_no,
        "last_hash": cursor.last_hash,
        "moved_at": None if cursor.moved_at is None else _microseconds(cursor.moved_at),
        "passed": cursor.passed,
        "inline": cursor.inline,
        "blobs": cursor.blobs,
    }
    return json.dumps(body, separators=(",", ":"))


def parse_cursor(strand_id: str, text: str) -> StreamCursor:
    try:
        body: Any = json.loads(text)
    except ValueError as error:
        raise UnavailableError(
            f"the cursor of strand {strand_id} cannot be read ({error}): restore or delete it"
        ) from error
    return StreamCursor(
        strand_id,
        body["next_no"],
        body["last_hash"],
        None if body["moved_at"] is None else _moment(body["moved_at"]),
        tuple(Range(*each) for each in body["passed"]),
        body["inline"],
        tuple(Blob(*each) for each in body["blobs"]),
    )


def pack(records: Iterable[HeldRecord]) -> bytes:
    """Held records as one compressed text of bytes: per record 8 bytes of time, 4 of length, then its data."""
    parts: list[bytes] = []
    for held_at, data in records:
        parts += (_microseconds(held_at).to_bytes(8, signed=True), len(data).to_bytes(4), data)
    return zlib.compress(b"".join(parts), level=1)


def unpack(packed: bytes) -> Iterator[HeldRecord]:
    data, position = zlib.decompress(packed), 0
    while position < len(data):
        held_at = _moment(int.from_bytes(data[position : position + 8], signed=True))
        begin = position + 12
        position = begin + int.from_bytes(data[position + 8 : begin])
        yield HeldRecord(held_at, data[begin:position])


def pack_inline(records: Sequence[HeldRecord]) -> str:
    return base64.b64encode(pack(records)).decode() if records else ""


def unpack_inline(text: str) -> list[HeldRecord]:
    return list(unpack(base64.b64decode(text))) if text else []


def blob_of(generation: int, packed: bytes) -> Blob:
    """Where to put packed records.

    The name has the generation of the cursor that will point to it, so that who deletes a blob of an older cursor cannot hit it.
    """
    pieces = -(-len(packed) // PIECE_BYTES)
    return Blob(f"{generation:012d}-{sha256(packed).hexdigest()[:32]}", pieces)


def cut(packed: bytes) -> list[bytes]:
    return [packed[begin : begin + PIECE_BYTES] for begin in range(0, len(packed), PIECE_BYTES)]


def put_together(blob: Blob, pieces: Sequence[bytes | None]) -> list[HeldRecord]:
    """The records of a blob; none where a piece is gone or was damaged: then they are missing like any record not delivered."""
    packed = b"".join(piece or b"" for piece in pieces)
    if sha256(packed).hexdigest()[:32] != blob.name.rpartition("-")[2]:
        return []
    return list(unpack(packed))


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
