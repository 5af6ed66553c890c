"""Every journal that the ledger writes passes the auditor, whatever was done to the ledger and in whatever order."""

from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from counterfoil.adapters.kinesis import RECORD_LIMIT_BYTES, aggregate
from counterfoil.adapters.memory import MemoryFindings, MemoryHeads, MemoryQuarantine
from counterfoil.adapters.memory.set_aside import MemorySetAside
from counterfoil.detection.strand_audit import Patience
from counterfoil.errors import OccConflictError, StatementError
from counterfoil.ledger.jobs import StreamJob, StreamStatus
from counterfoil.services.audit import Auditor
from counterfoil.services.batch import KinesisRecord
from counterfoil.services.publish import Publisher
from tests.ledgers import BEGAN, ledger_on

NOW = BEGAN + timedelta(days=1)
ARN = "arn:aws:qldb:us-east-1:000000000000:stream/bank/IiPT4brpZCqCq3f4MTHbYy"
VALUES = [
    None,
    True,
    7,
    1.5,
    "text",
    "",
    [],
    {},
    [1, [None]],
    {"a": {"b": [1]}},
    b"\x00\xff",
    datetime(2026, 1, 2, tzinfo=UTC),
]
FIND = "SELECT h.blockAddress, h.metadata.id AS id, h.metadata.version AS version, h.data FROM history({}) AS h"
TABLE_ID = "SELECT VALUE t.tableId FROM information_schema.user_tables AS t WHERE t.name = ? AND t.status = 'ACTIVE'"


class Sink:
    record_limit_bytes = RECORD_LIMIT_BYTES

    def __init__(self):
        self.records = []

    def put(self, records):
        self.records += records


class Workload:
    """Does what a seed says, several transactions open at once; ``done`` counts the deeds that an auditor must tell of."""

    def __init__(self, ledger, seed):
        self.ledger, self.chance = ledger, Random(seed)
        self.tables = []
        self.done = Counter()

    def run(self, steps):
        self.create_table()
        acts = [self.create_table, self.create_index, self.drop_table, self.redact, *[self.transact] * 6]
        for _ in range(steps):
            self.chance.choice(acts if self.tables else [self.create_table])()

    def create_table(self):
        name = f"T{len(self.tables)}x{self.chance.getrandbits(40)}"
        self.ledger.execute_statement(f"CREATE TABLE {name}")
        self.tables.append(name)
        self.done["audit.privileged-statement"] += 1

    def create_index(self):
        field = f"f{self.chance.getrandbits(40)}"
        self.ledger.execute_statement(f"CREATE INDEX ON {self.chance.choice(self.tables)} ({field})")
        self.done["audit.privileged-statement"] += 1

    def drop_table(self):
        name = self.tables.pop(self.chance.randrange(len(self.tables)))
        self.ledger.execute_statement(f"DROP TABLE {name}")
        self.done["audit.table-dropped"] += 1

    def redact(self):
        """A revision that is not the current one, of a table that has one."""
        name = self.chance.choice(self.tables)
        versions = {}
        for row in self.ledger.execute_statement(FIND.format(name)):
            versions.setdefault(row["id"], []).append(row)
        older = [row for rows in versions.values() for row in sorted(rows, key=lambda row: row["version"])[:-1]]
        older = [row for row in older if "data" in row]
        if older:
            chosen = self.chance.choice(older)
            (table_id,) = self.ledger.execute_statement(TABLE_ID, name)
            try:
                self.ledger.execute_statement(
                    "EXEC REDACT_REVISION ?, ?, ?", chosen["blockAddress"], table_id, chosen["id"]
                )
            except StatementError as error:  # it was asked for before, and was carried out since it was found
                assert "has no data to redact" in str(error)
                return
            self.done["audit.redaction"] += 1
            self.done["audit.privileged-statement"] += 1

    def transact(self):
        """Two transactions side by side, either of which may conflict with the other."""
        opened = [self.ledger.begin() for _ in range(2)]
        for _ in range(self.chance.randint(0, 6)):
            self.change(self.chance.choice(opened))
        for transaction in opened:
            with suppress(OccConflictError):
                transaction.commit()

    def change(self, transaction):
        """One statement on one table."""
        key, value = self.chance.randrange(3), self.chance.choice(VALUES)
        text, parameters = self.chance.choices(
            [
                ("INSERT INTO {} ?", ({"k": key, "v": value},)),
                ("UPDATE {} AS t SET t.v = ? WHERE t.k = ?", (value, key)),
                ("SELECT * FROM {} AS t WHERE t.k = ?", (key,)),
                ("DELETE FROM {} AS t WHERE t.k = ?", (key,)),
            ],
            (4, 3, 2, 1),
        )[0]
        list(transaction.execute(text.format(self.chance.choice(self.tables)), parameters))


def stream(ledger):
    """The ledger's whole journal as its publisher puts it into Kinesis."""
    sink = Sink()
    job = StreamJob(
        stream_id="IiPT4brpZCqCq3f4MTHbYy",
        stream_name="s",
        arn=ARN,
        ledger_name="bank",
        role_arn="arn:aws:iam::000000000000:role/r",
        inclusive_start=datetime(2020, 1, 1, tzinfo=UTC),
        exclusive_end=None,
        kinesis_stream_arn="arn:aws:kinesis:us-east-1:000000000000:stream/s",
        aggregation=True,
        created_at=NOW,
    )
    *_, last = Publisher(ledger, sink, aggregate).publish(job, NOW)
    assert last.status is StreamStatus.ACTIVE
    return [
        KinesisRecord("shardId-0", str(number), each.partition_key, each.data, NOW)
        for number, each in enumerate(sink.records)
    ]


def audited(records):
    """How many blocks verified, and what was found, by an auditor over memory."""
    findings = MemoryFindings()
    patience = Patience(timedelta(seconds=60), timedelta(seconds=900))
    report = Auditor(
        MemoryHeads(), findings, MemoryQuarantine(), MemorySetAside(lambda: NOW), lambda: NOW, patience
    ).audit(records)
    return report.blocks_verified, list(findings.findings.values())


def check(ledger, seed, steps):
    """Do something at random and compare what was done openly with what is found; deletions are only known to be possible."""
    workload = Workload(ledger, seed)
    workload.run(steps)
    verified, found = audited(stream(ledger))
    assert verified == ledger.tip() + 1
    counted = Counter(str(each.rule_id) for each in found)
    assert counted.pop("audit.stream-control") == 1
    counted.pop("audit.document-deleted", None)
    assert counted == workload.done
    return counted


@given(st.integers(0, 2**32), st.integers(0, 25))
@example(379, 37)
def test_a_journal_passes_the_auditor_whatever_was_done(seed, steps):
    with ledger_on("memory", None, seed=seed) as ledger:
        check(ledger, seed, steps)


@pytest.mark.parametrize("seed", range(3))
def test_so_does_one_that_was_kept_on_disk(tmp_path, seed):
    with ledger_on("sqlite", tmp_path / "bank.ledger", seed=seed) as ledger:
        counted = check(ledger, seed, 120)
    assert min(counted[rule] for rule in ("audit.privileged-statement", "audit.table-dropped", "audit.redaction")) > 0
