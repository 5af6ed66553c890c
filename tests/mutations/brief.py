"""Mutants of statements that are carried out in brief or not begun."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

BRIEF = "tests/contract/test_ledger_in_brief.py"
MEMORY = ("-k", "memory")

IN_BRIEF = [
    Mutant(
        "any number of documents is read in brief",
        "ledger/workspace.py",
        "        self._brief_reads -= max(1, len(revisions))\n",
        "        self._brief_reads -= 0\n",
        (BRIEF, *MEMORY),
    ),
    Mutant(
        "any number of bytes is read in brief",
        "ledger/workspace.py",
        "        self._brief_bytes -= sum(each.size_bytes for each in revisions)\n",
        "        self._brief_bytes -= 0\n",
        (BRIEF, *MEMORY),
    ),
    Mutant(
        "what was read before costs nothing in brief",
        "ledger/workspace.py",
        "        if self._brief:\n            self._spend(found)\n",
        "        if self._brief and known is None:\n            self._spend(found)\n",
        (BRIEF, *MEMORY),
    ),
    Mutant(
        "own changes cost nothing in brief",
        "ledger/workspace.py",
        "        if len(self._written) > BRIEF_READS:\n",
        "        if len(self._written) < 0:\n",
        (BRIEF, *MEMORY),
    ),
    Mutant(
        "a join is a look-up",
        "partiql/compiler.py",
        "        compilation.keyed_loops <= 1 and not compilation.has_other_loops,\n",
        "        not compilation.has_other_loops,\n",
        (BRIEF, *MEMORY),
    ),
    Mutant(
        "a scan is a look-up",
        "partiql/compiler.py",
        "        compilation.keyed_loops <= 1 and not compilation.has_other_loops,\n",
        "        compilation.keyed_loops <= 1,\n",
        (BRIEF, *MEMORY),
    ),
    Mutant(
        "a change in brief does not wait for rows to come",
        "ledger/transaction.py",
        " or (plan.writes and self._unfinished):",
        ":",
        (BRIEF, *MEMORY),
    ),
    Mutant(
        "plans of the catalogue before a definition are used behind it",
        "ledger/transaction.py",
        "plan = None if self._definitions else self._engine.plans.known(text, self.workspace.catalogue)",
        "plan = self._engine.plans.known(text, self._snapshot.catalogue)",
        (BRIEF, *MEMORY),
    ),
]
