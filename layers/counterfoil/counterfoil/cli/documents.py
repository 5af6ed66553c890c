"""Values as people hand them in: JSON wherever Ion is taken, on the command line and in files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from counterfoil.cli.output import read_bytes
from counterfoil.errors import InputError
from counterfoil.ion import read_values
from counterfoil.ion.codec import decode
from counterfoil.ion.value_text import from_json, parse_text, parse_texts
from counterfoil.ion.values import Annotated, Sexp, Value


def read_value(text: str) -> Value:
    """A value of JSON or of Ion text, which has times, decimals with their scale, blobs and symbols besides.

    What both can read is JSON: ``1e3`` is a decimal then, as ``1.50`` is.
    """
    try:
        return from_json(text)
    except InputError as not_json:
        try:
            return parse_text(text)
        except InputError as not_ion:
            raise InputError(
                f"{text[:80]!r} is neither JSON ({not_json}) nor Ion ({not_ion}); a text needs quotes: '\"ACC-001\"'"
            ) from None


def read_documents(path: Path) -> list[dict[str, Value]]:
    """The documents of a file, by the ending of its name; one that is no struct is an ``InputError`` that counts from 1."""
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise InputError(f"{path}: what it holds is told by its ending, one of {' '.join(_READERS)}")
    data = read_bytes(path)
    try:
        values = list(_unpacked(read(data)))
    except (InputError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}") from None
    for number, value in enumerate(values, 1):
        if not isinstance(value, dict):
            raise InputError(f"{path}: value {number} is no struct, and so no document")
    return values


def _unpacked(values: Iterable[Value]) -> Iterable[Value]:
    """A list is one of documents."""
    for value in values:
        bare = value.value if isinstance(value, Annotated) else value
        if isinstance(bare, list) and not isinstance(bare, Sexp):
            yield from bare
        else:
            yield value


def _json_lines(data: bytes) -> Iterable[Value]:
    for number, line in enumerate(data.decode().splitlines(), 1):
        if line.strip():
            try:
                yield from_json(line)
            except InputError as error:
                raise InputError(f"line {number}: {error}") from None


def _binary_ion(data: bytes) -> Iterable[Value]:
    return (decode(each) for each in read_values(data))


def _ion(data: bytes) -> Iterable[Value]:
    return _binary_ion(data) if data.startswith(b"\xe0\x01\x00\xea") else parse_texts(data.decode())


_READERS: Final[dict[str, Callable[[bytes], Iterable[Value]]]] = {
    ".json": lambda data: (from_json(data.decode()),),
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".ion": _ion,
    ".10n": _binary_ion,
}
