"""A journal's export as blocks of the past: what a backtest judges, read as the detector reads it from the stream.

Every block is verified, and its link to the block before it, before any rule sees it: a backtest of a journal that was altered would
say something about nothing. The days are counted from the first block's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from counterfoil.detection.judgement import AssembledBlock, contents_of
from counterfoil.detection.past import Label, Past
from counterfoil.detection.rule_config import RuleConfig
from counterfoil.detection.transfer import Statement
from counterfoil.errors import BrokenLinkError, InputError
from counterfoil.ion import read_single
from counterfoil.journal import Block, parse_block, verify_block
from counterfoil.ports import ExportFiles
from counterfoil.services.export_contents import MAX_OBJECT_BYTES, stored_blocks
from counterfoil.services.verify_export import objects_of


def past_of_journal(files: ExportFiles, config: RuleConfig, labels: Mapping[str, Label]) -> Iterator[Past]:
    """The blocks of the only export among the files, in order; ``labels`` are by transaction id.

    A block that does not verify or does not follow the one before is an ``IntegrityError``; an export in JSON, which has lost what
    blocks are verified by, an ``InputError``.
    """
    first_day: int | None = None
    for block in _blocks(files):
        day = block.timestamp.to_datetime().toordinal()
        first_day = day if first_day is None else first_day
        yield Past(day - first_day, contents_of(_assembled(block), config), {}, labels)


def _blocks(files: ExportFiles) -> Iterator[Block]:
    last: Block | None = None
    for file_name, name in objects_of(files):
        if name.extension == "json":
            raise InputError("an export in JSON has lost types: its blocks cannot be verified, and are not judged")
        for data in stored_blocks(name.extension, files.chunks(file_name, MAX_OBJECT_BYTES)):
            block = verify_block(parse_block(read_single(data)))
            if last is not None and not _follows(block, last):
                raise BrokenLinkError(f"block {block.address} does not follow block {last.address}")
            yield block
            last = block


def _follows(block: Block, last: Block) -> bool:
    return (block.address.strand_id, block.address.sequence_no, block.previous_block_hash) == (
        last.address.strand_id,
        last.address.sequence_no + 1,
        last.block_hash,
    )


def _assembled(block: Block) -> AssembledBlock:
    tables = {each.document_id: each.table_name for each in block.documents}
    at = block.timestamp.to_datetime()
    revisions = tuple(
        (tables.get(each.metadata.document_id, ""), each) for each in block.revisions if each.metadata is not None
    )
    statements = tuple(Statement(number, text, at) for number, text in enumerate(block.statements))
    return AssembledBlock(block.address, revisions, True, statements)  # noqa: FBT003 - all that the block lists is in it
