"""Mutants of the verifier of exports, of its notes, and of imports."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

DAMAGE = "tests/unit/services/test_export_damage.py"
VERIFY = "tests/unit/services/test_verify_export.py"
ANCHOR = "tests/unit/journal/test_anchor.py"
IMPORT = "tests/unit/cli/test_import.py"
PART = "tests/unit/cli/test_import_part.py"
JSON = "tests/unit/services/test_altered_json.py"
JSON_DATA = "tests/unit/journal/test_json_data.py"
STACK = "tests/contract/test_imported_ledgers.py"

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
        "return None if digests_at else noted",
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
    Mutant(
        "the ledger may be used before its blocks are there",
        "adapters/dynamodb/importing.py",
        "registry.save(None, wanted)",
        "registry.save(None, replace(wanted, state=LedgerState.ACTIVE))",
        (STACK, "-k", "cut_off_anywhere"),
    ),
    Mutant(
        "an imported document enters no index",
        "adapters/dynamodb/effects.py",
        "index_changes(table, each.document_id, _value_of(base), _value_of(each))",
        "()",
        (STACK, "-k", "as_the_one_that_was_exported"),
    ),
    Mutant(
        "documents of another ledger written over",
        "adapters/dynamodb/importing.py",
        "if each.document_id in known or (each.table_id, each.version) != expected:",
        "if each.document_id in known:",
        (STACK, "-k", "names_what_another"),
    ),
    Mutant(
        "one strand under two names",
        "adapters/dynamodb/importing.py",
        "if each.ledger_id == ledger.ledger_id:",
        "if each is None:",
        (STACK, "-k", "one_strand"),
    ),
    Mutant(
        "nodes beside an imported block not looked at",
        "adapters/dynamodb/importing.py",
        "if (item.block_hash, item.nodes, beside) != (block.block.block_hash, nodes, changes):",
        "if (item.block_hash, beside) != (block.block.block_hash, changes):",
        (STACK, "-k", "damaged_in_the_journal"),
    ),
    Mutant(
        "a strand that has more than the export is taken",
        "services/import_export.py",
        "if done > contents.end:",
        "if done < 0:",
        (STACK, "-k", "more_blocks"),
    ),
    Mutant(
        "an export in JSON holds whatever its data",
        "services/verify_export.py",
        "return not self.findings and not self.not_proved",
        "return not self.findings",
        (JSON, "-k", "altered_unseen"),
    ),
    Mutant(
        "what JSON cannot prove ends with 0",
        "cli/verify_export.py",
        "raise typer.Exit(HOLDS if holds else INPUT)",
        "raise typer.Exit(HOLDS)",
        ("tests/unit/cli/test_verify_export.py", "-k", "not_checked"),
    ),
    Mutant(
        "any document taken for the one of the hash",
        "journal/json_data.py",
        "        if is_it(found):\n            return FoundDocument(candidate, found)\n",
        "        return FoundDocument(candidate, found)\n",
        (JSON_DATA, "-k", "reads_otherwise"),
    ),
    Mutant(
        "a float read from digits that it has not",
        "journal/json_data.py",
        "if math.isfinite(read) and Decimal(repr(read)) == number",
        "if math.isfinite(read)",
        (JSON_DATA, "-k", "reads_otherwise"),
    ),
    Mutant(
        "a blob read from another base64",
        "journal/json_data.py",
        "return data if b64encode(data).decode() == text else None",
        "return data",
        (JSON_DATA, "-k", "reads_otherwise"),
    ),
    Mutant(
        "digits of a time of commit dropped",
        "journal/json_block.py",
        r"\d\d:\d\d:\d\d\.\d{3}Z",
        r"\d\d:\d\d:\d\d(?:\.\d{1,6})?Z",
        (JSON, "-k", "digits_that_the_format"),
    ),
    Mutant(
        "a part need not follow its anchor",
        "journal/anchor.py",
        "if segment.previous_hash != self.previous_hash:",
        "if segment.previous_hash is None:",
        (ANCHOR, "-k", "does_not_follow"),
    ),
    Mutant(
        "siblings to the right taken for the tree before",
        "merkle/nodes.py",
        "zip(sides, path, strict=True) if is_left)",
        "zip(sides, path, strict=True))",
        (ANCHOR, "-k", "up_to_a_leaf"),
    ),
    Mutant(
        "a declared anchor not bound by digests",
        "journal/anchor.py",
        ' + b"\\0" + self.previous_hash',
        "",
        (ANCHOR, "-k", "another_anchor"),
    ),
    Mutant(
        "a block before the anchor said to be nowhere",
        "services/ledger.py",
        "if address.sequence_no < self.first():",
        "if address.sequence_no < 0:",
        (PART, "-k", "before_the_anchor_is_not_there"),
    ),
    Mutant(
        "a digest compared behind a declared anchor",
        "services/verify_export.py",
        "if anchor is not None and anchor.digest is None:",
        "if anchor is None and given is None:",
        (PART, "-k", "declared_anchor_no_digest"),
    ),
    Mutant(
        "what was begun under another anchor gone on with",
        "adapters/sqlite/importing.py",
        "if begun != (strand_id, anchor):",
        "if begun[0] != strand_id:",
        (PART, "-k", "begun_anew"),
    ),
    Mutant(
        "a process that verifies left behind",
        "export_workers.py",
        "        self._process.kill()\n        self._process.wait()\n",
        "",
        ("tests/unit/test_export_workers.py", "-k", "leaves_no_process_behind"),
    ),
    Mutant(
        "an error in a process that verifies taken for an outcome",
        "export_workers.py",
        "        if isinstance(answer, CounterfoilError):\n            raise answer\n        assert isinstance(answer, Contents)\n",
        "",
        ("tests/unit/test_export_workers.py", "-k", "raised_here"),
    ),
]
