"""What rules need from outside: where their log is kept, and who says which are in force."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from counterfoil.detection.rule_config import RuleConfig
    from counterfoil.detection.rule_log import RuleEvent


class RuleReader(Protocol):
    """Reads the log of rules, append-only: no version and no act is ever replaced. Reads are never stale.

    TRUSTED: whoever can write here decides what is found.
    """

    def revision(self) -> int:
        """How many events there are; cheap, since it is asked all the time."""
        ...

    def events(self) -> Sequence[RuleEvent]:
        """All events in order of their revisions."""
        ...


class RuleStore(RuleReader, Protocol):
    """Keeps the log: no version and no act is ever replaced."""

    def append(self, event: RuleEvent, /) -> None:
        """Add the event behind the last; ``ConflictError`` if its revision is not the next one."""
        ...


class RuleSource(Protocol):
    """Says which rules are in force."""

    def current(self, now: datetime, /) -> RuleConfig: ...
