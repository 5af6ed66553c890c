"""The bank's day, from the first table to the last card payment, with fraud and audit events hidden in it.

A plan and a seed give one ledger, byte for byte. What must be found is written down as each thing is injected; no rule is
asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from typing import Final

from counterfoil.detection.audit_rules import AuditRule
from counterfoil.journal.builder import BuiltBlock
from lab.bank.ledger import SCHEMA, BankLedger, Order
from lab.bank.patterns import Sighting, Story, schedule, stories
from lab.bank.population import Account, Population, population_of
from lab.bank.traffic import customers_for, ordinary_traffic, quiet_transfers
from lab.expectation import Expected

OPENING_DAY: Final = datetime(2025, 3, 3, 8, 0, tzinfo=UTC)
# The share of the time, at its end, in which nothing but ordinary transfers happens: there an attacker may strike without
# taking away what the rules have to see.
QUIET_SHARE: Final = 0.1
OPENING_TIME: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class BankPlan:
    """How much happens: ordinary transfers, in how much ledger time, from when."""

    seed: int = 1
    transfers: int = 3_000
    duration: timedelta = timedelta(minutes=6)
    opened_at: datetime = OPENING_DAY


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
class _Day:
    """Everything that is to happen, each with its time, and what is expected of what did happen."""

    ledger: BankLedger
    expected: list[Expected] = field(default_factory=list)
    agenda: list[tuple[datetime, Callable[[datetime], object]]] = field(default_factory=list)

    def expect(self, rule_id: str, block: BuiltBlock, because: str, account_id: str | None = None) -> None:
        self.expected.append(Expected(rule_id, str(block.address), because, account_id))

    def plan(self, at: datetime, act: Callable[[datetime], object]) -> None:
        self.agenda.append((at, act))

    def plan_opening(self, opened_at: datetime, accounts: Sequence[Account]) -> None:
        """Tables and indexes first, then the accounts, one block each, over the opening time."""
        for index, text in enumerate(SCHEMA):
            self.plan(
                opened_at + timedelta(milliseconds=40 * index), self._execute(text, AuditRule.PRIVILEGED_STATEMENT)
            )
        for index, account in enumerate(accounts):
            at = opened_at + OPENING_TIME * (0.1 + 0.8 * index / len(accounts))
            self.plan(at, partial(self.open_account, account))

    def plan_orders(self, orders: Iterable[Order]) -> None:
        for order in orders:
            self.plan(order.at, partial(self._transfer, order, "", ()))

    def plan_story(self, story: Story, orders: Iterable[Order]) -> None:
        for index, order in enumerate(orders):
            seen = tuple(each for each in story.sightings if each.step == index)
            self.plan(order.at, partial(self._transfer, order, story.title, seen))

    def plan_queries(self, chance: Random, population: Population, began_at: datetime, duration: timedelta) -> None:
        """Now and then somebody looks at a balance."""
        for _ in range(max(4, len(population.customers) // 8)):
            account = chance.choice(population.customers).current
            self.plan(
                began_at + duration * chance.random(), partial(self.ledger.read_balance, account_id=account.account_id)
            )

    def plan_audit_events(self, began_at: datetime, duration: timedelta) -> None:
        """What clerks and administrators do: accounts opened, redacted and closed, a table dropped, the clock set back."""
        dormant = Account("DORMANT-1", Decimal("0.00"), "CHECKING", "CUST-DORMANT")
        self.plan(began_at, partial(self.open_account, dormant))
        self.plan(
            began_at + duration * 0.15, partial(self.open_account, Account("WHOLE-1", 100, "CHECKING", "CUST-WHOLE"))
        )
        self.plan(began_at + duration * 0.16, self._open_unreadable)
        self.plan(began_at + duration * 0.30, self._execute("DROP TABLE AuditLog", AuditRule.TABLE_DROPPED))
        self.plan(began_at + duration * 0.45, partial(self._redact, dormant))
        self.plan(began_at + duration * 0.60, partial(self._close, dormant))
        self.plan(began_at + duration * 0.75, self._set_clock_back)

    def run(self, quiet_at: datetime) -> int:
        """Do everything in order of time, blocks at least a millisecond apart; return where the quiet end begins."""
        last, quiet_from = datetime.min.replace(tzinfo=UTC), 0
        for at, act in sorted(self.agenda, key=lambda each: each[0]):
            last = max(at, last + timedelta(milliseconds=1))
            act(last)
            if at < quiet_at:
                quiet_from = len(self.ledger.blocks)
        return quiet_from

    def open_account(self, account: Account, at: datetime) -> None:
        self.ledger.open_account(at, account.account_id, account.balance, account.account_type, account.customer_id)

    def _open_unreadable(self, at: datetime) -> None:
        account_id, balance = "UNREADABLE-1", "a hundred dollars"
        block = self.ledger.open_account(at, account_id, balance, "CHECKING", "CUST-UNREADABLE")
        self.expect("fraud.unreadable-account", block, "an account whose balance is a text", account_id)

    def _transfer(self, order: Order, because: str, seen: tuple[Sighting, ...], at: datetime) -> None:
        block = self.ledger.transfer(at, order.transfer)
        for each in seen:
            self.expect(each.rule_id, block, because, each.account_id)

    def _execute(self, text: str, rule: AuditRule) -> Callable[[datetime], None]:
        return lambda at: self.expect(rule, self.ledger.execute(at, text), text)

    def _redact(self, account: Account, at: datetime) -> None:
        block = self.ledger.redact_first_version(at, account.account_id)
        self.expect(AuditRule.REDACTION, block, "data redacted")
        self.expect(AuditRule.PRIVILEGED_STATEMENT, block, "data redacted by a stored procedure")

    def _close(self, account: Account, at: datetime) -> None:
        self.expect(AuditRule.DOCUMENT_DELETED, self.ledger.close_account(at, account.account_id), "account closed")

    def _set_clock_back(self, at: datetime) -> None:
        """The ledger's clock steps back by three seconds for one block: a query, so that no money is judged by it."""
        account_id = next(iter(self.ledger.accounts))
        block = self.ledger.read_balance(at - timedelta(seconds=3), account_id)
        self.expect(AuditRule.CLOCK_REGRESSION, block, "the ledger's clock stepped back")


def play(story: Story, seed: int, at: datetime) -> Simulation:
    """One story alone on a ledger of its own: its accounts opened, then its transfers, a second apart."""
    day = _Day(BankLedger(seed, at))
    for number, account in enumerate(story.accounts):
        day.plan(at + timedelta(milliseconds=number), partial(day.open_account, account))
    began_at = at + timedelta(minutes=1)
    orders = [Order(began_at + timedelta(seconds=number), each) for number, each in enumerate(story.transfers)]
    day.plan_story(story, orders)
    quiet_from = day.run(began_at)
    return Simulation(day.ledger, tuple(day.expected), () if story.sightings else (story.title,), quiet_from)


def simulate(plan: BankPlan) -> Simulation:
    """Open the bank and let the day pass."""
    chance = Random(f"bank {plan.seed}")
    day = _Day(BankLedger(plan.seed, plan.opened_at))
    population = population_of(chance, customers_for(plan.transfers))
    busy = plan.duration * (1 - QUIET_SHARE)
    began_at = plan.opened_at + OPENING_TIME
    told = stories()
    day.plan_opening(plan.opened_at, [*population.accounts, *(each for story in told for each in story.accounts)])
    day.plan_orders(ordinary_traffic(chance, population, plan.transfers, began_at, plan.duration))
    day.plan_orders(quiet_transfers(chance, population, began_at + busy, plan.duration * QUIET_SHARE * 0.9))
    for story, orders in schedule(told, began_at, busy):
        day.plan_story(story, orders)
    day.plan_queries(chance, population, began_at, plan.duration)
    day.plan_audit_events(began_at, busy)
    quiet_from = day.run(began_at + busy)
    near_misses = (*(story.title for story in told if not story.sightings), "an account opened with a whole number")
    return Simulation(day.ledger, tuple(day.expected), near_misses, quiet_from)
