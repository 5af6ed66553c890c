"""Histories of concurrent transactions, and a checker of them in the manner of Elle.

Each transaction appends unique numbers to lists and reads lists, by key through an index or all by a scan. From what the reads
saw follows, for each list, the order of its appends; from that which transaction must come before which: because it wrote what
the other wrote over (ww) or read (wr), because it read what the other wrote over (rw), or because it was answered before the other
began (real time). The history is strictly serializable if that graph has no cycle.

Source: Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from Experimental Observations", VLDB 2020 (list append).
"""

from collections import defaultdict
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from random import Random

from counterfoil.errors import OccConflictError

READ = "SELECT VALUE l.v FROM Lists AS l WHERE l.k = ?"
SCAN = "SELECT l.k, l.v FROM Lists AS l"
APPEND = "UPDATE Lists AS l INSERT INTO l.v VALUE ? WHERE l.k = ?"
CREATE = "INSERT INTO Lists ?"


@dataclass(slots=True)
class Told:
    """A transaction as its client saw it: began and answered at ticks of the client's own clock."""

    number: int
    began: int
    answered: int = 0
    committed: bool = False
    appended: list = field(default_factory=list)
    reads: list = field(default_factory=list)


@dataclass(slots=True)
class Client:
    """One transaction being carried out, a step at a time."""

    told: Told
    transaction: object
    steps: list


class Schedule:
    """Interleaves transactions as a seed says."""

    def __init__(self, ledger, seed, keys=4, at_once=6):
        self.ledger = ledger
        self.chance = Random(seed)
        self.keys = keys
        self.at_once = at_once
        self.tick = 0
        self.next_value = 0
        self.history = []
        self.conflicts = 0

    def prepare(self):
        for text in ("CREATE TABLE Lists", "CREATE INDEX ON Lists (k)"):
            self.ledger.execute(lambda tx, text=text: tx.execute(text))

    def run(self, transactions):
        open_clients = []
        while len(self.history) < transactions or open_clients:
            if len(self.history) < transactions and (
                not open_clients or len(open_clients) < self.at_once * self.chance.random()
            ):
                open_clients.append(self.begin())
            client = self.chance.choice(open_clients)
            self.tick += 1
            if client.steps:
                client.steps.pop()(client)
            else:
                self.finish(client)
                open_clients.remove(client)
        self.look_at_all()
        return self.history

    def look_at_all(self):
        """The last transaction reads every list, so that every append has its place."""
        client = self.begin()
        self.scan(client)
        client.transaction.commit()
        client.told.committed, client.told.answered = True, self.tick

    def begin(self):
        self.tick += 1
        told = Told(len(self.history), self.tick)
        self.history.append(told)
        steps = [self.step() for _ in range(self.chance.randint(1, 4))]
        return Client(told, self.ledger.begin(), steps)

    def step(self):
        key = self.chance.randrange(self.keys)
        kind = self.chance.random()
        if kind < 0.45:
            return lambda client: self.append(client, key)
        if kind < 0.9:
            return lambda client: self.read(client, key)
        return self.scan

    def append(self, client, key):
        self.next_value += 1
        value = self.next_value
        changed = list(client.transaction.execute(APPEND, (value, key)))
        if not changed:
            list(client.transaction.execute(CREATE, ({"k": key, "v": [value]},)))
        client.told.appended.append((key, value))

    def read(self, client, key):
        found = list(client.transaction.execute(READ, (key,)))
        assert len(found) <= 1, f"two documents under key {key}"
        client.told.reads.append((key, tuple(found[0]) if found else ()))

    def scan(self, client):
        found = {row["k"]: tuple(row["v"]) for row in client.transaction.execute(SCAN)}
        for key in range(self.keys):
            client.told.reads.append((key, found.get(key, ())))

    def finish(self, client):
        if self.chance.random() < 0.05:
            client.transaction.abort()
            return
        try:
            client.transaction.commit()
            client.told.committed = True
        except OccConflictError:
            self.conflicts += 1
        client.told.answered = self.tick


def anomalies(history):
    """What cannot be in a strictly serializable history; empty where all is well."""
    committed = [each for each in history if each.committed]
    writer = {value: each for each in history for _, value in each.appended}
    found = []
    order = defaultdict(tuple)
    for each in committed:
        for key, seen in others(each):
            found += [
                f"{each.number} read {value}, which was never committed"
                for value in seen
                if not writer[value].committed
            ]
            longer, shorter = sorted((order[key], seen), key=len, reverse=True)
            if longer[: len(shorter)] != shorter:
                found.append(f"list {key} was read as {seen} and as {order[key]}")
            order[key] = longer
    for each in committed:
        found += [
            f"{each.number} appended {value}, which is lost" for key, value in each.appended if value not in order[key]
        ]
    graph = edges(committed, writer, order)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found.append(f"a cycle: {error.args[1]}")
    return found


def others(told):
    """What a transaction read without its own appends behind it; own appends must be seen in order."""
    own = {value for _, value in told.appended}
    for key, seen in told.reads:
        foreign = tuple(value for value in seen if value not in own)
        assert seen[: len(foreign)] == foreign, f"{told.number} sees its own appends before others'"
        yield key, foreign


def edges(committed, writer, order):
    """For each transaction those that must come before it."""
    before = defaultdict(set)
    for values in order.values():
        writers = [writer[value].number for value in values]
        for earlier, later in pairwise(writers):
            if earlier != later:
                before[later].add(earlier)
    for each in committed:
        for key, seen in others(each):
            if seen:
                before[each.number].add(writer[seen[-1]].number)
            following = order[key][len(seen) : len(seen) + 1]
            for value in following:
                if writer[value] is not each:
                    before[writer[value].number].add(each.number)
    add_real_time(committed, before)
    for number, earlier in before.items():
        earlier.discard(number)
    return before


def add_real_time(committed, before):
    """An edge from the transaction answered last before each began; the others follow through its own such edge, or nearly all."""
    by_answer = sorted(committed, key=lambda each: each.answered)
    for each in committed:
        earlier = [other for other in by_answer if other.answered < each.began][-8:]
        before[each.number].update(other.number for other in earlier)
