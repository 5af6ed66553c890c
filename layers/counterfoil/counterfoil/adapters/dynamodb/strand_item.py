"""A strand's state and runs as DynamoDB keeps them: one JSON text, and one blob of hashes per run.

The texts are versioned by ``FORMAT``: what another version wrote is refused, never guessed.
"""

from __future__ import annotations

import base64
import json
import struct
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from counterfoil.detection.strand import (
    LABEL_SIZE,
    SHORT_HASH,
    Awaited,
    EarlyRevision,
    Hole,
    KnownBlock,
    RevisionMark,
    SegmentState,
    StrandState,
)
from counterfoil.errors import InputError, IntegrityError
from counterfoil.ion import IonTimestamp
from counterfoil.journal import Segment
from counterfoil.journal.anchor import parse_trust_anchor, render_trust_anchor
from counterfoil.merkle import CompactRange, Hash

FORMAT: Final = 1

_HEADER: Final = struct.Struct(">32sI")
_MARK: Final = struct.Struct(f">{SHORT_HASH}s{LABEL_SIZE}s?")


def render_state(state: StrandState) -> str:
    """A state as compact JSON; hashes in base64, times as ISO 8601."""
    document = {
        "format": FORMAT,
        "segments": [_render_segment(each) for each in state.segments],
        "awaited": {
            str(place): [_time(each.since), each.count, f"{each.seen:x}", each.reported]
            for place, each in state.awaited.items()
        },
        "early": [_render_early(each) for each in state.early],
        "explained": {str(place): rule for place, rule in state.explained.items()},
    }
    if state.anchor is not None:
        document["anchor"] = render_trust_anchor(state.anchor)
    return json.dumps(document, separators=(",", ":"))


def parse_state(strand_id: str, version: int, text: str) -> StrandState:
    """Read what ``render_state`` wrote; anything else is an ``InputError``."""
    try:
        document = json.loads(text)
        if document["format"] != FORMAT:
            raise InputError(f"the state of strand {strand_id} has format {document['format']}, not {FORMAT}")
        return StrandState(
            strand_id,
            version,
            tuple(_parse_segment(strand_id, each) for each in document["segments"]),
            {
                int(place): Awaited(datetime.fromisoformat(since), count, int(seen, 16), reported)
                for place, (since, count, seen, reported) in document["awaited"].items()
            },
            tuple(_parse_early(each) for each in document["early"]),
            {int(place): rule for place, rule in document["explained"].items()},
            parse_trust_anchor(document["anchor"]) if "anchor" in document else None,
        )
    except (KeyError, ValueError, TypeError, IntegrityError) as error:
        raise InputError(f"the state of strand {strand_id} cannot be read: {error!r}") from error


def render_blocks(blocks: tuple[KnownBlock, ...]) -> bytes:
    """Blocks of a run: per block its hash and the number of its revisions, then per revision its mark."""
    parts: list[bytes] = []
    for block in blocks:
        parts.append(_HEADER.pack(block.block_hash, len(block.marks)))
        parts += (_MARK.pack(*mark) for mark in block.marks)
    return b"".join(parts)


def parse_blocks(first: int, blob: bytes) -> tuple[KnownBlock, ...]:
    """Read what ``render_blocks`` wrote; a blob cut short is an ``InputError``."""
    blocks: list[KnownBlock] = []
    position = 0
    try:
        while position < len(blob):
            block_hash, count = _HEADER.unpack_from(blob, position)
            position += _HEADER.size
            end = position + count * _MARK.size
            marks = tuple(RevisionMark(*mark) for mark in _MARK.iter_unpack(blob[position:end]))
            if len(marks) != count:
                raise InputError(f"the run from block {first} ends in the middle of block {first + len(blocks)}")
            blocks.append(KnownBlock(first + len(blocks), block_hash, marks))
            position = end
    except struct.error as error:
        raise InputError(f"the run from block {first} cannot be read: {error}") from error
    return tuple(blocks)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _render_segment(state: SegmentState) -> dict[str, Any]:
    segment = state.segment
    return {
        "begin": segment.begin,
        "end": segment.end,
        "nodes": [_b64(node) for node in segment.range.nodes],
        "previous": None if segment.previous_hash is None else _b64(segment.previous_hash),
        "last": _b64(segment.last_hash),
        "times": [_render_instant(segment.first_time), _render_instant(segment.last_time)],
        "bound": [segment.first_bound, segment.last_bound],
        "since": _time(state.since),
        "hole": [state.hole_at, state.hole],
    }


def _parse_segment(strand_id: str, fields: dict[str, Any]) -> SegmentState:
    first_time, last_time = map(_parse_instant, fields["times"])
    previous = fields["previous"]
    segment = Segment(
        strand_id,
        CompactRange(fields["begin"], fields["end"], tuple(map(Hash.from_base64, fields["nodes"]))),
        None if previous is None else Hash.from_base64(previous),
        Hash.from_base64(fields["last"]),
        first_time,
        last_time,
        *fields["bound"],
    )
    hole_at, hole = fields["hole"]
    return SegmentState(segment, datetime.fromisoformat(fields["since"]), hole_at, Hole(hole))


def _render_instant(instant: IonTimestamp) -> list[Any]:
    fraction = None if instant.fraction is None else str(instant.fraction)
    return [list(instant.fields), fraction, instant.offset_minutes]


def _parse_instant(parts: list[Any]) -> IonTimestamp:
    fields, fraction, offset = parts
    return IonTimestamp(tuple(fields), None if fraction is None else Decimal(fraction), offset)


def _render_early(each: EarlyRevision) -> list[Any]:
    flags = [each.verified, each.deleted, each.reported]
    identity = [each.document_id, each.transaction_id]
    return [each.sequence_no, _b64(each.hash), _b64(each.label), *identity, _time(each.since), *flags]


def _parse_early(parts: list[Any]) -> EarlyRevision:
    sequence_no, digest, label, document_id, transaction_id, since, *flags = parts
    return EarlyRevision(
        sequence_no,
        base64.b64decode(digest),
        base64.b64decode(label),
        document_id,
        transaction_id,
        datetime.fromisoformat(since),
        *flags,
    )
