"""Times of the ledger: milliseconds since 1970 in UTC inside, Ion timestamps with three decimals outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from counterfoil.ion.timestamps import IonTimestamp
from counterfoil.ion.timestamps import timestamp_of_milliseconds as timestamp_of

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def milliseconds_of(moment: datetime) -> int:
    """Whole milliseconds of an aware datetime; what is finer is cut off."""
    return (moment - _EPOCH) // _MILLISECOND


def moment_of(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)


def milliseconds_of_timestamp(timestamp: IonTimestamp) -> int:
    """The millisecond in which the instant lies; fields that are not given are the lowest."""
    return milliseconds_of(timestamp.to_datetime())


__all__ = ["milliseconds_of", "milliseconds_of_timestamp", "moment_of", "timestamp_of"]
