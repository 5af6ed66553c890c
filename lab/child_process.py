"""Child processes that never outlive this one, and whose output is kept line by line.

A child dies with its parent, however the parent ends: ``setpriv --pdeathsig`` has the kernel kill it. The kernel watches
the thread that started the child, so all children are started by one thread that lives as long as the process. Where
there is no setpriv (macOS), a parent that is killed leaves the emulator behind; runtimes end when their API is gone.
"""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import threading
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_KEPT_LINES: Final = 10_000
# A grandchild may hold the output open after its parent has ended.
_LAST_OUTPUT_SECONDS: Final = 1.0


class Log:
    """The last lines that were written, oldest first; safe to read while it is written."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._written = 0
        self._writing = threading.Lock()

    def write(self, line: str) -> None:
        with self._writing:
            self._lines.append(line)
            self._written += 1

    def tail(self, count: int = _KEPT_LINES) -> list[str]:
        return list(self._lines.copy())[-count:] if count else []

    def since(self, mark: int) -> tuple[list[str], int]:
        """The lines behind a mark, as far as they are kept, and the mark behind them; 0 is the first."""
        with self._writing:
            new = min(self._written - mark, len(self._lines))
            return list(self._lines)[len(self._lines) - new :], self._written


class _Starter(threading.Thread):
    """The thread that starts every child."""

    def __init__(self) -> None:
        super().__init__(name="child-starter", daemon=True)
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()

    def run(self) -> None:
        while True:
            job, done = self._jobs.get()
            try:
                done.set_result(job())
            except OSError as error:
                done.set_exception(error)

    def call[T](self, job: Callable[[], T]) -> T:
        done: Future[T] = Future()
        self._jobs.put((job, done))
        return done.result()


@cache
def _starter() -> _Starter:
    starter = _Starter()
    starter.start()
    return starter


class ChildProcess:
    """A running command. ``on_exit`` is called once, from another thread, when it has ended and its output was read.

    The process is reaped only by ``stop``: until then its id, and so its group's, belongs to nobody else.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        log: Log,
        on_exit: Callable[[], None] = lambda: None,
        takes_input: bool = False,
    ) -> None:
        self.log = log
        self._on_exit = on_exit
        self._status = 0
        self._ended = threading.Event()
        self._stopping = threading.Lock()
        self._process = _starter().call(lambda: _start(command, environment, folder, takes_input=takes_input))
        self._reader = threading.Thread(target=self._read, name=f"output of {self.pid}", daemon=True)
        self._watcher = threading.Thread(target=self._watch, name=f"end of {self.pid}", daemon=True)
        self._reader.start()
        self._watcher.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return not self._ended.is_set()

    def send(self, text: str) -> None:
        """Write to its standard input, if it takes any; what a process that has ended does not read is lost."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(text.encode())
            self._process.stdin.flush()

    def describe_exit(self) -> str:
        """In Lambda's words, once it has ended: ``exit status 1`` or ``signal: killed``."""
        self._ended.wait()
        status = self._status
        return f"exit status {status}" if status >= 0 else f"signal: {signal.strsignal(-status)}".lower()

    def kill(self) -> None:
        """Let it and all it started die at once, without waiting for it; ``stop`` is still due."""
        with self._stopping:
            if self._process.returncode is None:
                self._signal(signal.SIGKILL)

    def stop(self, grace_seconds: float = 5.0) -> None:
        """End it and all it started: politely, and after ``grace_seconds`` not so. A second call does nothing."""
        with self._stopping:
            if self._process.returncode is not None:
                return
            if grace_seconds > 0:
                self._signal(signal.SIGTERM)
                self._ended.wait(grace_seconds)
            self._signal(signal.SIGKILL)
            self._watcher.join()
            self._reader.join()
            self._process.wait()
            if self._process.stdin is not None:
                with suppress(BrokenPipeError):
                    self._process.stdin.close()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for line in output:
                self.log.write(line.decode("utf-8", "replace").rstrip("\n"))

    def _watch(self) -> None:
        end = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        assert end is not None
        self._status = end.si_status if end.si_code == os.CLD_EXITED else -end.si_status
        self._reader.join(_LAST_OUTPUT_SECONDS)
        self._ended.set()
        self._on_exit()


def _start(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, *, takes_input: bool
) -> subprocess.Popen[bytes]:
    setpriv = shutil.which("setpriv")
    prefix = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
    return subprocess.Popen(
        [*prefix, *command],
        env=dict(environment),
        cwd=folder,
        stdin=subprocess.PIPE if takes_input else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
