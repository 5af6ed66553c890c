"""Mutants of the two protocols and of the server in front of them."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

SESSIONS = "tests/unit/protocol"
PAGES = "tests/unit/protocol/test_pages.py"
LEDGERS = "tests/unit/protocol/test_ledger_operations.py"
JOBS = "tests/unit/protocol/test_job_operations.py"
APP = "tests/unit/server/test_app.py"
HTTP = "tests/unit/server/test_http.py"
SHAPES = "tests/unit/server/test_shapes.py"
SIGV4 = "tests/unit/server/test_sigv4.py"
KEYS = "tests/unit/server/test_identities.py"
REGISTRY = "tests/contract/test_ledger_registry.py"
TEXT = "tests/property/test_text_reader_laws.py"

SESSION = "protocol/session.py"
SERVICE = "protocol/sessions.py"
RULES = "protocol/session_rules.py"

PROTOCOL = [
    Mutant(
        "a commit with any digest",
        SESSION,
        "    if expected != given:",
        "    if expected != given and not given:",
        (SESSIONS, "-k", "wrong_digest"),
    ),
    Mutant(
        "a repeated commit commits again",
        SESSION,
        "if last is not None and last.transaction_id == transaction_id and last.answer is not None:",
        "if last is not None and last.transaction_id == transaction_id and last.answer == {}:",
        (SESSIONS, "-k", "repeated"),
    ),
    Mutant(
        "two transactions on one session",
        SESSION,
        '        if self.transaction is not None:\n            raise bad_request(f"Transaction already open',
        '        if self.transaction is None:\n            raise bad_request(f"Transaction already open',
        (SESSIONS, "-k", "two_transactions"),
    ),
    Mutant(
        "an abort needs an open transaction",
        SESSION,
        "    def abort_transaction(self, _: Command) -> Answer:\n",
        "    def abort_transaction(self, _: Command) -> Answer:\n        assert self.transaction is not None\n",
        (SESSIONS, "-k", "aborted"),
    ),
    Mutant(
        "pages outlive their transaction",
        SESSION,
        "        self.cursors.clear()\n",
        "",
        (PAGES, "-k", "end_with_their_transaction"),
    ),
    Mutant(
        "a page's token is good for ever",
        SESSION,
        'self.cursors.pop(command["NextPageToken"], None)',
        'self.cursors.get(command["NextPageToken"])',
        (PAGES, "-k", "good_once"),
    ),
    Mutant(
        "an ended transaction forgets why",
        SESSION,
        "                self.close_transaction(Ended(transaction_id, error=session_error(error)))\n",
        "                self.close_transaction()\n",
        (SESSIONS, "-k", "expired or conflict"),
    ),
    Mutant(
        "a failed statement is counted in the next transaction",
        SESSION,
        "        self.attempted = None\n",
        "",
        (SESSIONS, "-k", "not_counted_in_the_next"),
    ),
    Mutant(
        "a page is drawn whole before it is asked for",
        "protocol/cursor.py",
        "len(values) < PAGE_VALUES and",
        "len(values) < 10 * PAGE_VALUES and",
        (PAGES,),
    ),
    Mutant(
        "pages without a bound in bytes",
        "protocol/cursor.py",
        " and size + len(row) <= PAGE_BYTES",
        "",
        (PAGES, "-k", "bounded_in_bytes"),
    ),
    Mutant(
        "reads counted twice",
        "protocol/cursor.py",
        "self._results.read_ios - self._counted_ios, self._results.read_ios",
        "self._results.read_ios, self._results.read_ios",
        (PAGES, "-k", "counted_once"),
    ),
    Mutant(
        "a stolen token is as good as one's own",
        SERVICE,
        "if session is None or session.caller.name != caller.name:",
        "if session is None:",
        (SESSIONS, "-k", "belongs_to_whoever"),
    ),
    Mutant(
        "sessions live for ever",
        SERVICE,
        "return self._seconds() - session.used_at >= IDLE_SECONDS",
        "return self._seconds() - session.used_at > 10 * IDLE_SECONDS",
        (SESSIONS, "-k", "idle"),
    ),
    Mutant(
        "sessions without number",
        SERVICE,
        "            if self.count >= self._max_sessions:\n                raise",
        "            if self.count > 10 * self._max_sessions:\n                raise",
        (SESSIONS, "-k", "limited"),
    ),
    Mutant(
        "a command on a session that ended while it waited",
        SERVICE,
        "if self._by_token.get(token) is not session:",
        'if token == "":',
        (SESSIONS, "-k", "waited_while"),
    ),
    Mutant(
        "STANDARD mode as ALLOW_ALL",
        RULES,
        "permissions_mode is PermissionsMode.ALLOW_ALL",
        "permissions_mode is not None",
        (SESSIONS, "-k", "standard_mode"),
    ),
    Mutant(
        "only the first of a statement's actions is checked",
        RULES,
        "for action, table_id in sorted(actions):",
        "for action, table_id in sorted(actions)[:1]:",
        (SESSIONS, "-k", "standard_mode"),
    ),
    Mutant(
        "a protected ledger is deleted",
        "protocol/ledger_operations.py",
        "        if ledger.deletion_protection:\n",
        "        if ledger.deletion_protection and not ledger.name:\n",
        (LEDGERS, "-k", "protected"),
    ),
    Mutant(
        "a deleted ledger's jobs go on",
        "protocol/ledger_operations.py",
        "        self.jobs.forget_ledger(ledger.name)\n",
        "",
        (LEDGERS, "-k", "takes_sessions"),
    ),
    Mutant(
        "a ledger that is being deleted is found",
        "protocol/directory.py",
        "if ledger is None or ledger.state is LedgerState.DELETING:",
        "if ledger is None:",
        (LEDGERS, "-k", "is_not_found"),
    ),
    Mutant(
        "ended jobs are listed for ever",
        "protocol/job_operations.py",
        "return job.ended_at is None or self.clock() - job.ended_at < LISTED_FOR",
        "return True",
        (JOBS, "-k", "seven_days"),
    ),
    Mutant(
        "jobs of all ledgers in one list",
        "protocol/job_operations.py",
        "if each.ledger_name == ledger_name and self._listed(each)]",
        "if self._listed(each)]",
        (JOBS, "-k", "another_ledger"),
    ),
    Mutant(
        "an inside error is told",
        "protocol/faults.py",
        "            return _unavailable(error)\n        case _:\n            return internal_failure()\n",
        "            return _unavailable(error)\n        case _:\n            return bad_request(message)\n",
        (SESSIONS, "-k", "inside or its_name"),
    ),
    Mutant(
        "a wrong signature is accepted",
        "server/sigv4.py",
        "if not hmac.compare_digest(expected, signature):",
        "if len(expected) != len(signature):",
        (SIGV4,),
    ),
    Mutant(
        "a signature is good for ever",
        "server/sigv4.py",
        "if abs(now - signed_at) > MAX_SKEW:",
        "if signed_at - now > MAX_SKEW:",
        (SIGV4, "-k", "too_old"),
    ),
    Mutant(
        "a body may differ from its signed hash",
        "server/sigv4.py",
        "        _check_payload(headers, request.body)\n",
        "",
        (SIGV4, "-k", "hash"),
    ),
    Mutant(
        "host and date need not be signed",
        "server/sigv4.py",
        'if not {"host", "x-amz-date"} <= set(signed) or',
        "if",
        (SIGV4, "-k", "must_be_signed"),
    ),
    Mutant(
        "rights on one ledger hold on all",
        "server/identities.py",
        "return _matches(self.actions, action) and _matches(self.ledgers, ledger_name)",
        "return _matches(self.actions, action)",
        (KEYS,),
    ),
    Mutant(
        "rights on one table hold on all",
        "server/identities.py",
        "if not any(each.covers(table_id, table_name) for each in allowing):",
        "if not any(allowing):",
        (KEYS,),
    ),
    Mutant(
        "a pattern matches in front of a last line end",
        "server/shapes.py",
        'if matches and (value.endswith("\\n") or not matches(value)):',
        "if matches and not matches(value):",
        (SHAPES, "-k", "another_shape"),
    ),
    Mutant(
        "required members may be missing",
        "server/shapes.py",
        "            if name not in found:\n",
        "            if name not in found and not place:\n",
        (SHAPES, "-k", "another_shape"),
    ),
    Mutant(
        "the body overrides the path",
        "server/routes.py",
        "{**inside, **labels, **_of_query(route, query)}",
        "{**labels, **_of_query(route, query), **document}",
        (APP, "-k", "not_taken_from_the_body"),
    ),
    Mutant(
        "any content type changes ledgers",
        "server/dispatch.py",
        "    if request.body and request.content_type != JSON:\n",
        "    if request.body and not JSON:\n",
        (APP, "-k", "browser"),
    ),
    Mutant(
        "a website's name reaches the local server",
        "server/assembly.py",
        '.endswith(".localhost")',
        '.endswith("")',
        (APP, "-k", "website"),
    ),
    Mutant(
        "requests of one session take all threads",
        "server/app.py",
        '        async with self._lock(str(command.get("SessionToken", request_id))):\n',
        "        async with self._lock(request_id):\n",
        (HTTP, "-k", "holds_up_its_own"),
    ),
    Mutant(
        "header and body in two writes",
        "server/http.py",
        "        if not self._pieces:\n            self._loop.call_soon(self._flush)\n        self._pieces.append(data)\n",
        "        self._transport.write(data)\n",
        (HTTP, "-k", "sent_at_once"),
    ),
    Mutant(
        "small answers wait for an acknowledgement",
        "server/http.py",
        "setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)",
        "setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)",
        (HTTP, "-k", "leave_at_once"),
    ),
    Mutant(
        "idle connections keep others out",
        "server/http.py",
        "            if not self.idle:\n                return False\n",
        "            return False\n",
        (HTTP, "-k", "make_room"),
    ),
    Mutant(
        "headers take as long as they like",
        "server/http.py",
        "self.loop.call_later(self._table.header_seconds, self._refuse, _TOO_SLOW)",
        "self.loop.call_later(600, self._refuse, _TOO_SLOW)",
        (HTTP, "-k", "begins_anew"),
    ),
    Mutant(
        "a registry without compare-and-set",
        "adapters/sqlite/registry.py",
        "if found != (None if old is None else _row_of(old)):",
        "if (found is None) != (old is None):",
        (REGISTRY, "-k", "stale"),
    ),
    Mutant(
        "tags of a longer name go with a shorter one's",
        "adapters/sqlite/registry.py",
        '(arn, f"{arn}/", f"{arn}0")',
        '(arn, f"{arn}", f"{arn}~")',
        (REGISTRY, "-k", "no_others"),
    ),
    Mutant(
        "times of text at their offset as if in UTC",
        "ion/text_scalars.py",
        "timezone(timedelta(minutes=minutes))",
        "timezone(timedelta(0))",
        (TEXT, "-k", "specification or prints"),
    ),
    Mutant(
        "half a surrogate pair is a character",
        "ion/text_scalars.py",
        "    return _whole(_ESCAPE.sub(_meaning, text))\n",
        "    return _ESCAPE.sub(_meaning, text)\n",
        (TEXT, "-k", "specification"),
    ),
]
