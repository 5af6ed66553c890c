"""A strand that begins at a trust anchor, as the auditor takes it: what the journal says first is kept, and held against what comes.

Pure, as ``strand_audit`` is, around whose pass it stands. No block before the anchor gets into the strand, and the first one must
follow the block that the anchor names; where it does not, the strand diverges there, until a person accepts it as any broken link.
What came from before the anchor is a finding, whether it came before the anchor was known or since then.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from counterfoil.detection import audit_rules as rules
from counterfoil.detection.audit_rules import AuditRule
from counterfoil.detection.finding import Finding
from counterfoil.detection.strand import Run, StrandState
from counterfoil.detection.strand_audit import Arrivals, ArrivedRevision, Outcome
from counterfoil.errors import BrokenLinkError
from counterfoil.journal import Block, BlockAddress, Segment
from counterfoil.journal.anchor import TrustAnchor


class Behind(NamedTuple):
    """Of a batch what is of the strand, and a finding for each block and each revision that stands before the anchor."""

    arrivals: Arrivals
    findings: tuple[Finding, ...]


def may_have_anchor(state: StrandState) -> bool:
    """Whether it is not known yet where the strand begins: nothing of it was seen, or nothing from block 0 on."""
    return state.anchor is None and (not state.segments or state.segments[0].segment.begin > 0)


def behind_anchor(anchor: TrustAnchor | None, arrivals: Arrivals, now: datetime) -> Behind:
    """What arrived, without what is from before the anchor: the ledger has none of it, so it did not come from there."""
    if anchor is None:
        return Behind(arrivals, ())
    begin = anchor.begin
    kept = Arrivals(
        tuple(each for each in arrivals.blocks if each[0].address.sequence_no >= begin),
        tuple(each for each in arrivals.revisions if each.sequence_no >= begin),
        tuple(each for each in arrivals.rejected if each.sequence_no >= begin),
    )
    before = [each for each in arrivals.blocks if each[0].address.sequence_no < begin]
    loose = [each for each in arrivals.revisions if each.sequence_no < begin and each.verified]
    findings = [_before(anchor, block, evidence, now) for block, evidence in before]
    return Behind(kept, (*findings, *(_revision_before(anchor, each, now) for each in loose)))


def _before(anchor: TrustAnchor, block: Block, evidence: str, now: datetime) -> Finding:
    return rules.found(
        AuditRule.BROKEN_LINK,
        block.address,
        f"block {block.address} came, but the strand begins at a trust anchor, with block {anchor.begin}: nothing links the two",
        now,
        subject=str(block.block_hash),
        expected=f"block {anchor.begin} or a later one",
        found=str(block.previous_block_hash),
        quarantined=evidence,
    )


def _revision_before(anchor: TrustAnchor, revision: ArrivedRevision, now: datetime) -> Finding:
    place = BlockAddress(anchor.strand_id, revision.sequence_no)
    return rules.orphan_revision(place, revision.hash, revision.document_id, now, block_seen=False)


def _verified_before(anchor: TrustAnchor, segment: Segment, now: datetime) -> Finding:
    """Of blocks that were taken in when nobody knew of the anchor: a ledger that begins there has none of them."""
    return rules.found(
        AuditRule.BROKEN_LINK,
        BlockAddress(anchor.strand_id, segment.begin),
        f"block {segment.begin} was verified before it was known that the strand begins at a trust anchor, with block {anchor.begin}",
        now,
        subject="trust anchor",
        expected=f"block {anchor.begin} or a later one",
        found=str(segment.begin),
    )


def held_against_anchor(
    loaded: StrandState, state: StrandState, outcome: Outcome, behind: Behind, now: datetime
) -> Outcome:
    """The outcome of a pass with what the anchor makes of it. ``loaded`` is the state as it was kept, ``state`` that of the pass: the
    same, or with an anchor that was just learnt.
    """
    outcome = outcome._replace(findings=(*behind.findings, *outcome.findings))
    anchor, pinned = state.anchor, state is not loaded
    if anchor is None:
        return outcome
    if pinned:
        before = [each.segment for each in state.segments if each.segment.begin < anchor.begin]
        learnt = tuple(_verified_before(anchor, each, now) for each in before)
        outcome = outcome._replace(findings=(*outcome.findings, *learnt))
    new = outcome.state or (replace(state, version=state.version + 1) if pinned else None)
    outcome = outcome._replace(state=new)
    if new is None or not (pinned or any(_has(run, anchor.begin) for run in outcome.runs)):
        return outcome
    try:
        for each in new.segments:
            if each.segment.begin == anchor.begin:
                anchor.check_begins(each.segment)
    except BrokenLinkError as error:
        finding = _not_following(anchor, error, behind.arrivals, now)
        new = replace(new, explained={**new.explained, anchor.begin: AuditRule.BROKEN_LINK})
        return outcome._replace(state=new, findings=(*outcome.findings, finding))
    return outcome


def _has(run: Run, sequence_no: int) -> bool:
    return run.first <= sequence_no < run.first + len(run.blocks)


def _not_following(anchor: TrustAnchor, error: BrokenLinkError, arrivals: Arrivals, now: datetime) -> Finding:
    """Of blocks that came for the place the first one is the strand's."""
    place = BlockAddress(anchor.strand_id, anchor.begin)
    names = [evidence for block, evidence in arrivals.blocks if block.address == place]
    kept = {"quarantined": names[0]} if names else {}
    return rules.from_error(AuditRule.BROKEN_LINK, place, error, now, **kept)
