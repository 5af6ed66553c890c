"""Mutants of the fraud rules, their windows and bounds, and of the money they count."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

UNIT = "tests/unit/detection"
VELOCITY = f"{UNIT}/test_fraud_velocity.py"
AGGREGATE = f"{UNIT}/test_fraud_aggregate.py"
STRUCTURING = f"{UNIT}/test_fraud_structuring.py"
RAPID = f"{UNIT}/test_fraud_rapid_in_out.py"
PARTIES = f"{UNIT}/test_fraud_parties_and_ids.py"
CONSERVATION = f"{UNIT}/test_fraud_conservation.py"
STATES = f"{UNIT}/test_fraud_states.py"
KEPT = "tests/unit/detection/test_kept_entries.py"
ENTRIES = "detection/network/entries.py"
DOCUMENTS = f"{UNIT}/test_fraud_documents.py"
CONFIG = f"{UNIT}/test_fraud_config.py"

BOUNDS = [
    Mutant(
        "the threshold of an aggregate is beyond it",
        "detection/fraud_rules/aggregate.py",
        "else value > limit",
        "else value >= limit",
        (VELOCITY,),
    ),
    Mutant(
        "one more than the threshold is let pass",
        "detection/fraud_rules/aggregate.py",
        "else value > limit",
        "else value > limit + 1",
        (VELOCITY,),
    ),
    Mutant(
        "structuring needs one transfer more",
        "detection/fraud_rules/structuring.py",
        "if len(seen) < self.count:",
        "if len(seen) <= self.count:",
        (STRUCTURING,),
    ),
    Mutant(
        "structuring's band without its lower edge",
        "detection/fraud_rules/structuring.py",
        "if lowest <= each.amount < threshold]",
        "if lowest < each.amount < threshold]",
        (STRUCTURING,),
    ),
    Mutant(
        "structuring's band with its upper edge",
        "detection/fraud_rules/structuring.py",
        "if lowest <= each.amount < threshold]",
        "if lowest <= each.amount <= threshold]",
        (STRUCTURING,),
    ),
    Mutant(
        "rapid in and out without its lower ratio",
        "detection/fraud_rules/rapid_in_out.py",
        "EXACT.multiply(came, self.lower_ratio) <= went <=",
        "EXACT.multiply(came, self.lower_ratio) < went <=",
        (RAPID,),
    ),
    Mutant(
        "rapid in and out without its upper ratio",
        "detection/fraud_rules/rapid_in_out.py",
        "<= went <= EXACT.multiply(came, self.upper_ratio)",
        "<= went < EXACT.multiply(came, self.upper_ratio)",
        (RAPID,),
    ),
    Mutant(
        "an inflow of the minimum is not looked at",
        "detection/fraud_rules/rapid_in_out.py",
        "and each.amount >= minimum for each in recent]",
        "and each.amount > minimum for each in recent]",
        (RAPID,),
    ),
    Mutant(
        "an inflow of the minimum is not kept",
        "detection/fraud_rules/rapid_in_out.py",
        "return inflow.amount >= self.minimum.of(inflow.currency)",
        "return inflow.amount > self.minimum.of(inflow.currency)",
        (RAPID,),
    ),
    Mutant(
        "what went out before the inflow counts",
        "detection/fraud_rules/rapid_in_out.py",
        "outflows(recent[large.index(True) :], currency)",
        "outflows(recent, currency)",
        (RAPID,),
    ),
    Mutant(
        "a first payment of the threshold is let pass",
        "detection/fraud_rules/new_payee.py",
        "movement.amount < threshold or",
        "movement.amount <= threshold or",
        (PARTIES,),
    ),
    Mutant(
        "habits need one payee more",
        "detection/fraud_rules/new_payee.py",
        "event.payees_before < self.known_payees:",
        "event.payees_before <= self.known_payees:",
        (PARTIES,),
    ),
    Mutant(
        "every payee is new",
        "detection/fraud_rules/new_payee.py",
        "if not movement.is_new or",
        "if",
        (PARTIES,),
    ),
    Mutant(
        "a balance of the minimum is below it",
        "detection/fraud_rules/block_rules.py",
        "if balance.amount >= minimum:",
        "if balance.amount > minimum:",
        (PARTIES,),
    ),
    Mutant(
        "a balance that came too late is not judged",
        "detection/judgement.py",
        "if rule.kind.stands_alone else ()",
        "if not rule.kind.stands_alone else ()",
        (f"{UNIT}/test_fraud_detector.py", "-k", "too_late"),
    ),
    Mutant(
        "a transfer of nothing is a transfer",
        "detection/transfer.py",
        "if amount <= ZERO and not document.problems:",
        "if amount < ZERO and not document.problems:",
        (DOCUMENTS,),
    ),
    Mutant(
        "an amount of 39 digits is taken",
        "detection/money.py",
        "-exponent) > MAX_DIGITS:",
        "-exponent) > MAX_DIGITS + 1:",
        (DOCUMENTS,),
    ),
]

WINDOWS = [
    Mutant(
        "window closed at its beginning",
        ENTRIES,
        "        return bisect_right(values, at - span)",
        "        return bisect_right(values, at - span - 1)",
        (f"{VELOCITY}::test_what_lies_a_whole_window_back_is_outside", VELOCITY),
    ),
    Mutant(
        "window open a second too early",
        ENTRIES,
        "        return bisect_right(values, at - span)",
        "        return bisect_right(values, at - span + 1_000_000)",
        (VELOCITY,),
    ),
    Mutant(
        "a clock that goes back hides a burst",
        ENTRIES,
        "if -span < at - each < span]",
        "if 0 <= at - each < span]",
        (VELOCITY,),
    ),
    Mutant(
        "a clock that went back is forgotten",
        ENTRIES,
        "        self._steady = self._steady and (not self.values or self.values[-1] <= at)\n",
        "",
        (KEPT,),
    ),
    Mutant(
        "a clock that went back is forgotten when the state is read",
        ENTRIES,
        "        self._steady = all(earlier <= later for earlier, later in pairwise(self.values))\n",
        "        self._steady = True\n",
        (KEPT,),
    ),
    Mutant(
        "what lies ahead of a window is in it",
        ENTRIES,
        " or (values and values[-1] >= at + span)",
        "",
        (KEPT,),
    ),
    Mutant(
        "the past reaches back too short",
        "detection/account.py",
        "begin = self._times.begins(movement.at, horizon)",
        "begin = self._times.begins(movement.at, horizon // 2)",
        (STATES, KEPT),
    ),
    Mutant(
        "the past is never forgotten",
        "detection/account.py",
        "            self.forget(begin)\n        incoming",
        "        incoming",
        (STATES, KEPT),
    ),
    Mutant(
        "the past reaches as far as the shortest window",
        "detection/rule_config.py",
        "return max((rule.kind.horizon_seconds for rule",
        "return min((rule.kind.horizon_seconds for rule",
        (CONFIG,),
    ),
    Mutant(
        "small inflows wash the large ones away",
        "detection/account.py",
        "for index, each in enumerate(self) if each.incoming == incoming)",
        "for index, each in enumerate(self) if each)",
        (RAPID, KEPT),
    ),
    Mutant(
        "movements into the account are counted after they were forgotten",
        "detection/account.py",
        "            self._inflows -= sum([each.incoming for each in self[:begin]])\n",
        "",
        (KEPT,),
    ),
    Mutant(
        "the payees paid first stay",
        "detection/account.py",
        "            del self[next(iter(self))]",
        "            del self[payee]",
        (PARTIES, STATES),
    ),
    Mutant(
        "a condition that holds is reported every time",
        "detection/account.py",
        "return holds and not fired",
        "return holds",
        (STATES,),
    ),
    Mutant(
        "a condition is reported once for ever",
        "detection/account.py",
        "        if fired and not holds:\n            self.firing.remove(rule)\n",
        "",
        (STATES,),
    ),
]

TRANSFERS = [
    Mutant(
        "a transfer judged again moves nothing",
        "detection/account.py",
        "return known.moved_version == version",
        "return False",
        (STATES,),
    ),
    Mutant(
        "a version whose past was not seen surely moves its money",
        "detection/account.py",
        "return None if effective else False\n        if known is None",
        "return effective\n        if known is None",
        (CONSERVATION,),
    ),
    Mutant(
        "a document moves its money in every version",
        "detection/account.py",
        "        if known.moved_version is not None:\n            return known.moved_version == version\n",
        "",
        (STATES,),
    ),
    Mutant(
        "a duplicate judged again is none",
        "detection/account.py",
        "return known is None or known.first_version == version",
        "return known is None",
        (STATES,),
    ),
    Mutant(
        "a document is a duplicate of itself",
        "detection/account.py",
        "if not self.carriers or next(iter(self.carriers)) == document_id:",
        "if not self.carriers:",
        (PARTIES, STATES),
    ),
    Mutant(
        "amounts added with rounding",
        "detection/money.py",
        "return reduce(EXACT.add, amounts, ZERO)",
        "return sum(amounts, ZERO)",
        (DOCUMENTS,),
    ),
]

MONEY = [
    Mutant(
        "a balance is compared with any version before",
        "detection/fraud_rules/conservation.py",
        "elif previous is None or previous.version != version - 1:",
        "elif previous is None:",
        (CONSERVATION,),
    ),
    Mutant(
        "an account that nobody opened is let pass",
        "detection/fraud_rules/conservation.py",
        "        if self.all_clear and not self.unclear:\n",
        "        if self.unclear:\n",
        (CONSERVATION,),
    ),
    Mutant(
        "a block with an unclear account is summed up",
        "detection/fraud_rules/conservation.py",
        "        if self.all_clear and not self.unclear:\n",
        "        if self.all_clear:\n",
        (CONSERVATION,),
    ),
    Mutant(
        "a known account whose balance stays is let pass",
        "detection/fraud_rules/conservation.py",
        "and purse not in self.openings and account_id not in self.known:",
        "and purse not in self.openings:",
        (CONSERVATION,),
    ),
    Mutant(
        "opening an account with money is a movement",
        "detection/fraud_rules/conservation.py",
        "self._has_legs(purse):\n            changed = EXACT",
        "purse:\n            changed = EXACT",
        (CONSERVATION,),
    ),
    Mutant(
        "what came from outside is rounded to 28 digits",
        "detection/fraud_rules/conservation.py",
        "return certain.copy_negate(), either.copy_negate()",
        "return -certain, -either",
        (CONSERVATION,),
    ),
    Mutant(
        "a payee receives nothing",
        "detection/fraud_rules/conservation.py",
        "legs[target] = EXACT.add(legs[target], transfer.amount)",
        "legs[target] = legs[target]",
        (CONSERVATION,),
    ),
    Mutant(
        "a block without all its revisions is summed up",
        "detection/judgement.py",
        "        if contents.complete:\n            for rule in self.config.conservation_rules:",
        "        if True:\n            for rule in self.config.conservation_rules:",
        (CONSERVATION,),
    ),
    Mutant(
        "ratios above each other are taken",
        "detection/fraud_rules/rapid_in_out.py",
        "if self.lower_ratio > self.upper_ratio:",
        "if self.lower_ratio > 100 * self.upper_ratio:",
        (CONFIG,),
    ),
]

FRAUD_RULES = [*BOUNDS, *WINDOWS, *TRANSFERS, *MONEY]
