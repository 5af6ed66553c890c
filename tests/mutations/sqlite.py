"""Mutants of the embedded store: snapshots, the index, group commit, background work, opening, rebuilding, verifying."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

STORE = "tests/contract/test_ledger_store.py"
ISOLATED = "tests/contract/test_ledger_isolation.py"
HISTORY = "tests/contract/test_ledger_history.py"
MODEL = "tests/simulation/test_ledger_model.py"
BACKGROUND = "tests/unit/adapters/test_sqlite_background.py"
FILE = "tests/unit/adapters/test_sqlite_ledger.py"
COMMITTER = "tests/unit/adapters/test_committer.py"
SQLITE = ("-k", "sqlite")

SNAPSHOTS = [
    Mutant(
        "a superseded revision is read by its id",
        "adapters/sqlite/snapshot.py",
        "WHERE document_id = ? AND to_no > ? AND from_no <= ? ORDER BY to_no LIMIT 1",
        "WHERE document_id = ? AND to_no >= ? AND from_no <= ? ORDER BY to_no LIMIT 1",
        (MODEL,),
    ),
    Mutant(
        "a revision of later is read by its id",
        "adapters/sqlite/snapshot.py",
        "WHERE document_id = ? AND to_no > ? AND from_no <= ? ORDER BY to_no LIMIT 1",
        "WHERE document_id = ? AND to_no > ? AND from_no <= ? + 1 ORDER BY to_no DESC LIMIT 1",
        (MODEL,),
    ),
    Mutant(
        "a scan sees what came later",
        "adapters/sqlite/snapshot.py",
        "AND row > ? AND from_no <= ? AND data",
        "AND row > ? AND from_no <= ? + 1 AND data",
        (MODEL,),
    ),
    Mutant(
        "a scan does not see what was superseded since",
        "adapters/sqlite/snapshot.py",
        "        if self._at < tips[-1] or self._at < self._tip():",
        "        if self._at > tips[-1]:",
        (MODEL,),
    ),
    Mutant(
        "a scan sees what was superseded in between twice",
        "adapters/sqlite/snapshot.py",
        "                if row[10] <= tips[bisect_left(reached, row[9])]:",
        "                if row:",
        (STORE, "-k", "sqlite and drawn_while"),
    ),
    Mutant(
        "a scan loses what was superseded before its piece was read",
        "adapters/sqlite/snapshot.py",
        "                if row[10] <= tips[bisect_left(reached, row[9])]:",
        "                if row[10] <= tips[0]:",
        (STORE, "-k", "sqlite and drawn_while"),
    ),
    Mutant(
        "an index gives the document as it is now",
        "adapters/sqlite/snapshot.py",
        "ON r.document_id = e.document_id AND r.to_no > ?1 AND r.from_no <= ?1 ",
        "ON r.document_id = e.document_id AND r.to_no = 4611686018427387904 ",
        (BACKGROUND, "-k", "keys_stay"),
    ),
    Mutant(
        "history ends a moment too late",
        "adapters/sqlite/snapshot.py",
        '"AND (to_no > ?4 OR to_ms > ?6) ORDER BY from_no, row LIMIT ?7"',
        '"AND (to_no > ?4 OR to_ms >= ?6) ORDER BY from_no, row LIMIT ?7"',
        (HISTORY, *SQLITE),
    ),
    Mutant(
        "history of a document ends a moment too late",
        "adapters/sqlite/snapshot.py",
        '"AND tx_time_ms <= ?4 AND (to_no > ?3 OR to_ms > ?5) ORDER BY to_no"',
        '"AND tx_time_ms <= ?4 AND (to_no > ?3 OR to_ms >= ?5) ORDER BY to_no"',
        (HISTORY, *SQLITE),
    ),
    Mutant(
        "history begins a moment too late",
        "adapters/sqlite/snapshot.py",
        "AND from_no <= ?4 AND tx_time_ms <= ?5 ",
        "AND from_no <= ?4 AND tx_time_ms < ?5 ",
        (HISTORY, *SQLITE),
    ),
    Mutant(
        "history at a snapshot knows that a version was superseded later",
        "adapters/sqlite/snapshot.py",
        '"AND (to_no > ?4 OR to_ms > ?6) ORDER BY from_no, row LIMIT ?7"',
        '"AND (to_ms IS NULL OR to_ms > ?6) ORDER BY from_no, row LIMIT ?7"',
        (HISTORY, *SQLITE),
    ),
    Mutant(
        "history loses the rest of a block at the end of a piece",
        "adapters/sqlite/snapshot.py",
        '"(from_no, row) > (?2, ?3)',
        '"from_no > ?2 AND row > ?3',
        (HISTORY, "-k", "sqlite and very_many"),
    ),
    Mutant(
        "history in memory ends a moment too late",
        "adapters/memory/ledger.py",
        "later.tx_time_ms > start_ms",
        "later.tx_time_ms >= start_ms",
        (HISTORY, "-k", "memory"),
    ),
    Mutant(
        "a key in memory comes a block too late",
        "adapters/memory/ledger.py",
        "if each.from_no <= at < each.to_no]",
        "if each.from_no < at < each.to_no]",
        (MODEL,),
    ),
]

COMMITS = [
    Mutant(
        "a key that a document left stays in the index",
        "adapters/sqlite/journal_file.py",
        "    if effects.left:\n",
        "    if effects.left and not effects.revisions:\n",
        (FILE, "-k", "no_problems or derived"),
    ),
    Mutant(
        "a key goes a block too early",
        "adapters/sqlite/journal_file.py",
        "[(number, *each) for each in effects.left]",
        "[(number - 1, *each) for each in effects.left]",
        (BACKGROUND, "-k", "keys_stay"),
    ),
    Mutant(
        "a superseded revision keeps no time of its end",
        "adapters/sqlite/journal_file.py",
        "values = [(number, by_document[document_id], document_id)",
        "values = [(number, None, document_id)",
        (HISTORY, *SQLITE),
    ),
    Mutant(
        "a commit that is repeated is done twice",
        "adapters/sqlite/store.py",
        "            if known is not None:\n",
        "            if known == ...:\n",
        (STORE, "-k", "sqlite and repeated"),
    ),
    Mutant(
        "a conflict fails the whole group",
        "adapters/sqlite/store.py",
        "                answers.append((waiting, error))\n                continue\n",
        "                raise\n",
        ("tests/unit/adapters/test_sqlite_groups.py",),
    ),
    Mutant(
        "a step that failed is not rolled back",
        "adapters/sqlite/store.py",
        '            self._connection.execute("ROLLBACK")\n        self._log',
        "            pass\n        self._log",
        (FILE, "-k", "step_that_fails"),
    ),
    Mutant(
        "a step that failed goes on conflicting",
        "adapters/sqlite/store.py",
        "        self._log.forget_after(self._head.sequence_no)\n",
        "",
        ("tests/unit/adapters/test_sqlite_groups.py",),
    ),
    Mutant(
        "a head is shown that is not written",
        "adapters/sqlite/store.py",
        "            head = sequenced.head\n            answers.append",
        "            self._head = head = sequenced.head\n            answers.append",
        ("tests/unit/adapters/test_sqlite_groups.py",),
    ),
    Mutant(
        "old snapshots are forgotten by the log",
        "adapters/sqlite/store.py",
        "return min(self._open_snapshots.values(), default=self._head.sequence_no)",
        "return self._head.sequence_no",
        (STORE, "-k", "sqlite and (never_conflict or does_not_conflict)"),
    ),
    Mutant(
        "the log remembers for the youngest snapshot",
        "adapters/sqlite/store.py",
        "return min(self._open_snapshots.values(), default=self._head.sequence_no)",
        "return max(self._open_snapshots.values(), default=self._head.sequence_no)",
        (BACKGROUND, "-k", "began_first"),
    ),
    Mutant(
        "commits wait without bound",
        "adapters/sqlite/committer.py",
        "if len(self._queue) >= self._waiting_max:",
        "if len(self._queue) < 0:",
        ("tests/unit/adapters/test_sqlite_groups.py",),
    ),
    Mutant(
        "the main thread writes",
        "adapters/sqlite/committer.py",
        "self.may_write = current_thread() is not main_thread()",
        "self.may_write = True",
        (COMMITTER,),
    ),
    Mutant(
        "the writing is handed on to the main thread",
        "adapters/sqlite/committer.py",
        "heir = next((each for each in self._queue if each.may_write), None)",
        "heir = next(iter(self._queue), None)",
        (COMMITTER, "-k", "interrupted"),
    ),
    Mutant(
        "nobody takes over the writing",
        "adapters/sqlite/committer.py",
        "        with self._order:\n            self._hand_on()\n\n    def _hand_on",
        "        with self._order:\n            self._is_writing = False\n\n    def _hand_on",
        (COMMITTER, "-k", "together"),
    ),
    Mutant(
        "commits are acknowledged before they are on the disk",
        "adapters/sqlite/connections.py",
        "PRAGMA synchronous = FULL",
        "PRAGMA synchronous = NORMAL",
        (BACKGROUND, "-k", "on_the_disk"),
    ),
    Mutant(
        "what is deleted stays in the file",
        "adapters/sqlite/connections.py",
        "PRAGMA secure_delete = ON",
        "PRAGMA secure_delete = OFF",
        (FILE, "-k", "no_byte"),
    ),
]

BEHIND_THE_SCENES = [
    Mutant(
        "an index is online after its first piece",
        "adapters/sqlite/background.py",
        "            if len(rows) == PIECE_ROWS:\n",
        "            if len(rows) > PIECE_ROWS:\n",
        (BACKGROUND, "-k", "index_whose_building"),
    ),
    Mutant(
        "an index that was built halfway is built no further",
        "adapters/sqlite/background.py",
        "self._built_to.get(index_id, 0)",
        "self._built_to.get(index_id, 1_000)",
        (STORE, "-k", "sqlite and like_the_scan"),
    ),
    Mutant(
        "an index that is online is not remembered",
        "adapters/sqlite/background.py",
        "            journal_file.put_catalogue(self._connection, catalogue)\n",
        "",
        (BACKGROUND, "-k", "built_once"),
    ),
    Mutant(
        "keys are removed that snapshots need",
        "adapters/sqlite/background.py",
        "self._connection.execute(_CLOSED, (floor,)).fetchall()",
        "self._connection.execute(_CLOSED, (FOREVER - 1,)).fetchall()",
        (BACKGROUND, "-k", "keys_stay"),
    ),
    Mutant(
        "a dropped index is removed under its readers",
        "adapters/sqlite/background.py",
        "            if number <= floor:\n",
        "            if number:\n",
        (BACKGROUND, "-k", "dropped_index"),
    ),
    Mutant(
        "a redaction waits for nobody",
        "adapters/sqlite/background.py",
        "self._connection.execute(_PENDING, (floor,))",
        "self._connection.execute(_PENDING, (FOREVER,))",
        (BACKGROUND, "-k", "waits_for_the_snapshots"),
    ),
    Mutant(
        "the log of writes keeps what was redacted",
        "adapters/sqlite/background.py",
        "        if self._log_is_full and not self._empty_log():",
        "        if not self._log_is_full:",
        (BACKGROUND, "-k", "redaction_that_is_cut or somebody_was_reading"),
    ),
    Mutant(
        "a log that could not be emptied is left",
        "adapters/sqlite/background.py",
        "        self._log_is_full = bool(busy)\n",
        "        self._log_is_full = busy = False\n",
        (BACKGROUND, "-k", "somebody_was_reading"),
    ),
    Mutant(
        "work that fails ends the committer",
        "adapters/sqlite/store.py",
        "        except Exception as error:  # noqa: BLE001 - whatever it was, commits must go on",
        "        except CounterfoilError as error:",
        (BACKGROUND, "-k", "stops_no_commit"),
    ),
    Mutant(
        "a closed ledger makes its file anew",
        "adapters/sqlite/connections.py",
        "        if self._closed:  # the file may be gone, and would be made anew",
        "        if not self._idle and self._closed is None:",
        (BACKGROUND, "-k", "nothing_can_be_asked"),
    ),
    Mutant(
        "a forked process writes as if it were its parent",
        "adapters/sqlite/store.py",
        "        if os.getpid() != self._process:  # neither",
        "        if not self._process:  # neither",
        (BACKGROUND, "-k", "forked"),
    ),
]

FILES = [
    Mutant(
        "two processes write one ledger",
        "adapters/sqlite/connections.py",
        "        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "        pass\n",
        (FILE, "-k", "one_process"),
    ),
    Mutant(
        "opening does not look at the newest blocks",
        "adapters/sqlite/checks.py",
        "            chain = extend(chain, block)\n",
        "            chain = extend(chain, block) if chain is None else chain\n",
        (FILE, "-k", "no_problems or closed_and_opened"),
    ),
    Mutant(
        "opening does not compare a block with its row",
        "adapters/sqlite/checks.py",
        "                block_hash,\n            ):",
        "                block.block_hash,\n            ):",
        (FILE, "-k", "does_not_hold"),
    ),
    Mutant(
        "verifying does not look at the tree",
        "adapters/sqlite/verification.py",
        "            if row is None or row[0] != hash_:\n",
        "            if row is None:\n",
        (FILE, "-k", "found"),
    ),
    Mutant(
        "verifying does not look at validities",
        "adapters/sqlite/verification.py",
        "        if (before is None) != (revision.version == 0) or (",
        "        if not revision or (",
        (FILE, "-k", "found"),
    ),
    Mutant(
        "verifying does not count",
        "adapters/sqlite/verification.py",
        '            if count != expected:\n                self._report.problem(f"there are',
        '            if count < expected:\n                self._report.problem(f"there are',
        (FILE, "-k", "found"),
    ),
    Mutant(
        "verifying does not look for index entries too many",
        "adapters/sqlite/verification.py",
        '        if count != expected:\n            self._report.problem(f"index',
        '        if count < expected:\n            self._report.problem(f"index',
        (FILE, "-k", "found"),
    ),
    Mutant(
        "a rebuild redacts again what is redacted",
        "adapters/sqlite/rebuild.py",
        "                connection.execute(_STILL_THERE)\n",
        "",
        (FILE, "-k", "derived or changes_nothing or no_byte"),
    ),
    Mutant(
        "a rebuild is left halfway when the journal does not hold",
        "adapters/sqlite/rebuild.py",
        '                    connection.execute("ROLLBACK")\n',
        '                    connection.execute("COMMIT")\n',
        (FILE, "-k", "does_not_hold"),
    ),
    Mutant(
        "a rebuild hands out a catalogue's version again",
        "adapters/sqlite/rebuild.py",
        "version=max(before, catalogue.version) + 1",
        "version=0",
        (FILE, "-k", "version_of_the_catalogue"),
    ),
]

SQLITE_STORE = [*SNAPSHOTS, *COMMITS, *BEHIND_THE_SCENES, *FILES]
