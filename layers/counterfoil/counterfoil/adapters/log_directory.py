"""A log's files in a directory, as any web server can offer them; a witness keeps what it signed in the same way."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from counterfoil.adapters.durable_files import disk_errors, make_directory, path_of_key, write_whole
from counterfoil.errors import ConflictError, IntegrityError
from counterfoil.log_ports import LogStore


@dataclass(frozen=True, slots=True)
class LogDirectory(LogStore):
    """Files below ``root``, written whole and synced; processes that write take turns."""

    root: Path

    def load(self, path: str, /) -> bytes | None:
        with disk_errors(f"reading {path}"):
            try:
                return path_of_key(self.root, path).read_bytes()
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                return None

    def add(self, path: str, data: bytes, /) -> None:
        with self._alone():
            found = self.load(path)
            if found is None:
                write_whole(path_of_key(self.root, path), data)
            elif found != data:
                raise IntegrityError(f"{path} is there already, with other contents")

    def replace(self, path: str, old: bytes | None, new: bytes, /) -> None:
        with self._alone():
            if self.load(path) != old:
                raise ConflictError(f"{path}: another writer was first")
            write_whole(path_of_key(self.root, path), new)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with disk_errors(f"locking {self.root}"):
            make_directory(self.root)
            lock = (self.root / ".lock").open("wb")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
