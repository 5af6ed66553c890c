"""Mutants of the verifier of exports, of its notes, and of imports."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

DAMAGE = "tests/unit/services/test_export_damage.py"
VERIFY = "tests/unit/services/test_verify_export.py"
IMPORT = "tests/unit/cli/test_import.py"

EXPORTS = [
    Mutant(
        "a block stripped of its revisions is taken",
        "services/export_contents.py",
        "            _check_has_revisions(unverified)\n",
        "",
        (DAMAGE, "-k", "expected_and_found"),
    ),
    Mutant(
        "the link between two objects not checked",
        "services/export_contents.py",
        "segments = [*left.segments[:-1], join(left.segments[-1], right.segments[0]), *right.segments[1:]]",
        "segments = [*left.segments[:-1], left.segments[-1].followed_by(right.segments[0]), *right.segments[1:]]",
        (DAMAGE, "-k", "links_between", VERIFY),
    ),
    Mutant(
        "bad blocks told only as far as findings are kept",
        "services/export_contents.py",
        "        self.contents.damage.add(first, max(first, first if last is None else last))\n",
        "            self.contents.damage.add(first, max(first, first if last is None else last))\n",
        (DAMAGE, "-k", "however_many"),
    ),
    Mutant(
        "a note counts whatever the bytes are now",
        "services/verify_export.py",
        "return whole.digest() == noted.sha256",
        "return True",
        (DAMAGE, "-k", "changed_since"),
    ),
    Mutant(
        "an object with a finding is noted",
        "services/verification_notes.py",
        "if contents.findings or len(contents.segments) != 1",
        "if len(contents.segments) < 1",
        (DAMAGE, "-k", "nothing_is_noted"),
    ),
    Mutant(
        "the digest's own object passed over by notes",
        "services/verify_export.py",
        "return None if digest_at is not None and noted.begin <= digest_at < noted.end else noted",
        "return noted",
        (DAMAGE, "-k", "always_read"),
    ),
    Mutant(
        "a bad archive imported",
        "services/import_export.py",
        "    if verdict.findings:\n        return verdict, None\n",
        "",
        (IMPORT, "-k", "bad_archive"),
    ),
    Mutant(
        "what was stored not compared with what was verified",
        "services/import_export.py",
        "if imported.digest != verdict.digest:",
        "if imported.digest is None:",
        (IMPORT, "-k", "something_else_left"),
    ),
    Mutant(
        "tables of another producer under ids of our own",
        "ledger/replay.py",
        "catalogue = catalogue.with_table_id(each.table_name, each.table_id)",
        "pass",
        (IMPORT, "-k", "another_producer"),
    ),
]
