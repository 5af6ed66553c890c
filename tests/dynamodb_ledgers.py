"""Ledgers on the emulator's DynamoDB. One emulator for a test process; every ledger has tables of its own, as ids come from seeds."""

import atexit
import json
import tempfile
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import cache
from itertools import count
from pathlib import Path
from random import Random

from counterfoil.adapters.dynamodb.journal import DynamoDbJournal
from counterfoil.adapters.dynamodb.ledger import DynamoDbLedger, Looked
from counterfoil.adapters.dynamodb.projector import Projector
from counterfoil.adapters.dynamodb.redactor import Redactor
from lab.emulator import Emulator

BUCKET = "journal-blocks"
_NUMBERS = count(1)


@cache
def emulator():
    """The emulator with a bucket for large blocks, until the process ends."""
    folder = tempfile.TemporaryDirectory(prefix="counterfoil-dynamodb-")
    running = Emulator(Path(folder.name))
    running.__enter__()
    atexit.register(folder.cleanup)
    atexit.register(running.__exit__, None, None, None)
    running.client("s3").create_bucket(Bucket=BUCKET)
    return running


@cache
def client(service):
    """One client for all: to make one takes longer than most tests."""
    return emulator().client(service)


@dataclass(frozen=True)
class Place:
    """A ledger's strand and tables."""

    strand_id: str
    journal: str
    projections: str


def make_place(strand_id):
    number = next(_NUMBERS)
    place = Place(strand_id, f"Journal-{number}", f"Projections-{number}")
    make_ddb_table(place.journal, "strandId", "sequenceNo", "N")
    make_ddb_table(place.projections, "pk", "sk", "S")
    return place


def make_registry():
    """An empty table for what is registered of ledgers."""
    name = f"Registry-{next(_NUMBERS)}"
    make_ddb_table(name, "kind", "id", "S")
    return name


def make_ddb_table(name, partition, sort, kind):
    client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": partition, "AttributeType": "S"},
            {"AttributeName": sort, "AttributeType": kind},
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def journal_of(place, faulty=None):
    """``faulty`` is a client of both services."""
    dynamodb, s3 = (faulty, faulty) if faulty else (client("dynamodb"), client("s3"))
    return DynamoDbJournal(dynamodb, place.journal, s3, BUCKET, place.strand_id)


class ProjectedNowAndThen(DynamoDbLedger):
    """An instance before whose looks at the journal the projector has run, or has not, by chance: nobody may notice."""

    def __init__(self, place, clock, seed, often=0.2):
        self._chance = Random(seed)
        self._often = often
        self.projector = Projector(journal_of(place), place.projections, clock)
        self.redactor = Redactor(journal_of(place), place.projections, clock, timedelta(0))
        super().__init__(journal_of(place), place.projections, clock, look_every=timedelta(milliseconds=20))

    def _follow(self):
        known = self._known
        building = known is not None and next(known.head.catalogue.building(), None) is not None
        if not self._closed and (building or self._chance.random() < self._often):
            left = self._chance.randrange(4)
            self.projector.project(lambda: not building and self._chance.randrange(4) == left)
            if self.redactor.redact():
                self._looked = Looked(self._clock() - timedelta(days=1), 0)
        return super()._follow()


def store_in(folder, new_id, clock, seed=1):
    """The store of the ledger that belongs to a folder; the folder has nothing but where its tables are."""
    where = folder / "place"
    if not where.exists():
        folder.mkdir(parents=True, exist_ok=True)
        where.write_text(json.dumps(asdict(make_place(new_id()))))
    return ProjectedNowAndThen(Place(**json.loads(where.read_text())), clock, seed)
