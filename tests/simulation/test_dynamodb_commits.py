"""Commits to DynamoDB whose process, network or service fails at any call: what was acknowledged is there, the rest whole or not."""

from itertools import count

import pytest

from counterfoil.adapters.dynamodb import committing
from counterfoil.errors import OccConflictError, UnknownOutcomeError
from tests.dynamodb_worlds import World, nothing
from tests.faulty_dynamodb import (
    Killed,
    Late,
    at,
    killed,
    lost_after,
    lost_before,
    on,
    repeated,
    throttled,
)


@pytest.fixture
def world():
    with World() as world:
        yield world


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(committing, "FIRST_LOOK_SECONDS", 0)
    monkeypatch.setattr(committing, "LOOK_SECONDS", (0, 0))


class Rival:
    """Somebody who is faster, before the first puts; then ``fault`` decides."""

    def __init__(self, world, times, fault=nothing):
        self.moved = []
        self._world, self._ledger, self._left, self._fault = world, world.instance(), times, fault

    def __call__(self, name, number):
        if name == "put_item" and self._left:
            self._left -= 1
            self.moved.append(self._world.move(self._ledger, "2", "3"))
        return self._fault(name, number)


@pytest.mark.parametrize("losses", [0, 1, 2])
def test_a_transfer_that_is_killed_before_any_call_is_whole_or_not_there(world, losses):
    acknowledged = []
    for number in count():
        rival = Rival(world, losses, at(number, killed))
        ledger = world.instance(rival)
        try:
            acknowledged.append(world.move(ledger))
        except Killed:
            continue
        finally:
            acknowledged += rival.moved
        break
    assert number > 6 + 2 * losses
    assert len(acknowledged) > losses
    world.check(acknowledged)


@pytest.mark.parametrize("fault", [lost_before, lost_after, repeated, throttled])
@pytest.mark.parametrize("times", [1, 4])
def test_a_put_without_an_answer_is_repeated_until_its_place_is_decided(world, fault, times):
    moved = world.move(world.instance(on("put_item", fault, times)))
    assert world.check() == [moved]


@pytest.mark.parametrize("fault", [lost_before, lost_after, throttled])
def test_a_put_that_is_never_answered_is_of_unknown_outcome_and_may_be_asked_for(world, fault):
    ledger = world.instance(on("put_item", fault, committing.PUT_ATTEMPTS))
    number, tx = world.begun(ledger)
    proposal = tx.proposal()
    with pytest.raises(UnknownOutcomeError):
        tx.commit()
    there = ledger.committed(tx.transaction_id)
    assert (there is not None) == (fault is lost_after)
    again = world.store()
    address = again.commit(proposal)
    assert there in {None, address}
    assert again.commit(proposal) == address
    again.close()
    assert world.check() == [number]


def test_a_put_that_comes_late_is_there_or_has_lost_for_good(world):
    late = Late()
    with pytest.raises(UnknownOutcomeError):
        world.move(world.instance(on("put_item", late, committing.PUT_ATTEMPTS)))
    faster = world.move(world.instance())
    late.land()
    assert world.check() == [faster]
    late = Late()
    with pytest.raises(UnknownOutcomeError):
        world.move(world.instance(on("put_item", late, committing.PUT_ATTEMPTS)))
    late.land()
    assert world.check() == [faster, faster + 1]


def test_an_instance_goes_on_behind_a_put_of_its_own_that_came_late(world):
    late = Late()
    ledger = world.instance(on("put_item", late, committing.PUT_ATTEMPTS))
    with pytest.raises(UnknownOutcomeError):
        world.move(ledger)
    late.land()
    moved = world.move(ledger)
    assert world.check() == [moved - 1, moved]


@pytest.mark.parametrize("losses", [1, 2, 5])
def test_the_loser_of_a_race_commits_behind_the_winners(world, losses):
    rival = Rival(world, losses)
    moved = world.move(world.instance(rival))
    assert world.check() == sorted([*rival.moved, moved])


@pytest.mark.parametrize("losses", [1, 2])
def test_the_loser_of_a_race_is_told_of_a_true_conflict(world, losses):
    rival = Rival(world, losses)
    with pytest.raises(OccConflictError):
        world.move(world.instance(rival), "1", "2")
    assert world.check() == rival.moved


def test_whoever_reads_only_what_a_race_changed_is_told_too(world):
    tx = world.instance().begin()
    list(tx.execute("SELECT * FROM Accounts AS a WHERE a.accountId = '0'"))
    world.move(world.instance())
    with pytest.raises(OccConflictError):
        tx.commit()
