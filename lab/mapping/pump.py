"""Drives engines in the background, each in a thread of its own, and tells when their streams are empty."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.mapping.engine import MappingEngine

_IDLE_SECONDS: Final = 0.02


class PumpFailedError(RuntimeError):
    """An engine raised: its stream is no longer read. The cause is attached."""


class Pump:
    """``engines`` by the name of their mapping; their clock must be ``time.time``."""

    def __init__(self, engines: Mapping[str, MappingEngine]) -> None:
        self._engines = dict(engines)
        self._locks = {name: threading.Lock() for name in self._engines}
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._failure: BaseException | None = None

    @property
    def running(self) -> bool:
        return bool(self._threads)

    def start(self) -> None:
        if self.running:
            return
        self._stopping.clear()
        self._threads = [
            threading.Thread(target=self._work, args=(name,), name=f"pump {name}") for name in self._engines
        ]
        for thread in self._threads:
            thread.start()

    def begin_stop(self) -> None:
        """Let no engine begin another step, and do not wait."""
        self._stopping.set()

    def stop(self) -> None:
        """Let every engine finish its step, then rest; nothing that was read is lost."""
        self.begin_stop()
        for thread in self._threads:
            thread.join()
        self._threads = []

    def drain(self, seconds: float) -> None:
        """Wait until all streams are empty and nothing is in flight; TimeoutError with the laggards after ``seconds``.

        What one function writes may be another's input, so everything must have been found empty after the last
        invocation of any of them.
        """
        limit = time.monotonic() + seconds
        while True:
            began, invocations = time.time(), self._invocations()
            self._wait_until_caught_up(began, limit)
            if self._invocations() == invocations:
                return

    def _wait_until_caught_up(self, began: float, limit: float) -> None:
        while laggards := [name for name in self._engines if not self._caught_up(name, began)]:
            if self._failure is not None:
                raise PumpFailedError(f"a mapping stopped: {self._failure!r}") from self._failure
            if time.monotonic() > limit:
                raise TimeoutError(f"streams are not empty yet: {', '.join(laggards)}")
            if not self.running:
                self._step_all()
            time.sleep(_IDLE_SECONDS)

    def _caught_up(self, name: str, began: float) -> bool:
        with self._locks[name]:
            return self._engines[name].caught_up_since(began)

    def _step_all(self) -> None:
        for name in self._engines:
            while self._step(name):
                continue

    def _step(self, name: str) -> bool:
        with self._locks[name]:
            return self._engines[name].step()

    def _invocations(self) -> int:
        return sum(engine.metrics.invocations for engine in self._engines.values())

    def _work(self, name: str) -> None:
        try:
            while not self._stopping.is_set():
                if not self._step(name):
                    self._stopping.wait(_IDLE_SECONDS)
        except BaseException as error:  # noqa: BLE001  told by ``drain``; a thread has nobody else to tell
            self._failure = error
