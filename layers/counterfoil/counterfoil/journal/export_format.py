"""Names and manifests of a journal export in S3.

    <prefix>/<exportId>.started.manifest                {ledgerName, exportId, inclusiveStartTime, exclusiveEndTime, bucket,
                                                         prefix, objectEncryptionType, outputFormat}
    <prefix>/yyyy/mm/dd/hh/<strandId>.<first>-<last>.ion    (or .json) blocks first to last
    <prefix>/<exportId>.<strandId>.completed.manifest   {keys: [<data object key>, ...]}
    <prefix>/<exportId>.trust-anchor.json               where the strand begins, if the export begins there and it is not block 0

Keys in a manifest are whole keys of the bucket, prefix included. Manifests are written in the export's own format.

Source: docs/format.md, section "Exports".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from counterfoil.errors import InputError
from counterfoil.ion import VERSION_MARKER, IonValue, binary_of_text, read_single, serialize
from counterfoil.journal.address import MAX_SEQUENCE_NO, required

MAX_PREFIX: Final = 128
# Objects of an export: at 8 MiB each more than a terabyte. Also what is spent on reading a hostile manifest.
MAX_KEYS: Final = 200_000
MAX_KEY_CHARACTERS: Final = 1_024

# Ends the name of an export's trust anchor; alone it is that of an export beside which there can be no other.
ANCHOR_FILE: Final = "trust-anchor.json"

_DATA_KEY: Final = re.compile(
    r"(?P<prefix>(?:[^/]+/)*?)(?P<hour>\d{4}/\d\d/\d\d/\d\d)/"
    r"(?P<strand>[0-9A-Za-z_-]{1,64})\.(?P<first>\d{1,19})-(?P<last>\d{1,19})\.(?P<extension>ion|json)",
)
_COMPLETED: Final = re.compile(r"(?P<export>[0-9A-Za-z_-]{1,64})\.(?P<strand>[0-9A-Za-z_-]{1,64})\.completed\.manifest")
_STARTED: Final = re.compile(r"(?P<export>[0-9A-Za-z_-]{1,64})\.started\.manifest")


class OutputFormat(StrEnum):
    """How blocks and manifests are written. JSON is Ion's down-conversion, one document a line: it loses types."""

    ION_TEXT = "ION_TEXT"
    ION_BINARY = "ION_BINARY"
    JSON = "JSON"


class DataName(NamedTuple):
    """What the key of a data object says of its contents; ``first`` and ``last`` are the sequence numbers of its ends."""

    strand_id: str
    first: int
    last: int
    extension: str


class CompletedName(NamedTuple):
    """What the name of a completed manifest says."""

    export_id: str
    strand_id: str


def check_prefix(prefix: str) -> str:
    """A prefix that gives keys which a bucket and a directory can hold alike; a slash at its end counts for nothing."""
    parts = prefix.removesuffix("/").split("/") if prefix else []
    if len(prefix) > MAX_PREFIX:
        raise InputError(f"a prefix of {len(prefix)} characters; at most {MAX_PREFIX} are allowed")
    if any(not part or part.startswith(".") or not part.isprintable() or "\\" in part for part in parts):
        raise InputError(f"prefix {prefix!r} must be printable parts between single slashes, none beginning with a dot")
    return prefix


def key_under(prefix: str, rest: str) -> str:
    """A key below a prefix, which may be empty or end with a slash."""
    stem = prefix.removesuffix("/")
    return f"{stem}/{rest}" if stem else rest


def data_key(prefix: str, hour: datetime, strand_id: str, first: int, last: int, extension: str) -> str:
    """The key of the object that holds blocks ``first`` to ``last``, under the hour in UTC of the first of them."""
    return key_under(prefix, f"{hour.astimezone(UTC):%Y/%m/%d/%H}/{strand_id}.{first}-{last}.{extension}")


def started_key(prefix: str, export_id: str) -> str:
    return key_under(prefix, f"{export_id}.started.manifest")


def completed_key(prefix: str, export_id: str, strand_id: str) -> str:
    return key_under(prefix, f"{export_id}.{strand_id}.completed.manifest")


def anchor_key(prefix: str, export_id: str) -> str:
    return key_under(prefix, f"{export_id}.{ANCHOR_FILE}")


def parse_data_key(key: str) -> DataName:
    """What a key says; one of another shape is an ``InputError``."""
    found = _DATA_KEY.fullmatch(key)
    if found is None or any(part.startswith("..") for part in found["prefix"].split("/")):
        raise InputError(f"{key[:200]!r} is not the key of a data object: yyyy/mm/dd/hh/<strand>.<first>-<last>.ion")
    first, last = int(found["first"]), int(found["last"])
    if not first <= last <= MAX_SEQUENCE_NO:
        raise InputError(f"{key[:200]!r} names blocks {first} to {last}, which no strand has")
    return DataName(found["strand"], first, last, found["extension"])


def local_name(key: str) -> str:
    """The part of a data object's key that no prefix changes: from the year on."""
    found = _DATA_KEY.fullmatch(key)
    return key if found is None else key[found.end("prefix") :]


def parse_completed_name(name: str) -> CompletedName | None:
    """What the last part of a completed manifest's key says; ``None`` for the name of something else."""
    found = _COMPLETED.fullmatch(name)
    return None if found is None else CompletedName(found["export"], found["strand"])


def parse_started_name(name: str) -> str | None:
    """The export id in the last part of a started manifest's key; ``None`` for the name of something else."""
    found = _STARTED.fullmatch(name)
    return None if found is None else found["export"]


def parse_completed_manifest(data: bytes) -> tuple[str, ...]:
    """The keys of an export's data objects in order."""
    keys: dict[str, str] = {}
    for each in required(_manifest(data).fields(), "keys").items():
        key = each.as_text()
        if len(key) > MAX_KEY_CHARACTERS or len(keys) == MAX_KEYS:
            raise InputError(f"a manifest with a key of {len(key)} characters, or with more than {MAX_KEYS} keys")
        name = local_name(key)
        if name in keys:  # it would be read as often as it is named
            raise InputError(f"a manifest that names an object twice: {key[:200]!r}")
        keys[name] = key
    return tuple(keys.values())


def parse_started_manifest(data: bytes) -> dict[str, str]:
    """What a started manifest says as text; fields that are not text are left out."""
    return {
        name: value.as_text()
        for name, value in _manifest(data).fields().items()
        if value.kind in {7, 8} and not value.is_null
    }


def _manifest(data: bytes) -> IonValue:
    """A manifest in any of the three formats: JSON is Ion text, too. What cannot be read in it is refused, asked for or not."""
    if data.startswith(VERSION_MARKER):
        manifest = read_single(data)
        serialize(manifest)
        return manifest
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"a manifest that is neither binary Ion nor UTF-8: {error.reason}") from None
    return read_single(binary_of_text(text))
