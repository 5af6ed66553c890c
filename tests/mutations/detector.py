"""Mutants of the fraud detector: blocks put together, states applied once, records held, the order of writes."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

DETECTOR_EDGES = "tests/unit/detection/test_fraud_detector.py"
LAWS = "tests/property/test_detect_laws.py"
WORLDS = "tests/simulation/test_detect_worlds.py"
ASSEMBLY = "detection/block_assembly.py"
SERVICE = "services/detect.py"
PARSED = "tests/unit/detection/test_parsed_states.py"
KEPT = "tests/unit/detection/test_kept_entries.py"
NETWORK = "tests/unit/detection/test_network.py"
ENTRIES = "detection/network/entries.py"
PROFILE = "detection/network/profile.py"
TRACES = "detection/network/traces.py"

KEPT_PARSED = [
    Mutant(
        "a parsed state used whatever is stored",
        "detection/account_book.py",
        "        return state if state is not None and kept == text else parse_account(text)\n",
        "        return state if state is not None else parse_account(text)\n",
        (PARSED,),
    ),
    Mutant(
        "parsed states kept without a bound",
        "detection/account_book.py",
        "        while self._characters > self.limit:\n",
        "        while self._characters < 0:\n",
        (PARSED,),
    ),
    Mutant(
        "parsed states counted by their texts alone",
        "detection/account_book.py",
        "    return len(text) + EMPTY_CHARACTERS if text else 0\n",
        "    return len(text)\n",
        (PARSED,),
    ),
    Mutant(
        "a state kept while it is being changed",
        "detection/account_book.py",
        '        kept, state = self._states.pop(key, ("", None))\n        self._characters -= _size(kept)\n',
        '        kept, state = self._states.get(key, ("", None))\n',
        (PARSED,),
    ),
    Mutant(
        "texts of forgotten entries stay",
        ENTRIES,
        "        self._joined = self._joined[sum(sizes) + len(sizes) :]\n        del self._sizes[:count]\n",
        "        pass\n",
        (PARSED, KEPT),
    ),
    Mutant(
        "the text of an entry that was dropped stays",
        ENTRIES,
        "        if index < len(self._sizes):\n",
        "        if index < 0:\n",
        (KEPT,),
    ),
    Mutant(
        "the comma behind the last entry stays",
        ENTRIES,
        "self._joined[: max(begin - 1, 0)]",
        "self._joined[:begin]",
        (KEPT,),
    ),
    Mutant(
        "a trace that lost origins is written as it was",
        TRACES,
        "            self._texts.forget(count)\n",
        "",
        (KEPT,),
    ),
    Mutant(
        "a trace is written as those before it were",
        TRACES,
        "        self._ends.append(len(self._origins))\n        self._text = None\n",
        "        self._ends.append(len(self._origins))\n",
        (KEPT,),
    ),
    Mutant(
        "of a trace that lost origins all are written to the next one",
        TRACES,
        "[end - count for end in self._ends[gone:]]",
        "self._ends[gone:]",
        (KEPT,),
    ),
    Mutant(
        "what reached the payer after the block is taken in",
        TRACES,
        "        count = bisect_left(self._sequence_nos, sequence_no)\n",
        "        count = len(self)\n",
        (KEPT, NETWORK),
    ),
    Mutant(
        "a clock that went back brings in origins of after the block",
        TRACES,
        "[index for index in near if index < count], first",
        "near, first",
        (KEPT,),
    ),
    Mutant(
        "parties of after the block are taken in",
        "detection/network/flows.py",
        "        end = bisect_left(self.sequence_nos, sequence_no)\n",
        "        end = len(self)\n",
        (KEPT, NETWORK),
    ),
    Mutant(
        "a column is left behind when flows are forgotten",
        "detection/network/flows.py",
        "                self.payee_rates,\n            )\n",
        "            )\n",
        (KEPT, NETWORK),
    ),
    Mutant(
        "whom an account pays again is written in the old place",
        "detection/account.py",
        "    def pay(self, payee: str) -> None:\n        self._text = None\n",
        "    def pay(self, payee: str) -> None:\n",
        (KEPT, "tests/unit/detection/test_fraud_states.py"),
    ),
    Mutant(
        "whom an account meets is written when the state is read anew",
        PROFILE,
        '        self._texts[account] = f"{quoted(account)}:{text}"\n        self._text = None\n',
        '        self._texts[account] = f"{quoted(account)}:{text}"\n',
        (KEPT,),
    ),
    Mutant(
        "a party met again is written in its old place",
        PROFILE,
        "            self._unsay(party)\n        self._say(party, Dealings",
        "        self._say(party, Dealings",
        (KEPT,),
    ),
    Mutant(
        "a forgotten party is written on",
        PROFILE,
        "        del self[account], self._texts[account]\n",
        "        del self[account]\n",
        (KEPT,),
    ),
    Mutant(
        "who shared a party once is written as of then",
        PROFILE,
        'f"{quoted(party)}:{at}"',
        'f"{quoted(party)}:0"',
        (KEPT,),
    ),
    Mutant(
        "a day's payments are written as they were first",
        PROFILE,
        "            self.everyday.drop(len(self.everyday) - 1)\n",
        "            del self.everyday[-1]\n",
        (NETWORK,),
    ),
    Mutant(
        "a measure is taken of what the block made of its accounts",
        "detection/network/observation.py",
        "                moved.measured.close()\n",
        "                pass\n",
        (NETWORK,),
    ),
    Mutant(
        "too few movements are asked about all the same, and enough are not",
        "detection/fraud_rules/aggregate.py",
        '(count < limit if self.reached == "at" else count <= limit)',
        "count <= limit",
        ("tests/unit/detection/test_fraud_aggregate.py",),
    ),
    Mutant(
        "a measure far from its threshold by rounding's width",
        "detection/fraud_rules/network.py",
        "        return (below - found if below else found) < at_least - _FAR\n",
        "        return (below - found if below else found) < at_least + _FAR\n",
        ("tests/unit/detection/test_network.py",),
    ),
]

WRITES = [
    Mutant(
        "states written before findings (crash window)",
        SERVICE,
        """            written = self.findings.record(found) if found else 0
            try:
                changes = attempt.judge.book.changes(now, timedelta(days=self._memory_days))
                self.accounts.save(changes)
""",
        """            try:
                changes = attempt.judge.book.changes(now, timedelta(days=self._memory_days))
                self.accounts.save(changes)
                written = self.findings.record(found) if found else 0
""",
        (DETECTOR_EDGES, "-k", "cannot_be_written"),
    ),
    Mutant(
        "cursor moved before the states (crash window)",
        SERVICE,
        "                self.accounts.save(changes)\n                held = self._move_on(attempt, now)\n",
        "                held = self._move_on(attempt, now)\n                self.accounts.save(changes)\n",
        (LAWS, "-k", "failure_at_any_write"),
    ),
    Mutant(
        "cursor without compare-and-set",
        SERVICE,
        "            self.accounts.save([StateChange(cursor_key(new.strand_id), version, render_cursor(new), expires_at)])\n",
        "            key = cursor_key(new.strand_id)\n"
        "            now_stored = self.accounts.load([key]).get(key)\n"
        "            seen = now_stored.version if now_stored else None\n"
        "            self.accounts.save([StateChange(key, seen, render_cursor(new), expires_at)])\n",
        (LAWS, "-k", "two_consumers"),
    ),
    Mutant(
        "a block applied twice to an account",
        "detection/judgement.py",
        "for each, state in accounts.items() if state.applied < number}",
        "for each, state in accounts.items() if number >= 0}",
        (LAWS, "-k", "failure_at_any_write"),
    ),
    Mutant(
        "a state does not say up to which block it was applied",
        "detection/judgement.py",
        "            state.applied = number\n",
        "            state.applied = -1\n",
        (LAWS, "-k", "failure_at_any_write"),
    ),
    Mutant(
        "accounts ahead of their block are summed up",
        "detection/judgement.py",
        "tally.unclear = accounts.keys() - behind.keys()",
        "tally.unclear = set()",
        (LAWS, "-k", "failure_at_any_write"),
    ),
    Mutant(
        "a strand that somebody else judged counts as done",
        SERVICE,
        "            except ConflictError:\n                continue\n",
        "            except ConflictError:\n                return\n",
        (LAWS, "-k", "two_consumers"),
    ),
    Mutant(
        "a store that is unavailable fails nothing",
        SERVICE,
        "self.failed = sorted({*self.failed, *indexes})",
        "self.failed = []",
        (DETECTOR_EDGES, "-k", "fails_alone"),
    ),
    Mutant(
        "delivered again from the last failing record (detector)",
        SERVICE,
        "return min(self.failed, default=None)",
        "return max(self.failed, default=None)",
        (DETECTOR_EDGES, "-k", "unavailable or given_back or written"),
    ),
    Mutant(
        "a strand that loses every race is given up in silence (detector)",
        SERVICE,
        '        raise UnavailableError(f"strand {strand_id} was judged by others {MAX_ROUNDS} times in a row")\n',
        "",
        (DETECTOR_EDGES, "-k", "given_back"),
    ),
    Mutant(
        "accounts of two strands are one",
        "detection/account.py",
        'f"account#{strand_id}#{account_id}"',
        'f"account##{account_id}"',
        (DETECTOR_EDGES, "-k", "interfere"),
    ),
    Mutant(
        "transaction ids of two strands are one",
        "detection/account.py",
        'f"transaction#{strand_id}#{transaction_id}"',
        'f"transaction##{transaction_id}"',
        (DETECTOR_EDGES, "-k", "another_strand"),
    ),
]

HELD = [
    Mutant(
        "held records are not held again",
        "services/held_records.py",
        "fresh = [record for record in left if record not in covered]",
        "fresh = []",
        (DETECTOR_EDGES, "-k", "blobs or pieces"),
    ),
    Mutant(
        "records inside the cursor are lost",
        "services/held_records.py",
        "return replace(cursor, inline=inline, blobs=())",
        'return replace(cursor, inline="", blobs=())',
        (DETECTOR_EDGES, "-k", "cuts_a_block"),
    ),
    Mutant(
        "judged records stay in their blobs",
        "services/held_records.py",
        "                self.store.release([key for blob in rubbish for key in self._keys(blob)])\n",
        "                pass\n",
        (DETECTOR_EDGES, "-k", "deleted_when_judged"),
    ),
    Mutant(
        "the blobs that still wait are deleted",
        "services/held_records.py",
        "[blob for blob in self.cursor.blobs if blob not in new.blobs]",
        "list(self.cursor.blobs)",
        (LAWS, DETECTOR_EDGES, WORLDS),
    ),
    Mutant(
        "a damaged blob is read",
        "detection/stream_cursor.py",
        '    if sha256(packed).hexdigest()[:32] != blob.name.rpartition("-")[2]:\n        return []\n',
        "",
        (DETECTOR_EDGES, "-k", "blob_that_is_gone"),
    ),
]

BLOCKS = [
    Mutant(
        "a block without all its revisions is complete",
        ASSEMBLY,
        "                complete = False\n                continue\n",
        "                continue\n",
        (DETECTOR_EDGES, "-k", "without_all_its_revisions"),
    ),
    Mutant(
        "a revision of another block or document is taken",
        ASSEMBLY,
        "if revision is None or not _belongs(revision, document_id, block):",
        "if revision is None:",
        (DETECTOR_EDGES, "-k", "each_others_names"),
    ),
    Mutant(
        "a forged block is judged in the place of the one that follows",
        ASSEMBLY,
        "str(each[0].previous_block_hash) != last_hash, not",
        "not",
        (DETECTOR_EDGES, "-k", "two_blocks_at_one_place"),
    ),
    Mutant(
        "the table that the record names counts",
        ASSEMBLY,
        'tables.get(document_id) or (early.table_name if early else "")',
        '(early.table_name if early else "")',
        (DETECTOR_EDGES, "-k", "table"),
    ),
    Mutant(
        "places that were passed over are forgotten",
        ASSEMBLY,
        "            if not self.cursor.passed_over(sequence_no):\n",
        "            if not self.cursor.passed_over(-1):\n",
        (DETECTOR_EDGES, "-k", "too_late"),
    ),
    Mutant(
        "a forged block far ahead carries the cursor away",
        ASSEMBLY,
        "if lowest - next_no > MAX_AHEAD and not",
        "if lowest < next_no and not",
        (DETECTOR_EDGES, "-k", "far_ahead"),
    ),
    Mutant(
        "nothing is waited for",
        ASSEMBLY,
        "return self.now - since >= self.grace",
        "return self.now >= since",
        (DETECTOR_EDGES, "-k", "hole"),
    ),
    Mutant(
        "a hole is waited for without end",
        ASSEMBLY,
        "return self.now - since >= self.grace",
        "return self.now < since",
        (DETECTOR_EDGES, "-k", "hole"),
    ),
    Mutant(
        "any number of records is held",
        ASSEMBLY,
        "return self._count > MAX_HELD_RECORDS or self._bytes > MAX_HELD_BYTES",
        "return self._count < 0",
        (DETECTOR_EDGES, "-k", "bound"),
    ),
    Mutant(
        "a strand begins wherever it is first seen",
        ASSEMBLY,
        "if first == 0 or self._waited_at(first):",
        "if first >= 0:",
        (DETECTOR_EDGES, "-k", "middle"),
    ),
    Mutant(
        "a repeated block is judged again",
        ASSEMBLY,
        "if next_no is not None and sequence_no < next_no:",
        "if next_no is not None and sequence_no < next_no - 1:",
        (DETECTOR_EDGES, "-k", "comes_again"),
    ),
    Mutant(
        "the last block judged is not remembered",
        ASSEMBLY,
        "self._go_to(sequence_no + 1, str(block.block_hash))",
        'self._go_to(sequence_no + 1, "")',
        (DETECTOR_EDGES, "-k", "two_blocks_at_one_place"),
    ),
    Mutant(
        "revisions without a block shorten the wait for it",
        ASSEMBLY,
        "return min(each.record.held_at for each in self.blocks.values())",
        "return min(each.held_at for each in self.records())",
        (DETECTOR_EDGES, "-k", "shorten"),
    ),
]

DETECTOR = [*KEPT_PARSED, *WRITES, *HELD, *BLOCKS]
