"""Mutants of sessions that any instance continues, of permissions of principals, and of whole transactions with keys."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

WORLDS = "tests/simulation/test_stored_sessions.py"
INSTANCES = "tests/unit/protocol/test_stored_sessions.py"
LOG = "tests/contract/test_session_log.py"
JOBS = "tests/contract/test_job_store.py"
ONE_SHOT = "tests/unit/protocol/test_one_shot.py"
URL = "tests/unit/server/test_function_url.py"
PERMISSIONS = "tests/unit/server/test_permissions.py"
REMEMBERED = "tests/unit/protocol/test_directory.py"
ASKED = "tests/unit/services/test_asked_jobs.py"
OVER_HTTP = "tests/unit/server/test_transactions.py"

SESSION = "protocol/stored_session.py"
SESSIONS = "protocol/stored_sessions.py"
NOTED = "protocol/noted.py"
KEYED = "protocol/one_shot.py"
DOOR = "server/function_url.py"
ENTRIES = "server/permissions.py"

SESSIONS_IN_A_LOG = [
    Mutant(
        "an instance that was overtaken goes on",
        SESSIONS,
        "        except ConflictError:\n            raise _StaleError from None\n",
        "        except ConflictError:\n            pass\n",
        (INSTANCES, "-k", "remembers_less or what_another_instance_read"),
    ),
    Mutant(
        "a commit is not noted before the ledger is asked",
        SESSIONS,
        "            self._append(session, event)\n            committing.append(event)\n",
        "            committing.append(event)\n",
        (INSTANCES, "-k", "what_another_instance_read or not_known_what_came"),
    ),
    Mutant(
        "what another instance read is forgotten",
        SESSION,
        "            for event in events:\n                outcome = self._again(event)\n",
        "            for event in events:\n"
        "                if event.kind is not Kind.FETCHED:\n                    outcome = self._again(event)\n",
        (WORLDS,),
    ),
    Mutant(
        "a command that is sent again is carried out again",
        SESSIONS,
        "        if command_id == session.last_command:\n",
        "        if command_id == session.last_command == b'':\n",
        (INSTANCES, "-k", "effect_once"),
    ),
    Mutant(
        "whatever the last command was answered is answered",
        SESSIONS,
        "        if command_id == session.last_command:\n",
        "        if session.last_command:\n",
        (INSTANCES, "-k", "another_instance_goes_on or effect_once"),
    ),
    Mutant(
        "statements are carried out again with the time of now",
        NOTED,
        "        self._again, self._still = event, True\n        self.at, self.ids",
        "        self._again, self._still = event, True\n        self.at, self.ids = self._clock(), []\n        _, self.ids",
        (WORLDS,),
    ),
    Mutant(
        "ids are drawn anew when a statement is carried out again",
        NOTED,
        "        drawn.append(draw() if noted is None else noted[len(drawn)])\n",
        "        drawn.append(draw())\n",
        (WORLDS,),
    ),
    Mutant(
        "the clock of another instance ends a transaction",
        SESSIONS,
        "        return max(milliseconds_of(self._clock()), milliseconds_of(session.used_at))\n",
        "        return milliseconds_of(self._clock())\n",
        (INSTANCES, "-k", "clock_that_is_behind"),
    ),
    Mutant(
        "a failed statement is not counted where it is carried out again",
        SESSION,
        "            self._attempt(\n",
        "            _ = (\n",
        (INSTANCES, "-k", "counted_or_not"),
    ),
    Mutant(
        "another answer than before is taken",
        SESSION,
        '            raise DivergedError("another answer than before")\n',
        "            pass\n",
        (INSTANCES, "-k", "comes_to_something_else"),
    ),
    Mutant(
        "what was refused before is allowed when it is carried out again",
        SESSION,
        "        return forbid if self._replayed.failure is Failure.FORBIDDEN else None\n",
        "        return None\n",
        (WORLDS,),
    ),
    Mutant(
        "a conflict is forgotten by the next instance",
        SESSION,
        "        with suppress(OccConflictError, InputError):\n",
        "        with suppress(CounterfoilError):\n            return\n        with suppress(OccConflictError, InputError):\n",
        (WORLDS,),
    ),
    Mutant(
        "a session is whoever's has its token",
        SESSIONS,
        "            if session.header.caller_name != caller.name:\n",
        "            if not caller:\n",
        (INSTANCES, "-k", "its_callers"),
    ),
    Mutant(
        "a session outlives its ledger",
        SESSIONS,
        "        if engine.strand_id != header.strand_id:\n",
        "        if engine.strand_id == '':\n",
        (INSTANCES, "-k", "of_the_same_name"),
    ),
    Mutant(
        "the log holds tokens",
        SESSIONS,
        "    return sha256(token.encode()).hexdigest()\n",
        "    return token\n",
        (INSTANCES, "-k", "holds_no_token"),
    ),
    Mutant(
        "an instance remembers every session",
        SESSIONS,
        "            while len(self._kept) > self._kept_max:\n",
        "            while not self._kept:\n",
        (INSTANCES, "-k", "bounded_number"),
    ),
    Mutant(
        "two writers of one event",
        "adapters/memory/session_log.py",
        "kept[event.number] != event",
        "not event",
        (LOG, "-k", "stale or one_wins"),
    ),
    Mutant(
        "a stale runner moves a job back",
        "adapters/memory/outside.py",
        "        if kept.get(job_id) != old:\n",
        "        if job_id not in kept:\n",
        (JOBS, "-k", "stale"),
    ),
    Mutant(
        "an active ledger is remembered for ever",
        "protocol/directory.py",
        "now - known[1] < REMEMBERED_SECONDS",
        "now >= known[1]",
        (REMEMBERED,),
    ),
    Mutant(
        "a ledger that is not there is remembered",
        "protocol/directory.py",
        "        if ledger is not None and ledger.state is LedgerState.ACTIVE:\n",
        "        if ledger is not None:\n",
        (REMEMBERED,),
    ),
    Mutant(
        "a commit that may happen yet is told as one that did not",
        "protocol/faults.py",
        "        case UnknownOutcomeError():\n            return bad_request(\n",
        "        case UnknownOutcomeError() if not error.args:\n            return bad_request(\n",
        (INSTANCES, "-k", "run_again_by_drivers"),
    ),
    Mutant(
        "a commit that may happen yet is not looked for",
        "protocol/outcomes.py",
        "            if found is not None:\n                return found\n",
        "            del found\n",
        (INSTANCES, "-k", "waited_for"),
    ),
    Mutant(
        "a commit is looked for until the function is stopped",
        "protocol/outcomes.py",
        "        except UnavailableError:\n            return None\n",
        "        except UnavailableError:\n            pass\n",
        (INSTANCES, "-k", "stops_in_time"),
    ),
    # Permissions
    Mutant(
        "only the first entry of a principal counts",
        ENTRIES,
        "tuple(each for permissions in matching for each in permissions)",
        "matching[0]",
        (PERMISSIONS, "-k", "every_entry"),
    ),
    Mutant(
        "a pattern is for the beginning of an ARN",
        ENTRIES,
        "fnmatchcase(principal_arn, pattern)",
        'fnmatchcase(principal_arn, pattern + "*")',
        (PERMISSIONS, "-k", "whole_arns"),
    ),
    Mutant(
        "an entry that cannot be read is none",
        ENTRIES,
        '        _LOGGER.warning("the permissions of %s allow nothing: %s", pattern, error)\n        return ()\n',
        '        _LOGGER.warning("the permissions of %s allow nothing: %s", pattern, error)\n        return _EVERYTHING\n',
        (PERMISSIONS, "-k", "cannot_be_read"),
    ),
    Mutant(
        "permissions are read once",
        ENTRIES,
        "now - self._read_at >= READ_EVERY_SECONDS",
        "now < self._read_at",
        (PERMISSIONS, "-k", "now_and_then"),
    ),
    Mutant(
        "without an entry a ledger of mode STANDARD may be administered",
        ENTRIES,
        "ledger.permissions_mode is PermissionsMode.STANDARD",
        "not ledger.name",
        (PERMISSIONS, "-k", "no_entry_may_do_nothing"),
    ),
    Mutant(
        "the session of a role is a principal of its own",
        DOOR,
        '    if is_session and ":sts:" in account:\n',
        "    if is_session and not account:\n",
        (URL, "-k", "role"),
    ),
    Mutant(
        "a request that nobody signed is taken",
        DOOR,
        "    if not isinstance(arn, str) or not arn:\n",
        "    if arn is None:\n        return '*'\n    if not isinstance(arn, str) or not arn:\n",
        (URL, "-k", "did_not_sign"),
    ),
    # The function's bounds
    Mutant(
        "an answer of any size",
        DOOR,
        "        if size <= MAX_ANSWER_BYTES - ANSWER_FRAME_BYTES:\n",
        "        if size:\n",
        (URL, "-k", "cannot_carry"),
    ),
    Mutant(
        "a statement runs until the function is stopped",
        DOOR,
        "        if remaining_ms is not None and remaining_ms() < RESERVED_MS:\n",
        "        if remaining_ms is None:\n",
        (URL, "-k", "ends_before"),
    ),
    Mutant(
        "a command is known by its attempt's id alone",
        DOOR,
        'attempt.encode() + b"\\n" + request.body',
        "attempt.encode()",
        (URL, "-k", "by_what_it_says"),
    ),
    # Keys
    Mutant(
        "a key is everybody's",
        KEYED,
        "    for each in (caller_name, strand_id, key):\n",
        "    for each in (strand_id, key):\n",
        (ONE_SHOT, "-k", "its_callers"),
    ),
    Mutant(
        "a key is every ledger's",
        KEYED,
        "    for each in (caller_name, strand_id, key):\n",
        "    for each in (caller_name, key):\n",
        (ONE_SHOT, "-k", "its_callers"),
    ),
    Mutant(
        "the parts of a key run into each other",
        KEYED,
        "known.update(len(data).to_bytes(4) + data)",
        "known.update(data)",
        (ONE_SHOT, "-k", "its_callers"),
    ),
    Mutant(
        "a key that is taken answers any request",
        KEYED,
        "        if not self.engine.is_of(block, self.asked.statements):\n",
        "        if not self.asked.statements:\n",
        (ONE_SHOT, "-k", "another_request or other_one"),
    ),
    Mutant(
        "a repetition is carried out",
        KEYED,
        "        return None if self.transaction_id is None else self.engine.committed(self.transaction_id)\n",
        "        return None\n",
        (ONE_SHOT, "-k", "done_only_once"),
    ),
    Mutant(
        "the block of another attempt is taken for one's own",
        KEYED,
        "        return made <= self.drawn and",
        "        return",
        (ONE_SHOT, "-k", "two_attempts"),
    ),
    Mutant(
        "another attempt's block is known by its documents alone",
        KEYED,
        '        return made <= self.drawn and first["startTime"] == timestamp_of(milliseconds_of(dated_at))\n',
        "        return made <= self.drawn\n",
        (ONE_SHOT, "-k", "two_attempts"),
    ),
    Mutant(
        "a conflict is the client's affair",
        KEYED,
        "            with suppress(OccConflictError):\n",
        "            with suppress():\n",
        (ONE_SHOT, "-k", "read_anew"),
    ),
    Mutant(
        "rows without bound",
        KEYED,
        "                if size > MAX_RESULT_BYTES:\n",
        "                if size < 0:\n",
        (ONE_SHOT, "-k", "bounded"),
    ),
    Mutant(
        "whole transactions need no permission",
        KEYED,
        "        caller.check(PERMISSION, asked.ledger_name)\n",
        "",
        (ONE_SHOT, "-k", "permissions"),
    ),
    Mutant(
        "decimals become floats",
        "server/transactions.py",
        "    return Answer(200, JSON, render_json(_rendered(done)).encode())\n",
        "    import json\n\n    from counterfoil.ion.value_text import to_json\n\n"
        "    text = json.dumps(to_json(_rendered(done)))\n    return Answer(200, JSON, text.encode())\n",
        (OVER_HTTP, "-k", "every_digit"),
    ),
    Mutant(
        "a stream that moves on cannot be cancelled",
        "services/asked_jobs.py",
        "            with suppress(ConflictError):\n",
        "            with suppress():\n",
        (ASKED, "-k", "moves_on"),
    ),
]
