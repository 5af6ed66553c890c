"""Ordinary traffic: wages, rent, bills, card payments, standing orders into savings.

Nothing here can meet a fraud rule at its defaults, by construction: a customer pays ``PAYMENTS_EACH`` times at most, every
single sum is below what counts as high, an employer pays each of its few people once, nobody passes on what just came in, and
nobody spends more than they began with.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Final

from lab.bank.acts import Order, Transfer
from lab.bank.population import QUIET_PAIRS, Customer, Population, money

# Payments that one customer makes in the whole simulation: with more transfers come more customers.
PAYMENTS_EACH: Final = 8
SALARY: Final = (1_600, 4_200)
RENT: Final = (450, 900)
BILL: Final = (18, 95)
CARD: Final = (2, 70)
SAVING: Final = (20, 150)
GIFT: Final = (20, 60)


def customers_for(transfers: int) -> int:
    """How many customers make so many transfers: each gets a salary and makes some payments."""
    return max(24, -(-transfers // (PAYMENTS_EACH + 1)))


def ordinary_traffic(
    chance: Random, population: Population, transfers: int, began_at: datetime, duration: timedelta
) -> list[Order]:
    """That many transfers in order of time, spread evenly over the duration."""
    month = [each for customer in population.customers for each in _month_of(chance, customer, population)]
    kept = sorted(month, key=lambda each: each[0])[:transfers]
    return _spread(chance, [transfer for _, transfer in kept], began_at, duration)


def quiet_transfers(chance: Random, population: Population, began_at: datetime, duration: timedelta) -> list[Order]:
    """One gift each from people who do nothing else."""
    gifts = [
        Transfer(giver.account_id, receiver.account_id, money(chance, *GIFT), description="Happy birthday")
        for giver, receiver in population.quiet_pairs
    ]
    assert len(gifts) == QUIET_PAIRS
    return _spread(chance, gifts, began_at, duration)


def _month_of(chance: Random, customer: Customer, population: Population) -> Iterator[tuple[float, Transfer]]:
    """A customer's transfers, each with the part of the time at which it falls; the salary comes early."""
    salary = Transfer(
        customer.employer.account_id, customer.current.account_id, money(chance, *SALARY), "SALARY", "Salary"
    )
    yield chance.random() * 0.3, salary
    yield chance.random(), _payment(chance, customer, customer.landlord.account_id, RENT, "RENT", "Rent")
    utility = chance.choice(population.utilities).account_id
    yield chance.random(), _payment(chance, customer, utility, BILL, "DIRECT_DEBIT", "Electricity and water")
    if customer.savings is not None:
        savings = customer.savings.account_id
        yield chance.random(), _payment(chance, customer, savings, SAVING, "STANDING_ORDER", "Into savings")
    for _ in range(PAYMENTS_EACH - (3 if customer.savings else 2)):
        shop = chance.choice(customer.shops).account_id
        yield chance.random(), _payment(chance, customer, shop, CARD, "CARD", f"Card payment at {shop}")


def _payment(
    chance: Random, customer: Customer, payee: str, sums: tuple[int, int], kind: str, description: str
) -> Transfer:
    return Transfer(customer.current.account_id, payee, money(chance, *sums), kind, description)


def _spread(chance: Random, transfers: list[Transfer], began_at: datetime, duration: timedelta) -> list[Order]:
    """One transfer per step of time, each at a moment of its step that leaves the order as it is."""
    step = duration / max(len(transfers), 1)
    return [
        Order(began_at + step * (index + 0.8 * chance.random()), transfer) for index, transfer in enumerate(transfers)
    ]
