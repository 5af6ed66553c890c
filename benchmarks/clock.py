"""Timing on a shared machine: several rounds, interleaved, and the best of each, since noise only ever adds."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping


def best_seconds(tasks: Mapping[str, Callable[[], object]], rounds: int = 7) -> dict[str, float]:
    """The shortest time of each task over interleaved rounds."""
    best = dict.fromkeys(tasks, float("inf"))
    for _ in range(rounds):
        for name, task in tasks.items():
            gc.collect()
            gc.freeze()  # the inputs that a benchmark keeps are not the subject's to look through
            begin = time.perf_counter()
            task()
            best[name] = min(best[name], time.perf_counter() - begin)
    return best
