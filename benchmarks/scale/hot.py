"""Accounts that many transfers touch: how many attempts meet a conflict, and how many are given up, by a simulation.

A transfer sees its two accounts when it begins and commits a while later; it conflicts where one of them was written meanwhile. It
is tried again as ``counterfoil.embedded`` and the official drivers do. Which accounts, and when, follows from the seed.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from random import Random
from typing import Final

from benchmarks.scale.bank import Zipf
from counterfoil.embedded import FIRST_WAIT_SECONDS, RETRIES

ACCOUNTS: Final = 10_000
SECONDS: Final = 30.0
SPREAD: Final = (0.7, 1.6)


@dataclass(frozen=True, slots=True)
class Conflicts:
    """Parts of all attempts that met a conflict, and of all transfers that were given up."""

    attempts: float
    given_up: float


def conflicts(rate: float, skew: float, seconds: float, seed: int = 1) -> Conflicts:
    """At so many transfers per second on one strand, each of which takes so many seconds from what it sees to its commit."""
    chance, zipf = Random(seed), Zipf(ACCOUNTS, skew)
    written: dict[int, float] = {}
    due: list[tuple[float, int, float, int, tuple[int, ...]]] = []
    at, number, tried, lost, given_up = 0.0, 0, 0, 0, 0
    while at < SECONDS:
        at += chance.expovariate(rate)
        number += 1
        heapq.heappush(due, (at + seconds * chance.uniform(*SPREAD), number, at, 0, zipf.two(chance)))
    while due:
        ends, which, began, retries, accounts = heapq.heappop(due)
        tried += 1
        if all(written.get(each, -1.0) <= began for each in accounts):
            written.update(dict.fromkeys(accounts, ends))
            continue
        lost += 1
        if retries == RETRIES:
            given_up += 1
            continue
        again = ends + FIRST_WAIT_SECONDS * 2**retries * chance.uniform(0.5, 1)
        heapq.heappush(due, (again + seconds * chance.uniform(*SPREAD), which, again, retries + 1, accounts))
    return Conflicts(lost / tried, given_up / number)


def touching_first(skew: float) -> float:
    """Which part of all transfers pays or is paid by the account that most do."""
    return 1 - (1 - Zipf(ACCOUNTS, skew).first) ** 2
