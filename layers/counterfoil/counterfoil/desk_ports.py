"""What the desk needs from outside, where findings become alerts and cases: as ``ports`` is for the pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from counterfoil.detection.telling import AlertGroup, DayTally, Decided, Decision


class AlertBook(Protocol):
    """Keeps what was decided about telling findings. Not trusted for integrity: losing it costs messages, never findings.

    Reads are never stale.
    """

    def decision(self, news_id: str, /) -> Decision | None: ...

    def group(self, group_id: str, /) -> AlertGroup | None: ...

    def day(self, day: date, /) -> DayTally:
        """A day's tally; of a day without decisions an empty one."""
        ...

    def keep(self, decided: Decided, /) -> None:
        """Keep the decision and replace its alert and its day, all in one step or nothing.

        ``ConflictError`` if the finding's news was decided before, or the alert or the day kept now is not the version before.
        """
        ...


class Entry(NamedTuple):
    """A text that was noted. Entries of a topic are in order of their names."""

    topic: str
    name: str
    text: str


class DeskLog(Protocol):
    """Keeps what people and actions did, append-only: nothing is ever replaced. TRUSTED as far as no other log confirms it.

    Topics are texts of up to 1,000 bytes, names of up to 500. Reads are never stale.
    """

    def append(self, entries: Sequence[Entry], /) -> None:
        """Note all entries in one step, or none; ``ConflictError`` if one of them is there already."""
        ...

    def entries(self, topic: str, prefix: str = "", /) -> Sequence[Entry]:
        """The topic's entries whose names begin so, in order."""
        ...

    def last(self, topic: str, /) -> Entry | None:
        """The topic's last entry."""
        ...


class LedgerDoor(Protocol):
    """Writes documents into the ledgers that findings are about, through the ledger's own interface."""

    def ledger_of(self, strand_id: str, /) -> str | None:
        """The name of the active ledger with this strand."""
        ...

    def insert(self, ledger_name: str, table: str, document: Mapping[str, Any], key: str, /) -> str:
        """Insert a document (texts and truth values) once for each key, however often it is asked; the transaction's id.

        ``UnavailableError`` also where the ledger refuses the caller, or has no such table: an operator can mend both.
        """
        ...
