"""What a verification of an export has come to so far, object by object, in lines that a later run goes on from.

    {"verification": 1}
    {"key": <the manifest's>, "sha256": <of the object>, "blocks": 12, ..., "segment": {...}}

Only objects without a finding are noted; one in which a digest is compared is read again. A note counts for an object only while
its bytes have the same SHA-256, so an object that was changed in between is verified anew. The notes are TRUSTED as the program
itself is: whoever can write them can have an object passed over. A line that a crash cut short is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from counterfoil.errors import InputError
from counterfoil.ion import IonTimestamp
from counterfoil.journal import Segment
from counterfoil.merkle import CompactRange, Hash
from counterfoil.services.export_contents import Contents

HEADER: Final = json.dumps({"verification": 1})
_COUNTS: Final = ("begin", "end", "blocks", "revisions", "data_unchecked", "without_transaction", "size_bytes")


def render_note(key: str, contents: Contents) -> str | None:
    """The line for an object that was verified whole; ``None`` for another."""
    if contents.findings or len(contents.segments) != 1 or not contents.sha256 or contents.data_unchecked:
        return None
    counts = {name: getattr(contents, name) for name in _COUNTS}
    segment = _render_segment(contents.segments[0])
    return json.dumps({"key": key, "sha256": contents.sha256.hex(), **counts, "segment": segment})


def parse_notes(lines: Iterable[str]) -> dict[str, Contents]:
    """What is noted, by key; a file that holds something else is an ``InputError``."""
    rest = iter(lines)
    first = next(rest, None)
    if first is not None and first.strip() != HEADER:
        raise InputError(
            "the notes of a verification begin with another line: give a new file, or one that a verification wrote"
        )
    notes = {}
    for line in rest:
        try:
            note = json.loads(line)
            notes[str(note["key"])] = _parse(note)
        except (ValueError, KeyError, TypeError, ArithmeticError, InputError):
            continue
    return notes


def _parse(note: dict[str, Any]) -> Contents:
    counts = {name: int(note[name]) for name in _COUNTS}
    segment = _parse_segment(note["segment"])
    if (segment.begin, segment.end) != (counts["begin"], counts["end"]):
        raise InputError("a note whose blocks are not those of its segment")
    contents = Contents(segment.strand_id, segment.begin, segment.end, segments=[segment])
    for name, value in counts.items():
        setattr(contents, name, value)
    contents.sha256 = bytes.fromhex(note["sha256"])
    return contents


def _render_segment(segment: Segment) -> dict[str, Any]:
    return {
        "strandId": segment.strand_id,
        "begin": segment.begin,
        "end": segment.end,
        "nodes": [str(node) for node in segment.range.nodes],
        "previousHash": None if segment.previous_hash is None else str(segment.previous_hash),
        "lastHash": str(segment.last_hash),
        "times": [_render_time(segment.first_time), _render_time(segment.last_time)],
        "bound": [segment.first_bound, segment.last_bound],
    }


def _parse_segment(kept: dict[str, Any]) -> Segment:
    previous = kept["previousHash"]
    first_time, last_time = map(_parse_time, kept["times"])
    first_bound, last_bound = map(bool, kept["bound"])
    return Segment(
        str(kept["strandId"]),
        CompactRange(int(kept["begin"]), int(kept["end"]), tuple(_hash(each) for each in kept["nodes"])),
        None if previous is None else _hash(previous),
        _hash(kept["lastHash"]),
        first_time,
        last_time,
        first_bound,
        last_bound,
    )


def _hash(text: str) -> Hash:
    return Hash(bytes.fromhex(text))


def _render_time(time: IonTimestamp) -> list[Any]:
    fraction = None if time.fraction is None else str(time.fraction)
    return [list(time.fields), fraction, time.offset_minutes]


def _parse_time(kept: list[Any]) -> IonTimestamp:
    fields, fraction, offset = kept
    return IonTimestamp(tuple(map(int, fields)), None if fraction is None else Decimal(fraction), offset)
