"""Digest snapshots: what was verified of a strand at a time, signed, so that the past cannot be changed unnoticed.

A snapshot document is JSON: ``{"snapshot": {...}, "signature": {...}}``. The signature is over the canonical bytes of the
snapshot (keys sorted, no white space) behind a line that says what is signed, so that no other signature can be passed
off as one.

Source: docs/format.md, section "Snapshots".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from counterfoil.errors import InputError, IntegrityError
from counterfoil.journal import BlockAddress
from counterfoil.journal.anchor import TrustAnchor, describe_trust_anchor, parse_trust_anchor
from counterfoil.merkle import CompactRange, Hash

CONTEXT: Final = b"counterfoil digest snapshot 1\n"
MAX_DOCUMENT_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class Signature:
    """Made by key ``key_id`` with ``algorithm`` (KMS names, for example ECDSA_SHA_256: over SHA-256 of the message, DER)."""

    key_id: str
    algorithm: str
    value: bytes


@dataclass(frozen=True, slots=True)
class BoundCheckpoint:
    """A signed checkpoint of the strand's log, and the verified range of the same blocks: two commitments to one history."""

    note: str
    range: CompactRange


@dataclass(frozen=True, slots=True)
class DigestSnapshot:
    """The verified range of a strand when the snapshot was taken.

    ``status`` is that of the strand; ``previous`` names the snapshot before, and ``extends`` says whether this one was shown to
    extend it (``None``: there was none). ``checkpoint`` is the newest one that this history was found to agree with. ``anchor`` is the
    trust anchor that the range begins at, if it does; such a strand has no log, and the snapshot says so.
    """

    tip_address: BlockAddress
    range: CompactRange
    tip_hash: Hash
    block_timestamp: str
    taken_at: datetime
    status: str
    previous: str | None
    extends: bool | None
    checkpoint: BoundCheckpoint | None = None
    anchor: TrustAnchor | None = None

    @property
    def digest(self) -> Hash | None:
        """The ledger's digest; ``None`` where the strand was seen neither from block 0 nor from its anchor on."""
        return (self.range if self.anchor is None else self.anchor.before + self.range).root


def signed_bytes(snapshot: DigestSnapshot) -> bytes:
    """What a signature over a snapshot signs."""
    return CONTEXT + _canonical(_fields(snapshot))


def render_document(snapshot: DigestSnapshot, signature: Signature) -> bytes:
    """The document as it is kept."""
    return _canonical(
        {
            "snapshot": _fields(snapshot),
            "signature": {
                "keyId": signature.key_id,
                "algorithm": signature.algorithm,
                "value": signature.value.hex(),
            },
        }
    )


def snapshot_name(snapshot: DigestSnapshot) -> str:
    """``snapshots/<strand>/<time taken>-<tip>.json``: names sort by time."""
    taken = snapshot.taken_at.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    return f"snapshots/{snapshot.tip_address.strand_id}/{taken}-{snapshot.tip_address.sequence_no}.json"


def parse_document(document: bytes) -> tuple[DigestSnapshot, Signature]:
    """Read a snapshot document, the signature unchecked; anything else is an ``InputError``."""
    if len(document) > MAX_DOCUMENT_BYTES:
        raise InputError(f"a snapshot of {len(document)} bytes; at most {MAX_DOCUMENT_BYTES} are read")
    try:
        parts = json.loads(document)
        fields, signature = parts["snapshot"], parts["signature"]
        nodes = tuple(Hash(bytes.fromhex(node)) for node in fields["nodes"])
        snapshot = DigestSnapshot(
            BlockAddress(_of(str, fields["strandId"]), _of(int, fields["sequenceNo"])),
            CompactRange(_of(int, fields["begin"]), _of(int, fields["end"]), nodes),
            Hash(bytes.fromhex(fields["tipHash"])),
            _of(str, fields["blockTimestamp"]),
            datetime.fromisoformat(fields["takenAt"]).astimezone(UTC),
            _of(str, fields["status"]),
            fields["previous"],
            fields["extends"],
            _checkpoint(fields.get("checkpoint")),
            _anchor(fields.get("trustAnchor"), _of(str, fields["strandId"])),
        )
        if fields["digest"] != _fields(snapshot)["digest"]:
            raise InputError(f"not a digest snapshot: it states {fields['digest']!r}, which its nodes do not give")
        value = bytes.fromhex(signature["value"])
        return snapshot, Signature(signature["keyId"], signature["algorithm"], value)
    except (KeyError, ValueError, TypeError, OverflowError, RecursionError, IntegrityError) as error:
        raise InputError(f"not a digest snapshot: {error!r}") from error


def _checkpoint(fields: Mapping[str, Any] | None) -> BoundCheckpoint | None:
    if fields is None:
        return None
    nodes = tuple(Hash(bytes.fromhex(node)) for node in fields["nodes"])
    return BoundCheckpoint(_of(str, fields["note"]), CompactRange(0, _of(int, fields["size"]), nodes))


def _anchor(fields: Mapping[str, Any] | None, strand_id: str) -> TrustAnchor | None:
    anchor = None if fields is None else parse_trust_anchor(fields)
    if anchor is not None and (anchor.strand_id, describe_trust_anchor(anchor)) != (strand_id, fields):
        raise ValueError(f"its trust anchor is not one of strand {strand_id} as snapshots state them")
    return anchor


def no_log_of(anchor: TrustAnchor) -> str:
    """Why a strand that begins at an anchor has no log."""
    return f"a log has every block from block 0 on, and this strand begins at a trust anchor, with block {anchor.begin}"


def _of[T](kind: type[T], value: object) -> T:
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _fields(snapshot: DigestSnapshot) -> dict[str, Any]:
    digest = snapshot.digest
    bound = snapshot.checkpoint
    checkpoint = {} if bound is None else {"checkpoint": _checkpoint_fields(bound)}
    anchor = snapshot.anchor
    anchored = {} if anchor is None else {"trustAnchor": describe_trust_anchor(anchor), "noLog": no_log_of(anchor)}
    return (
        checkpoint
        | anchored
        | {
            "strandId": snapshot.tip_address.strand_id,
            "sequenceNo": snapshot.tip_address.sequence_no,
            "digest": None if digest is None else digest.to_base64(),
            "begin": snapshot.range.begin,
            "end": snapshot.range.end,
            "nodes": [str(node) for node in snapshot.range.nodes],
            "tipHash": str(snapshot.tip_hash),
            "blockTimestamp": snapshot.block_timestamp,
            "takenAt": snapshot.taken_at.astimezone(UTC).isoformat(),
            "status": snapshot.status,
            "previous": snapshot.previous,
            "extends": snapshot.extends,
        }
    )


def _checkpoint_fields(bound: BoundCheckpoint) -> dict[str, Any]:
    return {"note": bound.note, "size": bound.range.end, "nodes": [str(node) for node in bound.range.nodes]}


def _canonical(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
