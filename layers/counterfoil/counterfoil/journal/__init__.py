"""QLDB's journal: blocks and revisions read, verified, chained and made; stream records; receipts."""

from counterfoil.journal.address import BlockAddress, parse_address, parse_address_text
from counterfoil.journal.block import Block, RevisionSummary, UnverifiedBlock, check_belongs, parse_block, verify_block
from counterfoil.journal.chain import ChainHead, Digest, Segment, check_link, digest_of, extend, join, segment_of
from counterfoil.journal.kpl import Frame, UserRecord, deaggregate
from counterfoil.journal.receipt import Receipt, parse_digest, verify_receipt
from counterfoil.journal.revision import (
    Metadata,
    Revision,
    RevisionKind,
    UnverifiedRevision,
    parse_revision,
    verify_revision,
)
from counterfoil.journal.stream_record import (
    BlockSummaryRecord,
    ControlRecord,
    RevisionDetailsRecord,
    SetAsideRecord,
    StreamRecord,
    parse_followed,
    parse_stream_record,
)

__all__ = [
    "Block",
    "BlockAddress",
    "BlockSummaryRecord",
    "ChainHead",
    "ControlRecord",
    "Digest",
    "Frame",
    "Metadata",
    "Receipt",
    "Revision",
    "RevisionDetailsRecord",
    "RevisionKind",
    "RevisionSummary",
    "Segment",
    "SetAsideRecord",
    "StreamRecord",
    "UnverifiedBlock",
    "UnverifiedRevision",
    "UserRecord",
    "check_belongs",
    "check_link",
    "deaggregate",
    "digest_of",
    "extend",
    "join",
    "parse_address",
    "parse_address_text",
    "parse_block",
    "parse_digest",
    "parse_followed",
    "parse_revision",
    "parse_stream_record",
    "segment_of",
    "verify_block",
    "verify_receipt",
    "verify_revision",
]
