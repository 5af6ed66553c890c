"""Mutants of blocks, chains, receipts, frames and the builder."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

GOLDEN_BLOCK = "tests/golden/test_aws_cli_example.py"
CHAIN_LAWS = "tests/property/test_chain_laws.py"
FORGERS = "tests/property/test_forgers.py"
RECEIPTS = "tests/property/test_receipt_laws.py"
JOURNAL_EDGES = "tests/unit/journal"

BLOCKS = [
    Mutant(
        "no contents check: entriesHash",
        "journal/block.py",
        '_equal("entriesHash", unverified, unverified.entries_hash, root_of(entries))',
        "pass",
        (JOURNAL_EDGES, FORGERS),
    ),
    Mutant(
        "no contents check: blockHash",
        "journal/block.py",
        '_equal("blockHash", unverified, unverified.block_hash, dot(unverified.entries_hash, unverified.previous_block_hash))',
        "pass",
        (JOURNAL_EDGES, FORGERS),
    ),
    Mutant(
        "no contents check: membership in the list",
        "journal/block.py",
        "if computed not in block.entries_hash_list:",
        "if not block.entries_hash_list:",
        (GOLDEN_BLOCK,),
    ),
    Mutant(
        "revisions not compared with the list",
        "journal/block.py",
        "    if unverified.summaries:\n",
        "    if False:\n",
        (FORGERS,),
    ),
    Mutant(
        "revision hash believed",
        "journal/revision.py",
        "if computed != claimed:",
        "if computed == claimed and data is None:",
        (GOLDEN_BLOCK,),
    ),
    Mutant(
        "a deleted revision's data is an empty hash",
        "journal/revision.py",
        'HASH_OF_DELETED_DATA: Final = hash_of(b"")',
        'HASH_OF_DELETED_DATA: Final = hash_of(b"\\0")',
        (JOURNAL_EDGES,),
    ),
    Mutant(
        "revisions of other blocks accepted",
        "journal/block.py",
        "if revision.address is not None and revision.address != address:",
        "if revision.address is None and address is None:",
        (FORGERS,),
    ),
    Mutant(
        "revisions of other transactions accepted",
        "journal/block.py",
        "if revision.metadata is not None and revision.metadata.tx_id != transaction_id:",
        "if revision.metadata is None and transaction_id is None:",
        (FORGERS,),
    ),
    Mutant(
        "every header counts as bound",
        "journal/block.py",
        "header_bound = entries[0] == hash_of_header(*unverified.header)",
        "header_bound = bool(entries)",
        (GOLDEN_BLOCK,),
    ),
    Mutant(
        "parts may be left out of a block that binds its header",
        "journal/block.py",
        "if not present and len(entries) > place and entries[place] != HASH_OF_NOTHING:",
        "if not present and len(entries) < place:",
        (FORGERS,),
    ),
    Mutant(
        "a summary may name other documents than the transaction",
        "journal/block.py",
        "if sorted(named) != sorted(document.document_id for document in block.documents):",
        "if len(named) != len(block.documents):",
        (FORGERS,),
    ),
    Mutant(
        "the time is not part of the bound header",
        "journal/block.py",
        'fields = {"blockAddress": address, "transactionId": transaction_id, "blockTimestamp": timestamp}',
        'fields = {"blockAddress": address, "transactionId": transaction_id}',
        (JOURNAL_EDGES,),
    ),
]

CHAIN = [
    Mutant(
        "no position check",
        "journal/chain.py",
        "if (left.strand_id, left.end) != (right.strand_id, right.begin):",
        "if left.strand_id != right.strand_id:",
        (CHAIN_LAWS, "tests/unit/journal/test_chain.py"),
    ),
    Mutant(
        "no strand check",
        "journal/chain.py",
        "if (left.strand_id, left.end) != (right.strand_id, right.begin):",
        "if left.end != right.begin:",
        ("tests/unit/journal/test_chain.py",),
    ),
    Mutant(
        "no link check",
        "journal/chain.py",
        "if right.previous_hash != left.last_hash:",
        "if right.previous_hash is None:",
        (FORGERS,),
    ),
    Mutant(
        "a chain may stop binding its headers",
        "journal/chain.py",
        "if left.last_bound and not right.first_bound:",
        "if left.first_bound is None:",
        (FORGERS,),
    ),
    Mutant(
        "joined segments keep the left tip",
        "journal/chain.py",
        "            other.last_hash,\n",
        "            self.last_hash,\n",
        (CHAIN_LAWS,),
    ),
    Mutant(
        "a receipt's place not checked",
        "journal/receipt.py",
        'if (kind == "block" and len(path) != needed) or len(path) < needed:',
        "if len(path) < 0:",
        ("tests/unit/journal/test_receipt.py",),
    ),
    Mutant(
        "a receipt's digest of any strand and age",
        "journal/receipt.py",
        "if tip.strand_id != address.strand_id or tip.sequence_no < address.sequence_no:",
        "if tip.sequence_no < 0:",
        ("tests/unit/journal/test_receipt.py",),
    ),
    Mutant(
        "a receipt's proof not folded",
        "journal/receipt.py",
        "    verify_inclusion(leaf.hash, path, digest.hash)\n",
        "",
        (RECEIPTS,),
    ),
]

FRAMES = [
    Mutant(
        "checksum not compared",
        "journal/kpl.py",
        "if found != checksum:",
        "if not found:",
        ("tests/unit/journal/test_kpl.py",),
    ),
    Mutant(
        "a length may lie inside a frame",
        "journal/kpl.py",
        "if length > end - position:",
        "if length > len(body):",
        ("tests/unit/journal/test_kpl.py",),
    ),
    Mutant(
        "records beyond the key table get the last key",
        "journal/kpl.py",
        "if position >= len(table):",
        "if not table:",
        ("tests/unit/journal/test_kpl.py",),
    ),
    Mutant(
        "unknown fields pass in silence",
        "journal/kpl.py",
        "        if number not in tables:\n            unknown.add(number)\n",
        "        if number not in tables:\n            continue\n",
        ("tests/property/test_kpl_laws.py",),
    ),
]

BUILDER = [
    Mutant(
        "parameters of a statement not hashed",
        "journal/transaction.py",
        "return reduce(dot, parameter_hashes, ",
        "return reduce(dot, [], ",
        ("tests/unit/journal/test_builder.py",),
    ),
    Mutant(
        "a revision's proof without the hash of the block before",
        "journal/builder.py",
        "previous = () if block.previous_block_hash is None else (block.previous_block_hash,)",
        "previous = ()",
        (RECEIPTS,),
    ),
]

REDACTED = [
    Mutant(
        "the data of another revision of the document is removed",
        "journal/redacted.py",
        "(metadata.document_id, metadata.version) == (document_id, version):",
        "metadata.document_id == document_id:",
        ("tests/unit/journal/test_redacted.py",),
    ),
    Mutant(
        "evidence of altered data is removed",
        "journal/redacted.py",
        "    verify_revision(found)\n",
        "",
        ("tests/unit/journal/test_redacted.py",),
    ),
]

JOURNAL = [*BLOCKS, *CHAIN, *FRAMES, *BUILDER, *REDACTED]
