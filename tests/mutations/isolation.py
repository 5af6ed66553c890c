"""Mutants of serializability: what is read, what is written, and which of the two are in each other's way."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

ISOLATED = "tests/contract/test_ledger_isolation.py"
STORE = "tests/contract/test_ledger_store.py"
CONCURRENCY = "tests/unit/ledger/test_concurrency.py"
MEMORY = ("-k", "memory")

ISOLATION = [
    Mutant(
        "blocks right behind the snapshot are not checked",
        "ledger/concurrency.py",
        "if last.get(each, -1) > snapshot:",
        "if last.get(each, -1) > snapshot + 1:",
        (STORE, *MEMORY),
    ),
    Mutant(
        "a transaction conflicts with its own snapshot",
        "ledger/concurrency.py",
        "if last.get(each, -1) > snapshot:",
        "if last.get(each, -1) >= snapshot:",
        (CONCURRENCY,),
    ),
    Mutant(
        "a snapshot older than the log is let through",
        "ledger/concurrency.py",
        "if snapshot < self.floor:",
        "if snapshot < 0:",
        (CONCURRENCY,),
    ),
    Mutant(
        "only the first block that wrote something is remembered",
        "ledger/concurrency.py",
        "self._last[each] = sequence_no\n",
        "self._last.setdefault(each, sequence_no)\n",
        (CONCURRENCY,),
    ),
    Mutant(
        "what was written again is forgotten with its first writing",
        "ledger/concurrency.py",
        "if last.get(each) == number:",
        "if each in last:",
        (CONCURRENCY,),
    ),
    Mutant(
        "more is forgotten than no snapshot needs",
        "ledger/concurrency.py",
        "while order and order[0][0] <= sequence_no:",
        "while order and order[0][0] <= sequence_no + 1:",
        (CONCURRENCY,),
    ),
    Mutant(
        "blocks that were taken back go on conflicting",
        "ledger/concurrency.py",
        "self._last = {each: number for number, footprints in order for each in footprints}",
        "return",
        (CONCURRENCY,),
    ),
    Mutant(
        "a change does not disturb scans",
        "ledger/sequencing.py",
        "        yield revision.table_id\n",
        "",
        (ISOLATED, *MEMORY),
    ),
    Mutant(
        "a change does not disturb who read the document",
        "ledger/sequencing.py",
        "        yield revision.document_id\n",
        "",
        (ISOLATED, *MEMORY),
    ),
    Mutant(
        "a document that comes under a key is no phantom",
        "ledger/sequencing.py",
        "for change in (*effects.entered, *effects.left):",
        "for change in effects.left:",
        (ISOLATED, *MEMORY),
    ),
    Mutant(
        "definitions do not disturb who asked for the tables",
        "ledger/sequencing.py",
        "        yield WHOLE_CATALOGUE\n",
        "",
        (ISOLATED, *MEMORY),
    ),
    Mutant(
        "definitions do not disturb who used the table",
        "ledger/sequencing.py",
        "                yield name_footprint(entry.name)\n",
        "                pass\n",
        (ISOLATED, *MEMORY),
    ),
    Mutant(
        "a scan leaves no footprint",
        "ledger/workspace.py",
        "        self.read.add(table.table_id)\n",
        "",
        (ISOLATED, *MEMORY),
    ),
    Mutant(
        "a probe leaves no footprint of the key",
        "ledger/workspace.py",
        "        self.read.add(place)\n",
        "",
        (ISOLATED, *MEMORY),
    ),
    Mutant(
        "a probe leaves no footprint of what it found",
        "ledger/workspace.py",
        "        self.read.update(each.document_id for each in revisions)\n",
        "",
        (ISOLATED, *MEMORY),
    ),
    Mutant(
        "a fetch leaves no footprint",
        "ledger/workspace.py",
        "        self.read.add(document_id)\n        if view is View.USER",
        "        if view is View.USER",
        (ISOLATED, *MEMORY),
    ),
    Mutant(
        "history of one document conflicts with the whole table",
        "ledger/workspace.py",
        "self.read.add(table.table_id if document_id is None else document_id)",
        "self.read.add(table.table_id)",
        (ISOLATED, *MEMORY),
    ),
    Mutant(
        "history of a table leaves no footprint",
        "ledger/workspace.py",
        "self.read.add(table.table_id if document_id is None else document_id)",
        "self.read.update({document_id} - {None})",
        (ISOLATED, *MEMORY),
    ),
    Mutant(
        "a query of the tables leaves no footprint",
        "ledger/workspace.py",
        "        self.read.add(WHOLE_CATALOGUE)\n",
        "",
        (ISOLATED, *MEMORY),
    ),
    Mutant(
        "a table may be dropped under who uses it",
        "ledger/workspace.py",
        "            self.read.add(name_footprint(entry.name))\n",
        "            pass\n",
        (ISOLATED, *MEMORY),
    ),
    Mutant(
        "whoever was told that there is no table has read nothing",
        "ledger/transaction.py",
        "        self.workspace.read.add(WHOLE_CATALOGUE)\n",
        "        pass\n",
        (ISOLATED, *MEMORY),
    ),
]
