"""Who banks here: customers with current accounts, some with savings; employers, landlords, shops and a utility.

Every kind of account has its direction: employers only pay, landlords, shops and utilities only receive, savings only
receive from their owner. So no ordinary account passes money on soon after it came in, except customers, and their
salaries are below what is looked at (``traffic``). A few people bank only once: ``quiet_pairs`` of givers and receivers.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Final

from lab.bank.acts import Account

CENT: Final = Decimal("0.01")
QUIET_PAIRS: Final = 12


@dataclass(frozen=True, slots=True)
class Customer:
    """A person with a current account, where they work and live and shop, and their savings account, if any."""

    current: Account
    employer: Account
    landlord: Account
    shops: tuple[Account, ...]
    savings: Account | None


@dataclass(frozen=True, slots=True)
class Population:
    customers: tuple[Customer, ...]
    employers: tuple[Account, ...]
    landlords: tuple[Account, ...]
    shops: tuple[Account, ...]
    utilities: tuple[Account, ...]
    quiet_pairs: tuple[tuple[Account, Account], ...]

    @property
    def accounts(self) -> tuple[Account, ...]:
        """All accounts in the order they are opened."""
        savings = (each.savings for each in self.customers if each.savings is not None)
        current = (each.current for each in self.customers)
        quiet = (account for pair in self.quiet_pairs for account in pair)
        return (*self.employers, *self.landlords, *self.shops, *self.utilities, *current, *savings, *quiet)


def money(chance: Random, least: int, most: int) -> Decimal:
    """An amount between two whole sums, to the cent."""
    return Decimal(chance.randint(least * 100, most * 100)) * CENT


def population_of(chance: Random, customers: int) -> Population:
    """As many customers, and businesses in proportion."""
    businesses = {
        kind: tuple(
            Account(f"{kind}-{number:03}", money(chance, least, 2 * least), "BUSINESS", f"{kind}-{number:03}")
            for number in range(1, max(2, customers // ratio) + 1)
        )
        for kind, ratio, least in (("EMP", 5, 400_000), ("LND", 20, 20_000), ("SHP", 6, 5_000), ("UTL", 80, 50_000))
    }
    people = tuple(_customer(chance, number, businesses) for number in range(1, customers + 1))
    quiet = tuple((_person(chance, 2 * pair), _person(chance, 2 * pair + 1)) for pair in range(QUIET_PAIRS))
    return Population(people, businesses["EMP"], businesses["LND"], businesses["SHP"], businesses["UTL"], quiet)


def _person(chance: Random, number: int) -> Account:
    return Account(f"PRV-{number:03}", money(chance, 300, 2_000), "CHECKING", f"CUST-P{number:03}")


def _customer(chance: Random, number: int, businesses: dict[str, tuple[Account, ...]]) -> Customer:
    customer_id = f"CUST-{number:04}"
    savings = None
    if number % 4 == 0:
        savings = Account(f"SAV-{number:04}", money(chance, 200, 9_000), "SAVINGS", customer_id)
    return Customer(
        Account(f"ACC-{number:04}", money(chance, 1_500, 6_000), "CHECKING", customer_id),
        businesses["EMP"][number % len(businesses["EMP"])],
        chance.choice(businesses["LND"]),
        tuple(chance.sample(businesses["SHP"], min(4, len(businesses["SHP"])))),
        savings,
    )
