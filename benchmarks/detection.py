"""The detector's service with every shipped rule, memory adapters: what a transfer costs, and how large accounts' states become.

Two ledgers. In the *ordinary* one an account sends money twice a day, to a circle of eight and in 8 % of its payments to anybody:
in the labelled data of AMLGentex that many payments are the first of an account to another. In the *dense* one accounts pay one
another at random every hour or so: nearly every payment is a first one, which most rules are about, and states fill up to their
bounds. Compared with reading and verifying the same records, which the detector does first and no rule can make cheaper.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import batched, islice
from statistics import fmean
from typing import Final, NamedTuple

from benchmarks.journal import START, STRAND, STREAM_ARN, Circle, transfers
from counterfoil.adapters.memory import MemoryFindings
from counterfoil.adapters.memory.accounts import MemoryAccounts
from counterfoil.adapters.memory.set_aside import MemorySetAside
from counterfoil.detection.account import StateKey
from counterfoil.detection.account_book import collect_seldom
from counterfoil.detection.rule_config import parse_rule_config
from counterfoil.services.arrivals import read_arrivals
from counterfoil.services.batch import KinesisRecord
from counterfoil.services.detect import Detector
from counterfoil.services.set_aside import PointerFollower
from lab.producer import outer_records, streamed

WANTED: Final = 2_500
ACCOUNTS: Final = 2_000
SIZES: Final = (1_000, 10_000, 50_000)
LONG: Final = 1_000_000
_BLOCKS_AT_ONCE: Final = 2_000
_BATCH: Final = 10


class Town(NamedTuple):
    """Who pays whom, and how long after the one before."""

    name: str
    pace: timedelta
    circle: Circle | None


TOWNS: Final = (
    Town("ordinary", timedelta(days=1) / (2 * ACCOUNTS), Circle(8, 0.08)),
    Town("dense", timedelta(seconds=2), None),
)


class Cost(NamedTuple):
    """Seconds of processor time, for reading and verifying and in all."""

    verifying: float
    everything: float


def run() -> dict[str, float]:
    print(f"detector's service, every shipped rule, {ACCOUNTS:,} accounts, memory adapters, one core, processor time")
    size = LONG if "--long" in sys.argv else SIZES[-1]
    collect_seldom()
    found: dict[str, float] = {}
    for town in TOWNS:
        found |= {f"{town.name}_{name}": figure for name, figure in _measure(town, size).items()}
    return found


def _measure(town: Town, size: int) -> dict[str, float]:
    accounts, detector = _detector()
    costs: dict[int, Cost] = {}
    judged, sum_of = 0, Cost(0.0, 0.0)
    marks = sorted({each for each in (*SIZES, LONG) if each <= size})
    for batch in _batches(town, size):
        cost, count = _judge(detector, batch)
        judged += count
        sum_of = Cost(sum_of.verifying + cost.verifying, sum_of.everything + cost.everything)
        if marks and judged >= marks[0]:
            costs[marks[0]] = sum_of
            marks.pop(0)
    rates: dict[int, float] = {}
    before, spent = 0, Cost(0.0, 0.0)
    for mark, cost in costs.items():
        count = mark - before
        verifying, everything = cost.verifying - spent.verifying, cost.everything - spent.everything
        rates[mark] = count / everything
        print(
            f"  {town.name:8} {before:9,} to {mark:9,}  {rates[mark]:6,.0f} a second = {rates[mark] / WANTED:.2f} of {WANTED:,}"
            f" (wanted: 1); {everything / verifying:.1f} times reading and verifying alone"
        )
        before, spent = mark, cost
    flat = rates[SIZES[1]] / rates[size]
    print(f"           cost per transfer at the end is {flat:.2f} times that up to {SIZES[1]:,} (wanted: flat)")
    sizes = _state_sizes(accounts)
    print(
        f"           an account's state: {fmean(sizes):,.0f} bytes on average, {max(sizes):,} the largest (bound: one item)"
    )
    return {"of_wanted": rates[size] / WANTED, "flatness": flat, "largest_state": float(max(sizes))}


def _detector() -> tuple[MemoryAccounts, Detector]:
    accounts = MemoryAccounts()
    set_aside = MemorySetAside(lambda: START)
    config = parse_rule_config("{}")
    return accounts, Detector(accounts, MemoryFindings(), set_aside, config, lambda: START, timedelta(seconds=60))


def _judge(detector: Detector, batch: list[KinesisRecord]) -> tuple[Cost, int]:
    begin = time.process_time()
    read_arrivals(batch, START, PointerFollower(detector.set_aside))
    verified = time.process_time()
    report = detector.detect(batch)
    done = time.process_time()
    if report.failure or report.unverified or report.unreadable:
        raise AssertionError(report)
    return Cost(verified - begin, done - verified), report.transfers_judged


def _batches(town: Town, size: int) -> Iterator[list[KinesisRecord]]:
    """Batches of aggregated records, made as they are asked for: a million transfers are 4 GB."""
    blocks = transfers(size, accounts=ACCOUNTS, pace=town.pace, circle=town.circle)
    while some := list(islice(blocks, _BLOCKS_AT_ONCE)):
        users = (record for block in some for record in streamed(block, STREAM_ARN).records)
        records = (
            KinesisRecord("shardId-000000000000", str(index), outer.partition_key, outer.data, START)
            for index, outer in enumerate(outer_records(users, STRAND))
        )
        yield from map(list, batched(records, _BATCH, strict=False))


def _state_sizes(accounts: MemoryAccounts) -> list[int]:
    """The sizes of accounts' states, without those of transaction ids and cursors."""
    return [len(stored.body) for key, stored in accounts.states.items() if _is_account(key)]


def _is_account(key: StateKey) -> bool:
    return key.key.startswith("account#")
