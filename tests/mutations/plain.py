"""Mutants of the plain verifier, and of what it found in the fast one."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

ALONE = "tests/golden/test_plain_verifier.py"
LAWS = "tests/property/test_plain_verifier_laws.py"
DAMAGE = "tests/unit/services/test_export_damage.py"

PLAIN = [
    Mutant(
        "the plain dot compares unsigned",
        "plain/tree.py",
        "[byte ^ 0x80 for byte in reversed(each)]",
        "bytes(reversed(each))",
        (ALONE, "-k", "genuine or forged"),
    ),
    Mutant(
        "the plain Ion Hash does not escape the hashes of fields",
        "plain/ion_hash.py",
        'escape(b"".join(sorted(hashlib.sha256(field).digest() for field in fields)))',
        'b"".join(sorted(hashlib.sha256(field).digest() for field in fields))',
        (ALONE, LAWS, "-k", "hash_alike or ion_hash_suite"),
    ),
    Mutant(
        "the plain verifier does not look at the link",
        "plain/exports.py",
        "        links = link_differences(self.last, block) if self.last and not differences else []\n",
        "        links: list[str] = []\n",
        (ALONE, "-k", "forged"),
    ),
    Mutant(
        "the plain verifier does not look at headers that are no longer bound",
        "plain/blocks.py",
        'return differences + difference("header bound", last.binds_header, block.binds_header and last.binds_header)',
        "return differences",
        (ALONE, "-k", "no_more"),
    ),
    Mutant(
        "the plain verifier lets parts be left out of a block that binds its header",
        "plain/blocks.py",
        'if name not in parts and entry not in {b"", NOTHING} else []',
        "if False else []",
        (ALONE, "-k", "left_out"),
    ),
    Mutant(
        "the plain verifier does not look where a block stands",
        "plain/exports.py",
        'for each in difference("blockAddress", Address(strand_id, self.next), block.address):',
        "for each in list[str]():",
        (ALONE, LAWS, "-k", "forged or repeated"),
    ),
    Mutant(
        "the plain verifier takes a proof of any length",
        "plain/receipts.py",
        'confirm(difference("length of Proof", needed, min(needed, len(path)) if kind == "Revision" else len(path)))',
        "pass",
        (ALONE, "-k", "another_length"),
    ),
    Mutant(
        "summaries stand for revisions in an export",
        "services/export_contents.py",
        "if block.documents and not block.revisions and block.redaction_info is None:",
        "if block.documents and not block.summaries and block.redaction_info is None:",
        (DAMAGE, "-k", "summaries"),
    ),
]
