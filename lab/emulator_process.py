"""Starts ministack with what it does over and over again done once; run by the emulator's own interpreter.

Two of its habits cost more than all the rest, and the longer it runs the more. No answer changes without them:

* every request to Kinesis looks through all iterators that were ever given out for those that are too old: now every ten seconds
  (GetRecords itself refuses one that is too old);
* every item that a query looks at has the query's condition parsed and checked anew.
"""

from __future__ import annotations

import functools
import importlib
import runpy
import time
from collections.abc import Callable
from typing import Any, Final

SWEEP_SECONDS: Final = 10.0
EXPRESSIONS: Final = 1_000


def seldom(function: Callable[[], None], seconds: float, clock: Callable[[], float]) -> Callable[[], None]:
    """Calls a function no more often than once in so many seconds."""
    due = clock()

    def call() -> None:
        nonlocal due
        if clock() >= due:
            due = clock() + seconds
            function()

    return call


def remembering[T](function: Callable[[str], list[T]]) -> Callable[[str], list[T]]:
    """Gives a new list each time, which the caller may change."""
    known = functools.lru_cache(EXPRESSIONS)(lambda text: tuple(function(text)))
    return lambda text: list(known(text))


def ease(kinesis: Any, dynamodb: Any) -> None:
    """Change the two services of ministack. Fails where a release has other names for what is changed."""
    _replace(kinesis, "_expire_iterators", lambda known: seldom(known, SWEEP_SECONDS, time.monotonic))
    _replace(dynamodb, "_condition_syntax_error", functools.lru_cache(EXPRESSIONS))
    _replace(dynamodb, "_tokenize", remembering)


def _replace(module: Any, name: str, by: Callable[[Any], Any]) -> None:
    setattr(module, name, by(getattr(module, name)))


if __name__ == "__main__":
    ease(*(importlib.import_module(f"ministack.services.{name}") for name in ("kinesis", "dynamodb")))
    runpy.run_module("ministack", run_name="__main__")
