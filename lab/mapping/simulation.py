"""Runs engines against memory streams in time that is not the machine's."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lab.mapping.engine import MappingEngine


class ManualClock:
    """Seconds since the epoch; stands still until it is moved."""

    def __init__(self, now: float = 1_600_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def run_until_quiet(engines: Sequence[MappingEngine], clock: ManualClock, maximum_steps: int = 1_000_000) -> None:
    """Let the engines take turns, moving the clock whenever none has anything to do, until all streams are empty.

    Raises TimeoutError after ``maximum_steps``: a batch is then retried for ever, or a shard waits for a parent that
    never ends.
    """
    last_activity = clock.now
    for _ in range(maximum_steps):
        moved = [engine.step() for engine in engines]  # a list: each gets its turn
        if any(moved):
            last_activity = clock.now
        elif all(engine.caught_up_since(math.nextafter(last_activity, math.inf)) for engine in engines):
            return
        else:
            clock.now = max(clock.now, _next_due(engines))
    raise TimeoutError(f"{maximum_steps} steps were not enough to empty the streams")


def _next_due(engines: Sequence[MappingEngine]) -> float:
    return min((due for engine in engines if (due := engine.next_due()) is not None), default=0.0)
