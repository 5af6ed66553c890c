"""Mutants of what begins at a trust anchor: the journal's table, what follows it, the auditor, snapshots and exports."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

PARTS = "tests/contract/test_imported_parts.py"
FORWARD = "tests/unit/services/test_forward.py"
AUDITOR = "tests/unit/services/test_anchored_auditor.py"
HEADS = "tests/unit/services/test_anchored_heads.py"
DOCUMENTS = "tests/unit/detection/test_snapshot_documents.py"
EXPORT = "tests/unit/services/test_export.py"
STREAMS = "tests/unit/services/test_stream_publishing.py"
ADAPTERS = "adapters/dynamodb"

ANCHORED = [
    Mutant(
        "an anchor of another strand taken",
        f"{ADAPTERS}/anchors.py",
        "if anchor.strand_id != strand_id:",
        "if False:",
        (PARTS, "-k", "damaged_anchor"),
    ),
    Mutant(
        "nodes before the anchor taken for missing",
        f"{ADAPTERS}/journal.py",
        "for place in numbers.keys() & before.keys()}",
        "for place in ()}",
        (PARTS, "-k", "begin_anywhere and dynamodb"),
    ),
    Mutant(
        "lost projections begun anew at block 0",
        f"{ADAPTERS}/projector.py",
        "watermark = self._journal.first() - 1",
        "pass",
        (PARTS, "-k", "lost"),
    ),
    Mutant(
        "a projector that takes no first version but 0",
        f"{ADAPTERS}/effects.py",
        "return self.found or self.version == 0",
        "return self.version == 0",
        (PARTS, "-k", "same_ledger_wherever"),
    ),
    Mutant(
        "an instance on lost projections begins at block 0",
        f"{ADAPTERS}/ledger.py",
        "anchor = self._journal.anchor if watermark < 0 else None",
        "anchor = None",
        (PARTS, "-k", "lost"),
    ),
    Mutant(
        "an instance that found nothing never looks for an anchor again",
        f"{ADAPTERS}/ledger.py",
        "if known.head.sequence_no < 0 and self._journal.anchor is not None:",
        "if False:",
        (PARTS, "-k", "opened_before"),
    ),
    Mutant(
        "that a strand has no anchor remembered before it has begun",
        f"{ADAPTERS}/journal.py",
        "if anchor is not None or begun or self.read(range(1)):",
        "if True:",
        (PARTS, "-k", "opened_before"),
    ),
    Mutant(
        "an anchor put into a strand that begins with block 0",
        f"{ADAPTERS}/journal_copy.py",
        '_check(self.journal_table, _key(strand_id, 0), "attribute_not_exists(strandId)"),',
        "",
        (PARTS, "-k", "given_no_anchor"),
    ),
    Mutant(
        "block 0 put into a strand that begins at an anchor",
        f"{ADAPTERS}/journal_copy.py",
        'begins_with_block_0 = "attribute_not_exists(strandId)"',
        'begins_with_block_0 = "attribute_not_exists(blockHash)"',
        (PARTS, "-k", "the_slower_puts_nothing"),
    ),
    Mutant(
        "blocks put behind another anchor",
        f"{ADAPTERS}/journal_copy.py",
        '"anchor = :anchor", text)',
        '"anchor = :anchor OR attribute_exists(anchor)", text)',
        (PARTS, "-k", "the_slower_puts_nothing"),
    ),
    Mutant(
        "another anchor passed over as the same",
        f"{ADAPTERS}/journal_copy.py",
        "if found != anchor and (found is not None or tip is not None):",
        "if found is None and tip is not None:",
        (PARTS, "-k", "another_anchor_is_refused"),
    ),
    Mutant(
        "a part forwarded without its anchor",
        "services/forward.py",
        "        self.copy.begin(anchor)\n",
        "",
        (FORWARD, "-k", "does_so_in_the_copy"),
    ),
    Mutant(
        "a first block forwarded that does not follow the anchor",
        "services/forward.py",
        "previous.previous_hash if isinstance(previous, TrustAnchor)",
        "blocks[0].data and None or verify_block(parse_block(read_single(blocks[0].data))).previous_block_hash "
        "if isinstance(previous, TrustAnchor)",
        (FORWARD, "-k", "does_not_follow_the_anchor"),
    ),
    Mutant(
        "an import under another anchor gone on with",
        f"{ADAPTERS}/importing.py",
        "elif self._journal.anchor is not None:",
        "elif False:",
        (PARTS, "-k", "no_place_for_the_whole"),
    ),
    Mutant(
        "a refused import keeps the name",
        f"{ADAPTERS}/importing.py",
        "            if ledger is wanted:\n                registry.save(ledger, None)\n            raise",
        "            raise",
        (PARTS, "-k", "no_place_for_the_whole"),
    ),
    Mutant(
        "first versions of a part not held against what stands beside its blocks",
        f"{ADAPTERS}/importing.py",
        "has_base=not partial or each.document_id in seen",
        "has_base=not partial or each.document_id not in {d.document_id for d in parse_effects("
        "self._journal.bytes_of(item.effects)).documents if d.found}",
        (PARTS, "-k", "found_to_be_a_first_version"),
    ),
    Mutant(
        "the auditor asks for no anchor",
        "services/audit.py",
        "if self.anchors is None or not may_have_anchor(state):",
        "if True:",
        (AUDITOR, "-k", "in_whatever_order"),
    ),
    Mutant(
        "the auditor believes the last anchor it is told",
        "detection/anchored.py",
        "return state.anchor is None and (",
        "return True and (",
        (AUDITOR, "-k", "said_first_counts"),
    ),
    Mutant(
        "a first block that does not follow the anchor passed over",
        "detection/anchored.py",
        "anchor.check_begins(each.segment)",
        "pass",
        (AUDITOR, "-k", "found_once"),
    ),
    Mutant(
        "a break at the anchor found with every batch",
        "detection/anchored.py",
        "if new is None or not (pinned or any(_has(run, anchor.begin) for run in outcome.runs)):",
        "if new is None:",
        (AUDITOR, "-k", "found_once"),
    ),
    Mutant(
        "a strand that does not follow its anchor is whole",
        "detection/anchored.py",
        "new = replace(new, explained={**new.explained, anchor.begin: AuditRule.BROKEN_LINK})",
        "pass",
        (AUDITOR, "-k", "found_once"),
    ),
    Mutant(
        "blocks before the anchor taken in",
        "detection/anchored.py",
        "tuple(each for each in arrivals.blocks if each[0].address.sequence_no >= begin),",
        "arrivals.blocks,",
        (AUDITOR, "-k", "taken_into_nothing"),
    ),
    Mutant(
        "an anchor that was learnt with nothing new forgotten",
        "detection/anchored.py",
        "(replace(state, version=state.version + 1) if pinned else None)",
        "None",
        (AUDITOR, "-k", "held_against_it"),
    ),
    Mutant(
        "a block before the anchor taken for the head",
        "detection/strand.py",
        "if each.segment.end > first), None)",
        "), None)",
        (AUDITOR, "-k", "is_not_the_head"),
    ),
    Mutant(
        "the anchor not kept with the head",
        f"{ADAPTERS}/strand_item.py",
        "if state.anchor is not None:",
        "if False:",
        (AUDITOR, "-k", "in_whatever_order"),
    ),
    Mutant(
        "a snapshot's digest without what is before the anchor",
        "detection/snapshot.py",
        "(self.range if self.anchor is None else self.anchor.before + self.range).root",
        "self.range.root",
        (DOCUMENTS, "-k", "digest_behind_the_anchor"),
    ),
    Mutant(
        "a snapshot that says otherwise what is not proved",
        "detection/snapshot.py",
        "(anchor.strand_id, describe_trust_anchor(anchor)) != (strand_id, fields)",
        "anchor.strand_id != strand_id",
        (DOCUMENTS, "-k", "not_the_snapshots_own"),
    ),
    Mutant(
        "an anchor that replaced another in Heads not found",
        "services/snapshot.py",
        "if last.anchor not in (None, anchor):",
        "if False:",
        (HEADS, "-k", "another_anchor_than"),
    ),
    Mutant(
        "a ledger's digest behind an anchor not compared",
        "services/head_comparison.py",
        "if head.begin and anchor is None:",
        "if head.begin:",
        (HEADS, "-k", "another_digest_behind"),
    ),
    Mutant(
        "a log begun behind an anchor",
        "services/head_comparison.py",
        "if self.checkpoints is None or anchor is not None:",
        "if self.checkpoints is None:",
        (HEADS, "-k", "no_log_is_said"),
    ),
    Mutant(
        "an anchor that the ledger changed not found",
        "services/head_comparison.py",
        "        if said == anchor:\n            return None\n",
        "        return None\n",
        (HEADS, "-k", "begins_elsewhere_is_found"),
    ),
    Mutant(
        "an anchor that a whole strand was given not found",
        "services/head_comparison.py",
        "None if self.ledger is None else _beginning_finding(",
        "None if self.ledger is None or anchor is None else _beginning_finding(",
        (HEADS, "-k", "whole_strand_begins"),
    ),
    Mutant(
        "what was verified before an anchor was known not held against it",
        "detection/anchored.py",
        "if each.segment.begin < anchor.begin]",
        "if False]",
        (AUDITOR, "-k", "verified_before_an_anchor"),
    ),
    Mutant(
        "revisions of blocks before the anchor passed over",
        "detection/anchored.py",
        "if each.sequence_no < begin and each.verified]",
        "if False]",
        (AUDITOR, "-k", "revision_of_a_block_before"),
    ),
    Mutant(
        "an export without its anchor",
        "services/export.py",
        "            self._put_anchor(job, begin)\n",
        "",
        (EXPORT, "-k", "by_which_it_is_verified"),
    ),
    Mutant(
        "an export of later blocks with the anchor of the first",
        "services/export.py",
        "if anchor is not None and begin == anchor.begin:",
        "if anchor is not None:",
        (EXPORT, "-k", "later_blocks_has_none"),
    ),
    Mutant(
        "two exports' anchors under one name",
        "services/export.py",
        "ANCHOR_FILE if self.alone else",
        "ANCHOR_FILE if True else",
        (EXPORT, "-k", "under_one_prefix"),
    ),
    Mutant(
        "a stream that was set back to before an anchor stands still",
        "services/publish.py",
        "max(begin, self.reader.first()), behind)",
        "begin, behind)",
        (STREAMS, "-k", "before_a_trust_anchor"),
    ),
]
