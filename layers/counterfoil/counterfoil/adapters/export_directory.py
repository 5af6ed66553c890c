"""An export that was copied into a directory: its files, read with bounds and never outside of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from counterfoil.adapters.durable_files import disk_errors, path_of_key
from counterfoil.errors import InputError, LimitError, NotFoundError
from counterfoil.ports import ExportFiles

CHUNK_BYTES: Final = 1024 * 1024
# What an export of some terabytes has; a directory with more files is something else.
MAX_FILES: Final = 500_000


@dataclass(frozen=True, slots=True)
class ExportDirectory(ExportFiles):
    """Regular files below ``root``; hidden ones, links, pipes and devices are none of the export's."""

    root: Path

    def names(self) -> Sequence[str]:
        if not self.root.is_dir():
            raise InputError(f"{self.root} is not a directory")
        found: list[str] = []
        for directory, below, files in os.walk(self.root):
            below[:] = sorted(each for each in below if not each.startswith("."))
            paths = (Path(directory, each) for each in files if not each.startswith("."))
            found += [path.relative_to(self.root).as_posix() for path in paths if _is_regular(path)]
            if len(found) > MAX_FILES:
                raise LimitError(f"{self.root} has more than {MAX_FILES} files: more than an export has")
        return sorted(found)

    def size_bytes(self) -> int:
        with disk_errors(f"reading {self.root}"):
            return sum((self.root / name).lstat().st_size for name in self.names())

    def chunks(self, name: str, limit_bytes: int, /) -> Iterator[bytes]:
        path = path_of_key(self.root, name)
        if not _is_regular(path):
            raise NotFoundError(f"{path} is not there, or is no regular file")
        return _pieces(path, limit_bytes)


def _pieces(path: Path, limit_bytes: int) -> Iterator[bytes]:
    """A file may grow while it is read: what is read is counted, not what it says of itself."""
    size = 0
    with disk_errors(f"reading {path}"), path.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            size += len(piece)
            if size > limit_bytes:
                raise LimitError(f"{path} has more than {limit_bytes} bytes")
            yield piece


def _is_regular(path: Path) -> bool:
    """Whether it is a file by itself: a link could lead anywhere, and a pipe never ends."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
