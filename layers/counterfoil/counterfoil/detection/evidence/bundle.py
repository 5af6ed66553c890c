"""An evidence bundle: a finding and what it rests on, as one JSON file; read here, nothing of it checked.

    {"format": "counterfoil-evidence/v1", "finding": {...}, "blocks": [...], "records": [...], "statements": [...]}

There is one way to write a bundle: keys in order, ASCII, no member that this page does not name. What a bundle must hold beyond its
shape is decided in ``verification``.

Source: docs/format.md, section "Evidence bundles".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

from counterfoil.detection.evidence.finding_fields import finding_fields, parse_finding_fields
from counterfoil.detection.evidence.json_values import document_of, list_of, members, number_of, text_of
from counterfoil.detection.finding import Finding
from counterfoil.errors import InputError, LimitError
from counterfoil.merkle import Hash
from counterfoil.transparency.lines import bytes_of_line, hash_of_line
from counterfoil.transparency.public_key import StatementKey
from counterfoil.transparency.timestamp import MAX_TIMESTAMP_BYTES

FORMAT: Final = "counterfoil-evidence/v1"

# What a finding lists, 50 revisions of at most 128 KB, takes some 10 MB; a block's statements may take as much again.
MAX_BUNDLE_BYTES: Final = 32 * 1024 * 1024

# A finding names its place, the block before it and at most 50 movements; each may be there as the ledger's and as the log's.
MAX_BLOCKS: Final = 128
MAX_REVISIONS: Final = 128

# One checkpoint and one snapshot are needed, two of each where they contradict each other.
MAX_STATEMENTS: Final = 8
MAX_RECORDS: Final = 2

# Two levels for each bit of a sequence number.
MAX_PATH: Final = 128


class StatementKind(StrEnum):
    CHECKPOINT = "checkpoint"
    SNAPSHOT = "snapshot"


class UnverifiedStatement(NamedTuple):
    """A checkpoint (a signed note) or a snapshot document, as text, and the key that is said to have signed it.

    ``timestamp`` is what a time-stamping authority answered for a checkpoint's bytes, where somebody asked one.
    """

    kind: StatementKind
    key: StatementKey
    text: str
    timestamp: bytes | None = None


class UnverifiedProof(NamedTuple):
    """A path from a block to statement number ``statement``: to a checkpoint's root, or to a snapshot's digest."""

    statement: int
    path: tuple[Hash, ...]


@dataclass(frozen=True, slots=True)
class UnverifiedItem:
    """What stands at one place of a journal: a block's summary and revisions of it as Ion text, or the log's entry alone.

    Exactly one of ``block`` and ``entry`` is there; an entry has no revisions.
    """

    block: str | None
    entry: str | None
    revisions: tuple[str, ...]
    proofs: tuple[UnverifiedProof, ...]


class KeptRecord(NamedTuple):
    """Bytes that the auditor kept, under the name by which a finding calls them; the name ends in their SHA-256."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle as it was read."""

    finding: Finding
    items: tuple[UnverifiedItem, ...]
    records: tuple[KeptRecord, ...]
    statements: tuple[UnverifiedStatement, ...]


def render_bundle(bundle: Bundle) -> bytes:
    """The file. ``LimitError`` where it would be longer than what is read."""
    fields = {
        "format": FORMAT,
        "finding": finding_fields(bundle.finding),
        "blocks": [_item_fields(each) for each in bundle.items],
        "records": [{"name": each.name, "data": _base64(each.data)} for each in bundle.records],
        "statements": [_statement_fields(each) for each in bundle.statements],
    }
    return _bounded(json.dumps(fields, sort_keys=True, indent=1, ensure_ascii=True).encode() + b"\n")


def parse_bundle(data: bytes) -> Bundle:
    """Read a bundle; anything else is an ``InputError``."""
    fields = members(document_of(_bounded(data), "a bundle"), "the bundle", ("format",), others=True)
    if fields["format"] != FORMAT:
        raise InputError(f"a bundle of format {str(fields['format'])[:80]!r}; {FORMAT} is what is read")
    fields = members(fields, "the bundle", ("format", "finding", "blocks", "records", "statements"))
    items = _each(fields, "blocks", MAX_BLOCKS, _parse_item)
    if sum(len(each.revisions) for each in items) > MAX_REVISIONS:
        raise LimitError(f"more than {MAX_REVISIONS} revisions in a bundle")
    return Bundle(
        parse_finding_fields(fields["finding"]),
        items,
        _each(fields, "records", MAX_RECORDS, _parse_record),
        _each(fields, "statements", MAX_STATEMENTS, _parse_statement),
    )


def _bounded(data: bytes) -> bytes:
    if len(data) > MAX_BUNDLE_BYTES:
        raise LimitError(f"a bundle of {len(data)} bytes; at most {MAX_BUNDLE_BYTES} are read")
    return data


def _each[T](fields: Mapping[str, Any], name: str, limit: int, parse: Callable[[object], T]) -> tuple[T, ...]:
    return tuple(parse(each) for each in list_of(fields[name], name, limit))


def _item_fields(item: UnverifiedItem) -> dict[str, Any]:
    proofs = [{"statement": each.statement, "path": [node.to_base64() for node in each.path]} for each in item.proofs]
    if item.block is None:
        return {"entry": item.entry, "proofs": proofs}
    return {"block": item.block, "revisions": list(item.revisions), "proofs": proofs}


def _parse_item(value: object) -> UnverifiedItem:
    fields = members(value, "a block", (), others=True)
    if "entry" in fields:
        fields = members(fields, "a log's entry", ("entry", "proofs"))
        return UnverifiedItem(None, text_of(fields["entry"], "entry"), (), _proofs(fields))
    fields = members(fields, "a block", ("block", "revisions", "proofs"))
    revisions = _texts(fields["revisions"], "revisions")
    return UnverifiedItem(text_of(fields["block"], "block"), None, revisions, _proofs(fields))


def _texts(value: object, name: str) -> tuple[str, ...]:
    return tuple(text_of(each, name) for each in list_of(value, name, MAX_REVISIONS))


def _proofs(fields: Mapping[str, Any]) -> tuple[UnverifiedProof, ...]:
    return _each(fields, "proofs", MAX_STATEMENTS, _parse_proof)


def _parse_proof(value: object) -> UnverifiedProof:
    fields = members(value, "a proof", ("statement", "path"))
    path: Sequence[object] = list_of(fields["path"], "path", MAX_PATH)
    return UnverifiedProof(
        number_of(fields["statement"], "statement"), tuple(hash_of_line(text_of(each, "path")) for each in path)
    )


def _parse_record(value: object) -> KeptRecord:
    fields = members(value, "a record", ("name", "data"))
    return KeptRecord(text_of(fields["name"], "name"), bytes_of_line(text_of(fields["data"], "data")))


def _statement_fields(statement: UnverifiedStatement) -> dict[str, Any]:
    fields = {"kind": str(statement.kind), "publicKey": _base64(statement.key.der), "text": statement.text}
    return fields if statement.timestamp is None else fields | {"timestamp": _base64(statement.timestamp)}


def _parse_statement(value: object) -> UnverifiedStatement:
    fields = members(value, "a statement", ("kind",), others=True)
    kind = text_of(fields["kind"], "kind")
    stamped = kind == StatementKind.CHECKPOINT and "timestamp" in fields
    fields = members(fields, "a statement", ("kind", "publicKey", "text", *(("timestamp",) if stamped else ())))
    if kind not in set(StatementKind):
        raise InputError(f"a statement of kind {kind[:80]!r}; {', '.join(StatementKind)} are known")
    key = StatementKey.of_der(bytes_of_line(text_of(fields["publicKey"], "publicKey")))
    timestamp = bytes_of_line(text_of(fields["timestamp"], "timestamp")) if stamped else None
    if timestamp is not None and len(timestamp) > MAX_TIMESTAMP_BYTES:
        raise LimitError(f"a time stamp of {len(timestamp)} bytes; at most {MAX_TIMESTAMP_BYTES} are read")
    return UnverifiedStatement(StatementKind(kind), key, text_of(fields["text"], "text"), timestamp)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
