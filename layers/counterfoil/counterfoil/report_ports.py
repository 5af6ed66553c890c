"""What an audit report reads, each source described as in ``ports``. A report changes nothing that it is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from counterfoil.detection.finding import Finding
    from counterfoil.detection.report_evidence import CaseRecord, RuleChange, RuleInForce


class FindingArchive(Protocol):
    """Every finding that is kept. Not trusted for integrity: replaying the stream derives all of them again."""

    def until(self, end: datetime, /) -> Iterator[Finding]:
        """Those that were found before ``end``, in any order, each with its status of now."""
        ...


class SnapshotArchive(Protocol):
    """Every digest snapshot that is kept. Not trusted for content: a snapshot's signature is what counts."""

    def names(self, prefix: str, /) -> Sequence[str]:
        """Names that begin so, in order; of one strand they are in order of time."""
        ...

    def load(self, name: str, /) -> bytes: ...


class RuleBook(Protocol):
    """Which rules judge, and how that came about."""

    def in_force(self, at: datetime, /) -> Sequence[RuleInForce]:
        """The rules that judged at that time."""
        ...

    def changes(self, begin: datetime, end: datetime, /) -> Sequence[RuleChange]:
        """Changes from ``begin`` (included) to ``end`` (excluded), in order."""
        ...


class CaseBook(Protocol):
    """What people made of findings."""

    def cases(self, begin: datetime, end: datetime, /) -> Sequence[CaseRecord]:
        """Cases opened before ``end`` that were open, or decided, at or after ``begin``, as they stood at ``end``."""
        ...


class FigureHistory(Protocol):
    """Figures that the functions emitted. Not trusted: they serve to see a course, never to prove anything."""

    def series(self, name: str, begin: datetime, end: datetime, /) -> Sequence[tuple[datetime, float]]:
        """The figure's course in order of time; nothing where it was not emitted."""
        ...
