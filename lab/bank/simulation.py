"""The bank's day carried out in this process, at the bank's own times: a plan gives one ledger, byte for byte."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from counterfoil.journal.builder import BuiltBlock
from lab.bank.acts import OpenAccounts, Order
from lab.bank.day import BankPlan, Entry, day_of, told_as
from lab.bank.ledger import BankLedger
from lab.bank.patterns import Story
from lab.expectation import Expected

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Simulation:
    """The ledger with its blocks in order, what must be found in them, and where the quiet end begins (a block's number)."""

    ledger: BankLedger
    expected: tuple[Expected, ...]
    near_misses: tuple[str, ...]
    quiet_from: int

    @property
    def blocks(self) -> list[BuiltBlock]:
        return self.ledger.blocks


@dataclass(slots=True)
class _Performance:
    """What was expected of what was done so far; blocks are at least a millisecond apart."""

    ledger: BankLedger
    expected: list[Expected] = field(default_factory=list)
    _last: datetime = _LONG_AGO

    def perform(self, entries: Iterable[Entry]) -> int:
        """Do what is described; return how many blocks there are then."""
        for each in entries:
            self._last = max(each.at, self._last + timedelta(milliseconds=1))
            self._expect(each, self.ledger.perform(self._last, each.act))
        return len(self.ledger.blocks)

    def _expect(self, entry: Entry, block: BuiltBlock) -> None:
        place = str(block.address)
        self.expected += [Expected(due.rule_id, place, due.because, due.account_id) for due in entry.due]


def simulate(plan: BankPlan) -> Simulation:
    """Open the bank and let the day pass."""
    day, done = day_of(plan), _Performance(BankLedger(plan.seed, plan.opened_at))
    quiet_from = done.perform([*day.opening, *day.business])
    done.perform(day.quiet)
    return Simulation(done.ledger, tuple(done.expected), day.near_misses, quiet_from)


def play(story: Story, seed: int, at: datetime) -> Simulation:
    """One story alone on a ledger of its own: its accounts opened one by one, then its transfers, a second apart."""
    done, began_at = _Performance(BankLedger(seed, at)), at + timedelta(minutes=1)
    quiet_from = done.perform(_opened_singly(story, at))
    orders = [Order(began_at + timedelta(seconds=number), each) for number, each in enumerate(story.transfers)]
    done.perform(told_as(story, orders))
    return Simulation(done.ledger, tuple(done.expected), () if story.sightings else (story.title,), quiet_from)


def _opened_singly(story: Story, at: datetime) -> Sequence[Entry]:
    return [
        Entry(at + timedelta(milliseconds=number), OpenAccounts((each,))) for number, each in enumerate(story.accounts)
    ]
