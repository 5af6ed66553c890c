"""Mutants of rules as data: what documents, conditions, lists and the two pairs of eyes must not let pass."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

EXPRESSIONS = "tests/unit/detection/test_expressions.py"
LAWS = "tests/property/test_expression_laws.py"
DOCUMENTS = "tests/unit/detection/test_rule_documents.py"
AGGREGATE = "tests/unit/detection/test_fraud_aggregate.py"
LISTS = "tests/unit/detection/test_watch_list.py"
DESK = "tests/unit/services/test_rules.py"

RULES = [
    Mutant(
        "an author approves what he wrote",
        "detection/rule_log.py",
        "event.by in {written.author, self.paused_by}:",
        "event.by == self.paused_by:",
        (DESK,),
    ),
    Mutant(
        "who paused a rule resumes it alone",
        "detection/rule_log.py",
        "event.by in {written.author, self.paused_by}:",
        "event.by == written.author:",
        (DESK,),
    ),
    Mutant(
        "an override needs no reason",
        "detection/rule_log.py",
        "if event.act is Act.OVERRIDE and not event.reason.strip():",
        "if event.act is Act.OVERRIDE and event.reason is None:",
        (DESK,),
    ),
    Mutant(
        "an override is no finding",
        "services/rules.py",
        "        self.findings.record([rule_override(event.rule_id, version, by, reason, event.revision, event.at)])\n",
        "",
        (DESK,),
    ),
    Mutant(
        "a document makes itself active",
        "detection/rule_log.py",
        "if status not in {RuleStatus.DRAFT, RuleStatus.SHADOW}:",
        "if status is RuleStatus.PAUSED:",
        (DESK,),
    ),
    Mutant(
        "rules are read once for ever",
        "services/rules.py",
        "        if revision == self._revision:\n",
        "        if self._config is not None:\n",
        (DESK,),
    ),
    Mutant(
        "a detector without rules judges by those that are shipped",
        "services/rules.py",
        "            if self._config is None:\n                raise\n",
        "            self._config = self._config or self.base\n",
        (DESK,),
    ),
    Mutant(
        "the status is part of the hash",
        "detection/rule_document.py",
        'if name != "status"}',
        "if name}",
        (DOCUMENTS,),
    ),
    Mutant(
        "a score is that of the lowest band",
        "detection/rule_document.py",
        "for band in reversed(self.bands) if",
        "for band in self.bands if",
        (DOCUMENTS,),
    ),
    Mutant(
        "a reason may reach into values",
        "detection/rule.py",
        "if name is not None and name not in kind.values:",
        'if name is not None and name.partition(".")[0] not in kind.values:',
        (DOCUMENTS,),
    ),
    Mutant(
        "a near miss need not be missed",
        "detection/rule_trial.py",
        "if test.expect == _NOTHING and any(found):",
        "if test.expect == _NOTHING and all(found):",
        (DOCUMENTS,),
    ),
    Mutant(
        "constants are computed with rounding",
        "detection/expressions/checking.py",
        "        with localcontext(EXACT):\n",
        "        with localcontext():\n",
        (EXPRESSIONS,),
    ),
    Mutant(
        "regular expressions pass the gate",
        "detection/expressions/tokens.py",
        "(?:==|!=|<=|>=|<|>)(?![<>=~!])",
        "(?:==|!=|=~|<=|>=|<|>)(?![<>=!])",
        (EXPRESSIONS,),
    ),
    Mutant(
        "a number is compared with a text",
        "detection/expressions/trees.py",
        "    if left is not right:\n",
        "    if left is None:\n",
        (EXPRESSIONS,),
    ),
    Mutant(
        "not in is in",
        "detection/expressions/closures.py",
        "return lambda subject: not first(subject)",
        "return lambda subject: first(subject)",
        (LAWS, EXPRESSIONS),
    ),
    Mutant(
        "an average is compared as it is shown",
        "detection/fraud_rules/aggregate.py",
        'if self.aggregate == "avg":\n            value, limit',
        'if self.aggregate == "average":\n            value, limit',
        (AGGREGATE,),
    ),
    Mutant(
        "payees are not kept apart",
        "detection/fraud_rules/aggregate.py",
        "            found = [each for each in found if each.counterparty == counterparty]\n",
        "",
        (AGGREGATE,),
    ),
    Mutant(
        "long ids are one",
        "detection/account.py",
        "return sha256(account_id.encode()).hexdigest()",
        "return account_id[:MAX_PARTY_CHARACTERS]",
        (AGGREGATE,),
    ),
    Mutant(
        "pieces are looked for at their own place alone",
        "detection/watch_list.py",
        "range(max(0, begin - edits), min(len(wanted) - (end - begin), begin + edits) + 1)",
        "range(begin, min(len(wanted) - (end - begin), begin) + 1)",
        (LISTS,),
    ),
]
