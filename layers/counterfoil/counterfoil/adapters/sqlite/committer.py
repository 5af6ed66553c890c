"""Group commit: one thread writes; whatever waits is written in one step and made durable by one sync.

Each caller waits for its own proposal. Those of one group are sequenced one after the other, each checked against those before
it; a conflict costs its own caller only. If the step fails, nothing of it counts and every caller of the group is told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Final

from counterfoil.errors import CapacityError, ClosedError
from counterfoil.journal import BlockAddress
from counterfoil.ledger.proposal import Proposal

# More in one group does not make the sync any cheaper per transaction, but the first of the group wait for the last.
GROUP_MAX: Final = 64

# Background work that a commit gave rise to begins this much later, so that it does not stand in the way of the next commit.
REST_AFTER_SECONDS: Final = 0.05


class Waiting:
    """A proposal whose caller waits for the answer: the block's address, or the error to raise."""

    __slots__ = ("_answer", "_answered", "proposal")

    def __init__(self, proposal: Proposal) -> None:
        self.proposal = proposal
        self._answer: BlockAddress | Exception | None = None
        # Taken until there is an answer: half the cost of a future, which no more is asked of here.
        self._answered = Lock()
        self._answered.acquire()

    def answer(self, answer: BlockAddress | Exception) -> None:
        """Give the answer, once."""
        self._answer = answer
        self._answered.release()

    def wait(self) -> BlockAddress:
        self._answered.acquire()
        if isinstance(self._answer, Exception):
            raise self._answer
        assert self._answer is not None
        return self._answer


class Committer:
    """``write`` handles a group, answers each of it and says whether somebody waits for background work that comes of it.

    ``rest`` does a piece of background work and says when to go on with it: 0 is at once, ``None`` not before the next group.
    """

    def __init__(
        self, write: Callable[[Sequence[Waiting]], bool], rest: Callable[[], float | None], waiting_max: int, name: str
    ) -> None:
        self._write = write
        self._rest = rest
        self._waiting_max = waiting_max
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._closed = False
        # Whoever puts a proposal behind the mark of the end would wait for ever.
        self._order = Lock()
        self._thread = Thread(target=self._run, name=f"committer of {name}", daemon=True)
        self._thread.start()

    def submit(self, proposal: Proposal) -> BlockAddress:
        """Wait until the proposal is durable or refused."""
        waiting = Waiting(proposal)
        with self._order:
            if self._closed:
                raise ClosedError("the ledger is closed")
            if self._queue.qsize() >= self._waiting_max:
                raise CapacityError(f"{self._waiting_max} commits are waiting already")
            self._queue.put(waiting)
        return waiting.wait()

    def close(self) -> None:
        """Write what waits, then stop."""
        with self._order:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        rest_at: float | None = time.monotonic()
        closing = False
        while not closing:
            group, closing = self._next_group(rest_at)
            if group:
                due_at = time.monotonic() + (0 if self._write(group) else REST_AFTER_SECONDS)
                rest_at = due_at if rest_at is None else min(rest_at, due_at)
            if rest_at is not None and not closing and time.monotonic() >= rest_at:
                pause = self._rest()
                rest_at = None if pause is None else time.monotonic() + pause

    def _next_group(self, until: float | None) -> tuple[list[Waiting], bool]:
        """What waits, or comes until then (``None``: however long it takes), and whether this is the end."""
        group: list[Waiting] = []
        patience = None if until is None else max(0.0, until - time.monotonic())
        while len(group) < GROUP_MAX:
            try:
                waiting = self._queue.get(block=patience != 0 and not group, timeout=patience)
            except Empty:
                break
            if waiting is None:
                return group, True
            group.append(waiting)
        return group, False
