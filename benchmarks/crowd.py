"""Many instances commit to one strand in DynamoDB: what each way of sharing it gives, by a simulation under stated round trips.

Every client goes round: a transaction's reads, then its commit. A write succeeds if nobody wrote since its writer last looked. Three
ways: each alone, trying again; each that lost writes all that it finds in the waiting room; one leads (what the ledger does,
docs/decisions/0019). The rules are those of ``adapters/dynamodb/committing.py``, the constants are taken from there; the round trips
are assumptions, for there is no AWS here.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from random import Random
from typing import Final

from counterfoil.adapters.dynamodb import committing, waiting_room

# Milliseconds: a put, a get or query, a transaction of puts, to check and hash a transaction.
PUT: Final = 6.0
GET: Final = 4.0
TRANSACT: Final = 12.0
COMPUTE: Final = 2.0
SECONDS: Final = 20

CLIENTS: Final = (1, 4, 16, 64, 128)
READS: Final = (20.0, 100.0)

Steps = Iterator[float]
Place = tuple[int, int]


class Crowd:
    """Clients of one strand. A client's steps say how long each takes; ``requests`` and ``groups`` are what came of them."""

    def __init__(self, clients: int, reads: float, way: Callable[[Crowd, Place, int], Steps]) -> None:
        self.now = 0.0
        self.tip = 0
        self.committed: set[Place] = set()
        self.room: list[Place] = []
        self.lead_ends = -1.0
        self.leader = -1
        self.crowded_until: Counter[int] = Counter()
        self.lost_at = dict.fromkeys(range(clients), -1e9)
        self.requests: Counter[str] = Counter()
        self.groups: list[int] = []
        self.waits: list[float] = []
        self._chance = Random(clients)
        self._order = count()
        self._due: list[tuple[float, int, Steps]] = []
        for client in range(clients):
            self._later(self._chance.uniform(0, reads), self._client(client, reads, way))
        while self._due and self.now < SECONDS * 1_000:
            self.now, _, steps = heapq.heappop(self._due)
            self._later(next(steps), steps)

    def _later(self, after: float, steps: Steps) -> None:
        heapq.heappush(self._due, (self.now + after, next(self._order), steps))

    def _client(self, client: int, reads: float, way: Callable[[Crowd, Place, int], Steps]) -> Steps:
        for number in count():
            tip = self.tip
            yield self.about(reads + COMPUTE)
            began = self.now
            yield from way(self, (client, number), tip)
            self.waits.append(self.now - began)

    def about(self, milliseconds: float) -> float:
        return milliseconds * self._chance.uniform(0.7, 1.6)

    def asked(self, kind: str, milliseconds: float) -> Steps:
        self.requests[kind] += 1
        yield self.about(milliseconds)

    def write(self, places: list[Place], tip: int) -> Steps:
        """All of them behind ``tip``, or none; ``committed`` says."""
        self.requests["items written"] += len(places)
        half = self.about(PUT if len(places) == 1 else TRANSACT) / 2
        self.requests["write"] += 1
        yield half
        if self.tip == tip and self.committed.isdisjoint(places):
            self.tip += len(places)
            self.committed.update(places)
            self.groups.append(len(places))
        yield half


def alone(crowd: Crowd, place: Place, tip: int) -> Steps:
    while True:
        yield from crowd.write([place], tip)
        if place in crowd.committed:
            return
        yield from crowd.asked("follow", GET)
        tip = crowd.tip
        yield crowd.about(COMPUTE)


def each_combines(crowd: Crowd, place: Place, tip: int) -> Steps:
    others: list[Place] = []
    while place not in crowd.committed:
        yield from crowd.write([place, *others], tip)
        if place in crowd.committed:
            return
        if place not in crowd.room:
            yield from crowd.asked("leave", PUT)
            crowd.room.append(place)
        yield from crowd.asked("follow", GET)
        tip = crowd.tip
        yield from crowd.asked("room", GET)
        others = waiting(crowd, place)
        yield crowd.about(COMPUTE)


def waiting(crowd: Crowd, but: Place) -> list[Place]:
    crowd.room = [each for each in crowd.room if each not in crowd.committed]
    return [each for each in crowd.room if each != but][: committing.GROUP_BLOCKS - 1]


def one_leads(crowd: Crowd, place: Place, tip: int) -> Steps:
    client = place[0]
    while crowd.crowded_until[client] <= crowd.now:
        yield from crowd.write([place], tip)
        if place in crowd.committed:
            return
        rare = crowd.now > crowd.lost_at[client] + committing.RARE_SECONDS * 1_000
        crowd.lost_at[client] = crowd.now
        yield from crowd.asked("follow", GET)
        tip = crowd.tip
        if not rare:
            break
    yield from crowd.asked("leave", PUT)
    crowd.room.append(place)
    while place not in crowd.committed:
        yield from crowd.asked("lead", PUT)
        if crowd.lead_ends < crowd.now:
            crowd.lead_ends, crowd.leader = crowd.now + waiting_room.LEAD_MS, client
            yield from lead(crowd, place)
        else:
            yield from wait_for_leader(crowd, place)
    crowd.crowded_until[client] = crowd.now + committing.CROWDED_SECONDS * 1_000  # type: ignore[assignment]


def lead(crowd: Crowd, place: Place) -> Steps:
    rounds = committing.ROUNDS_FOR_OTHERS
    while rounds >= 0:
        yield from crowd.asked("follow", GET)
        tip = crowd.tip
        yield from crowd.asked("room", GET)
        done = place in crowd.committed
        group = [*([] if done else [place]), *waiting(crowd, place)]
        rounds -= done
        if not group or rounds < 0:
            break
        yield from crowd.asked("lead", PUT)
        crowd.lead_ends = crowd.now + waiting_room.LEAD_MS
        yield from crowd.write(group, tip)
    yield from crowd.asked("lead", PUT)
    if crowd.leader == place[0]:
        crowd.lead_ends = -1.0


def wait_for_leader(crowd: Crowd, place: Place) -> Steps:
    low, high = committing.LOOK_SECONDS
    while place not in crowd.committed and crowd.lead_ends >= crowd.now:
        yield crowd.about(1_000 * (low + high) / 2)
        yield from crowd.asked("look", GET)
        yield from crowd.asked("look", GET)


def run() -> None:
    print(
        f"commits to one strand in DynamoDB, if a put takes {PUT:.0f} ms, a read {GET:.0f}, a transaction {TRANSACT:.0f}"
    )
    print(
        f"{'reads':>6} {'clients':>7}  {'way':14} {'commits/s':>9} {'p50 ms':>7} {'p99 ms':>7} {'group':>6} {'requests':>8} items"
    )
    for reads in READS:
        for clients in CLIENTS:
            for way in (alone, each_combines, one_leads):
                tell(reads, clients, way)


def tell(reads: float, clients: int, way: Callable[[Crowd, Place, int], Steps]) -> None:
    crowd = Crowd(clients, reads, way)
    waits, commits = sorted(crowd.waits), len(crowd.waits)
    requests = sum(number for kind, number in crowd.requests.items() if kind != "items written")
    print(
        f"{reads:6.0f} {clients:7}  {way.__name__.replace('_', ' '):14} {commits / SECONDS:9.0f} {waits[commits // 2]:7.0f} "
        f"{waits[commits * 99 // 100]:7.0f} {sum(crowd.groups) / len(crowd.groups):6.1f} {requests / commits:8.1f} "
        f"{crowd.requests['items written'] / commits:6.1f}"
    )
