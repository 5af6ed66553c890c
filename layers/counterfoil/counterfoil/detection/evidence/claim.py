"""What a finding rests on, as it says itself: blocks, revisions in them, bytes that were kept, or signed statements.

Source: docs/format.md, section "Evidence bundles".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from counterfoil.detection.audit_rules import AuditRule
from counterfoil.detection.evidence.json_values import document_of, list_of, text_of
from counterfoil.detection.finding import Finding
from counterfoil.detection.fraud_rules.texts import MAX_LISTED
from counterfoil.errors import InputError
from counterfoil.journal.address import MAX_SEQUENCE_NO, BlockAddress
from counterfoil.merkle.hashes import Hash

_PLACE: Final = re.compile(r"([0-9A-Za-z_-]{1,64})#(0|[1-9][0-9]{0,18})")

# What they say of a place is that another block, or part of one, was there than the one that is.
_DISPUTED: Final = frozenset(
    {
        AuditRule.FORK,
        AuditRule.CONTENTS_MISMATCH,
        AuditRule.REVISION_MISMATCH,
        AuditRule.BROKEN_LINK,
        AuditRule.ORPHAN_REVISION,
        AuditRule.MISSING_REVISION,
    }
)
_OF_STATEMENTS: Final = frozenset({AuditRule.HEADS_DISAGREE, AuditRule.SNAPSHOT_NOT_EXTENDING})
_OF_TWO_BLOCKS: Final = frozenset({AuditRule.BROKEN_LINK, AuditRule.CLOCK_REGRESSION})

# Of these the revision is what a block lists or does not list, and is not carried.
_WITHOUT_REVISION: Final = frozenset({AuditRule.ORPHAN_REVISION, AuditRule.REVISION_MISMATCH})


class Citation(NamedTuple):
    """A revision that a finding names, and the block that it names for it."""

    address: BlockAddress
    revision_hash: Hash
    document_id: str | None


@dataclass(frozen=True, slots=True)
class Claim:
    """``blocks`` must each be under a signed statement; ``record`` names bytes that the auditor kept, ``record_before`` those of the
    block before.

    ``disputed`` findings may come with the ledger's block and the log's entry, which may be of two different blocks.
    ``of_statements`` findings are about what was signed.
    """

    place: BlockAddress | None
    blocks: tuple[BlockAddress, ...] = ()
    citations: tuple[Citation, ...] = ()
    record: str | None = None
    record_before: str | None = None
    disputed: bool = False
    of_statements: bool = False


def claim_of(finding: Finding) -> Claim:
    """What the finding rests on; one that rests on nothing which can be shown is an ``InputError``."""
    place = _place_of(finding.place)
    record = finding.evidence.get("quarantined")
    if finding.rule_id in _OF_STATEMENTS:
        return Claim(_needed(finding, place), record=finding.evidence.get("kept_as"), of_statements=True)
    if finding.rule_id == AuditRule.UNREADABLE_RECORD:
        return Claim(None, record=record)
    place = _needed(finding, place)
    blocks = {place}
    if finding.rule_id in _OF_TWO_BLOCKS and place.sequence_no:
        blocks.add(BlockAddress(place.strand_id, place.sequence_no - 1))
    citations = tuple(dict.fromkeys([*_first(finding, place), *_listed(finding, place)]))
    blocks |= {each.address for each in citations}
    before = finding.evidence.get("quarantined_before") if finding.rule_id == AuditRule.BROKEN_LINK else None
    return Claim(place, tuple(sorted(blocks)), citations, record, before, finding.rule_id in _DISPUTED)


def _place_of(text: str) -> BlockAddress | None:
    found = _PLACE.fullmatch(text)
    if found is None or int(found[2]) > MAX_SEQUENCE_NO:
        return None
    return BlockAddress(found[1], int(found[2]))


def _needed(finding: Finding, place: BlockAddress | None) -> BlockAddress:
    if place is None:
        raise InputError(
            f"{finding.finding_id[:200]} is not about a place in a journal: there is nothing in a ledger that proves it"
        )
    return place


def _first(finding: Finding, place: BlockAddress) -> Iterator[Citation]:
    """The revision that the finding was seen in."""
    if "revision_hash" in finding.evidence and finding.rule_id not in _WITHOUT_REVISION:
        yield Citation(place, hash_of_hex(finding.evidence["revision_hash"]), finding.document_id)


def _listed(finding: Finding, place: BlockAddress) -> Iterator[Citation]:
    """The revisions that the rule took together, each in its block; without a list of blocks, all in the finding's."""
    hashes = texts_in(finding.evidence, "revision_hashes")
    documents = texts_in(finding.evidence, "document_ids")
    numbers = (
        texts_in(finding.evidence, "blocks") if "blocks" in finding.evidence else [str(place.sequence_no)] * len(hashes)
    )
    if not len(hashes) == len(documents) == len(numbers):
        raise InputError("the finding's lists of revisions, documents and blocks are of different lengths")
    for revision_hash, document_id, number in zip(hashes, documents, numbers, strict=True):
        address = _place_of(f"{place.strand_id}#{number}")
        if address is None:
            raise InputError(f"the finding lists {number[:40]!r} as the number of a block")
        yield Citation(address, hash_of_hex(revision_hash), document_id)


def texts_in(evidence: Mapping[str, str], name: str) -> list[str]:
    """A list of texts as rules write it into evidence; none where there is none of that name."""
    if name not in evidence:
        return []
    texts = list_of(document_of(evidence[name].encode(), f"evidence {name}"), name, MAX_LISTED)
    return [text_of(each, name) for each in texts]


def hash_of_hex(text: str) -> Hash:
    """A hash as findings write it; anything else is an ``InputError``."""
    try:
        found = Hash(bytes.fromhex(text))
    except ValueError:
        raise InputError(f"{text[:80]!r} is no hash in hex") from None
    if found.hex() != text:
        raise InputError(f"{text[:80]!r} is no hash in lower-case hex")
    return found
