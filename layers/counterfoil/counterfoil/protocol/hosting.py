"""What the protocols ask of the ledgers that a service hosts, and of whoever calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from counterfoil.ion.values import Value
from counterfoil.journal import BlockAddress, Digest
from counterfoil.journal.builder import Statement
from counterfoil.ledger.catalogue import LedgerCatalogue
from counterfoil.ledger.jobs import ExportJob, StreamJob
from counterfoil.ledger.registry import RegisteredLedger
from counterfoil.ledger.transaction import Givens
from counterfoil.merkle import Hash
from counterfoil.partiql.tables import Action

Authorise = Callable[[frozenset[tuple[Action, str]]], None]


class Results(Protocol):
    """The rows of one statement, drawn as they are asked for; ``read_ios`` counts the documents read so far."""

    @property
    def read_ios(self) -> int: ...

    def __iter__(self) -> Iterator[Value]: ...

    def __next__(self) -> Value: ...


class Transaction(Protocol):
    """An open transaction; used by one thread at a time. ``commit`` and ``abort`` end it, and so does its time."""

    @property
    def transaction_id(self) -> str: ...

    @property
    def snapshot_no(self) -> int:
        """The last block that it sees."""
        ...

    @property
    def expires_at(self) -> datetime: ...

    @property
    def dated_at(self) -> datetime:
        """The time of its block, if it is committed now."""
        ...

    @property
    def commit_digest(self) -> Hash: ...

    @property
    def ended(self) -> bool: ...

    def check_open(self) -> None:
        """Raise ``ClosedError`` if it has ended or its time is up."""
        ...

    def execute(self, text: str, parameters: Sequence[Value] = (), authorise: Authorise | None = None) -> Results: ...

    def execute_in_brief(
        self, text: str, parameters: Sequence[Value] = (), authorise: Authorise | None = None
    ) -> Results:
        """``execute`` if that takes a moment only; otherwise ``DeferredError``, and nothing was done."""
        ...

    def commit(self) -> BlockAddress | None: ...

    def abort(self) -> None: ...


class Engine(Protocol):
    """One ledger, open. Every call may be made from several threads at once."""

    @property
    def strand_id(self) -> str: ...

    @property
    def catalogue(self) -> LedgerCatalogue: ...

    def begin(self, transaction_id: str | None = None, givens: Givens | None = None) -> Transaction:
        """A new transaction; ids, times and chance are the ledger's own unless they are given."""
        ...

    def resume(self, transaction_id: str, snapshot_no: int, givens: Givens) -> Transaction:
        """A transaction that began elsewhere, before its first statement; ``ClosedError`` where that cannot be known any more."""
        ...

    def committed(self, transaction_id: str) -> BlockAddress | None:
        """Where a transaction was committed, if it was."""
        ...

    def is_of(self, block: Mapping[str, Value], statements: Sequence[Statement], /) -> bool:
        """Whether a committed block is of these statements, with these parameters."""
        ...

    def digest(self) -> Digest:
        """``NotFoundError`` while there is no block."""
        ...

    def block(self, address: BlockAddress, /) -> bytes:
        """A block in its whole form, a binary datagram; ``NotFoundError`` where there is none."""
        ...

    def prove_block(self, address: BlockAddress, tip: BlockAddress, /) -> Sequence[Hash]: ...

    def revision(self, address: BlockAddress, document_id: str, /) -> Value:
        """A revision as its block holds it; ``NotFoundError`` where there is none."""
        ...

    def prove_revision(self, address: BlockAddress, document_id: str, tip: BlockAddress, /) -> Sequence[Hash]: ...


class Ledgers(Protocol):
    """The ledgers' data, by registered ledger. ``create`` and ``delete`` may be repeated after a crash."""

    def create(self, ledger: RegisteredLedger, /) -> None: ...

    def open(self, ledger: RegisteredLedger, /) -> Engine:
        """The ledger's engine, the same one as long as it is open."""
        ...

    def delete(self, ledger: RegisteredLedger, /) -> None:
        """End what uses the ledger and remove its data."""
        ...


class JobRunner(Protocol):
    """Carries out exports and streams, kept durably, in the background."""

    def start_export(self, job: ExportJob, /) -> None: ...

    def start_stream(self, job: StreamJob, /) -> None: ...

    def cancel_stream(self, stream_id: str, /) -> None: ...

    def exports(self) -> Sequence[ExportJob]:
        """All exports that are running or were listed as ended not too long ago, oldest first."""
        ...

    def streams(self) -> Sequence[StreamJob]: ...

    def forget_ledger(self, ledger_name: str, /) -> None:
        """Stop and forget the jobs of a ledger that is deleted."""
        ...


class Caller(Protocol):
    """Who sent a request. A server without keys knows one caller, who may do everything."""

    @property
    def name(self) -> str:
        """Sessions belong to the name that started them."""
        ...

    @property
    def unrestricted(self) -> bool:
        """Whether statements need not be checked."""
        ...

    def check(self, action: str, ledger_name: str, /) -> None:
        """Raise ``ForbiddenError`` unless the caller may do this to the ledger; ``""`` stands for no ledger in particular."""
        ...

    def check_table(self, action: str, ledger_name: str, table_id: str, table_name: str | None, /) -> None:
        """Raise ``ForbiddenError`` unless the caller may do this to the table."""
        ...
