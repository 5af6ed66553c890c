"""A log's files in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from counterfoil.errors import ConflictError, IntegrityError
from counterfoil.log_ports import LogStore


@dataclass(slots=True)
class MemoryLog(LogStore):
    files: dict[str, bytes] = field(default_factory=dict)

    def load(self, path: str, /) -> bytes | None:
        return self.files.get(path)

    def add(self, path: str, data: bytes, /) -> None:
        if self.files.setdefault(path, data) != data:
            raise IntegrityError(f"{path} is there already, with other contents")

    def replace(self, path: str, old: bytes | None, new: bytes, /) -> None:
        if self.files.get(path) != old:
            raise ConflictError(f"{path}: another writer was first")
        self.files[path] = new
