"""Things that come late or never, under a clock that moves: what must be said of each follows from when it came.

The oracle knows only the times: what was withheld, from when it was missing, when it came, when the auditor looked.
"""

import os
from dataclasses import dataclass
from datetime import timedelta
from random import Random

import pytest

from lab.producer import streamed
from tests.audit_worlds import CONFIRM, GRACE, NOW, AuditWorld
from tests.journals import STRAND, transfers

SEEDS = range(2_000 if os.environ.get("COUNTERFOIL_PROVE") == "1" else 100)
BLOCKS = [streamed(block) for block in transfers(16).blocks]
GRACE_SECONDS, CONFIRM_SECONDS = int(GRACE.total_seconds()), int(CONFIRM.total_seconds())
END = 2_000


@dataclass
class Withheld:
    """Records of one block that come ``at`` seconds after all others (``None``: never), and what they leave behind."""

    number: int
    kind: str
    at: int | None

    @property
    def held_back(self):
        block = BLOCKS[self.number]
        return {"block": block.records, "revision": block.details, "summary": (block.summary,)}[self.kind]

    def expected(self, looks):
        """(rule, place, status) of what must be known in the end."""
        gap = ("audit.gap", f"{STRAND}#{self.number + 1}", self._status(looks))
        missing = ("audit.missing-revision", f"{STRAND}#{self.number}", self._status(looks, given_up=True))
        orphan = ("audit.orphan-revision", f"{STRAND}#{self.number}", self._status(looks, given_up=True))
        found = {"block": [gap], "revision": [missing], "summary": [gap, orphan]}[self.kind]
        return [each for each in found if each[2]]

    def _status(self, looks, *, given_up=False):
        """``given_up``: once confirmed, a revision is no longer waited for; a gap is for ever."""
        if self.at is not None and self.at <= GRACE_SECONDS:
            return None
        confirmed = any(look > CONFIRM_SECONDS and (self.at is None or look < self.at) for look in looks)
        if self.at is None or (given_up and confirmed):
            return "CONFIRMED"
        return "HEALED"


def story(seed):
    """(what is withheld, when the auditor is asked to look): chance decides, blocks that touch are never both withheld."""
    chance = Random(f"patience {seed}")
    numbers = chance.sample(range(1, 15, 2), chance.randint(1, 5))
    withheld = []
    for number in numbers:
        kind = chance.choice(["block", "revision", "summary"])
        times = [30, 60, 61, 200, 900, None] + ([1_500] if kind != "summary" else [])
        withheld.append(Withheld(number, kind, chance.choice(times)))
    looks = sorted({*chance.sample(range(END), chance.randint(0, 30)), END})
    return chance, withheld, looks


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_said_of_late_things_follows_from_when_they_came(seed):
    chance, withheld, looks = story(seed)
    world = AuditWorld()
    late = {id(record) for each in withheld for record in each.held_back}
    first = [record for block in BLOCKS for record in block.records if id(record) not in late]
    if chance.random() < 0.5:
        chance.shuffle(first)
    world.deliver([record.data for record in first])
    times = sorted({*looks, *(each.at for each in withheld if each.at is not None)})
    for time in times:
        world.now = NOW + timedelta(seconds=time)
        for each in withheld:
            if each.at == time:
                assert world.deliver([record.data for record in each.held_back]).failed_index is None
        if time in looks:
            assert world.auditor.sweep().failure is None
        assert_silent_within_grace(world, time)
    assert world.found() == sorted(found for each in withheld for found in each.expected([*looks, *times]))
    never = [each.number for each in withheld if each.at is None and each.kind != "revision"]
    assert [(first, behind.segment.begin) for first, behind in world.state().holes()] == [
        (number, number + 1) for number in sorted(never)
    ]


def assert_silent_within_grace(world, time):
    assert time > GRACE_SECONDS or world.found() == []


def test_the_stories_hold_every_ending():
    """Else the test above would say less than it seems to."""
    endings = {
        (rule, status)
        for seed in SEEDS
        for _, withheld, looks in [story(seed)]
        for each in withheld
        for rule, _, status in each.expected(looks)
    }
    rules = ("audit.gap", "audit.missing-revision", "audit.orphan-revision")
    assert endings == {(rule, status) for rule in rules for status in ("HEALED", "CONFIRMED")}
