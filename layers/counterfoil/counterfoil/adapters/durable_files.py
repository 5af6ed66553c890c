"""Files that are whole or not there, and outlive a crash of the machine once the call has returned."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from counterfoil.errors import InputError, UnavailableError

# File systems take 255 bytes for one part of a path; some are for the name under which a file is first written.
MAX_PART_BYTES: Final = 240
MAX_KEY_BYTES: Final = 1_024


def write_whole(path: Path, data: bytes) -> None:
    """Write a file in one step, in the place of what was there; its directories are made. One writer per path at a time.

    A crash leaves at most a file whose name begins with a dot, which the next writing of the same path replaces.
    """
    waiting = path.with_name(f".{path.name}.partial")
    with disk_errors(f"writing {path}"):
        make_directory(path.parent)
        with waiting.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        waiting.replace(path)
        make_durable(path.parent)


def make_directory(path: Path) -> None:
    """Make a directory and those above it that are not there, each made durable in the one that holds it."""
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(exist_ok=True)
    make_durable(path.parent)


def path_of_key(root: Path, key: str) -> Path:
    """Where an object of this key stands below ``root``; a key that could lead anywhere else is an ``InputError``."""
    parts = key.split("/")
    if len(_encoded(key)) > MAX_KEY_BYTES or not all(map(_is_plain, parts)):
        raise InputError(
            f"{key[:200]!r} is not a key that a directory can hold: printable parts between single slashes, "
            f"none beginning with a dot, at most {MAX_PART_BYTES} bytes each and {MAX_KEY_BYTES} in all"
        )
    return root.joinpath(*parts)


def _is_plain(part: str) -> bool:
    plain = part != "" and not part.startswith(".") and part.isprintable() and "\\" not in part
    return plain and len(_encoded(part)) <= MAX_PART_BYTES


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@contextmanager
def disk_errors(what: str) -> Iterator[None]:
    """A full or failing disk is outside: ``UnavailableError``."""
    try:
        yield
    except OSError as error:
        raise UnavailableError(f"{what}: {error.strerror or error}") from error


def make_durable(path: Path) -> None:
    """What a directory holds, by name, is on the disk when this returns."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
