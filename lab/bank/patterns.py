"""Fraud as it is tried, and what looks like it and is none.

Each story has accounts of its own, tells at which of its transfers which rule must see it, and is chosen against the rules'
documented defaults (docs/runbook.md): a near miss stops one cent or one transfer short. The amounts of one story are chosen so
that no other rule sees it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from lab.bank.acts import Account, Order, Transfer


class Sighting(NamedTuple):
    """Rule ``rule_id`` must see transfer number ``step`` of its story, about ``account_id``."""

    step: int
    rule_id: str
    account_id: str | None


@dataclass(frozen=True, slots=True)
class Story:
    """Accounts, what they do in order, and what must be seen of it: nothing, for a near miss."""

    name: str
    title: str
    accounts: tuple[Account, ...]
    transfers: tuple[Transfer, ...]
    sightings: tuple[Sighting, ...] = ()


def stories() -> list[Story]:
    """Fraud of every rule, then the near misses."""
    return [*_fraud(), *_near_misses()]


def schedule(told: Sequence[Story], began_at: datetime, duration: timedelta) -> Iterator[tuple[Story, list[Order]]]:
    """Each story with its transfers: begun one after the other over the first half of the time, told over the second."""
    step = duration / 2 / max(len(story.transfers) for story in told)
    for index, story in enumerate(told):
        at = began_at + duration / 2 * index / len(told)
        yield story, [Order(at + step * number, transfer) for number, transfer in enumerate(story.transfers)]


def _fraud() -> Iterator[Story]:
    yield _story(
        "velocity-count",
        "21 and more small payments within the hour, as when a stolen card is tried out",
        {"payer": "900.00"},
        [Transfer("payer", "payee", Decimal("3.10") + number, "CARD") for number in range(24)],
        [(20, "fraud.velocity-count", "payer")],
    )
    yield _story(
        "velocity-sum",
        "72,000 out of one account within the day",
        {"payer": "90000.00"},
        [Transfer("payer", "payee", Decimal("12000.00"), description="Invoice") for _ in range(6)],
        [(4, "fraud.velocity-sum", "payer")],
    )
    yield _story(
        "structuring",
        "three transfers just below the reporting threshold",
        {"payer": "40000.00"},
        [Transfer("payer", "payee", Decimal(amount)) for amount in ("9500.00", "9800.00", "9250.00")],
        [(2, "fraud.structuring", "payer")],
    )
    yield _story(
        "rapid-in-out",
        "money passed on through a mule's account within minutes",
        {"victim": "20000.00", "mule": "10.00"},
        [
            Transfer("victim", "mule", Decimal("6000.00"), description="Tax refund"),
            Transfer("mule", "payee", Decimal("2700.00")),
            Transfer("mule", "payee", Decimal("3000.00")),
        ],
        [(2, "fraud.rapid-in-out", "mule")],
    )
    yield _story(
        "new-payee",
        "a large first payment to somebody new, as after an account takeover",
        {"payer": "30000.00"},
        [
            Transfer("payer", "shop", Decimal("24.90"), "CARD"),
            Transfer("payer", "payee", Decimal("5000.00"), description="Urgent"),
        ],
        [(1, "fraud.new-payee-high-value", "payer")],
    )
    yield _story(
        "duplicate-id",
        "two transfers under one transaction id",
        {"payer": "500.00"},
        [Transfer("payer", "payee", Decimal("75.00"), transaction_id="TXN-DUPLICATE") for _ in range(2)],
        [(1, "fraud.duplicate-transaction-id", "payer")],
    )
    yield _story(
        "negative-balance",
        "an account that pays more than it has",
        {"payer": "100.00"},
        [Transfer("payer", "payee", Decimal("100.01"))],
        [(0, "fraud.negative-balance", "payer")],
    )
    yield _story(
        "conservation",
        "a payee credited with more than the transfer says",
        {"payer": "500.00"},
        [Transfer("payer", "payee", Decimal("40.00"), skew=Decimal("360.00"))],
        [(0, "fraud.conservation-of-money", "payee")],
    )
    yield _story(
        "unreadable",
        "a transfer whose amount is a text",
        {"payer": "500.00"},
        [Transfer("payer", "payee", Decimal("40.00"), document={"amount": "forty"}, booked=False)],
        [(0, "fraud.unreadable-transfer", "payer")],
    )


def _near_misses() -> Iterator[Story]:
    yield _story(
        "miss-velocity-count",
        "20 payments within the hour, one fewer than is conspicuous",
        {"payer": "900.00"},
        [Transfer("payer", "payee", Decimal("3.10") + number, "CARD") for number in range(20)],
    )
    yield _story(
        "miss-velocity-sum",
        "50,000 out of one account, to the cent",
        {"payer": "90000.00"},
        [Transfer("payer", "payee", Decimal("12500.00"), description="Invoice") for _ in range(4)],
    )
    yield _story(
        "miss-structuring",
        "two transfers below the reporting threshold, one at it, one below the range",
        {"payer": "60000.00"},
        [Transfer("payer", "payee", Decimal(amount)) for amount in ("9999.99", "10000.00", "7999.99", "8000.00")],
    )
    yield _story(
        "miss-rapid-in-out",
        "an inheritance of which a good part is spent at once",
        {"estate": "20000.00", "heir": "10.00"},
        [
            Transfer("estate", "heir", Decimal("6000.00"), description="Inheritance"),
            Transfer("heir", "payee", Decimal("5399.99"), description="Used car"),
        ],
    )
    yield _story(
        "miss-small-in-out",
        "wages that are passed on whole: too small to look at",
        {"employer": "20000.00", "payer": "10.00"},
        [
            Transfer("employer", "payer", Decimal("4999.99"), "SALARY"),
            Transfer("payer", "payee", Decimal("4999.99"), description="Into savings"),
        ],
    )
    yield _story(
        "miss-new-payee",
        "a first payment to somebody new, one cent below the limit",
        {"payer": "30000.00"},
        [
            Transfer("payer", "shop", Decimal("24.90"), "CARD"),
            Transfer("payer", "payee", Decimal("4999.99"), description="New kitchen"),
        ],
    )
    yield _story(
        "miss-known-payee",
        "a large payment to somebody paid before",
        {"payer": "30000.00"},
        [
            Transfer("payer", "payee", Decimal("500.00"), description="Deposit"),
            Transfer("payer", "payee", Decimal("7500.00"), description="Balance due"),
        ],
    )
    yield _story(
        "miss-duplicate-id",
        "the same payment twice, each under its own id",
        {"payer": "500.00"},
        [Transfer("payer", "payee", Decimal("75.00"), description="Tickets") for _ in range(2)],
    )
    yield _story(
        "miss-negative-balance",
        "an account emptied to the last cent",
        {"payer": "100.00"},
        [Transfer("payer", "payee", Decimal("100.00"))],
    )
    yield _story(
        "miss-conservation",
        "the same value written with other decimal places",
        {"payer": "500"},
        [Transfer("payer", "payee", Decimal("40.0")), Transfer("payer", "payee", Decimal("0.500"))],
    )
    yield _story(
        "miss-unreadable",
        "a transfer with a field that nobody asked for, its timestamp a text",
        {"payer": "500.00"},
        [
            Transfer(
                "payer",
                "payee",
                Decimal("40.00"),
                document={"memo": {"lines": ["Thank you", None]}, "timestamp": "2025-03-03"},
            )
        ],
    )


def _story(
    name: str,
    title: str,
    balances: dict[str, str],
    transfers: list[Transfer],
    sightings: list[tuple[int, str, str]] | None = None,
) -> Story:
    """A story whose people get account ids of their own; whoever has no balance here begins with 50.00."""
    people = dict.fromkeys(person for each in transfers for person in (each.payer, each.payee))
    account_ids = {person: f"{name}-{person}".upper() for person in people}
    accounts = tuple(
        Account(account_id, Decimal(balances.get(person, "50.00")), "CHECKING", f"CUST-{account_id}")
        for person, account_id in account_ids.items()
    )
    named = (replace(each, payer=account_ids[each.payer], payee=account_ids[each.payee]) for each in transfers)
    seen = (Sighting(step, rule_id, account_ids[person]) for step, rule_id, person in sightings or [])
    return Story(name, title, accounts, tuple(named), tuple(seen))
