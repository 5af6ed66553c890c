"""Mutants of the auditor: batches, failures, the order of writes, and what a function answers to Lambda."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

AUDITOR = "tests/unit/services/test_auditor.py"
BAD_INPUT = "tests/unit/services/test_bad_input.py"
EVENTS = "tests/unit/test_lambda_events.py"

ORDER = [
    Mutant(
        "findings recorded after the state (crash window)",
        "services/audit.py",
        """            written = self.findings.record([*batch.findings, *outcome.findings])
            try:
                if outcome.state is not None:
                    self.heads.advance(old, outcome.state, outcome.runs)
            except ConflictError:
                continue
""",
        """            try:
                if outcome.state is not None:
                    self.heads.advance(old, outcome.state, outcome.runs)
            except ConflictError:
                continue
            written = self.findings.record([*batch.findings, *outcome.findings])
""",
        (AUDITOR, "-k", "could_not_be_recorded"),
    ),
    Mutant(
        "a strand that somebody else advanced counts as done",
        "services/audit.py",
        "            except ConflictError:\n                continue\n",
        "            except ConflictError:\n                pass\n",
        (AUDITOR, "-k", "advanced"),
    ),
    Mutant(
        "the state is loaded once for all rounds",
        "services/audit.py",
        "        for _ in range(MAX_ROUNDS):\n            old = self.heads.load(strand_id)\n",
        "        old = self.heads.load(strand_id)\n        for _ in range(MAX_ROUNDS):\n",
        (AUDITOR, "-k", "overtaken"),
    ),
    Mutant(
        "a strand that loses every race is given up in silence",
        "services/audit.py",
        '        raise UnavailableError(f"strand {strand_id} was advanced by others {MAX_ROUNDS} times in a row")\n',
        "",
        (AUDITOR, "-k", "advanced"),
    ),
    Mutant(
        "a fork's bytes are not kept",
        "services/audit.py",
        "            self.quarantine.keep(batch.originals[name])\n",
        "            pass\n",
        (AUDITOR, "-k", "fork"),
    ),
    Mutant(
        "blocks before an accepted head are new again",
        "services/audit.py",
        "if number < begin or state.covers(number)}",
        "if number >= begin and state.covers(number)}",
        (AUDITOR, "-k", "overruled"),
    ),
    Mutant(
        "young holes count as open gaps",
        "services/audit.py",
        "return sum(behind.hole is not Hole.HELD for behind in holes)",
        "return sum(1 for _ in holes)",
        (AUDITOR,),
    ),
]

REDELIVERY = [
    Mutant(
        "off by one on redelivery (batchItemFailures)",
        "lambda_events.py",
        '"itemIdentifier": sequence_numbers[failed_index]}',
        '"itemIdentifier": sequence_numbers[min(failed_index + 1, len(sequence_numbers) - 1)]}',
        (EVENTS, "-k", "answer"),
    ),
    Mutant(
        "a batch that failed at its first record counts as done",
        "lambda_events.py",
        "    if failed_index is None:\n",
        "    if not failed_index:\n",
        (EVENTS, "-k", "answer"),
    ),
    Mutant(
        "delivered again from the last failing record",
        "services/audit.py",
        "if self.failed_index is None or index < self.failed_index:",
        "if self.failed_index is None or index > self.failed_index:",
        (AUDITOR, "-k", "lowest"),
    ),
    Mutant(
        "off by one on redelivery (a strand's first record)",
        "services/verification.py",
        "strand = self.strands[strand_id] = StrandBatch(index)",
        "strand = self.strands[strand_id] = StrandBatch(index + 1)",
        (AUDITOR, "-k", "away or fails"),
    ),
    Mutant(
        "findings of no strand delivered again from the last of them",
        "services/audit.py",
        "report.fail(loose[0][0], error)",
        "report.fail(loose[-1][0], error)",
        (AUDITOR, "-k", "no_strand"),
    ),
    Mutant(
        "a store that is away fails nothing",
        "services/audit.py",
        "            report.fail(batch.first_index, error)\n",
        "            report.failure = str(error)\n",
        (AUDITOR, "-k", "away or fails"),
    ),
    Mutant(
        "bytes that could not be kept are lost",
        "services/audit.py",
        "            report.fail(index, error)\n",
        "            report.failure = str(error)\n",
        (AUDITOR, "-k", "could_not_be_kept"),
    ),
]

VERIFICATION = [
    Mutant(
        "an altered revision counts as verified",
        "services/verification.py",
        "            verified = False\n",
        "            verified = True\n",
        (AUDITOR, "-k", "false_hash"),
    ),
    Mutant(
        "an altered revision is no finding",
        "services/verification.py",
        "            self._strand(address.strand_id, item.outer_index).findings.append(finding)\n",
        "",
        (AUDITOR, "-k", "altered"),
    ),
    Mutant(
        "a rejected block leaves a gap behind",
        "services/verification.py",
        "            strand.rejected.append(RejectedBlock(address.sequence_no, AuditRule.CONTENTS_MISMATCH))\n",
        "",
        ("tests/unit/lab/test_attacker.py",),
    ),
    Mutant(
        "a batch with many islands goes into one save",
        "services/verification.py",
        "            if runs > MAX_RUNS:\n",
        "            if runs > 100 * MAX_RUNS:\n",
        (AUDITOR, "-k", "islands"),
    ),
    Mutant(
        "what cannot be read is not kept",
        "services/verification.py",
        "        self.quarantined += 1\n        return self.quarantine.keep(data)\n",
        "        self.quarantined += 1\n        return quarantine_name(data)\n",
        (BAD_INPUT, "-k", "cannot_be_read"),
    ),
    Mutant(
        "a frame that cannot be read is passed over",
        "services/batch.py",
        "        yield ReadItem(index, 0, outer.data, None, error)\n        return\n",
        "        return\n",
        (BAD_INPUT, "-k", "cannot_be_read"),
    ),
    Mutant(
        "one user record that cannot be read ends its frame",
        "services/batch.py",
        "            yield ReadItem(index, user.sub_sequence_number, user.data, None, error)\n",
        "            yield ReadItem(index, user.sub_sequence_number, user.data, None, error)\n            return\n",
        (BAD_INPUT,),
    ),
]

LAMBDA_EVENTS = [
    Mutant(
        "data with strange characters is decoded without them",
        "lambda_events.py",
        "return base64.b64decode(text, validate=True)",
        "return base64.b64decode(text, validate=False)",
        (EVENTS, "-k", "base64"),
    ),
    Mutant(
        "every change of an item is news",
        "lambda_events.py",
        "bool(image) and image.get(_STATUS) != earlier)",
        "bool(image))",
        (EVENTS, "-k", "news"),
    ),
    Mutant(
        "a removal is news",
        "lambda_events.py",
        "bool(image) and image.get(_STATUS) != earlier)",
        "image.get(_STATUS) != earlier)",
        (EVENTS, "-k", "news"),
    ),
    Mutant(
        "a full batch is refused",
        "lambda_events.py",
        "if len(entries) > MAX_BATCH_RECORDS:",
        "if len(entries) >= MAX_BATCH_RECORDS:",
        (EVENTS, "-k", "records_as_lambda"),
    ),
    Mutant(
        "a time beyond the calendar is taken",
        "lambda_events.py",
        "0 <= value < 253_402_300_800",
        "0 <= value <= 253_402_300_800",
        (EVENTS, "-k", "time"),
    ),
]

AUDIT = [*ORDER, *REDELIVERY, *VERIFICATION, *LAMBDA_EVENTS]
