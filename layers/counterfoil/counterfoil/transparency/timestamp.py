"""Time stamps of a log's checkpoints: where they stand among the log's files, and what a checker of them answers.

    timestamp/<SHA-256>.checkpoint   the checkpoint as it was stamped, byte for byte
    timestamp/<SHA-256>.tsr          what the authority answered: RFC 3161's TimeStampResp, DER

``<SHA-256>`` is that of the checkpoint's bytes, in hex. Tokens are checked where there are certificates and their signatures, outside
this room (``adapters.timestamp_tokens``).

Source: RFC 3161; docs/format.md, section "Time stamps".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

FOLDER: Final = "timestamp"
CHECKPOINT_SUFFIX: Final = ".checkpoint"

# An answer has some 2 to 6 KB: the token, and the certificates of the authority up to the one that is trusted.
MAX_TIMESTAMP_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class Timestamp:
    """What a checked token says: the bytes existed ``at`` that time, as ``authority`` (its certificate's subject) swears.

    ``accuracy`` is by how much the time may be wrong at most, either way, where the authority says so.
    """

    at: datetime
    authority: str
    policy: str
    serial_number: int
    accuracy: timedelta | None = None

    @property
    def latest(self) -> datetime:
        """By then the bytes existed."""
        return self.at + (self.accuracy or timedelta(0))

    @property
    def time(self) -> str:
        """The time as a person may read it, with its accuracy."""
        return self.at.isoformat() + (f" +- {self.accuracy_seconds} s" if self.accuracy is not None else "")

    @property
    def accuracy_seconds(self) -> str | None:
        """As a decimal number without a loss; ``None`` where none is stated."""
        if self.accuracy is None:
            return None
        micros = self.accuracy // timedelta(microseconds=1)
        return f"{micros // 1_000_000}.{micros % 1_000_000:06}".rstrip("0").rstrip(".")


# The token over these bytes, checked: ``IntegrityError`` where it does not hold, ``InputError`` where it cannot be read.
CheckTimestamp = Callable[[bytes, bytes], Timestamp]


def timestamp_path(checkpoint: bytes) -> str:
    """Where the authority's answer for a checkpoint stands."""
    return f"{_stem(checkpoint)}.tsr"


def stamped_path(checkpoint: bytes) -> str:
    """Where the checkpoint itself stands beside the answer: the log's own is replaced when the log grows."""
    return f"{_stem(checkpoint)}{CHECKPOINT_SUFFIX}"


def _stem(checkpoint: bytes) -> str:
    return f"{FOLDER}/{sha256(checkpoint).hexdigest()}"
