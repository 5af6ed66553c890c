"""Processes that verify the objects of an export: each is started once, loads the verifier alone, and is handed one after the other.

A process that ``multiprocessing`` spawns first loads the program that started it, here the whole command line, which takes longer
than some exports do. These load what verifying takes, and begin to while their parent still reads the manifest.
"""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import IO, Final

from counterfoil.errors import CounterfoilError, UnavailableError
from counterfoil.services.export_contents import Contents
from counterfoil.services.verify_export import Work, Workers

# Objects handed out at a time, for each process: so many are read ahead of the one that is waited for.
_AHEAD: Final = 4

# Modules are looked for where the parent looks, and nowhere else (-I).
_PROGRAM: Final = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from counterfoil.export_workers import work_off; work_off(sys.stdin.buffer, sys.stdout.buffer)"
)


@contextmanager
def in_processes(count: int, advance: Callable[[int], object]) -> Iterator[Workers]:
    """Objects verified by ``count`` processes, joined in order; ``advance`` is called with the bytes of each that is done.

    A few more are under way than there are processes, and no more. Errors of this library are raised here; a process that ends
    by itself is an ``UnavailableError``.
    """
    processes = [_Process() for _ in range(count)]
    with ThreadPoolExecutor(count) as threads:
        try:
            yield lambda work: _in_order(work, threads, processes, advance)
        finally:
            for process in processes:
                process.end()


def _in_order(
    work: Iterable[Work], threads: ThreadPoolExecutor, processes: list[_Process], advance: Callable[[int], object]
) -> Iterator[Contents]:
    idle: SimpleQueue[_Process] = SimpleQueue()
    for process in processes:
        idle.put(process)

    def do(each: Work) -> Contents:
        process = idle.get()
        try:
            return process.do(each)
        finally:
            idle.put(process)

    waiting: deque[Future[Contents]] = deque()
    try:
        for each in work:
            waiting.append(threads.submit(do, each))
            if len(waiting) >= _AHEAD * len(processes):
                yield _done(waiting, advance)
        while waiting:
            yield _done(waiting, advance)
    finally:
        for future in waiting:
            future.cancel()


def _done(waiting: deque[Future[Contents]], advance: Callable[[int], object]) -> Contents:
    contents = waiting.popleft().result()
    advance(contents.size_bytes)
    return contents


class _Process:
    def __init__(self) -> None:
        # Warnings are the parent's affair; so is Control-C, after which it ends its processes.
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter, and a program of our own
            [sys.executable, "-I", "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._send(sys.path)

    def do(self, work: Work) -> Contents:
        self._send(work)
        assert self._process.stdout is not None
        try:
            answer = pickle.load(self._process.stdout)  # noqa: S301 - from a process of our own
        except (EOFError, pickle.UnpicklingError):
            raise UnavailableError("a process that verified an object has ended before it was done") from None
        if isinstance(answer, CounterfoilError):
            raise answer
        assert isinstance(answer, Contents)
        return answer

    def _send(self, what: object) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(pickle.dumps(what))
            self._process.stdin.flush()
        except BrokenPipeError:
            raise UnavailableError("a process that was to verify objects has ended") from None

    def end(self) -> None:
        """End it, in the middle of an object too; whoever waits for that is told."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()


def work_off(asked: IO[bytes], answers: IO[bytes]) -> None:
    """What such a process does: read ``Work`` after ``Work``, do it, and write the ``Contents``, or why there are none."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            work = pickle.load(asked)  # noqa: S301 - from the process that started this one
        except EOFError:
            return
        try:
            answer: Contents | CounterfoilError = work.do()
        except CounterfoilError as error:
            answer = error
        answers.write(pickle.dumps(answer))
        answers.flush()
