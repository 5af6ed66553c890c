"""Mutants of the short way through a stream: each accepts what the long way does not, or leaves it no record."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

LAWS = "tests/property/test_record_laws.py"
BOUNDS = "tests/property/test_record_bounds.py"
PATTERN_LAWS = "tests/property/test_pattern_laws.py"
DOCUMENT_LAWS = "tests/property/test_document_laws.py"
DETAILS = "journal/plain_details.py"
SUMMARY = "journal/plain_summary.py"
RECORD = "journal/plain_record.py"
KNOWN = "journal/known_records.py"
STENCILS = "ion/stencils.py"
RECIPES = "ion/recipes.py"
PATTERNS = "ion/patterns.py"
TRANSFER = "detection/transfer.py"

PLAIN_RECORDS = [
    Mutant(
        "records: a revision of another hash taken",
        DETAILS,
        "if computed != claimed:",
        "if not claimed:",
        (LAWS, BOUNDS),
    ),
    Mutant("records: any version taken", DETAILS, "if version > MAX_VERSION:", "if version < 0:", (LAWS, BOUNDS)),
    Mutant(
        "records: entries of another hash taken",
        SUMMARY,
        "if root_of(entries) != entries_hash or ",
        "if ",
        (LAWS, BOUNDS),
    ),
    Mutant(
        "records: another block hash taken",
        SUMMARY,
        " or dot(_known_hash(entries_hash), _known_hash(previous)) != block_hash:",
        ":",
        (LAWS, BOUNDS),
    ),
    Mutant(
        "records: a transaction info of another hash taken",
        SUMMARY,
        "if hashing.hash_of(self._info) not in entries or ",
        "if ",
        (LAWS, BOUNDS),
    ),
    Mutant(
        "records: revisions that no entry is the root of taken",
        SUMMARY,
        " or root_of(hashes) not in entries:",
        ":",
        (LAWS, BOUNDS),
    ),
    Mutant(
        "records: other documents than the transaction changed",
        SUMMARY,
        "if bound and not ",
        "if bound and None is ",
        (LAWS, BOUNDS),
    ),
    Mutant(
        "records: a header bound by anything",
        SUMMARY,
        "hashing.hash_of(self._header) == entries[0]",
        "True",
        (LAWS, BOUNDS),
    ),
    Mutant(
        "records: a name used twice taken for an id", SUMMARY, "used[symbol] > 1", "used[symbol] > 9", (LAWS, BOUNDS)
    ),
    Mutant(
        "records: any number of a block taken",
        RECORD,
        "if sequence_no > MAX_SEQUENCE_NO:",
        "if sequence_no < 0:",
        (LAWS, BOUNDS),
    ),
    Mutant(
        "records: an id of anything",
        RECORD,
        "return text if body.isalnum() else checked_id(text, what)",
        "return text",
        (LAWS, BOUNDS),
    ),
    Mutant(
        "records: fields beside the usual ones taken",
        RECORD,
        "if fields.keys() != expected.keys():",
        "if fields.keys() < expected.keys():",
        (LAWS, BOUNDS),
    ),
    Mutant("records: stencils without a bound", KNOWN, "self._count > MAX_STENCILS or ", "", (LAWS, BOUNDS)),
    Mutant("records: slots without a bound", KNOWN, " or self._slots > MAX_SLOTS", "", (LAWS, BOUNDS)),
    Mutant(
        "records: a summary of any number of slots kept",
        SUMMARY,
        "if not summaries or len(self._slots) > MAX_PARTS:",
        "if False:",
        (LAWS, BOUNDS),
    ),
    Mutant("records: a summary without revisions", SUMMARY, "if not summaries or ", "if ", (LAWS, BOUNDS)),
    Mutant("records: names of any length kept", DETAILS, " > MAX_FIXED_BYTES:", " < 0:", (LAWS, BOUNDS)),
    Mutant(
        "records: symbol tables of any size kept",
        KNOWN,
        " or len(value.symbols.names) > MAX_SYMBOLS:",
        ":",
        (LAWS, BOUNDS),
    ),
    Mutant(
        "records: tables without a bound", KNOWN, "if len(self._tables) >= MAX_TABLES:", "if False:", (LAWS, BOUNDS)
    ),
    Mutant(
        "records: two threads learning at once",
        KNOWN,
        "with self._learning, suppress(",
        "with suppress(",
        (LAWS, BOUNDS),
    ),
    Mutant("records: every record learned from", KNOWN, "if not self._credit.spend():", "if False:", (LAWS, BOUNDS)),
    Mutant(
        "records: what a stencil covers is not compared",
        STENCILS,
        "return parts[1::2] + self._covered if parts[::2] == self._skeleton else None",
        "return parts[1::2] + self._covered",
        (LAWS, BOUNDS),
    ),
    Mutant(
        "records: a text that is not plain hashed as it is",
        RECIPES,
        "if not text.isascii() or 0x0B in text or 0x0C in text or 0x0E in text:",
        "if not text.isascii():",
        (PATTERN_LAWS,),
    ),
    Mutant(
        "patterns: a text longer than it says",
        PATTERNS,
        "if self._texts and self._pick_heads(groups) !=",
        "if self._texts and not self._pick_heads(groups) and",
        (PATTERN_LAWS,),
    ),
    Mutant(
        "patterns: a container longer than it says",
        PATTERNS,
        "if groups[place] != known[behind - ends[own_part](head)]:",
        "if not known[behind - ends[own_part](head)]:",
        (PATTERN_LAWS,),
    ),
    Mutant("patterns: any number of nulls", PATTERNS, " or len(self._pieces) > MAX_PIECES:", ":", (PATTERN_LAWS,)),
    Mutant(
        "patterns: a null with annotations",
        PATTERNS,
        "if raw[0] >= 0xE0:",
        "if value.low != 15 and raw[0] >= 0xE0:",
        (PATTERN_LAWS,),
    ),
    Mutant("patterns: a struct of one byte", PATTERNS, '_HEADS[_STRUCT][1] = b""\n', "", (PATTERN_LAWS,)),
    Mutant("patterns: a text with what is escaped", PATTERNS, r"\x00-\x0a\x0d\x0f-\x7f", r"\x00-\x7f", (PATTERN_LAWS,)),
    Mutant(
        "recipes: what changed is taken for the same",
        RECIPES,
        "if split.pick_same(values) != split.common:",
        "if False:",
        (PATTERN_LAWS,),
    ),
    Mutant(
        "documents: a transfer of nothing",
        TRANSFER,
        "if amount <= ZERO or from_account == to_account or not (",
        "if from_account == to_account or not (",
        (DOCUMENT_LAWS,),
    ),
    Mutant(
        "documents: a transfer from an account to itself",
        TRANSFER,
        "if amount <= ZERO or from_account == to_account or not (",
        "if amount <= ZERO or not (",
        (DOCUMENT_LAWS,),
    ),
]
