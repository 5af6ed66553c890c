"""Suppressions: who, why and until when are mandatory; each is noted once, and so is its end."""

from datetime import timedelta

import pytest

from counterfoil.adapters.memory.desk import MemoryDeskLog
from counterfoil.detection.suppression import MAX_LENGTH, suppress
from counterfoil.errors import ConflictError, InputError, NotFoundError
from counterfoil.services.suppressions import Suppressions
from tests.audit_worlds import NOW

HOUR = timedelta(hours=1)


def made(**changes):
    said = {"rule_id": "fraud.structuring", "account_id": "ACC-1", "author": "Ada", "reason": "a payroll run"}
    return suppress(**{**said, "now": NOW, "length": HOUR, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"rule_id": None, "account_id": None},
        {"rule_id": "audit.gap"},
        {"rule_id": "export.broken"},
        {"length": timedelta(0)},
        {"length": -HOUR},
        {"length": MAX_LENGTH + timedelta(seconds=1)},
        {"author": ""},
        {"author": "  "},
        {"author": "a" * 101},
        {"reason": " "},
        {"reason": "r" * 501},
        {"reason": "two\nlines"},
    ],
)
def test_what_a_suppression_may_not_be(changes):
    with pytest.raises(InputError):
        made(**changes)


def test_the_longest_suppression_is_one():
    assert made(length=MAX_LENGTH).expires_at == NOW + MAX_LENGTH


def test_a_suppression_is_read_as_it_was_made_and_made_once():
    suppressions = Suppressions(MemoryDeskLog())
    first, second = made(), made(account_id=None, now=NOW + HOUR)
    for each in (first, second, first):
        suppressions.add(each)
    assert suppressions.all() == [first, second]
    assert suppressions.in_force(NOW) == [first]
    assert suppressions.in_force(NOW + HOUR) == [second]


def test_a_suppression_is_lifted_once_and_both_are_on_record():
    suppressions = Suppressions(MemoryDeskLog())
    other, lifted = made(account_id="ACC-2"), made()
    for each in (other, lifted):
        suppressions.add(each)
    suppressions.lift(lifted.suppression_id, "Bob", "the run is over", NOW + timedelta(minutes=5))
    assert suppressions.in_force(NOW + timedelta(minutes=4)) == sorted(
        suppressions.all(), key=lambda each: each.suppression_id
    )
    assert suppressions.in_force(NOW + timedelta(minutes=5)) == [other]
    with pytest.raises(ConflictError):
        suppressions.lift(lifted.suppression_id, "Eve", "again", NOW + timedelta(minutes=6))
    assert len(suppressions.log.entries("suppressions")) == 3


def test_what_was_never_made_cannot_be_lifted():
    with pytest.raises(NotFoundError):
        Suppressions(MemoryDeskLog()).lift("20250303T090000.000000Z-12345678", "Bob", "why not", NOW)
