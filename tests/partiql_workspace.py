"""A ledger of one moment in memory: what a plan is run on in tests. It keeps what was asked of it."""

from collections import defaultdict

from counterfoil.ion.timestamps import IonTimestamp
from counterfoil.partiql.compiler import compile_statement
from counterfoil.partiql.equality import key_of
from counterfoil.partiql.parser import parse
from counterfoil.partiql.tables import Index, Row, Table, View

NOW = IonTimestamp((2021, 6, 1, 12, 0, 0), None, 0)
TRANSACTION = "TX000000000000000000AA"


class MemoryCatalogue:
    """Tables by name; ``indexed`` names the fields that have an index."""

    version = 1

    def __init__(self, indexed, dropped=()):
        self.tables = {
            name: Table(
                f"id-of-{name}", name, name not in dropped, tuple(Index(f"ix-{field}", field) for field in fields)
            )
            for name, fields in indexed.items()
        }

    def table(self, name):
        table = self.tables.get(name)
        return table if table is not None and table.active else None

    def table_by_id(self, table_id):
        return next((table for table in self.tables.values() if table.table_id == table_id), None)


class MemoryWorkspace:
    """Documents by table and id. ``reads`` lists the ways in which they were read, ``writes`` what was written."""

    transaction_id = TRANSACTION
    now = NOW

    def __init__(self):
        self.documents = defaultdict(dict)
        self.revisions = defaultdict(list)
        self.reads = []
        self.writes = []

    def _row(self, table, view, document_id):
        data = self.documents[table.name][document_id]
        return Row(document_id, data if view is View.USER else self._committed(data, document_id))

    def _committed(self, data, document_id):
        return {
            "blockAddress": {"strandId": "S", "sequenceNo": 1},
            "hash": b"\0" * 32,
            "data": data,
            "metadata": {"id": document_id, "version": 0, "txTime": NOW, "txId": TRANSACTION},
        }

    def check_time(self):
        pass

    def scan(self, table, view):
        self.reads.append(("scan", table.name))
        for document_id in list(self.documents[table.name]):
            yield self._row(table, view, document_id)

    def probe(self, table, view, index, key):
        self.reads.append(("probe", table.name, index.field))
        for document_id, data in list(self.documents[table.name].items()):
            if key_of(data.get(index.field)) == key:
                yield self._row(table, view, document_id)

    def fetch(self, table, view, document_id):
        self.reads.append(("fetch", table.name, document_id))
        return self._row(table, view, document_id) if document_id in self.documents[table.name] else None

    def history(self, table, start, end, document_id=None):
        self.reads.append(("history", table.name, start, end, document_id))
        for row in self.revisions[table.name]:
            if document_id in {None, row.document_id}:
                yield row

    def user_tables(self):
        self.reads.append(("user_tables",))
        return [{"tableId": f"id-of-{name}", "name": name, "status": "ACTIVE"} for name in self.documents]

    def insert(self, table, document):
        document_id = f"{table.name}-{len(self.documents[table.name])}"
        self.documents[table.name][document_id] = document
        self.writes.append(("insert", table.name, document_id, 1))
        return document_id

    def replace(self, table, document_id, document, changed=1):
        if document is None:
            del self.documents[table.name][document_id]
        else:
            self.documents[table.name][document_id] = document
        self.writes.append(("replace", table.name, document_id, changed))


class MemoryLedger:
    """Statements run one after the other on the same documents."""

    def __init__(self, dropped=(), **tables):
        """``tables`` maps a table's name to its indexed fields."""
        self.catalogue = MemoryCatalogue(tables, dropped)
        self.workspace = MemoryWorkspace()

    def plan(self, text):
        return compile_statement(parse(text).statement, self.catalogue)

    def run(self, text, *parameters):
        """The statement's rows; the workspace's lists begin anew."""
        self.workspace.reads.clear()
        self.workspace.writes.clear()
        return list(self.plan(text).run(self.workspace, parameters))

    def documents(self, table):
        return list(self.workspace.documents[table].values())
