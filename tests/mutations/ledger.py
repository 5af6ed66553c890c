"""Mutants of the ledger's engine: transactions, the catalogue, redaction, replay, proofs."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

ISOLATION = "tests/contract/test_ledger_isolation.py"
STORE = "tests/contract/test_ledger_store.py"
EVIDENCE = "tests/contract/test_ledger_evidence.py"
BOUNDS = "tests/contract/test_ledger_bounds.py"
DEFINITIONS = "tests/unit/ledger/test_definitions.py"
MODEL = "tests/simulation/test_ledger_model.py"
NODES = "tests/property/test_merkle_nodes.py"
BACKGROUND = "tests/unit/adapters/test_sqlite_background.py"
FILE = "tests/unit/adapters/test_sqlite_ledger.py"
MEMORY = ("-k", "memory")

TRANSACTIONS = [
    Mutant(
        "a statement that fails leaves what it changed",
        "ledger/workspace.py",
        "                self._put(document_id, before)\n",
        "                pass\n",
        (STORE, *MEMORY),
    ),
    Mutant(
        "bytes of what was replaced still count",
        "ledger/workspace.py",
        '            self._written_bytes -= len(before.data or b"")\n',
        "            pass\n",
        (BOUNDS, "-k", "memory and bytes"),
    ),
    Mutant(
        "a transaction may hold any number of bytes",
        "ledger/workspace.py",
        "if self._written_bytes > self._limits.transaction_bytes:",
        "if self._written_bytes < 0:",
        (BOUNDS, "-k", "memory and bytes"),
    ),
    Mutant(
        "what was made and deleted again is written",
        "ledger/workspace.py",
        "if each.base is not None or each.value is not None)",
        "if each)",
        (STORE, *MEMORY),
    ),
    Mutant(
        "own changes are not seen by id",
        "ledger/workspace.py",
        "if view is View.USER and document_id in self._written:",
        "if view is View.COMMITTED and document_id in self._written:",
        (MODEL,),
    ),
    Mutant(
        "what an own change took from a key is still found there",
        "ledger/workspace.py",
        "        for revision in revisions:\n            if revision.document_id not in own:\n",
        "        for revision in revisions:\n            if revision.value != ...:\n",
        (MODEL,),
    ),
    Mutant(
        "the key of an own document is kept although it changed",
        "ledger/workspace.py",
        "        self._own_keys.pop(document_id, None)\n",
        "",
        (ISOLATION, "-k", "memory and own_documents"),
    ),
    Mutant(
        "own documents are not found by key",
        "ledger/workspace.py",
        "if self._own_key(row, index.field) == key:",
        "if self._own_key(row, index.field) is key:",
        (MODEL,),
    ),
    Mutant(
        "a loop does not look at the time",
        "ledger/workspace.py",
        "        if self._lifetime.is_over():\n            raise",
        "        if not self._lifetime:\n            raise",
        (BOUNDS, "-k", "memory and text0"),
    ),
    Mutant(
        "values are gone through without a look at the time",
        "partiql/compile_sources.py",
        "enumerate(_watched(elements_of(value), frame))",
        "enumerate(elements_of(value))",
        (BOUNDS, "-k", "memory and not_end and ORDER"),
    ),
    Mutant(
        "a clock that goes back prolongs transactions",
        "ledger/workspace.py",
        "return not self.began_at <= self.clock() < self.expires_at",
        "return not self.clock() < self.expires_at",
        (BOUNDS, "-k", "memory and clock"),
    ),
    Mutant(
        "a transaction lasts a moment too long",
        "ledger/workspace.py",
        "self.clock() < self.expires_at",
        "self.clock() <= self.expires_at",
        (STORE, "-k", "memory and expires"),
    ),
    Mutant(
        "transactions of a time to come are kept for it",
        "services/ledger.py",
        " or now + _SLACK < each.began_at",
        "",
        (BOUNDS, "-k", "memory and clock"),
    ),
    Mutant(
        "forgotten transactions are kept",
        "services/ledger.py",
        "            over = self._over()\n",
        "            over: list[OpenTransaction] = []\n",
        (BOUNDS, "-k", "memory and nobody_ends"),
    ),
    Mutant(
        "versions go back in time with the clock",
        "ledger/transaction.py",
        "        return max(self._clock(), times.moment_of(self._snapshot.timestamp_ms))\n",
        "        return self._clock()\n",
        (BOUNDS, "-k", "memory and clock"),
    ),
    Mutant(
        "blocks go back in time with the clock",
        "ledger/sequencing.py",
        "max(now_ms, proposal.tx_time_ms, head.timestamp_ms)",
        "now_ms",
        (STORE, "-k", "memory and times_of_blocks"),
    ),
    Mutant(
        "rows drawn late show later changes",
        "ledger/transaction.py",
        "                results.draw_all()\n",
        "                pass\n",
        (STORE, "-k", "memory and drawn_late"),
    ),
    Mutant(
        "a row that fails fails in another statement",
        "ledger/transaction.py",
        "        except InputError as error:\n            self._failed = error\n",
        "        except InputError as error:\n            self._failed = error\n            raise\n",
        (BOUNDS, "-k", "memory and fail_where"),
    ),
    Mutant(
        "any number of rows is kept",
        "ledger/transaction.py",
        "if len(self._drawn) >= MAX_HELD_ROWS:",
        "if len(self._drawn) < 0:",
        (BOUNDS, "-k", "memory and still_wanted"),
    ),
    Mutant(
        "a statement's time is that of the one before it",
        "ledger/transaction.py",
        "        workspace.now = self._now\n",
        "",
        (BOUNDS, "-k", "memory and one_time"),
    ),
    Mutant(
        "the texts of statements are not bounded",
        "ledger/transaction.py",
        "        self._text_size += len(statement.text)\n",
        "",
        (BOUNDS, "-k", "memory and texts"),
    ),
    Mutant(
        "a statement too many",
        "ledger/transaction.py",
        "if len(self._statements) >= self._limits.statements_per_transaction:",
        "if len(self._statements) > self._limits.statements_per_transaction:",
        (BOUNDS, "-k", "memory and so_many_statements"),
    ),
    Mutant(
        "parameters count for nothing in the digest of a commit",
        "journal/transaction.py",
        "return reduce(dot, parameter_hashes, _hash_of_text(text)",
        "return reduce(dot, [], _hash_of_text(text)",
        ("tests/unit/ledger/test_commit_digest.py",),
    ),
    Mutant(
        "statements count for nothing in the digest of a commit",
        "ledger/transaction.py",
        "        self.commit_digest = dot(self.commit_digest, statement.digest)\n",
        "",
        ("tests/unit/ledger/test_commit_digest.py",),
    ),
    Mutant(
        "a block that cannot be written fails others' commits",
        "ledger/sequencing.py",
        "    data = block.block_binary()\n",
        "    try:\n        data = block.block_binary()\n    except Exception:\n        data = b''\n",
        (BOUNDS, "-k", "memory and cannot_be_written"),
    ),
]

DEFINED = [
    Mutant(
        "a new version of a document has the number of the old",
        "ledger/proposal.py",
        "else self.base.version + 1",
        "else self.base.version",
        (STORE, *MEMORY),
    ),
    Mutant(
        "the catalogue's version stays",
        "ledger/catalogue.py",
        "LedgerCatalogue(self.version + 1, {**",
        "LedgerCatalogue(self.version, {**",
        (DEFINITIONS,),
    ),
    Mutant(
        "a plan outlives its catalogue",
        "ledger/plans.py",
        "key = (text, catalogue.version)",
        "key = (text, 0)",
        (DEFINITIONS,),
    ),
    Mutant(
        "plans of an open transaction's tables are kept for all",
        "ledger/transaction.py",
        "plans = Plans() if self._definitions else self._engine.plans",
        "plans = self._engine.plans",
        (DEFINITIONS,),
    ),
    Mutant(
        "two tables of one transaction have one id",
        "ledger/ids.py",
        'f"counterfoil {kind} {transaction_id} {statement}"',
        'f"counterfoil {kind} {transaction_id}"',
        (DEFINITIONS,),
    ),
    Mutant(
        "an active table too many",
        "ledger/changes.py",
        "        catalogue.active_count >= limits.active_tables or",
        "        catalogue.active_count > limits.active_tables or",
        (DEFINITIONS,),
    ),
    Mutant(
        "dropped tables count for nothing",
        "ledger/changes.py",
        "len(catalogue.entries) >= limits.tables",
        "catalogue.active_count >= limits.tables",
        (DEFINITIONS,),
    ),
    Mutant(
        "an undropped table takes another's name",
        "ledger/changes.py",
        "    if catalogue.table(entry.name) is not None:",
        "    if catalogue.table(entry.name) is entry:",
        (ISOLATION, "-k", "memory and same_name"),
    ),
    Mutant(
        "an index is used before it is built",
        "ledger/catalogue.py",
        "for each in self.indexes if each.status is IndexStatus.ONLINE)",
        "for each in self.indexes)",
        (BACKGROUND, "-k", "still_being_built"),
    ),
]

EVIDENCE = [
    Mutant(
        "the current revision can be redacted",
        "ledger/redaction.py",
        "if current is not None and current.version == found.version:",
        "if current is None:",
        (EVIDENCE, "-k", "memory and current"),
    ),
    Mutant(
        "what is redacted in the journal stays in the projection",
        "adapters/sqlite/background.py",
        "            self._connection.execute(_REDACT, (redacted.data_hash, document_id, number))\n",
        "",
        (EVIDENCE, "-k", "sqlite and redacted"),
    ),
    Mutant(
        "what is redacted in the projection stays in the journal",
        "adapters/sqlite/background.py",
        '            self._connection.execute("UPDATE blocks SET block = ? WHERE sequence_no = ?", (redacted.block, number))\n',
        "",
        (EVIDENCE, "-k", "sqlite and redacted"),
    ),
    Mutant(
        "replay does not know redacted revisions",
        "ledger/replay.py",
        "claimed.contents_hash if revision.kind is RevisionKind.REDACTED else None",
        "None",
        (FILE, "-k", "derived"),
    ),
    Mutant(
        "replay takes no notice of DROP",
        "ledger/replay.py",
        '_DEFINING = ("create", "drop", "undrop")',
        '_DEFINING = ("create", "undrop")',
        (FILE, "-k", "derived or no_problems"),
    ),
    Mutant(
        "a revision is proved among the wrong entries",
        "services/ledger.py",
        "block.entries_hash_list.index(root_of(hashes))",
        "2",
        (EVIDENCE, "-k", "memory and proved"),
    ),
    Mutant(
        "a revision's proof leaves out the block before",
        "services/ledger.py",
        "            *previous,\n",
        "",
        (EVIDENCE, "-k", "memory and proved"),
    ),
    Mutant(
        "a leaf completes one node at most",
        "merkle/nodes.py",
        "    while position & 1:",
        "    if position & 1:",
        (NODES,),
    ),
    Mutant(
        "a proof of an old tree reads nodes of the new",
        "merkle/nodes.py",
        "        if end <= size:",
        "        if begin < size:",
        (NODES,),
    ),
    Mutant(
        "the right edge is left out of proofs",
        "merkle/nodes.py",
        "        elif begin < size:\n            path.append(_edge(read, begin, size))\n",
        "",
        (NODES,),
    ),
    Mutant(
        "the right edge is folded from the left",
        "merkle/nodes.py",
        "return reduce(lambda right, left: dot(left, right), reversed(peaks[:-1]), peaks[-1])",
        "return reduce(dot, peaks)",
        (NODES,),
    ),
]

LEDGER = [*TRANSACTIONS, *DEFINED, *EVIDENCE]
