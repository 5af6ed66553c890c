"""What PartiQL adds to Ion's values: MISSING and bags."""

from __future__ import annotations

from enum import Enum
from typing import Final

from counterfoil.ion.values import Value


class Missing(Enum):
    """The value of a field that is not there. Unlike null it is never stored: a struct leaves the field out."""

    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING


class Bag(list[Value]):
    """A collection whose order means nothing: what a query gives, and ``<< … >>``. Stored in a document it becomes a list."""

    __slots__ = ()
