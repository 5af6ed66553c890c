"""An open transaction: a snapshot of the ledger with the transaction's own changes over it, and a record of what it read.

One transaction is used by one thread at a time. A statement that fails changes nothing and is not journaled; the transaction
goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from weakref import ReferenceType, ref

from counterfoil.errors import ClosedError, DeferredError, InputError, LimitError, PreconditionError, StatementError
from counterfoil.ion.values import Value
from counterfoil.journal import BlockAddress
from counterfoil.journal.builder import Change, Redaction, Statement, hash_of_value, prepare
from counterfoil.journal.transaction import statement_digest
from counterfoil.ledger import times
from counterfoil.ledger.changes import Definition, define
from counterfoil.ledger.concurrency import WHOLE_CATALOGUE, name_footprint
from counterfoil.ledger.erasure import CERTIFICATES, Erasure, certificates_in, erasure_of
from counterfoil.ledger.erasure import PROCEDURE as ERASE
from counterfoil.ledger.limits import Limits
from counterfoil.ledger.plans import Compilable, Plans, parse
from counterfoil.ledger.proposal import Proposal, Written
from counterfoil.ledger.reading import Snapshot
from counterfoil.ledger.redaction import redaction_of
from counterfoil.ledger.sealed_statements import refuse_literals
from counterfoil.ledger.sealing import Seals, as_journaled
from counterfoil.ledger.workspace import Lifetime, SnapshotWorkspace
from counterfoil.merkle import Hash, dot
from counterfoil.partiql.compiler import compile_expression
from counterfoil.partiql.limits import MAX_HELD_ROWS
from counterfoil.partiql.syntax import Execute, Query
from counterfoil.partiql.tables import Action, Plan, Table

# Raises ForbiddenError unless the caller may do all of these to the tables of these ids.
Authorise = Callable[[frozenset[tuple[Action, str]]], None]


class Givens(NamedTuple):
    """What a transaction takes from outside: ``clock`` dates its statements and its block, ``watch`` says when its time is up.

    They are one clock but for whoever carries a transaction out again, or dates a whole request at once.
    """

    clock: Callable[[], datetime]
    watch: Callable[[], datetime]
    new_id: Callable[[], str]


# Raises an ``InputError`` if what a transaction wrote may not be committed. What it reads counts as read by the transaction.
Guard = Callable[[SnapshotWorkspace], None]


class Engine(NamedTuple):
    """What all transactions of a ledger share. ``commit`` is the store's; ``ended`` is told of each transaction that is over.

    ``guard`` is asked before a commit. Without ``seals`` no table can have sealed fields.
    """

    plans: Plans
    limits: Limits
    givens: Givens
    commit: Callable[[Proposal], BlockAddress]
    ended: Callable[[str], None]
    guard: Guard | None = None
    seals: Seals | None = None


class Results(Iterator[Value]):
    """The rows of one statement, drawn as they are asked for.

    ``read_ios`` counts the documents that were read so far: many for few rows are a sign of a scan.
    """

    def __init__(self, rows: Iterator[Value], transaction: OpenTransaction, read_ios: int) -> None:
        self._rows = rows
        self._transaction = transaction
        self._now = transaction.workspace.now
        self._drawn: deque[Value] = deque()
        self._failed: InputError | None = None
        self.read_ios = read_ios

    def __next__(self) -> Value:
        if self._drawn:
            return self._drawn.popleft()
        if self._failed is not None:
            raise self._failed
        return self._draw()

    def draw_all(self) -> None:
        """Draw what is left, so that nothing which is changed later can be seen in it.

        What fails on the way is told to whoever draws these rows, not to the statement that made it necessary to draw them.
        """
        try:
            while True:
                if len(self._drawn) >= MAX_HELD_ROWS:
                    raise LimitError(f"at most {MAX_HELD_ROWS} rows are kept when a later statement changes something")
                self._drawn.append(self._draw())
        except StopIteration:
            pass
        except ClosedError:
            raise
        except InputError as error:
            self._failed = error
            self._transaction.finished(self)

    def _draw(self) -> Value:
        workspace = self._transaction.workspace
        before = workspace.read_ios
        self._transaction.check_open()
        workspace.now = self._now
        try:
            return next(self._rows)
        except StopIteration:
            self._transaction.finished(self)
            raise
        except ClosedError:
            self._transaction.abort()
            raise
        finally:
            self.read_ios += workspace.read_ios - before


class OpenTransaction:
    """A transaction that began at ``snapshot`` and is not over yet."""

    def __init__(self, transaction_id: str, snapshot: Snapshot, engine: Engine) -> None:
        self.transaction_id = transaction_id
        givens = engine.givens
        self.began_at = givens.clock()
        self.expires_at = self.began_at + engine.limits.transaction_time
        self._lifetime = Lifetime(self.began_at, self.expires_at, givens.watch)
        if engine.seals is not None and snapshot.catalogue.has_sealed:
            snapshot = engine.seals.opening(snapshot)
        self.workspace = SnapshotWorkspace(transaction_id, snapshot, engine.limits, givens.new_id, self._lifetime)
        self.commit_digest: Hash = hash_of_value(transaction_id)
        self.ended = False
        self._snapshot = snapshot
        self._engine = engine
        self._limits = engine.limits
        self._clock = givens.clock
        self._statements: list[Statement] = []
        self._text_size = 0
        self._definitions: list[tuple[int, Definition]] = []
        self._redactions: list[Redaction] = []
        # With the table for the certificate, unless there is one already.
        self._erasure: tuple[Table | None, Erasure] | None = None
        # Numbers of the statements whose digests are hidden in the journal: their parameters may be what is sealed.
        self._veiled: set[int] = set()
        # Rows that their caller has let go of need not be drawn before something changes.
        self._unfinished: dict[int, ReferenceType[Results]] = {}

    @property
    def snapshot_no(self) -> int:
        """The last block that the transaction sees."""
        return self._snapshot.sequence_no

    @property
    def dated_at(self) -> datetime:
        """The time of the block, if it is committed now."""
        # A document's versions follow each other in time, also where the clock went back.
        return max(self._clock(), times.moment_of(self._snapshot.timestamp_ms))

    def check_open(self) -> None:
        """Raise ``ClosedError`` if the transaction is over or its time is up; the clock may go backwards, which prolongs nothing."""
        if self.ended:
            raise ClosedError(f"Transaction {self.transaction_id} has ended")
        if self._lifetime.is_over():
            self.abort()
            raise self._lifetime.error(self.transaction_id)

    def execute_in_brief(
        self, text: str, parameters: Sequence[Value] = (), authorise: Authorise | None = None
    ) -> Results:
        """Carry out a statement and draw its rows if that takes a moment only; otherwise ``DeferredError``, and nothing was done."""
        plan = None if self._definitions else self._engine.plans.known(text, self.workspace.catalogue)
        if plan is None or not plan.is_point or (plan.writes and self._unfinished):
            raise DeferredError("the statement may take longer than a moment")
        with self.workspace.in_brief():
            return self.execute(text, parameters, authorise, draw=True)

    def execute(
        self, text: str, parameters: Sequence[Value] = (), authorise: Authorise | None = None, *, draw: bool = False
    ) -> Results:
        """Carry out one statement; its rows may be drawn later, unless they are to be drawn at once.

        Raises ``StatementError`` for a statement that cannot be carried out, ``LimitError``, ``ForbiddenError`` (from
        ``authorise``) and ``ClosedError``.
        """
        self.check_open()
        if not isinstance(text, str):
            raise InputError(f"a statement is a text, not a {type(text).__name__}")
        if len(text) > self._limits.statement_characters:
            raise LimitError(
                f"a statement of {len(text)} characters; at most {self._limits.statement_characters} are allowed"
            )
        parsed = parse(text)
        if parsed.parameter_count != len(parameters):
            raise StatementError(
                "Semantic", f"the statement has {parsed.parameter_count} parameters, but {len(parameters)} were given"
            )
        if len(self._statements) >= self._limits.statements_per_transaction:
            raise LimitError(f"at most {self._limits.statements_per_transaction} statements in one transaction")
        statement = self._to_journal(text, tuple(parameters))
        self._settle_before(parsed.statement)
        self.workspace.now = times.timestamp_of(times.milliseconds_of(self._clock()))
        before = self.workspace.read_ios
        try:
            rows = self._carry_out(text, parsed.statement, tuple(parameters), authorise)
        except ClosedError:  # its time was up on the way
            self.abort()
            raise
        results = Results(rows, self, self.workspace.read_ios - before)
        if draw:
            results.draw_all()
        else:
            self._unfinished[id(results)] = ref(results)
        self._journal(statement)
        return results

    def finished(self, results: Results) -> None:
        """No more rows are to come of these results."""
        self._unfinished.pop(id(results), None)

    def commit(self) -> BlockAddress | None:
        """Commit; the address of the block, or ``None`` where there was no statement and so nothing to write.

        Raises ``OccConflictError`` if what was read has changed, ``ClosedError``, and what the guard raises. The transaction is
        over either way.
        """
        self.check_open()
        self.ended = True
        try:
            if not self._statements:
                return None
            if self._engine.guard is not None:
                self._engine.guard(self.workspace)
            return self._engine.commit(self.proposal())
        finally:
            self._let_go()

    def abort(self) -> None:
        """Forget everything; of a transaction that is over nothing happens."""
        if not self.ended:
            self.ended = True
            self._let_go()

    def _let_go(self) -> None:
        self._unfinished.clear()
        self._snapshot.release()
        self._engine.ended(self.transaction_id)

    def _settle_before(self, statement: Compilable | Definition | Execute) -> None:
        """Draw the rows of earlier statements that are still to come, before anything changes under them."""
        if not isinstance(statement, Query):
            for results in [each() for each in self._unfinished.values()]:
                if results is not None:
                    results.draw_all()

    def _carry_out(
        self,
        text: str,
        statement: Compilable | Definition | Execute,
        parameters: tuple[Value, ...],
        authorise: Authorise | None,
    ) -> Iterator[Value]:
        if isinstance(statement, Compilable):
            plan = self._plan(text, statement)
            if self.workspace.catalogue.has_sealed:
                self._keep_values_out_of_the_journal(statement, plan)
            return self._run(plan, parameters, authorise)
        if isinstance(statement, Execute):
            execute = self._mark_erasure if statement.procedure.upper() == ERASE else self._redact
            return iter((execute(statement, parameters, authorise),))
        return iter((self._define(statement, authorise),))

    def _plan(self, text: str, statement: Compilable) -> Plan:
        # A catalogue with changes of this transaction has a version that another one may have as well.
        plans = Plans() if self._definitions else self._engine.plans
        try:
            return plans.plan(text, statement, self.workspace.catalogue)
        except StatementError:
            self._saw_catalogue()
            raise

    def _keep_values_out_of_the_journal(self, statement: Compilable, plan: Plan) -> None:
        catalogue = self.workspace.catalogue
        for _, table_id in plan.actions:
            if catalogue.sealed_in(table_id):
                refuse_literals(statement, catalogue.entries[table_id].name)
                self._veiled.add(len(self._statements))

    def _saw_catalogue(self) -> None:
        """Whoever is told that there is no such table has read the catalogue."""
        self.workspace.read.add(WHOLE_CATALOGUE)

    def _run(self, plan: Plan, parameters: tuple[Value, ...], authorise: Authorise | None) -> Iterator[Value]:
        if authorise is not None:
            authorise(plan.actions)
        for _, table_id in plan.actions:
            self.workspace.use_table(table_id)
        self.workspace.statement_no = len(self._statements)
        if not plan.writes:
            return plan.run(self.workspace, parameters)
        with self.workspace.one_statement():
            return iter(list(plan.run(self.workspace, parameters)))

    def _define(self, statement: Definition, authorise: Authorise | None) -> Value:
        number = len(self._statements)
        self._saw_catalogue()
        defined = define(statement, self.workspace.catalogue, self.transaction_id, number, self._limits)
        if defined.action is Action.CREATE_TABLE and defined.entry.sealed and self._engine.seals is None:
            raise PreconditionError(
                f"table {defined.entry.name} has sealed fields, and this ledger has no place for their keys "
                "(docs/ledger.md, Sealed fields)"
            )
        if authorise is not None:
            authorise(frozenset({(defined.action, defined.entry.table_id)}))
        self.workspace.read.add(name_footprint(defined.entry.name))
        self.workspace.catalogue = self.workspace.catalogue.with_entry(defined.entry)
        self._definitions.append((number, statement))
        return {"tableId": defined.entry.table_id}

    def _redact(self, statement: Execute, parameters: tuple[Value, ...], authorise: Authorise | None) -> Value:
        arguments = [compile_expression(each)(parameters) for each in statement.arguments]
        redaction = redaction_of(statement, arguments, self._snapshot)
        if authorise is not None:
            authorise(frozenset({(Action.REDACT, redaction.table_id)}))
        if len(self._redactions) >= self._limits.redactions_per_transaction:
            raise LimitError(f"at most {self._limits.redactions_per_transaction} redactions in one transaction")
        self._redactions.append(redaction)
        return {
            "blockAddress": {"strandId": redaction.address.strand_id, "sequenceNo": redaction.address.sequence_no},
            "tableId": redaction.table_id,
            "documentId": redaction.document_id,
            "version": redaction.version,
        }

    def _mark_erasure(self, statement: Execute, parameters: tuple[Value, ...], authorise: Authorise | None) -> Value:
        arguments = [compile_expression(each)(parameters) for each in statement.arguments]
        seals = self._engine.seals
        erasure = erasure_of(
            statement, arguments, self._snapshot, None if seals is None else seals.keys, len(self._statements)
        )
        if authorise is not None:
            authorise(frozenset({(Action.REDACT, erasure.table_id)}))
        if self._erasure is not None:
            raise LimitError("at most one erasure in one transaction")
        workspace = self.workspace
        workspace.read.update((name_footprint(CERTIFICATES), erasure.certificate_id))
        table = None
        if self._snapshot.document(erasure.certificate_id) is None:
            table = certificates_in(workspace.catalogue, statement.at)
            with workspace.one_statement():
                workspace.certify(table, erasure)
        self._erasure = table, erasure
        return erasure.row()

    def _to_journal(self, text: str, parameters: tuple[Value, ...]) -> Statement:
        """The statement as the block will have it: what cannot be hashed is refused before it changes anything."""
        if self._text_size + len(text) > self._limits.transaction_bytes:
            raise LimitError(
                f"the statements of a transaction have at most {self._limits.transaction_bytes} characters"
            )
        hashes = [hash_of_value(each) for each in parameters]
        # A parameter that becomes a document as it is need not be hashed again.
        self.workspace.parameter_hashes = {id(each): hash_ for each, hash_ in zip(parameters, hashes, strict=True)}
        return Statement(text, parameters, statement_digest(text, hashes))

    def _journal(self, statement: Statement) -> None:
        assert statement.digest is not None
        self._statements.append(statement)
        self._text_size += len(statement.text)
        self.commit_digest = dot(self.commit_digest, statement.digest)

    def _erased(self, documents: tuple[Written, ...]) -> tuple[Written, ...]:
        """Destroy a key, and then write when: a certificate of a key that is still there cannot be.

        With a certificate from before it is destroyed all the same: somebody may have brought it back from a backup.
        """
        if self._erasure is None:
            return documents
        assert self._engine.seals is not None  # it gave the key's id
        table, erasure = self._erasure
        destroyed = self._engine.seals.keys.destroy(erasure.document_id, times.milliseconds_of(self.dated_at))
        if table is None:
            return documents
        certificate = self.workspace.certify(table, erasure, destroyed.destroyed_ms)
        return tuple(certificate if each.document_id == certificate.document_id else each for each in documents)

    def proposal(self) -> Proposal:
        """What ``commit`` hands to the store. Keys are made for it, and one is destroyed if the transaction asks for that."""
        tx_time = self.dated_at
        documents, statements = as_journaled(
            self._engine.seals,
            self.workspace.catalogue,
            self.transaction_id,
            self.workspace.documents,
            self._statements,
            self._veiled,
        )
        documents = self._erased(documents)
        changes = [
            Change(
                each.document_id,
                each.version,
                each.table_name,
                each.table_id,
                each.value,
                each.statements,
                encoded=each.data,
                known_hash=each.data_hash,
            )
            for each in documents
        ]
        return Proposal(
            self.transaction_id,
            self._snapshot.sequence_no,
            self.workspace.read,
            prepare(self.transaction_id, tx_time, statements, changes, self._redactions),
            times.milliseconds_of(tx_time),
            documents,
            tuple(self._definitions),
            tuple(self._redactions),
        )
