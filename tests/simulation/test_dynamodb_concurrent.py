"""Several instances of a ledger in DynamoDB at once, with threads, faults and a projector: serializable, nothing lost or doubled."""

import os
import threading
from random import Random

import pytest

from counterfoil.adapters.dynamodb import committing
from counterfoil.adapters.system import system_clock
from counterfoil.errors import OccConflictError, UnavailableError, UnknownOutcomeError
from tests.dynamodb_worlds import World, nothing
from tests.faulty_dynamodb import by_chance, lost_after, lost_before, repeated, throttled
from tests.ledger_histories import Schedule, anomalies

PROVING = bool(os.environ.get("COUNTERFOIL_PROVE"))
SEEDS = range(30 if PROVING else 2)
TRANSFERS = 40 if PROVING else 6


class Bank:
    """Threads that move money on some instances until each has moved it so often; what they were told."""

    def __init__(self, world, instances, threads, fault=nothing):
        self.world = world
        self.ledgers = [world.instance(fault) for _ in range(instances)]
        self.threads = threads
        self.moved, self.refused, self.unknown, self.problems = [], [], [], []
        self.done = threading.Event()

    def run(self):
        movers = [
            threading.Thread(target=self.guarded, args=(self.move, ledger, f"{place} {thread}"))
            for place, ledger in enumerate(self.ledgers)
            for thread in range(self.threads)
        ]
        projecting = threading.Thread(target=self.guarded, args=(self.project,))
        for each in (projecting, *movers):
            each.start()
        for each in movers:
            each.join()
        self.done.set()
        projecting.join()
        assert self.problems == []

    def guarded(self, work, *arguments):
        try:
            work(*arguments)
        except Exception as error:
            self.problems.append(error)
            raise

    def move(self, ledger, seed):
        chance, moved = Random(seed), 0
        while moved < TRANSFERS:
            payer, payee = chance.sample(self.world.accounts, 2)
            number = self.world.number()
            try:
                self.world.begun(ledger, payer, payee, number)[1].commit()
            except OccConflictError:
                self.refused.append(number)
            except UnknownOutcomeError:
                self.unknown.append(number)
            except UnavailableError:
                self.refused.append(number)
            else:
                self.moved.append(number)
                moved += 1

    def project(self):
        while not self.done.wait(0.05):
            self.world.projector().project()


@pytest.mark.parametrize(("instances", "threads"), [(1, 8), (4, 1), (3, 4)])
def test_threads_and_instances_move_money(instances, threads):
    with World(accounts=12, clock=system_clock) as world:
        bank = Bank(world, instances, threads)
        bank.run()
        assert len(bank.moved) == instances * threads * TRANSFERS
        assert bank.unknown == []
        assert world.check(bank.moved, refused=bank.refused) == sorted(bank.moved)


@pytest.mark.parametrize("seed", SEEDS)
def test_threads_and_instances_move_money_while_calls_fail(seed, monkeypatch):
    monkeypatch.setattr(committing, "FIRST_LOOK_SECONDS", 0.001)
    chance = Random(seed)
    with World(accounts=8, clock=system_clock) as world:
        bank = Bank(world, 3, 2, by_chance(chance, 0.1, throttled, lost_before, lost_after, repeated))
        bank.run()
        noted = set(world.check(bank.moved, refused=bank.refused))
        assert noted <= {*bank.moved, *bank.unknown}


class Several:
    """Instances of one ledger: whoever begins a transaction does so on any of them."""

    def __init__(self, world, seed, instances=3):
        self._world = world
        self._chance = Random(seed)
        self._ledgers = [world.instance() for _ in range(instances)]

    def begin(self):
        if self._chance.random() < 0.1:
            self._world.project()
        return self._chance.choice(self._ledgers).begin()

    def execute(self, work):
        return self._ledgers[0].execute(work)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_history_on_several_instances_is_strictly_serializable(seed):
    with World() as world:
        schedule = Schedule(Several(world, seed), seed)
        schedule.prepare()
        history = schedule.run(600 if PROVING else 100)
        assert anomalies(history) == []
        assert schedule.conflicts > len(history) / 50
        assert sum(each.committed for each in history) > len(history) / 4
