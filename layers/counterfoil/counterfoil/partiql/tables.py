"""What a compiled statement needs to know of a ledger, and what it does to it: the catalogue and the workspace.

The ledger's transaction is a ``Workspace``; every read that goes through one is recorded for the check at commit, so a plan
reads by the narrowest way there is: a document by id, else an index, else the whole table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum, StrEnum
from typing import NamedTuple, Protocol

from counterfoil.ion.timestamps import IonTimestamp
from counterfoil.ion.values import Value


class Index(NamedTuple):
    """An index that queries may use: one top-level field of a table's documents."""

    index_id: str
    field: str


class Table(NamedTuple):
    """A table as statements see it. ``indexes`` are those that are online; an inactive (dropped) table has history only."""

    table_id: str
    name: str
    active: bool
    indexes: tuple[Index, ...]


class Catalogue(Protocol):
    """The tables of a ledger at one point of its journal. Plans are compiled against one ``version`` and valid for it alone."""

    @property
    def version(self) -> int: ...

    def table(self, name: str) -> Table | None:
        """The active table of that name; names are compared exactly."""
        ...

    def table_by_id(self, table_id: str) -> Table | None:
        """A table by its id, dropped or not."""
        ...


class View(Enum):
    """Which form of its documents a query of a table sees."""

    USER = "user"
    """the document's data"""
    COMMITTED = "committed"
    """``{blockAddress, hash, data, metadata: {id, version, txTime, txId}}`` (``_ql_committed_<Table>``)"""


class Row(NamedTuple):
    """A document as a query sees it; ``value`` is in the form of the view."""

    document_id: str
    value: dict[str, Value]


class Workspace(Protocol):
    """An open transaction as a plan uses it: a snapshot with the transaction's own changes over it."""

    @property
    def transaction_id(self) -> str: ...

    @property
    def now(self) -> IonTimestamp:
        """The time that UTCNOW() gives: one for the whole statement."""
        ...

    def check_time(self) -> None:
        """Raise ``ClosedError`` if the transaction's time is up. Loops ask now and then: they may go on for long without a row."""
        ...

    def scan(self, table: Table, view: View) -> Iterator[Row]:
        """Every document of the table."""
        ...

    def probe(self, table: Table, view: View, index: Index, key: bytes) -> Iterator[Row]:
        """The documents whose indexed field has this key (``equality.key_of``). Keys may collide: compare the value again."""
        ...

    def fetch(self, table: Table, view: View, document_id: str) -> Row | None:
        """The document of that id."""
        ...

    def history(
        self, table: Table, start: IonTimestamp | None, end: IonTimestamp | None, document_id: str | None = None
    ) -> Iterator[Row]:
        """The committed form of every revision that was active at any time from ``start`` to ``end``, both included.

        With ``document_id`` only that document's; without ``start`` from the beginning, without ``end`` until now.
        """
        ...

    def user_tables(self) -> Iterable[dict[str, Value]]:
        """The rows of ``information_schema.user_tables``."""
        ...

    def insert(self, table: Table, document: dict[str, Value]) -> str:
        """Add a document and return its new id."""
        ...

    def replace(self, table: Table, document_id: str, document: dict[str, Value] | None, changed: int = 1) -> None:
        """Give a document new data; ``None`` deletes it.

        ``changed`` tells how many changes (``SET``, ``INSERT INTO``, ``REMOVE``) the statement made to the document: the journal's
        ``transactionInfo.documents`` repeats the statement's index once for each. An insert and a deletion count once.
        """
        ...


class Action(StrEnum):
    """What a statement does to a table, as permissions name it. Source: AWS service authorisation reference, Amazon QLDB."""

    SELECT = "qldb:PartiQLSelect"
    HISTORY = "qldb:PartiQLHistoryFunction"
    INSERT = "qldb:PartiQLInsert"
    UPDATE = "qldb:PartiQLUpdate"
    DELETE = "qldb:PartiQLDelete"
    REDACT = "qldb:PartiQLRedact"
    CREATE_TABLE = "qldb:PartiQLCreateTable"
    DROP_TABLE = "qldb:PartiQLDropTable"
    UNDROP_TABLE = "qldb:PartiQLUndropTable"
    CREATE_INDEX = "qldb:PartiQLCreateIndex"
    DROP_INDEX = "qldb:PartiQLDropIndex"


class Plan(Protocol):
    """A compiled query or change. ``actions`` say what it does to which table, by the table's id."""

    @property
    def actions(self) -> frozenset[tuple[Action, str]]: ...

    @property
    def writes(self) -> bool: ...

    @property
    def is_point(self) -> bool:
        """Whether it reads by ids or keys of one table at most, so that what it costs grows with what it finds alone."""
        ...

    def run(self, workspace: Workspace, parameters: tuple[Value, ...]) -> Iterator[Value]:
        """The result's rows. A query gives them one by one as they are asked for; a change is done at the first."""
        ...
