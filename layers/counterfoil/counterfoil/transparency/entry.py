"""What a block is in the log: its address and its hash, as a text of four lines.

Source: docs/format.md, section "Log entries".
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from counterfoil.errors import InputError
from counterfoil.merkle import Hash
from counterfoil.transparency.lines import hash_of_line, number_of_line, text_of

HEADER: Final = "counterfoil-block/v1"

# A strand's id has at most 64 characters of these, so that an entry is shorter than this.
MAX_ENTRY_BYTES: Final = 256
_STRAND_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")


class LogEntry(NamedTuple):
    """Block ``sequence_no`` of a strand. It is leaf number ``sequence_no`` of the strand's log."""

    strand_id: str
    sequence_no: int
    block_hash: Hash


def render_entry(entry: LogEntry) -> bytes:
    """``counterfoil-block/v1``, strand, sequence number and base64 of the block's hash, each with a line feed behind it."""
    return f"{HEADER}\n{entry.strand_id}\n{entry.sequence_no}\n{entry.block_hash.to_base64()}\n".encode()


def parse_entry(data: bytes) -> LogEntry:
    """Read exactly what ``render_entry`` writes; anything else is an ``InputError``."""
    lines = text_of(data, MAX_ENTRY_BYTES, "a log entry").split("\n")
    if len(lines) != 5 or lines[0] != HEADER or lines[4] or not _STRAND_ID.fullmatch(lines[1]):
        raise InputError(f"{data[:80]!r} is no log entry of a block")
    return LogEntry(lines[1], number_of_line(lines[2], "sequence number"), hash_of_line(lines[3]))
