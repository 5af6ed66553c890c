"""Group commit: one caller at a time writes; whatever waits is written in one step and made durable by one sync.

A caller that finds nobody writing writes itself, together with all that waits; the others wait for their own proposal's answer. Who
has its answer and sees others waiting hands the writing on to the first of them, so that nobody works for others for long. The
process's main thread never writes, since a signal's handler may end anything there, halfway: the background's thread does it.

The proposals of one group are sequenced one after the other, each checked against those before it; a conflict costs its own caller
only. If the step fails, nothing of it counts and every caller of the group is told.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import Event, Lock, Thread, current_thread, main_thread
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

    __slots__ = ("_answer", "_woken", "may_write", "proposal")

    def __init__(self, proposal: Proposal) -> None:
        self.proposal = proposal
        self.may_write = current_thread() is not main_thread()
        self._answer: BlockAddress | Exception | None = None
        # Taken until there is an answer or the writing is handed on: half the cost of a future, of which no more is asked here.
        self._woken = Lock()
        self._woken.acquire()

    def answer(self, answer: BlockAddress | Exception) -> None:
        """Give the answer, once."""
        self._answer = answer
        self._woken.release()

    def wake(self) -> None:
        """Hand the writing on to its caller."""
        self._woken.release()

    def wait(self) -> None:
        """Wait for the answer, or for the writing to be handed on."""
        self._woken.acquire()

    @property
    def answered(self) -> bool:
        return self._answer is not None

    def result(self) -> BlockAddress:
        if isinstance(self._answer, Exception):
            raise self._answer
        assert self._answer is not None
        return self._answer


class Committer:
    """``write`` handles a group, answers each of it and says whether somebody waits for background work that comes of it.

    ``rest`` does a piece of background work and says when to go on with it: 0 is at once, ``None`` not before the next group.
    Neither is called while the other runs.
    """

    def __init__(
        self, write: Callable[[Sequence[Waiting]], bool], rest: Callable[[], float | None], waiting_max: int, name: str
    ) -> None:
        self._write = write
        self._rest = rest
        self._waiting_max = waiting_max
        self._queue: deque[Waiting] = deque()
        self._order = Lock()
        self._is_writing = False
        self._closed = False
        self._writes_in_background = False
        # Held by whoever writes or does background work.
        self._turn = Lock()
        self._rest_at: float | None = time.monotonic()
        self._news = Event()
        self._thread = Thread(target=self._run, name=f"background of {name}", daemon=True)
        self._thread.start()

    def submit(self, proposal: Proposal) -> BlockAddress:
        """Wait until the proposal is durable or refused."""
        waiting = Waiting(proposal)
        with self._order:
            if self._closed:
                raise ClosedError("the ledger is closed")
            if len(self._queue) >= self._waiting_max:
                raise CapacityError(f"{self._waiting_max} commits are waiting already")
            self._queue.append(waiting)
            writes = not self._is_writing
            if writes:
                self._is_writing = True
                if not waiting.may_write:
                    writes = False
                    self._hand_on()
        if not writes:
            waiting.wait()
        if not waiting.answered:
            self._write_until_answered(waiting)
        return waiting.result()

    def close(self) -> None:
        """Let what waits be written, then stop."""
        with self._order:
            self._closed = True
        self._news.set()
        self._thread.join()

    def _write_until_answered(self, own: Waiting) -> None:
        while not own.answered:
            self._write_next()
        with self._order:
            self._hand_on()

    def _hand_on(self) -> None:
        """Let the first write that waits and may, or the background, or leave it to whoever comes next."""
        self._is_writing = bool(self._queue)
        heir = next((each for each in self._queue if each.may_write), None)
        if heir is not None:
            heir.wake()
            return
        self._writes_in_background = self._is_writing
        if self._is_writing or self._closed:
            self._news.set()

    def _write_next(self) -> None:
        with self._turn:
            with self._order:
                group = [self._queue.popleft() for _ in range(min(GROUP_MAX, len(self._queue)))]
            due_at = time.monotonic() + (0 if self._write(group) else REST_AFTER_SECONDS)
            before = self._rest_at
            if before is None or due_at < before:
                self._rest_at = due_at
                self._news.set()

    # In the background's own thread

    def _run(self) -> None:
        while not self._is_over():
            due_at = self._rest_at
            self._news.wait(None if due_at is None else max(0.0, due_at - time.monotonic()))
            self._news.clear()
            if self._writes_in_background:
                self._write_next()
                with self._order:
                    self._hand_on()
            self._rest_if_due()

    def _rest_if_due(self) -> None:
        with self._turn:
            if self._rest_at is not None and time.monotonic() >= self._rest_at and not self._closed:
                pause = self._rest()
                self._rest_at = None if pause is None else time.monotonic() + pause

    def _is_over(self) -> bool:
        """Closed, and nobody is left who waits or writes."""
        with self._order:
            return self._closed and not self._is_writing
