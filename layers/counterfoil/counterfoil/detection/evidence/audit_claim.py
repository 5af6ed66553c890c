"""A finding of an audit rule against what it rests on: the rule is applied again, or what contradicts each other is shown.

A function for each rule: it notes what is ``shown``, what only the auditor ``said``, and what is ``missing`` for more; where what is
there says otherwise than the finding, it raises an ``IntegrityError``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final, NamedTuple

from counterfoil.detection.audit_rules import (
    MAX_EVIDENCE,
    AuditRule,
    clock_regression,
    document_deleted,
    gap,
    judge_block,
    missing_revision,
)
from counterfoil.detection.evidence.claim import hash_of_hex
from counterfoil.detection.evidence.held import HeldItem
from counterfoil.detection.evidence.judging import Judgement
from counterfoil.detection.evidence.statements import LogStatement, SnapshotStatement, contradictions
from counterfoil.detection.snapshot import snapshot_name
from counterfoil.errors import ContentsMismatchError, InputError, IntegrityError, RevisionMismatchError
from counterfoil.journal.address import BlockAddress
from counterfoil.journal.block import Block, verify_block
from counterfoil.journal.chain import HEADER_BOUND
from counterfoil.journal.revision import RevisionKind, verify_revision
from counterfoil.journal.stream_record import BlockSummaryRecord, RevisionDetailsRecord, parse_stream_record
from counterfoil.merkle.hashes import Hash
from counterfoil.transparency.lines import number_of_line

_AS_NOW: Final = "that something else arrived is the auditor's word"


def judge_audit(judgement: Judgement) -> None:
    """Hold the finding of an audit rule against its evidence; what no function knows is the auditor's word."""
    judge = _RULES.get(str(judgement.finding.rule_id))
    if judge is None:
        judgement.said.append("what the rule makes of it")
    else:
        judge(judgement)


def _of_block(judgement: Judgement) -> None:
    item = judgement.block(judgement.place)
    if item is None or item.block is None:
        return
    derived = [
        each
        for each in judge_block(item.block, judgement.finding.found_at)
        if each.subject == judgement.finding.subject
    ]
    same = [each for each in derived if each.rule_id == judgement.finding.rule_id]
    if not same:
        raise ContentsMismatchError(f"block {judgement.place} gives no finding {judgement.finding.finding_id[:200]}")
    judgement.again(same[0])


def _deletion(judgement: Judgement) -> None:
    for citation in judgement.claim.citations:
        item = judgement.held.block(citation.address)
        revision = None if item is None else item.revisions.get(citation.revision_hash)
        if revision is None or revision.metadata is None:
            judgement.missing.append(f"the revision that deletes is not there with block {citation.address}")
            return
        if revision.kind is not RevisionKind.DELETED:
            raise ContentsMismatchError(
                f"block {citation.address} does not delete document {revision.metadata.document_id}"
            )
        judgement.again(
            document_deleted(judgement.place, revision.hash, revision.metadata.document_id, judgement.finding.found_at)
        )


def _clock(judgement: Judgement) -> None:
    item, last = judgement.block(judgement.place), judgement.block(judgement.before)
    if item is None or last is None or item.block is None or last.block is None:
        return
    if item.block.previous_block_hash != last.entry.block_hash:
        raise ContentsMismatchError(
            f"block {judgement.place} does not follow the block that is given for the one before it"
        )
    if item.block.timestamp.to_datetime() >= last.block.timestamp.to_datetime():
        raise ContentsMismatchError(f"block {judgement.place} was not committed before block {judgement.before}")
    judgement.again(
        clock_regression(judgement.place, last.block.timestamp, item.block.timestamp, judgement.finding.found_at)
    )


def _link(judgement: Judgement) -> None:
    item, last = judgement.block(judgement.place), judgement.block(judgement.before)
    kept = _kept_block(judgement, judgement.record(), judgement.place)
    kept_before = _kept_block(judgement, judgement.record_before(), judgement.before)
    if kept is not None or kept_before is not None:
        _kept_link(judgement, (kept_before, last), (kept, item))
    elif item is None or last is None or item.block is None:
        judgement.said.append("that the two blocks do not link")
    elif item.block.previous_block_hash == last.entry.block_hash:
        judgement.said.append(f"the two blocks of the ledger link; {_AS_NOW}")
    else:
        judgement.expect("expected", str(last.entry.block_hash))
        judgement.expect("found", str(item.block.previous_block_hash))
        judgement.shown.append(
            f"block {judgement.place} says that it follows {item.block.previous_block_hash}, the block before it is "
            f"{last.entry.block_hash}: they do not link"
        )


def _kept_block(judgement: Judgement, data: bytes | None, address: BlockAddress) -> Block | None:
    """A block of this place that came and was kept: every hash of it holds, and it is in no ledger for that."""
    if data is None:
        return None
    record = parse_stream_record(data)
    if not isinstance(record, BlockSummaryRecord) or record.block.address != address:
        raise ContentsMismatchError(f"the kept record is no block of {address}")
    block = verify_block(record.block)
    judgement.shown.append(
        f"the kept block says that it is {address}; its hashes hold, and its hash is {block.block_hash}"
    )
    judgement.said.append(f"that the kept block {address} came from the ledger's stream")
    return block


# A block that was kept as it came, and what the ledger or its log has in that place now; either may be missing.
type _Side = tuple[Block | None, HeldItem | None]


def _kept_link(judgement: Judgement, before: _Side, behind: _Side) -> None:
    """The two sides of a link, at least one of them kept: where they are what the finding names, they do not link."""
    expected, found = judgement.evidence("expected"), judgement.evidence("found")
    if expected == HEADER_BOUND:
        left, right = (kept or (None if item is None else item.block) for kept, item in (before, behind))
        reached = None if left is None or not left.header_bound else expected
        follows = None if right is None or right.header_bound else found
    else:
        reached = _named(expected, before, lambda block: block.block_hash, "has the hash")
        follows = _named(found, behind, lambda block: block.previous_block_hash, "follows")
    if reached is None or follows is None:
        judgement.said.append("that the two blocks do not link")
    elif reached == follows:
        raise ContentsMismatchError("the two blocks link, and the finding says that they do not")
    else:
        judgement.shown.append(
            f"block {judgement.place} follows {follows}, the block before it is {reached}: they do not link"
        )


def _named(named: str, side: _Side, hash_of: Callable[[Block], Hash | None], what: str) -> str | None:
    """The hash that the finding names, if its block is there: a kept one must have it, the ledger's may be another by now."""
    kept, item = side
    if kept is not None and str(hash_of(kept)) != named:
        raise ContentsMismatchError(
            f"the kept block {kept.address} {what} {hash_of(kept)}, the finding says {named[:64]}"
        )
    present = kept or (None if item is None else item.block)
    return named if present is not None and str(hash_of(present)) == named else None


def _gap(judgement: Judgement) -> None:
    first, last = (number_of_line(judgement.evidence(name), name) for name in ("first_missing", "last_missing"))
    if not first <= last < judgement.place.sequence_no:
        raise InputError(f"a gap from block {first} to block {last} before block {judgement.place}")
    derived = gap(judgement.place, first, last, judgement.finding.found_at, judgement.finding.status)
    for name, value in derived.evidence.items():
        judgement.expect(name, value)
    judgement.said.append(f"that blocks {first} to {last} had not come although block {judgement.place} had")


def _missing(judgement: Judgement) -> None:
    item = judgement.block(judgement.place)
    prefix = judgement.evidence("revision_hash_prefix")
    if item is None or item.block is None:
        return
    listed = [each for each in item.block.summaries if each.hash.hex().startswith(prefix)]
    if len(prefix) < 32 or not listed:
        raise ContentsMismatchError(f"block {judgement.place} lists no revision whose hash begins with {prefix[:64]!r}")
    derived = missing_revision(
        judgement.place, bytes.fromhex(prefix), judgement.finding.found_at, judgement.finding.status
    )
    judgement.again(derived)
    judgement.said.append("that the revision had not come")


def _orphan(judgement: Judgement) -> None:
    item = judgement.block(judgement.place)
    named = hash_of_hex(judgement.evidence("revision_hash"))
    if judgement.finding.subject != named.hex():
        raise ContentsMismatchError("the finding is about another revision than its evidence names")
    if item is None or item.block is None:
        return
    listed = any(each.hash == named for each in item.block.summaries)
    what = "lists the revision" if listed else "does not list the revision"
    judgement.shown.append(f"block {judgement.place} {what} of hash {named}")
    judgement.said.append("that a revision of this hash came, and when")


def _fork(judgement: Judgement) -> None:
    verified, other = (hash_of_hex(judgement.evidence(name)) for name in ("verified_hash", "other_hash"))
    if judgement.finding.subject != other.hex() or verified == other:
        raise ContentsMismatchError("a fork is of two blocks, and the finding's subject is the second one's hash")
    for item in judgement.held.items:
        if item.entry.block_hash not in {verified, other}:
            raise ContentsMismatchError(
                f"block {item.address} in the bundle is {item.entry.block_hash}, and neither of the two that the finding names"
            )
        which = "verified first" if item.entry.block_hash == verified else "that came later"
        judgement.shown.append(f"block {item.address} with hash {item.entry.block_hash} is the one {which}")
    data = judgement.record()
    if data is None:
        judgement.said.append("that another block of this place came")
        return
    record = parse_stream_record(data)
    if not isinstance(record, BlockSummaryRecord) or record.block.address != judgement.place:
        raise ContentsMismatchError(f"the kept record is no block of {judgement.place}")
    second = verify_block(record.block)
    if second.block_hash != other:
        raise ContentsMismatchError(
            "the kept block is not the one that the finding names", found=str(second.block_hash)
        )
    judgement.expect("transaction_id", second.transaction_id)
    judgement.shown.append(f"another block says that it is {judgement.place}; its hashes hold, and its hash is {other}")
    judgement.said.append("that the other block came from the ledger's stream, and which of the two came first")


def _altered(judgement: Judgement) -> None:
    """A record that does not hold: the same check must fail again, with the same hashes."""
    data = judgement.record()
    if data is None:
        judgement.said.append("that what came does not hold")
        return
    failure = _failure(judgement, data)
    if failure is None:
        # What was set aside and altered since need not be a record at all; the finding's subject is what it should hash to.
        should = judgement.evidence("expected")
        if judgement.evidence("part") != "set-aside record" or should != judgement.finding.subject:
            raise ContentsMismatchError("the kept record is no record of this place that does not hold")
        judgement.expect("found", sha256(data).hexdigest())
        if should == sha256(data).hexdigest():
            raise ContentsMismatchError("the kept bytes are those that were set aside")
        judgement.shown.append(f"the kept bytes are not those that were set aside, whose SHA-256 is {should[:64]}")
    else:
        if (failure.subject, failure.document_id) != (judgement.finding.subject, judgement.finding.document_id):
            raise ContentsMismatchError("the kept record is another one than the finding is about")
        for name, value in failure.error.evidence.items():
            judgement.expect(name, value[:MAX_EVIDENCE])
        judgement.shown.append(f"the kept record does not hold: {failure.error}")
    judgement.said.append("that the kept record came in the ledger's stream")


class _Failure(NamedTuple):
    """What is wrong with a kept record, and what the finding of it is about."""

    error: IntegrityError
    subject: str
    document_id: str | None


def _failure(judgement: Judgement, data: bytes) -> _Failure | None:
    """``None`` where the bytes are no record of the finding's place and kind, or where nothing is wrong with it."""
    try:
        record = parse_stream_record(data)
    except InputError:
        return None
    of_block = judgement.finding.rule_id == AuditRule.CONTENTS_MISMATCH
    try:
        if of_block and isinstance(record, BlockSummaryRecord) and record.block.address == judgement.place:
            verify_block(record.block)
        elif not of_block and isinstance(record, RevisionDetailsRecord) and record.address == judgement.place:
            verify_revision(record.revision)
    except (ContentsMismatchError, RevisionMismatchError) as error:
        if isinstance(record, BlockSummaryRecord):
            return _Failure(error, str(record.block.block_hash), None)
        assert isinstance(record, RevisionDetailsRecord)
        about = f"{record.metadata.document_id}-{record.metadata.version}-{error.evidence['found'][:16]}"
        return _Failure(error, about, record.metadata.document_id)
    return None


def _unreadable(judgement: Judgement) -> None:
    data = judgement.record()
    if data is None:
        judgement.said.append("that a record could not be read")
        return
    name = f"bytes-{sha256(data).hexdigest()}"
    if judgement.finding.place != name:
        raise ContentsMismatchError("the kept bytes are not those that the finding is about", found=name)
    judgement.expect("size_bytes", str(len(data)))
    judgement.shown.append("the kept bytes are those that the finding is about")
    judgement.said.append("that they came in the stream, and could not be read")


def _snapshots(judgement: Judgement) -> None:
    """The snapshot that the head does not extend, and the one that was signed then and says so itself."""
    named = judgement.finding.subject
    judgement.expect("snapshot", named)
    snapshots = {
        snapshot_name(each.snapshot): each.snapshot
        for each in judgement.held.statements
        if isinstance(each, SnapshotStatement)
    }
    if named not in snapshots:
        judgement.missing.append(f"snapshot {named[:200]}, signed, is not there")
    else:
        judgement.shown.append(f"snapshot {named} is signed")
    after = [name for name, each in snapshots.items() if each.previous == named and each.extends is False]
    judgement.shown.extend(f"snapshot {name} is signed and says that it does not extend {named}" for name in after)
    if not after:
        judgement.missing.append("the snapshot that says so itself is not there")
    for each in snapshots.values():
        if each.tip_address.strand_id != judgement.place.strand_id:
            raise InputError(f"a snapshot of strand {each.tip_address.strand_id[:64]}, which the finding is not about")
    judgement.shown.extend(contradictions(judgement.held.statements))


def _heads(judgement: Judgement) -> None:
    if judgement.finding.subject == "ledger":
        _ledger_head(judgement)
        return
    before, now = judgement.evidence("signed_before"), judgement.evidence("signed_now")
    if judgement.record() is not None:
        judgement.shown.append(f"the kept statements are those that the finding names, {judgement.claim.record}")
    for each in judgement.held.statements:
        if not isinstance(each, LogStatement) or each.text[:MAX_EVIDENCE] not in {before, now}:
            raise InputError("a statement in the bundle that the finding does not name")
        judgement.shown.append(f"{each} is signed")
    signed = {each.text[:MAX_EVIDENCE] for each in judgement.held.statements}
    judgement.missing.extend("the checkpoint that was signed before is not there" for _ in {before} - {"", *signed})
    judgement.said.extend("that what the log says now is what the finding names" for _ in {now} - {"", *signed})
    found = contradictions(judgement.held.statements)
    judgement.shown.extend(found)
    if not found:
        judgement.said.append(
            "that the second statement does not extend the first, or is not of the blocks that were verified"
        )


def _ledger_head(judgement: Judgement) -> None:
    """What the ledger answered is signed by nobody; what the auditor verified at that block is, in a snapshot."""
    judgement.said.append("what the ledger said its digest is")
    verified = judgement.evidence("verified_digest")
    for each in judgement.held.statements:
        if not isinstance(each, SnapshotStatement) or each.snapshot.tip_address != judgement.place:
            raise InputError(f"a statement that is not the snapshot at {judgement.place}")
        if verified and str(each.snapshot.digest) != verified:
            raise ContentsMismatchError("the digest in the snapshot is not the one that the finding calls verified")
        judgement.shown.append(f"{each} is signed, and is what was verified")
    if not judgement.held.statements:
        judgement.missing.append(f"the snapshot at {judgement.place} is not there")


_RULES: Final[Mapping[str, Callable[[Judgement], None]]] = {
    AuditRule.REDACTION: _of_block,
    AuditRule.TABLE_DROPPED: _of_block,
    AuditRule.PRIVILEGED_STATEMENT: _of_block,
    AuditRule.DOCUMENT_DELETED: _deletion,
    AuditRule.CLOCK_REGRESSION: _clock,
    AuditRule.BROKEN_LINK: _link,
    AuditRule.GAP: _gap,
    AuditRule.MISSING_REVISION: _missing,
    AuditRule.ORPHAN_REVISION: _orphan,
    AuditRule.FORK: _fork,
    AuditRule.CONTENTS_MISMATCH: _altered,
    AuditRule.REVISION_MISMATCH: _altered,
    AuditRule.UNREADABLE_RECORD: _unreadable,
    AuditRule.SNAPSHOT_NOT_EXTENDING: _snapshots,
    AuditRule.HEADS_DISAGREE: _heads,
}
