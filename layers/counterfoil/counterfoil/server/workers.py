"""Threads that carry out what may block, for an event loop that must not.

``ThreadPoolExecutor`` does the same at twice the price: a future of its own for each call, tied to asyncio's by callbacks. A request
of a quick statement is handed over and back in less time than it is carried out, so the difference is felt (benchmarks/protocol.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any

Work = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[[], Any]]


class Workers:
    """A bounded number of threads. What waits for one is bounded by the connections: each has one request at a time."""

    def __init__(self, count: int) -> None:
        self._waiting: SimpleQueue[Work | None] = SimpleQueue()
        self._threads = [Thread(target=self._work, name=f"worker-{number}", daemon=True) for number in range(count)]
        for thread in self._threads:
            thread.start()

    def run[Result](self, work: Callable[[], Result]) -> asyncio.Future[Result]:
        """Carry out ``work`` in a thread; called on the event loop, which awaits what it gives or raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.put((loop, future, work))
        return future

    def close(self) -> None:
        """Carry out what was asked for, then end the threads."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (item := self._waiting.get()) is not None:
            loop, future, work = item
            try:
                answer = partial(_answer, future, work())
            except BaseException as error:  # noqa: BLE001 - whoever awaits the future deals with it
                answer = partial(_fail, future, error)
            with suppress(RuntimeError):  # the loop has ended: nobody awaits it any more
                loop.call_soon_threadsafe(answer)
            del item, future, work, answer  # an idle thread holds on to nothing


def _answer(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
