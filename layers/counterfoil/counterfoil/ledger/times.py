"""Times of the ledger: milliseconds since 1970 in UTC inside, Ion timestamps with three decimals outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from counterfoil.ion.timestamps import IonTimestamp

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_THOUSANDTHS: Final = tuple(Decimal((0, tuple(map(int, f"{each:03}")), -3)) for each in range(1000))


def milliseconds_of(moment: datetime) -> int:
    """Whole milliseconds of an aware datetime; what is finer is cut off."""
    return (moment - _EPOCH) // _MILLISECOND


def moment_of(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)


@lru_cache(maxsize=4096)
def timestamp_of(milliseconds: int) -> IonTimestamp:
    """The Ion timestamp that blocks and metadata carry; all revisions of a block carry the same one."""
    moment = moment_of(milliseconds)
    fields = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    return IonTimestamp(fields, _THOUSANDTHS[milliseconds % 1000], 0)


def milliseconds_of_timestamp(timestamp: IonTimestamp) -> int:
    """The millisecond in which the instant lies; fields that are not given are the lowest."""
    return milliseconds_of(timestamp.to_datetime())
