"""Mutants of the short way through an export: each accepts what the long way does not, or leaves it no block."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

LAWS = "tests/property/test_plain_block_laws.py"
PLAIN = "journal/plain_block.py"
KNOWN = "journal/known_blocks.py"
LAYOUTS = "ion/layouts.py"
TEXT = "ion/text_layouts.py"

PLAIN_BLOCKS = [
    Mutant("plain: entries of another hash taken", PLAIN, "if root_of(entries) != entries_hash or ", "if ", (LAWS,)),
    Mutant(
        "plain: another block hash taken",
        PLAIN,
        " or dot(entries_hash, previous) != block_hash:",
        ":",
        (LAWS,),
    ),
    Mutant(
        "plain: a transaction info of another hash taken",
        PLAIN,
        "if hashing.hash_of(self._info) not in entries:",
        "if hashing.hash_of(self._info) is None:",
        (LAWS,),
    ),
    Mutant(
        "plain: revisions that no entry is the root of taken",
        PLAIN,
        "if root_of(hashes) not in entries:",
        "if not hashes:",
        (LAWS,),
    ),
    Mutant(
        "plain: a revision of another hash taken",
        PLAIN,
        'if dot(cast("Hash", metadata), cast("Hash", data)) != claimed:',
        "if not claimed:",
        (LAWS,),
    ),
    Mutant(
        "plain: a revision of another block taken",
        PLAIN,
        "if [values[each] for each in revision.address] != place or ",
        "if ",
        (LAWS,),
    ),
    Mutant(
        "plain: a revision of another transaction taken",
        PLAIN,
        " or values[revision.tx_id] != transaction_id:",
        ":",
        (LAWS,),
    ),
    Mutant(
        "plain: a value of another type with the bytes of a block taken",
        LAYOUTS,
        "parts = self._cut(value.buffer, value.position)\n        return parts[1::2] if parts[::2] == self._skeleton else None",
        "parts = self._cut(value.buffer, value.position)\n        return parts[1::2] if parts[2::2] == self._skeleton[1:] else None",
        (LAWS,),
    ),
    Mutant("plain: any version taken", PLAIN, "> MAX_VERSION", "> 2**70", (LAWS,)),
    Mutant("plain: any number of a block taken", PLAIN, "> MAX_SEQUENCE_NO", "> 2**70", (LAWS,)),
    Mutant(
        "plain: a time of commit without seconds taken",
        PLAIN,
        "            parse_instant(values[revision.tx_time])\n",
        "",
        (LAWS,),
    ),
    Mutant("plain: a cut entry taken", PLAIN, "any(len(each) != 32 for each in entries) or ", "", (LAWS,)),
    Mutant(
        "plain: other documents than the transaction changed",
        PLAIN,
        "sorted(named) != sorted(document_ids) or ",
        "",
        (LAWS,),
    ),
    Mutant(
        "plain: an entry for a redaction that is not there",
        PLAIN,
        " or (len(entries) > 4 and entries[4] != HASH_OF_NOTHING)",
        "",
        (LAWS,),
    ),
    Mutant("plain: a header bound by anything", PLAIN, "self._header_hash(hashing) == entries[0]", "True", (LAWS,)),
    Mutant(
        "plain: a known block is not counted", KNOWN, "else layout.verify(bodies, document_ids)", "else None", (LAWS,)
    ),
    Mutant(
        "layouts: what stands between the values is not compared",
        LAYOUTS,
        "return parts[1::2] if parts[::2] == self._skeleton else None",
        "return parts[1::2]",
        (LAWS,),
    ),
    Mutant(
        "layouts: names of another table are not compared",
        LAYOUTS,
        "if names is None or self._fixed(names) != self._fixed_names:",
        "if names is None:",
        (LAWS,),
    ),
    Mutant(
        "layouts: a text that is not plain hashed as it is",
        LAYOUTS,
        "if not text.isascii() or 0x0B in text or 0x0C in text or 0x0E in text:",
        "if not text.isascii():",
        (LAWS,),
    ),
    Mutant("layouts: text of any length taken", TEXT, " or found.end() - position > MAX_CHARACTERS:", ":", (LAWS,)),
    Mutant(
        "layouts: a keyword read as a free name",
        TEXT,
        'r"(?!(?:null|true|false|nan)\\b)[A-Za-z_][A-Za-z0-9_]*+"',
        'r"[A-Za-z_][A-Za-z0-9_]*+"',
        (LAWS,),
    ),
    Mutant(
        "layouts: an int with zeros before it read",
        TEXT,
        'r"(?:0|[1-9][0-9]{0,17}+)"',
        'r"[0-9]{1,17}+"',
        (LAWS,),
    ),
    Mutant(
        "layouts: a string with an escape read as it is written",
        TEXT,
        r'r"[ !#-\[\]-~]*+"',
        r'r"[ !#-~]*+"',
        (LAWS,),
    ),
    Mutant(
        "layouts: the sign of a decimal lost",
        TEXT,
        "SCALARS[Decimal](Decimal(token))",
        "SCALARS[Decimal](abs(Decimal(token)))",
        (LAWS,),
    ),
    Mutant(
        "layouts: a scalar that ends behind its container",
        LAYOUTS,
        "            if position > end:  #",
        "            if False:  #",
        (LAWS,),
    ),
    Mutant("layouts: a number of a symbol written with a zero", LAYOUTS, "if byte == 0 or ", "if ", (LAWS,)),
]
