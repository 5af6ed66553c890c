"""Mutants of the proofs beside an export, and of the short way through an export in JSON."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

CHECK = "services/export_proofs.py"
FILE = "journal/proofs_file.py"
TESTS = "tests/unit/services/test_export_proofs.py"
JSON = "ion/json_layouts.py"
KNOWN = "journal/known_blocks.py"
LAWS = "tests/property/test_json_layout_laws.py"

PROOFS = [
    Mutant(
        "proofs: a block of another hash than the export's is taken",
        CHECK,
        "        if leaf.hash == block.block_hash:\n            return None\n",
        "        return None\n",
        (TESTS, "-k", "that_is_not_the_export_s"),
    ),
    Mutant(
        "proofs: a revision that the export has not is taken",
        CHECK,
        "    if not named:\n",
        "    if named is None:\n",
        (TESTS, "-k", "that_is_not_the_export_s"),
    ),
    Mutant(
        "proofs: another document's name is taken",
        CHECK,
        "    if leaf.document_id not in {None, *named}:",
        "    if leaf.document_id == 0:",
        (TESTS, "-k", "another_document_s_name"),
    ),
    Mutant(
        "proofs: a made-up digest is taken at a tip of the export",
        CHECK,
        "        if expected is None or expected == claim.reached:",
        "        if expected is None or claim.carried or expected == claim.reached:",
        (TESTS, "-k", "leads_elsewhere"),
    ),
    Mutant(
        "proofs: one that leads nowhere known is good",
        CHECK,
        "        if not known and not claim.carried:",
        "        if claim.tip is None and claim.reached is None:",
        (TESTS, "-k", "given_digest_confirms"),
    ),
    Mutant(
        "proofs: a digest that only the proof says confirms it",
        CHECK,
        "        self.confirmed += known\n",
        "        self.confirmed += 1\n",
        (TESTS, "-k", "nobody_else_has"),
    ),
    Mutant(
        "proofs: a declared anchor gives digests",
        CHECK,
        "(anchor is None or anchor.digest is not None)",
        "True",
        (TESTS, "-k", "trust_anchor"),
    ),
    Mutant(
        "proofs: a carried digest not followed to",
        CHECK,
        '        verify_inclusion(leaf.hash, path, Hash.from_base64(document["Digest"]))\n',
        "        pass\n",
        (TESTS, "-k", "does_not_hold_is_found_with_the_field"),
    ),
    Mutant(
        "proofs: a place in the tree not checked",
        CHECK,
        "        check_places(leaf, tip, path)\n",
        "        pass\n",
        (TESTS, "-k", "does_not_hold_is_found_with_the_field"),
    ),
    Mutant(
        "proofs: blocks that do not hold are a measure",
        CHECK,
        "(not doubtful or _holds(block))",
        "True",
        (TESTS, "-k", "no_measure"),
    ),
    Mutant(
        "proofs: beside a bad block the others of JSON are no measure",
        CHECK,
        "to_verify=doubtful",
        "to_verify=False",
        (TESTS, "-k", "are_a_measure"),
    ),
    Mutant(
        "proofs: only one tip's digest is computed",
        CHECK,
        "and len(tips) < MAX_TIPS:",
        "and not tips:",
        (TESTS, "-k", "at_every_tip"),
    ),
    Mutant(
        "proofs: what is wrong with them is no finding of the export",
        "services/verify_export.py",
        "(*findings, *(() if proofs is None else proofs.findings)),",
        "tuple(findings),",
        (TESTS, "-k", "that_is_not_the_export_s"),
    ),
    Mutant(
        "proofs: a proof under a tip of its own takes the digest around it",
        FILE,
        'if digest is None and tip in {None, around.get("DigestTipAddress")}:',
        "if digest is None:",
        (TESTS, "-k", "cannot_be_stood_in_for"),
    ),
    Mutant(
        "proofs: what is not understood beside others is passed over",
        FILE,
        "            if len(unknown) < MAX_NAMED:\n",
        "            if not any_found:\n",
        (TESTS, "-k", "told_beside_those_that_are or first_is_told"),
    ),
    Mutant(
        "proofs: of two digests around the outer counts",
        FILE,
        "            inner = _labels(fields, around)\n",
        "            inner = _labels(fields, around) | around\n",
        (TESTS, "-k", "inner_digest"),
    ),
    Mutant(
        "json: base64 that nobody wrote is taken",
        JSON,
        "    if b2a_base64(data, newline=False) != text.encode():",
        "    if not data and text:",
        (LAWS, "-k", "bits_that_nobody_wrote"),
    ),
    Mutant(
        "json: a document named twice is taken",
        JSON,
        "None if found is None or len(set(found[2])) != len(found[2]) else found",
        "found",
        (LAWS, "-k", "named_twice"),
    ),
    Mutant(
        "json: numbers that are no JSON are taken",
        JSON,
        r'\.[0-9]{1,17}+"',
        r'\.[0-9]{0,17}+"',
        (LAWS, "-k", "number_that_is_no_json"),
    ),
    Mutant(
        "json: a layout learned from every block",
        KNOWN,
        "and self.came_before(line) and",
        "and",
        (LAWS, "-k", "like_no_other"),
    ),
    Mutant(
        "json: a line may go on behind its block",
        KNOWN,
        "if found is not None and found[0] == len(line) else None",
        "if found is not None else None",
        (LAWS, "-k", "stands_behind_a_block"),
    ),
    Mutant(
        "json: times of the second are read as they are written",
        JSON,
        """        _Reading(rf'"({_SECOND})\\.000Z"', lambda text: time_body(text + "Z")),\n""",
        "",
        (LAWS, "-k", "as_the_service_writes_them"),
    ),
]
