"""The bank's day, from the first table to the last card payment, with fraud and audit events hidden in it: as a description.

A plan gives one day. What must be found is written down beside each act; no rule is asked. Who carries it out, and how blocks come
of it, is not said here: ``simulation`` builds them, ``clerks`` has a served ledger make them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import batched
from random import Random
from typing import Final

from counterfoil.detection.audit_rules import AuditRule
from lab.bank.acts import (
    SCHEMA,
    Account,
    Act,
    CloseAccount,
    Execute,
    OpenAccounts,
    Order,
    RedactFirstVersion,
    SetClockBack,
    Transfer,
    read_balance,
)
from lab.bank.patterns import Story, schedule, stories
from lab.bank.population import Population, population_of
from lab.bank.traffic import customers_for, ordinary_traffic, quiet_transfers

OPENING_DAY: Final = datetime(2025, 3, 3, 8, 0, tzinfo=UTC)
# The share of the time, at its end, in which nothing but ordinary transfers happens: there an attacker may strike without
# taking away what the rules have to see.
QUIET_SHARE: Final = 0.1
OPENING_TIME: Final = timedelta(seconds=30)
OPENED_TOGETHER: Final = 25


@dataclass(frozen=True, slots=True)
class BankPlan:
    """How much happens: ordinary transfers, in how much of the bank's time, from when.

    ``own_clock``: the ledger's clock can be set back; that of a ledger which is served cannot.
    """

    seed: int = 1
    transfers: int = 3_000
    duration: timedelta = timedelta(minutes=6)
    opened_at: datetime = OPENING_DAY
    own_clock: bool = True


@dataclass(frozen=True, slots=True)
class Due:
    """Rule ``rule_id`` must see an act, about ``account_id``."""

    rule_id: str
    because: str
    account_id: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An act, its time at the bank, and what must be found of it. Acts of one ``series`` are done one after the other."""

    at: datetime
    act: Act
    due: tuple[Due, ...] = ()
    series: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """The three parts of the day, each in order of time: tables and accounts, business, the quiet end."""

    plan: BankPlan
    opening: tuple[Entry, ...]
    business: tuple[Entry, ...]
    quiet: tuple[Entry, ...]
    near_misses: tuple[str, ...]

    @property
    def transfers(self) -> int:
        return sum(isinstance(each.act, Transfer) for each in (*self.business, *self.quiet))


def day_of(plan: BankPlan) -> Day:
    """What happens according to a plan."""
    chance = Random(f"bank {plan.seed}")
    population = population_of(chance, customers_for(plan.transfers))
    busy, began_at, told = plan.duration * (1 - QUIET_SHARE), plan.opened_at + OPENING_TIME, stories()
    entries = [
        *_transfers(ordinary_traffic(chance, population, plan.transfers, began_at, plan.duration)),
        *_transfers(quiet_transfers(chance, population, began_at + busy, plan.duration * QUIET_SHARE * 0.9)),
        *(each for story, orders in schedule(told, began_at, busy) for each in told_as(story, orders)),
        *_queries(chance, population, began_at, plan.duration),
        *_audit_events(population, began_at, busy, own_clock=plan.own_clock),
    ]
    entries.sort(key=lambda each: each.at)
    quiet_at = began_at + busy
    accounts = [*population.accounts, *(each for story in told for each in story.accounts)]
    return Day(
        plan,
        tuple(_opening(plan.opened_at, accounts)),
        tuple(each for each in entries if each.at < quiet_at),
        tuple(each for each in entries if each.at >= quiet_at),
        (*(story.title for story in told if not story.sightings), "an account opened with a whole number"),
    )


def told_as(story: Story, orders: Iterable[Order]) -> Iterator[Entry]:
    """A story's transfers in their order, with what must be seen of each."""
    for index, order in enumerate(orders):
        seen = (Due(each.rule_id, story.title, each.account_id) for each in story.sightings if each.step == index)
        yield Entry(order.at, order.transfer, tuple(seen), story.name)


def _opening(opened_at: datetime, accounts: Sequence[Account]) -> Iterator[Entry]:
    """Tables and indexes first, then the accounts, some in each transaction, over the opening time."""
    for index, text in enumerate(SCHEMA):
        yield _administered(opened_at + timedelta(milliseconds=40 * index), Execute(text), text)
    groups = list(batched(accounts, OPENED_TOGETHER, strict=False))
    for index, group in enumerate(groups):
        yield Entry(opened_at + OPENING_TIME * (0.1 + 0.8 * index / len(groups)), OpenAccounts(group))


def _transfers(orders: Iterable[Order]) -> Iterator[Entry]:
    return (Entry(each.at, each.transfer) for each in orders)


def _queries(chance: Random, population: Population, began_at: datetime, duration: timedelta) -> Iterator[Entry]:
    """Now and then somebody looks at a balance."""
    for _ in range(max(4, len(population.customers) // 8)):
        account = chance.choice(population.customers).current
        yield Entry(began_at + duration * chance.random(), read_balance(account.account_id))


def _audit_events(
    population: Population, began_at: datetime, duration: timedelta, *, own_clock: bool
) -> Iterator[Entry]:
    """What clerks and administrators do: accounts opened, closed and redacted, a table dropped, the clock set back."""

    def at(share: float, act: Act, *due: Due) -> Entry:
        return Entry(began_at + duration * share, act, due, "administration")

    dormant, whole = "DORMANT-1", Account("WHOLE-1", 100, "CHECKING", "CUST-WHOLE")
    unreadable = Account("UNREADABLE-1", "a hundred dollars", "CHECKING", "CUST-UNREADABLE")
    yield at(0.0, OpenAccounts((Account(dormant, Decimal("0.00"), "CHECKING", "CUST-DORMANT"),)))
    yield at(0.15, OpenAccounts((whole,)))
    because = "an account whose balance is a text"
    yield at(0.16, OpenAccounts((unreadable,)), Due("fraud.unreadable-account", because, unreadable.account_id))
    yield at(0.30, Execute("DROP TABLE AuditLog"), Due(AuditRule.TABLE_DROPPED, "DROP TABLE AuditLog"))
    yield at(0.45, CloseAccount(dormant), Due(AuditRule.DOCUMENT_DELETED, "account closed"))
    yield at(
        0.60,
        RedactFirstVersion(dormant),
        Due(AuditRule.REDACTION, "data redacted"),
        Due(AuditRule.PRIVILEGED_STATEMENT, "data redacted by a stored procedure"),
    )
    if own_clock:  # in a query's block, so that no money is judged by it
        clock = Due(AuditRule.CLOCK_REGRESSION, "the ledger's clock stepped back")
        yield at(0.75, SetClockBack(population.accounts[0].account_id), clock)


def _administered(at: datetime, act: Act, because: str) -> Entry:
    return Entry(at, act, (Due(AuditRule.PRIVILEGED_STATEMENT, because),), "administration")
