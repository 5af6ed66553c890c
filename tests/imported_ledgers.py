"""Archives of a ledger that has seen everything, and the places that they are imported into."""

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from counterfoil.adapters.dynamodb.importing import DynamoDbImport, ImportPlaces
from counterfoil.adapters.dynamodb.ledger import DynamoDbLedger
from counterfoil.adapters.dynamodb.registry import DynamoDbLedgerRegistry
from counterfoil.adapters.memory import MemoryBucket
from counterfoil.adapters.memory.ledger import MemoryLedger
from counterfoil.adapters.sqlite.importing import SqliteImport
from counterfoil.adapters.sqlite.store import FILE_NAME, SqliteLedger
from counterfoil.embedded import EmbeddedLedger
from counterfoil.journal import Digest
from counterfoil.ledger.registry import LedgerState, PermissionsMode, RegisteredLedger
from counterfoil.services import export
from counterfoil.services.export import Exporter
from counterfoil.services.import_export import import_export
from tests.dynamodb_ledgers import Place, client, journal_of, make_place, make_registry
from tests.exports import NOW, MemoryFiles, export_job
from tests.ledgers import BEGAN, Ids, ToldClock, rows

LATER = BEGAN + timedelta(days=1)
QUERIES = (
    "SELECT * FROM _ql_committed_Accounts",
    "SELECT * FROM history(Accounts)",
    "SELECT * FROM history(Notes)",
    "SELECT tableId, name, status FROM information_schema.user_tables",
    "SELECT a.balance FROM Accounts AS a WHERE a.owner = 'o1'",
    "SELECT a.balance FROM Accounts AS a WHERE a.owner = 'renamed'",
    "SELECT a.balance FROM Accounts AS a WHERE a.owner = 'o3'",
    "SELECT a.owner FROM Accounts AS a WHERE a.balance = 7",
    "SELECT a.owner FROM Accounts AS a WHERE a.balance = 4",
)
STATEMENTS = (
    "CREATE TABLE Accounts",
    "CREATE INDEX ON Accounts (owner)",
    "CREATE TABLE Notes",
    *(f"INSERT INTO Accounts {{'owner': 'o{number}', 'balance': {number}}}" for number in range(6)),
    "UPDATE Accounts AS a SET a.balance = 7 WHERE a.owner = 'o1'",
    "CREATE INDEX ON Accounts (balance)",
    "UPDATE Accounts AS a SET a.owner = 'renamed' WHERE a.owner = 'o3'",
    "DELETE FROM Accounts AS a WHERE a.owner = 'o2'",
    "INSERT INTO Notes << {'text': 'a'}, {'text': 'b'} >>",
    "CREATE TABLE Closed",
    "DROP TABLE Closed",
    "UPDATE Accounts AS a SET a.balance = 8 WHERE a.balance = 7",
    "UPDATE Accounts AS a SET a.balance = 7 WHERE a.balance = 8",
)


@dataclass
class Archive:
    """A ledger in memory with what it answered and its digest when it was exported, and the files of that export."""

    ledger: EmbeddedLedger
    answers: dict[str, list[str]]
    digest: Digest
    files: dict[str, bytes]


def make_archive():
    """Of tables, indexes before and behind their documents, keys that come and go, a deletion."""
    clock, ids = ToldClock(step=timedelta(milliseconds=1)), Ids("archived")
    ledger = EmbeddedLedger("bank", MemoryLedger(ids(), clock), clock, ids)
    for text in STATEMENTS:
        rows(ledger, text)
    said = answers(ledger)
    return Archive(ledger, said, ledger.digest(), exported_from(ledger))


def exported_from(journal, object_bytes=2_000, output_format=None):
    """The files of an export of everything, in several objects."""
    standard, bucket = export.OBJECT_BYTES, MemoryBucket()
    export.OBJECT_BYTES = object_bytes
    try:
        list(Exporter(journal, bucket).export(export_job(output_format, exclusive_end=LATER), LATER))
    finally:
        export.OBJECT_BYTES = standard
    return bucket.objects


@dataclass
class SqlitePlace:
    """A folder for one ledger."""

    root: Path
    name: str = "bank"

    def begin(self, strand_id, faulty=None, anchor=None):
        return SqliteImport.begin(self.root / self.name, strand_id, anchor=anchor)

    def is_active(self, name="bank"):
        return (self.root / name / FILE_NAME).exists()

    def open(self, seed=2):
        clock = ToldClock(LATER, timedelta(milliseconds=1))
        return EmbeddedLedger("bank", SqliteLedger(self.root / self.name, clock), clock, Ids(seed))


@dataclass
class DynamoDbPlace:
    """The tables of a stack."""

    journal: str
    projections: str
    registry: str
    name: str = "bank"
    clock: Any = field(default_factory=lambda: ToldClock(LATER, timedelta(milliseconds=1)))

    @classmethod
    def make(cls):
        place = make_place("")
        return cls(place.journal, place.projections, make_registry())

    def places(self, faulty=None):
        registry = DynamoDbLedgerRegistry(faulty or client("dynamodb"), self.registry)
        return ImportPlaces(lambda strand_id: self.journal_of(strand_id, faulty), self.projections, registry)

    def journal_of(self, strand_id, faulty=None):
        return journal_of(Place(strand_id, self.journal, self.projections), faulty)

    def wanted(self, strand_id):
        return RegisteredLedger(self.name, strand_id, BEGAN, LedgerState.CREATING, PermissionsMode.STANDARD)

    def begin(self, strand_id, faulty=None, anchor=None):
        return DynamoDbImport.begin(self.places(faulty), self.wanted(strand_id), self.clock, anchor=anchor)

    def registered(self, name="bank"):
        return self.places().registry.ledger(name)

    def is_active(self, name="bank"):
        found = self.registered(name)
        return found is not None and found.state is LedgerState.ACTIVE

    def open(self, seed=2):
        journal = self.journal_of(self.registered(self.name).ledger_id)
        store = DynamoDbLedger(journal, self.projections, self.clock)
        return EmbeddedLedger("bank", store, self.clock, Ids(seed))


def imported(place, files, digest=None, faulty=None, anchor=None):
    """Import an export's files; the verdict and what came of it."""

    def begin(strand_id):
        return place.begin(strand_id, faulty, anchor)

    return import_export(MemoryFiles(files), begin, NOW, digest, anchor=anchor)


def answers(ledger):
    """What a ledger says to each query; sets, as SQL knows no order."""
    for _ in range(500):
        if not list(ledger.catalogue.building()):
            break
        threading.Event().wait(0.01)
    return {text: sorted(map(repr, rows(ledger, text))) for text in QUERIES}
