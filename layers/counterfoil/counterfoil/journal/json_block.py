"""A block from the JSON format of an export: Ion's down-conversion, which loses types, made good as far as the format says.

Of everything but documents the types are known: ids are strings, hashes are base64, times are ISO 8601 with milliseconds. So all
of a block's own hashes can be computed. Which document in Ion a revision's data was is sought (``json_data``): where one is found
that has the revision's hash, the data is proved to be what was written; where none is, it may still be genuine (it had annotations,
or too many sorts of values), and is counted as not checked. JSON is for reading; Ion is for verifying.

Source: docs/format.md, section "Exports".
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from counterfoil.errors import InputError
from counterfoil.ion import MAX_SIZE_BYTES, IonValue, read_single
from counterfoil.ion.codec import encode
from counterfoil.ion.value_text import from_json
from counterfoil.ion.values import Value
from counterfoil.journal.block import UnverifiedBlock, parse_block
from counterfoil.journal.builder import ion_time
from counterfoil.journal.json_data import FoundDocument, find_document
from counterfoil.journal.revision import RevisionKind, UnverifiedRevision
from counterfoil.merkle import dot

# The format has three digits, and blocks have no finer times: more would be dropped unseen.
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class JsonBlock(NamedTuple):
    """``data_unchecked`` counts the revisions for whose data no document was found; their hash is then taken as it is.

    ``fields`` are the block's, by the types that are known of them, ``documents`` what its revisions' data was, where all was found.
    """

    block: UnverifiedBlock
    data_unchecked: int
    fields: dict[str, Any]
    documents: list[Value] | None

    def in_ion(self, documents: list[Value]) -> IonValue:
        """The block as it was in Ion, its revisions' data being these documents."""
        revisions = [
            each | {"data": document} for each, document in zip(self.fields["revisions"], documents, strict=True)
        ]
        return read_single(encode(self.fields | {"revisions": revisions}))


def lines_of(chunks: Iterable[bytes]) -> Iterator[str]:
    """The lines of a stream of any length that are not blank; a longer one than ``MAX_SIZE_BYTES`` is an ``InputError``."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from filter(None, map(_text, lines))
        if len(rest) > MAX_SIZE_BYTES:
            raise InputError(f"a line of more than {MAX_SIZE_BYTES} bytes")
    yield from filter(None, [_text(rest)])


def parse_json_block(line: str) -> JsonBlock:
    """Read a block in its whole form; what is no such JSON is an ``InputError``."""
    fields, block = _read(line)
    written = fields.get("revisions") or []
    found = [_find(revision, each) for revision, each in zip(block.revisions, written, strict=True)]
    revisions = [_with_data(revision, each) for revision, each in zip(block.revisions, found, strict=True)]
    unchecked = sum(each.metadata_hash is None and each.metadata is not None for each in revisions)
    documents = [each.document for each in found if each is not None]
    whole = documents if revisions and len(documents) == len(revisions) else None
    return JsonBlock(block._replace(revisions=tuple(revisions)), unchecked, fields, whole)


def parse_json_hashes(line: str) -> UnverifiedBlock:
    """A block in its whole form for its hashes alone: what its revisions' data was is not sought."""
    return _read(line)[1]


def _read(line: str) -> tuple[dict[str, Any], UnverifiedBlock]:
    """The fields of a block by the types that are known of them, and the block that they are."""
    try:
        fields = _typed(_BLOCK, from_json(line))
    except (ValueError, OverflowError, AttributeError, TypeError) as error:
        raise InputError(f"not a block in JSON: {error}") from None
    return fields, parse_block(read_single(encode(fields)))


def _find(revision: UnverifiedRevision, written: dict[str, Any]) -> FoundDocument | None:
    """The document that a revision's data was; ``None`` where it has none, or none is found."""
    metadata_hash = revision.metadata_hash
    if revision.kind is not RevisionKind.WRITTEN or metadata_hash is None:
        return None
    return find_document(written["data"], lambda data_hash: dot(metadata_hash, data_hash) == revision.hash)


def _with_data(revision: UnverifiedRevision, found: FoundDocument | None) -> UnverifiedRevision:
    """A written revision with the hash of its document; where none was found, one whose contents are not known."""
    if revision.kind is not RevisionKind.WRITTEN or revision.metadata_hash is None:
        return revision
    if found is None:
        return revision._replace(metadata_hash=None, contents_hash=None)
    return revision._replace(contents_hash=found.hash)


def _text(line: bytes) -> str:
    try:
        return line.decode().strip()
    except UnicodeDecodeError as error:
        raise InputError(f"a line that is not UTF-8: {error.reason}") from None


# What is known of each place of a block: a function that gives the value its type, or the places below it.
_Place = Callable[[Any], Any] | dict[str, Any]


def _typed(place: _Place, value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(place, dict):
        return place(value)
    return {name: _typed(place.get(name, place.get("*", _as_it_is)), each) for name, each in value.items()}


def _as_it_is(value: Any) -> Any:
    return value


def _each(place: _Place) -> Callable[[Any], list[Any]]:
    return lambda values: [_typed(place, each) for each in _list(values)]


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("a list was expected")
    return value


def _blob(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError(f"{value[:80]!r} is not base64: {error}") from None


def _time(value: str) -> Any:
    if not _TIME.fullmatch(value):
        raise ValueError(f"{value[:80]!r} is not a time as 2024-01-25T10:00:00.000Z")
    return ion_time(datetime.fromisoformat(value).astimezone(UTC))


_BLOCK: Final[_Place] = {
    "blockTimestamp": _time,
    "blockHash": _blob,
    "entriesHash": _blob,
    "previousBlockHash": _blob,
    "entriesHashList": _each(_blob),
    "transactionInfo": {"statements": _each({"startTime": _time, "statementDigest": _blob})},
    "revisions": _each({"hash": _blob, "dataHash": _blob, "metadata": {"txTime": _time}}),
}
