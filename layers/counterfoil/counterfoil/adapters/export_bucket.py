"""An export where the service left it: its objects in a bucket, read with bounds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from counterfoil.adapters.boto_errors import translated
from counterfoil.adapters.clients import client
from counterfoil.adapters.export_directory import CHUNK_BYTES, MAX_FILES
from counterfoil.errors import InputError, LimitError, NotFoundError
from counterfoil.ports import ExportFiles

_PLACE: Final = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[^\x00-\x1f]*))?")


@dataclass(frozen=True, slots=True)
class ExportBucket(ExportFiles):
    """The objects of a bucket below a prefix, which ends with a slash or is empty. May be sent to another process."""

    bucket: str
    prefix: str

    @classmethod
    def parse(cls, place: str) -> ExportBucket:
        """``s3://bucket/prefix``; the prefix is a folder, with or without a slash at its end."""
        found = _PLACE.fullmatch(place)
        if found is None:
            raise InputError(f"{place[:200]!r} is not a place in S3: s3://bucket/prefix")
        prefix = (found["prefix"] or "").rstrip("/")
        return cls(found["bucket"], f"{prefix}/" if prefix else "")

    def names(self) -> Sequence[str]:
        return sorted(key.removeprefix(self.prefix) for key, _ in self._listed())

    def size_bytes(self) -> int:
        return sum(size for _, size in self._listed())

    def chunks(self, name: str, limit_bytes: int, /) -> Iterator[bytes]:
        with translated(f"reading {self.prefix}{name}"):
            try:
                body = self._client.get_object(Bucket=self.bucket, Key=self.prefix + name)["Body"]
            except self._client.exceptions.NoSuchKey:
                raise NotFoundError(f"{self.prefix}{name} is not in {self.bucket}") from None
        return _pieces(body, name, limit_bytes)

    @property
    def _client(self) -> Any:
        return client("s3")

    def _listed(self) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []
        with translated(f"listing {self.bucket}"):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix):
                found += ((each["Key"], each["Size"]) for each in page.get("Contents", []))
                if len(found) > MAX_FILES:
                    raise LimitError(
                        f"{self.bucket}/{self.prefix} has more than {MAX_FILES} objects: more than an export has"
                    )
        return [each for each in found if not each[0].endswith("/")]


def _pieces(body: Any, name: str, limit_bytes: int) -> Iterator[bytes]:
    size = 0
    with closing(body), translated(f"reading {name}"):
        while piece := body.read(CHUNK_BYTES):
            size += len(piece)
            if size > limit_bytes:
                raise LimitError(f"{name} has more than {limit_bytes} bytes")
            yield piece
