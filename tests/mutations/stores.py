"""Mutants of the stores: in memory, and of what is asked of DynamoDB."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

HEADS = "tests/contract/test_head_store.py"
FINDINGS = "tests/contract/test_finding_store.py"
ACCOUNTS = "tests/contract/test_account_store.py"
SNAPSHOTS = "tests/contract/test_snapshot_store.py"
ITEMS = "tests/unit/adapters/test_items.py"
REFUSALS = "tests/unit/adapters/test_refusals.py"

MEMORY = [
    Mutant(
        "heads without compare-and-set (memory)",
        "adapters/memory/heads.py",
        "if (stored.version if stored else None) != (old.version if old else None):",
        "if stored and old is None:",
        (HEADS, "-k", "one_step_behind"),
    ),
    Mutant(
        "a first save over what is there (memory)",
        "adapters/memory/heads.py",
        "if (stored.version if stored else None) != (old.version if old else None):",
        "if old and (stored.version if stored else None) != old.version:",
        (f"{HEADS}::test_the_first_save_wants_nothing_there[memory]",),
    ),
    Mutant(
        "runs without the first block asked for (memory)",
        "adapters/memory/heads.py",
        "if begin <= number < end",
        "if begin < number < end",
        (HEADS, "-k", "test_runs_are and memory"),
    ),
    Mutant(
        "account states without compare-and-set (memory)",
        "adapters/memory/accounts.py",
        "if version != change.old_version:",
        "if version is None and change.old_version:",
        (f"{ACCOUNTS}::test_a_writer_one_step_behind_is_refused_and_changes_nothing[memory]",),
    ),
    Mutant(
        "a state replaced where there is none (memory)",
        "adapters/memory/accounts.py",
        "if version != change.old_version:",
        "if version and version != change.old_version:",
        (f"{ACCOUNTS}::test_who_replaces_what_is_not_there_is_refused[memory]",),
    ),
    Mutant(
        "a finding recorded again is news (memory)",
        "adapters/memory/findings.py",
        "if finding.status.rank <= known.status.rank:",
        "if finding.status.rank < known.status.rank:",
        (FINDINGS, "-k", "memory"),
    ),
    Mutant(
        "a status moves back (memory)",
        "adapters/memory/findings.py",
        "if finding.status.rank <= known.status.rank:",
        "if finding.status is known.status:",
        (FINDINGS, "-k", "memory"),
    ),
    Mutant(
        "HEALED not kept where nothing was found before (memory)",
        "adapters/memory/findings.py",
        "        if known is None:\n",
        "        if known is None and finding.status == 'HEALED':\n            return False\n        if known is None:\n",
        (f"{FINDINGS}::test_healed_without_a_finding_is_kept_so_that_a_late_open_changes_nothing[memory]",),
    ),
    Mutant(
        "a later status overwrites the evidence (memory)",
        "adapters/memory/findings.py",
        "= replace(known, status=finding.status)",
        "= replace(finding)",
        (FINDINGS, "-k", "memory"),
    ),
    Mutant(
        "a snapshot may be written over (memory)",
        "adapters/memory/snapshots.py",
        "        if self.documents.setdefault(name, document) != document:\n",
        "        self.documents[name] = document\n        if not name:\n",
        (SNAPSHOTS, "-k", "memory"),
    ),
    Mutant(
        "the latest snapshot of any strand (memory)",
        "adapters/memory/snapshots.py",
        "if each.startswith(prefix)",
        "if each or prefix",
        (SNAPSHOTS, "-k", "memory"),
    ),
]

DYNAMODB = [
    Mutant(
        "heads without compare-and-set (DynamoDB)",
        "adapters/dynamodb/heads.py",
        '"ConditionExpression": "version = :version"',
        '"ConditionExpression": "version >= :version"',
        (REFUSALS, "-k", "under_a_condition"),
    ),
    Mutant(
        "a first save over what is there (DynamoDB)",
        "adapters/dynamodb/heads.py",
        'return put | {"ConditionExpression": "attribute_not_exists(strand_id)"}',
        "return put",
        (REFUSALS, "-k", "first_save"),
    ),
    Mutant(
        "a state saved without its runs (DynamoDB)",
        "adapters/dynamodb/heads.py",
        'TransactItems=[{"Put": state}, *others]',
        'TransactItems=[{"Put": state}]',
        (REFUSALS, "-k", "one_transaction"),
    ),
    Mutant(
        "account states without compare-and-set (DynamoDB)",
        "adapters/dynamodb/accounts.py",
        '"ConditionExpression": "#version = :version"',
        '"ConditionExpression": "#version = :version OR attribute_exists(#version)"',
        (REFUSALS, "-k", "account_state"),
    ),
    Mutant(
        "a first account state over what is there (DynamoDB)",
        "adapters/dynamodb/accounts.py",
        '"ConditionExpression": "attribute_not_exists(#key)"',
        '"ConditionExpression": "attribute_not_exists(#key) OR attribute_exists(#key)"',
        (REFUSALS, "-k", "account_state"),
    ),
    Mutant(
        "keys that were not processed are lost (DynamoDB)",
        "adapters/dynamodb/accounts.py",
        'waiting = answer.get("UnprocessedKeys")',
        "waiting = None",
        (ACCOUNTS, "-k", "not_processed"),
    ),
    Mutant(
        "a conflict hides behind another refusal (DynamoDB)",
        "adapters/dynamodb/accounts.py",
        "key=lambda each: not isinstance(each, ConflictError)",
        "key=lambda each: isinstance(each, ConflictError)",
        (REFUSALS, "-k", "conflict_among"),
    ),
    Mutant(
        "a finding written over (DynamoDB)",
        "adapters/dynamodb/findings.py",
        '                    ConditionExpression="attribute_not_exists(finding_id)",\n',
        "",
        (REFUSALS, "-k", "a_finding"),
    ),
    Mutant(
        "a status moves back (DynamoDB)",
        "adapters/dynamodb/findings.py",
        "for status in Status if status.rank < finding.status.rank}",
        "for status in Status}",
        (REFUSALS, "-k", "a_finding"),
    ),
    Mutant(
        "a finding with terms of later code is none (DynamoDB)",
        "adapters/dynamodb/findings.py",
        "    except (InputError, KeyError, ValueError, TypeError):\n        return USUAL_TERMS\n",
        "    except OSError:\n        return USUAL_TERMS\n",
        ("tests/unit/adapters/test_items.py", "-k", "alerts_terms"),
    ),
    Mutant(
        "HEALED not kept where nothing was found before (DynamoDB)",
        "adapters/dynamodb/findings.py",
        "return self._put(finding) or (finding.status is not Status.OPEN and self._move(finding))",
        "return self._put(finding) if finding.status is Status.OPEN else self._move(finding)",
        (REFUSALS, "-k", "a_finding"),
    ),
    Mutant(
        "a throttled transaction counts as a conflict",
        "adapters/boto_errors.py",
        'return reasons <= {"ConditionalCheckFailed", "TransactionConflict"}',
        'return bool(reasons & {"ConditionalCheckFailed", "TransactionConflict"})',
        (REFUSALS, "-k", "cancelled_transaction"),
    ),
    Mutant(
        "every refusal is a conflict",
        "adapters/boto_errors.py",
        "        if code in _CONFLICTS or (code",
        "        if code != 'unknown' or (code",
        (REFUSALS, "-k", "every_other_refusal"),
    ),
    Mutant(
        "what explains itself is not kept (DynamoDB)",
        "adapters/dynamodb/strand_item.py",
        '{int(place): rule for place, rule in document["explained"].items()},',
        "{},",
        (ITEMS, "-k", "reads_back"),
    ),
    Mutant(
        "the state of a hole is not kept (DynamoDB)",
        "adapters/dynamodb/strand_item.py",
        "hole_at, Hole(hole))",
        "hole_at, Hole.HELD)",
        (ITEMS, "-k", "reads_back"),
    ),
    Mutant(
        "times kept without their fractions (DynamoDB)",
        "adapters/dynamodb/strand_item.py",
        "return moment.astimezone(UTC).isoformat()",
        'return moment.astimezone(UTC).isoformat(timespec="seconds")',
        (ITEMS, "-k", "reads_back"),
    ),
    Mutant(
        "a run cut short is read as a shorter block",
        "adapters/dynamodb/strand_item.py",
        "            if len(marks) != count:\n",
        "            if len(marks) > count:\n",
        (ITEMS, "-k", "cut_anywhere"),
    ),
]

STORES = [*MEMORY, *DYNAMODB]
