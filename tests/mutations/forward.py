"""Mutants of what carries a journal into another region, and of what notices that a block was altered."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

FORWARD = "tests/unit/services/test_forward.py"
ALTERED = "tests/unit/services/test_altered_blocks.py"
CHANGES = "tests/handlers/test_journal_publisher.py"

FORWARDING = [
    Mutant(
        "a block is forwarded that follows another",
        "services/forward.py",
        "if block.previous_block_hash != previous_hash:",
        "if block.previous_block_hash == previous_hash and False:",
        (FORWARD,),
    ),
    Mutant(
        "blocks of a page are not held against each other",
        "services/forward.py",
        "        previous_hash = block.block_hash\n",
        "        previous_hash = blocks[number - begin + 1].block_hash if number - begin + 1 < len(blocks) else previous_hash\n",
        (FORWARD,),
    ),
    Mutant(
        "a block is forwarded under another hash than its own",
        "services/forward.py",
        "if block.block_hash != stored.block_hash:",
        "if False:",
        (FORWARD,),
    ),
    Mutant(
        "a block is forwarded out of its place",
        "services/forward.py",
        "if (block.address, stored.sequence_no) != (place, number):",
        "if stored.sequence_no != number:",
        (FORWARD,),
    ),
    Mutant(
        "a copy that went on by itself is not noticed",
        "services/forward.py",
        "if found != tip.block_hash:",
        "if found is None:",
        (FORWARD,),
    ),
    Mutant(
        "a copy that is longer than the journal is not noticed",
        "services/forward.py",
        "if found != tip.block_hash:",
        "if found not in (tip.block_hash, None):",
        (FORWARD,),
    ),
    Mutant(
        "the last block of the copy is forwarded again",
        "services/forward.py",
        "        return blocks[1:]\n",
        "        return blocks\n",
        (FORWARD,),
    ),
    Mutant(
        "only the first page is forwarded",
        "services/forward.py",
        "            blocks = self.source.stored(strand_id, begin, PAGE_BLOCKS)\n",
        "            blocks = ()\n",
        (FORWARD,),
    ),
    Mutant(
        "only the first page of ledgers is forwarded",
        "services/forward.py",
        "after = ledgers[-1].name",
        "return",
        (FORWARD,),
    ),
    Mutant(
        "a strand that does not hold is only tried again",
        "services/forward.py",
        "except (InputError, IntegrityError) as error:\n                report.refusals[strand_id]",
        "except (InputError, IntegrityError) as error:\n                report.failures[strand_id]",
        (FORWARD,),
    ),
]

ALTERATIONS = [
    Mutant(
        "a block that was removed counts as redacted",
        "lambda_events.py",
        "(new is None or new != old)",
        "new is not None and new != old",
        (CHANGES,),
    ),
    Mutant(
        "a block that was put over counts as redacted",
        "lambda_events.py",
        '_REDACTABLE: Final = {"block", "blockKey"}',
        '_REDACTABLE: Final = {"block", "blockKey", "blockHash"}',
        (CHANGES,),
    ),
    Mutant(
        "a redaction counts as an alteration",
        "lambda_events.py",
        '_REDACTABLE: Final = {"block", "blockKey"}',
        '_REDACTABLE: Final = {"block"}',
        (CHANGES,),
    ),
    Mutant(
        "an altered block is not published again",
        "services/stream_publishing.py",
        "(job.next_sequence_no or 0) > sequence_no:",
        "(job.next_sequence_no or 0) > sequence_no + 1000:",
        (ALTERED,),
    ),
    Mutant(
        "a block is published before its turn",
        "services/stream_publishing.py",
        "(job.next_sequence_no or 0) > sequence_no:",
        "(job.next_sequence_no or 0) >= sequence_no:",
        (ALTERED,),
    ),
    Mutant(
        "an altered block goes into other strands' streams",
        "services/stream_publishing.py",
        "if self._strand_of(job) == strand_id and",
        "if",
        (ALTERED,),
    ),
]
