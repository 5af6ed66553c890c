"""A ledger of one table told once more in plain Python: versions by block, no index, no cache, no file; and a player of steps.

The player carries each step out on ledgers and on the model, and compares whatever can be asked, now and at every snapshot that
is still open. All ledgers draw the same ids and times, so their journals must hold the same revisions.
"""

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from counterfoil.errors import OccConflictError
from counterfoil.ion.codec import decode_datagram
from counterfoil.ion.values import Annotated, IonSymbol
from counterfoil.journal import BlockAddress

ABSENT = object()
REDACTED = object()
# Values with what they equal: the number tells them apart, unknown ones equal nothing.
POOL = [
    (1, 1),
    (Decimal("1.0"), 1),
    (1.0, 1),
    ("a", 2),
    (IonSymbol("a"), 2),
    (Annotated(("note",), 2), 3),
    ("x" * 40, 4),
    ([1, {"y": "z"}], 5),
    (None, None),
    (ABSENT, None),
]
SAMENESS = {id(value): sameness for value, sameness in POOL}


def plain(value):
    """A value to compare: with its type, all the way down."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return (type(value).__name__, repr(value))


@dataclass
class Model:
    """``versions`` of each document: (block, data), ``None`` where it was deleted, ``REDACTED`` where it was redacted."""

    versions: dict = field(default_factory=dict)
    block: int = -1

    def at(self, block):
        """The documents as of a block, by id."""
        found = {}
        for document_id, versions in self.versions.items():
            seen = [data for number, data in versions if number <= block]
            if seen and seen[-1] is not None:
                found[document_id] = seen[-1]
        return found

    def history(self, block):
        return {
            (document_id, version): data
            for document_id, versions in self.versions.items()
            for version, (number, data) in enumerate(versions)
            if number <= block
        }


def matching(documents, name, value):
    sameness = SAMENESS[id(value)]
    return [
        document_id
        for document_id, data in documents.items()
        if sameness is not None and SAMENESS.get(id(data.get(name, ABSENT))) == sameness
    ]


def made(n, k, v):
    return {name: value for name, value in (("n", n), ("k", k), ("v", v)) if value is not ABSENT}


def given(value):
    return None if value is ABSENT else value


class Player:
    """Carries out steps on ledgers and on the model at once."""

    def __init__(self, ledgers, clock):
        self.ledgers = ledgers
        self.clock = clock
        self.model = Model()
        self.readers = []
        self.next_n = 0
        self.changed = -1
        self.indexed = set()
        for text in ("CREATE TABLE T", "CREATE INDEX ON T (k)"):
            self.alone(text)
        self.change([("insert", value, other) for (value, _), (other, _) in pairwise(POOL)], commit=True)

    def alone(self, text, *parameters):
        """One statement in a transaction of its own."""
        self.model.block += 1
        self.clock.now += timedelta(milliseconds=7)
        answers = [ledger.execute_statement(text, *parameters) for ledger in self.ledgers]
        assert all(each == answers[0] for each in answers)
        return answers[0]

    @property
    def table_id(self):
        return next(iter(self.ledgers[0].catalogue.entries))

    # Steps

    def change(self, operations, commit):
        """A transaction of several statements, each seeing what came before it, and committed or not."""
        self.clock.now += timedelta(milliseconds=7)
        transactions = [each.begin() for each in self.ledgers]
        now = dict(self.model.at(self.model.block))
        before = dict(now)
        for name, *arguments in operations:
            text, parameters, changed = getattr(self, name)(now, *arguments)
            for each in transactions:
                answered = [row["documentId"] for row in each.execute(text, parameters)]
                if name == "insert":
                    now[answered[0]] = changed
                else:
                    assert sorted(answered) == sorted(changed)
        for each in transactions:
            self.compare_documents(each, now)
            each.commit() if commit else each.abort()
        if commit:
            self.keep(before, now)

    def keep(self, before, now):
        self.model.block += 1
        for document_id in {**before, **now}:
            old, new = before.get(document_id), now.get(document_id)
            if old is not new:
                self.changed = self.model.block
                self.model.versions.setdefault(document_id, []).append((self.model.block, new))

    def insert(self, now, k, v):
        self.next_n += 1
        data = made(self.next_n, k, v)
        return "INSERT INTO T ?", (data,), data

    def set_v(self, now, k, v):
        found = matching(now, "k", k)
        for each in found:
            now[each] = now[each] | {"v": given(v)}
        return "UPDATE T AS t SET t.v = ? WHERE t.k = ?", (given(v), given(k)), found

    def set_k(self, now, v, k):
        found = matching(now, "v", v)
        for each in found:
            now[each] = now[each] | {"k": given(k)}
        return "UPDATE T AS t SET t.k = ? WHERE t.v = ?", (given(k), given(v)), found

    def remove_v(self, now, k):
        found = [each for each in matching(now, "k", k) if "v" in now[each]]
        for each in found:
            now[each] = {name: value for name, value in now[each].items() if name != "v"}
        return "UPDATE T AS t REMOVE t.v WHERE t.k = ?", (given(k),), found

    def delete(self, now, k):
        found = matching(now, "k", k)
        for each in found:
            del now[each]
        return "DELETE FROM T AS t WHERE t.k = ?", (given(k),), found

    def index(self):
        """An index on v comes or goes."""
        if "v" in self.indexed:
            index_id = self.ledgers[0].catalogue.entries[self.table_id].indexes[-1].index_id
            self.alone(f'DROP INDEX "{index_id}" ON T WITH (purge = true)')
        else:
            self.alone("CREATE INDEX ON T (v)")
        self.indexed ^= {"v"}
        self.changed = self.model.block

    def look(self):
        """One more snapshot that stays."""
        self.readers.append((self.model.block, [each.begin() for each in self.ledgers]))

    def end(self, place, commit):
        """One of the snapshots is ended; by a commit, where nothing that it has read, which is everything, has changed."""
        if not self.readers:
            return
        block, transactions = self.readers.pop(place % len(self.readers))
        self.compare(block, transactions)
        refused = 0
        for each in transactions:
            try:
                each.commit() if commit else each.abort()
            except OccConflictError:
                refused += 1
        if commit:
            assert refused == (len(transactions) if self.changed > block else 0)
            self.model.block += not refused

    def redact(self, place):
        """Remove the data of some version that is not the current one, while nobody looks."""
        old = [
            (document_id, version)
            for document_id, versions in self.model.versions.items()
            for version, (_, data) in enumerate(versions[:-1])
            if data is not None and data is not REDACTED
        ]
        if self.readers or not old:
            return
        document_id, version = old[place % len(old)]
        block = self.model.versions[document_id][version][0]
        address = {"strandId": self.ledgers[0].strand_id, "sequenceNo": block}
        self.alone("EXEC REDACT_REVISION ?, ?, ?", address, self.table_id, document_id)
        self.model.versions[document_id][version] = (block, REDACTED)
        for ledger in self.ledgers:
            wait_until(
                lambda ledger=ledger: "dataHash" in ledger.revision(BlockAddress(ledger.strand_id, block), document_id)
            )

    # Comparing

    def compare_documents(self, transaction, documents):
        found = transaction.execute("SELECT id, t FROM T AS t BY id")
        assert {row["id"]: plain(row["t"]) for row in found} == {each: plain(data) for each, data in documents.items()}
        for name in ("k", "v"):
            for value, _ in POOL:
                text = f"SELECT id, t FROM T AS t BY id WHERE t.{name} IN (?, 'no')"
                found = {row["id"]: plain(row["t"]) for row in transaction.execute(text, (given(value),))}
                assert found == {each: plain(documents[each]) for each in matching(documents, name, value)}
        for document_id in {*self.model.versions, *documents}:
            found = list(transaction.execute("SELECT VALUE t FROM T AS t BY id WHERE id = ?", (document_id,)))
            assert list(map(plain, found)) == ([plain(documents[document_id])] if document_id in documents else [])

    def compare(self, block, transactions):
        """Everything that can be asked of a snapshot."""
        documents, history = self.model.at(block), self.model.history(block)
        for transaction in transactions:
            self.compare_documents(transaction, documents)
            self.compare_history(transaction, history)
            committed = transaction.execute("SELECT c.metadata.id, c.data FROM _ql_committed_T AS c")
            assert {row["id"]: plain(row["data"]) for row in committed} == {
                each: plain(data) for each, data in documents.items()
            }

    def compare_history(self, transaction, history):
        found = list(transaction.execute("SELECT h.metadata.id, h.metadata.version, h.data FROM history(T) AS h"))
        assert {(row["id"], row["version"]): plain(row.get("data")) for row in found} == {
            place: plain(None if data is REDACTED else data) for place, data in history.items()
        }
        assert len(found) == len(history)
        for document_id in self.model.versions:
            text = "SELECT VALUE h.metadata.version FROM history(T) AS h WHERE h.metadata.id = ?"
            versions = sorted(transaction.execute(text, (document_id,)))
            assert versions == sorted(version for each, version in history if each == document_id)

    def compare_now(self):
        transactions = [each.begin() for each in self.ledgers]
        self.compare(self.model.block, transactions)
        for each in transactions:
            each.abort()
        for block, open_transactions in self.readers:
            self.compare(block, open_transactions)
        journals = [journal_of(each) for each in self.ledgers]
        assert all(journal == journals[0] for journal in journals)
        assert len(journals[0]) == self.model.block + 1


def journal_of(ledger):
    """The hashes of each block's revisions; in which order a statement changes documents is not said."""
    blocks = [decode_datagram(each) for each in ledger.blocks(0, ledger.head.sequence_no + 1)]
    return [sorted(revision["hash"] for revision in block["revisions"]) for block in blocks]


def wait_until(holds):
    for _ in range(500):
        if holds():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it does not come")
