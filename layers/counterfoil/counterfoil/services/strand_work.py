"""Work that follows the journal, strand by strand: projecting, redacting.

Each piece of work knows by itself how far it is, so a call says only which strands may have gone on; how often, by whom and when it
comes does not matter. A strand that fails does not hold up the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from counterfoil.errors import CounterfoilError
from counterfoil.ports import Clock, LedgerRegistry

# A call ends in time for Lambda's minute; whatever is left is done at the next one.
BUDGET: Final = timedelta(seconds=40)
PAGE_LEDGERS: Final = 100

RunningOut = Callable[[], bool]


@dataclass(slots=True)
class StrandReport:
    """What one call did: ``done`` counts blocks or requests, ``failures`` say by strand what is to be tried again."""

    done: int = 0
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StrandWork:
    """``work`` goes on with one strand until nothing is left or the time runs out, and says how much it did."""

    work: Callable[[str, RunningOut], int]
    registry: LedgerRegistry
    clock: Clock

    def run(self, strand_ids: Iterable[str]) -> StrandReport:
        report = StrandReport()
        until = self.clock() + BUDGET
        for strand_id in dict.fromkeys(strand_ids):
            try:
                report.done += self.work(strand_id, lambda: self.clock() >= until)
            except CounterfoilError as error:
                report.failures[strand_id] = str(error)
        return report

    def run_all(self) -> StrandReport:
        """Go on with the strand of every ledger that is registered."""
        return self.run(strands_of(self.registry))


def strands_of(registry: LedgerRegistry) -> Iterator[str]:
    """The strand of every registered ledger."""
    after = ""
    while ledgers := registry.ledgers(after, PAGE_LEDGERS):
        yield from (each.ledger_id for each in ledgers)
        after = ledgers[-1].name
