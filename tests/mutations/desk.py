"""Mutants of cases, rule actions, freezes, and the log that keeps them."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

ACTIONS = "tests/unit/services/test_actions.py"
CASES = "tests/unit/services/test_cases.py"
FREEZES = "tests/contract/test_freezes.py"
LOG = "tests/contract/test_desk.py"
DOOR = "tests/unit/adapters/test_ledger_door.py"

_RUNNER = [
    Mutant(
        "desk: an action that was done is done again",
        "services/act.py",
        "        if _OVER in noted:\n            report.repeated += 1\n            return\n",
        "",
        (ACTIONS, "-k", "does_so_once"),
    ),
    Mutant(
        "desk: an action is noted as done before it is done",
        "services/act.py",
        "        try:\n            result, done = self._do(action), True\n",
        '        self._note(Entry(topic, _OVER, "{}"))\n        try:\n            result, done = self._do(action), True\n',
        (ACTIONS, "-k", "dies_on_the_way or away"),
    ),
    Mutant(
        "desk: an action is done without a note that it was asked for",
        "services/act.py",
        "            self._note(Entry(topic, _ASKED, self._asked(action)), self._listed(action))\n",
        "            pass\n",
        (ACTIONS, "-k", "on_record"),
    ),
    Mutant(
        "desk: a ledger that is away stops the whole batch",
        "services/act.py",
        "                    report.failed_index = index if report.failed_index is None else report.failed_index\n",
        "                    report.failed_index = index if report.failed_index is None else report.failed_index\n"
        "                    return report\n",
        (ACTIONS, "-k", "away"),
    ),
    Mutant(
        "desk: the batch begins again at the last that failed",
        "services/act.py",
        "index if report.failed_index is None else report.failed_index",
        "index",
        (ACTIONS, "-k", "dies_on_the_way or away"),
    ),
    Mutant(
        "desk: something is done about what a rule on trial saw",
        "detection/action.py",
        "    if finding.shadow:\n        return []\n",
        "",
        (ACTIONS, "-k", "tried"),
    ),
    Mutant(
        "desk: of two accounts that one revision is about only one is frozen",
        "detection/action.py",
        "known = [finding.rule_id, version, trigger, finding.account_id, self.kind]",
        "known = [finding.rule_id, version, trigger, self.kind]",
        (ACTIONS, "-k", "another_rule"),
    ),
    Mutant(
        "desk: a new version of a rule does nothing",
        "detection/action.py",
        "known = [finding.rule_id, version, trigger, finding.account_id, self.kind]",
        "known = [finding.rule_id, trigger, finding.account_id, self.kind]",
        (ACTIONS, "-k", "another_rule"),
    ),
    Mutant(
        "desk: a compensation repeats the transfer instead of taking it back",
        "detection/action.py",
        '"fromAccountId": evidence["to_account"],\n        "toAccountId": evidence["from_account"],',
        '"fromAccountId": evidence["from_account"],\n        "toAccountId": evidence["to_account"],',
        (ACTIONS, "-k", "transfer_back"),
    ),
    Mutant(
        "desk: a freeze has the time at which it was made, and so is another one each time",
        "detection/action.py",
        '        "foundAt": finding.found_at.isoformat(),\n',
        '        "foundAt": __import__("datetime").datetime.now().isoformat(),\n',
        (ACTIONS, "-k", "says_why"),
    ),
    Mutant(
        "desk: a document that the ledger refused counts as written",
        "adapters/ledger_door.py",
        "        raise UnavailableError(what)\n",
        '        return ""\n',
        (DOOR, "-k", "may_be_made"),
    ),
    Mutant(
        "desk: a ledger that is being deleted is still written to",
        "adapters/ledger_door.py",
        "if each.ledger_id == strand_id and each.state is LedgerState.ACTIVE:",
        "if each.ledger_id == strand_id:",
        (DOOR, "-k", "nobody_s"),
    ),
]

_CASES = [
    Mutant(
        "desk: a closed case is opened by what is found later",
        "services/cases.py",
        "new = last.status is CaseStatus.CLOSED",
        "new = not cases",
        (CASES, "-k", "until_it_is_closed"),
    ),
    Mutant(
        "desk: a case can be closed twice",
        "detection/case.py",
        "if self.status is CaseStatus.CLOSED and entry.step is not Step.NOTED:",
        "if self.status is CaseStatus.CLOSED and entry.step in {Step.OPENED, Step.JOINED}:",
        (CASES, "-k", "stays_closed"),
    ),
    Mutant(
        "desk: whoever is second overwrites the first one's step",
        "adapters/memory/desk.py",
        "        if any((each.topic, each.name) in self.kept for each in entries):\n",
        "        if False:\n",
        (CASES, "-k", "first or same_time"),
    ),
    Mutant(
        "desk: some of the entries are noted before the conflict is seen",
        "adapters/memory/desk.py",
        "if any((each.topic, each.name) in self.kept for each in entries):",
        "if (entries[0].topic, entries[0].name) in self.kept:",
        (LOG, "-k", "memory and nothing_is_replaced"),
    ),
    Mutant(
        "desk: a finding joins its case again at each delivery",
        "services/cases.py",
        "            if known is not None:\n                return known\n",
        "",
        (CASES, "-k", "until_it_is_closed"),
    ),
    Mutant(
        "desk: valuable cases count as confirmed",
        "detection/case.py",
        "return self.confirmed * 100 // self.closed",
        "return (self.confirmed + self.valuable) * 100 // self.closed",
        (CASES, "-k", "precision"),
    ),
]

_FREEZES = [
    Mutant(
        "desk: only the payer's freeze is looked for",
        "services/freezes.py",
        "for name in (shape.from_account, shape.to_account)",
        "for name in (shape.from_account,)",
        (FREEZES, "-k", "memory and in_or_out"),
    ),
    Mutant(
        "desk: a table of freezes that is made meanwhile is no conflict",
        "services/freezes.py",
        "        workspace.read.add(name_footprint(self.freezes.table))\n",
        "",
        (FREEZES, "-k", "memory and under_way"),
    ),
    Mutant(
        "desk: a freeze that does not say false in so many words is none",
        "services/freezes.py",
        'if row.value.get("frozen") is not False:',
        'if row.value.get("frozen") is True:',
        (FREEZES, "-k", "memory and lifts"),
    ),
    Mutant(
        "desk: what moved before may not be remarked on",
        "services/freezes.py",
        "if each.base is not None and each.base.data is not None and self._moves(each.base.value):",
        "if False:",
        (FREEZES, "-k", "memory and moved_before"),
    ),
    Mutant(
        "desk: an annotation hides an account",
        "services/freezes.py",
        "    while isinstance(value, Annotated):\n        value = value.value\n",
        "",
        (FREEZES, "-k", "memory and annotation"),
    ),
    Mutant(
        "desk: nobody is asked before a commit",
        "ledger/transaction.py",
        "                self._engine.guard(self.workspace)\n",
        "                pass\n",
        (FREEZES, "-k", "memory and in_or_out"),
    ),
]

DESK = [*_RUNNER, *_CASES, *_FREEZES]
