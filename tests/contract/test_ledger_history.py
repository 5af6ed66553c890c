"""``history()`` on every store: what was active in a range of time, both ends included, at whatever snapshot."""

from datetime import timedelta

import pytest

from counterfoil.ion.timestamps import timestamp_of_milliseconds
from counterfoil.ledger.times import milliseconds_of
from tests.ledgers import BEGAN, KINDS, ToldClock, ledger_on, rows

SECOND = timedelta(seconds=1)


@pytest.fixture(params=KINDS)
def ledger(request, tmp_path):
    """Document X has versions at 10, 20 and 30 s and is deleted at 40; document Y has one at 25 s."""
    clock = ToldClock()
    with ledger_on(request.param, tmp_path, clock) as ledger:
        rows(ledger, "CREATE TABLE T")
        for second, text in (
            (10, "INSERT INTO T {'n': 'X', 'v': 0}"),
            (20, "UPDATE T AS t SET t.v = 1 WHERE t.n = 'X'"),
            (25, "INSERT INTO T {'n': 'Y', 'v': 0}"),
            (30, "UPDATE T AS t SET t.v = 2 WHERE t.n = 'X'"),
            (40, "DELETE FROM T AS t WHERE t.n = 'X'"),
        ):
            clock.now = BEGAN + second * SECOND
            rows(ledger, text)
        clock.now = BEGAN + 100 * SECOND
        yield ledger


def at(seconds):
    return timestamp_of_milliseconds(milliseconds_of(BEGAN + seconds * SECOND))


def versions(run, *bounds):
    text = f"SELECT h.metadata.version, h.data.n FROM history(T{', ?' * len(bounds)}) AS h"
    found = [
        (row.get("n"), row["version"]) for row in run(text, [None if each is None else at(each) for each in bounds])
    ]
    return sorted(found, key=str)


X0, X1, X2, GONE, Y0 = ("X", 0), ("X", 1), ("X", 2), (None, 3), ("Y", 0)
RANGES = [
    ((), [X0, X1, X2, GONE, Y0]),
    ((0, 5), []),
    ((0, 9.999), []),
    ((0, 10), [X0]),
    ((10, 19.999), [X0]),
    ((12, 15), [X0]),
    ((10, 20), [X0, X1]),
    ((20, 20), [X1]),
    ((20, 25), [X1, Y0]),
    ((20, 30), [X1, X2, Y0]),
    ((30,), [X2, GONE, Y0]),
    ((39.999,), [X2, GONE, Y0]),
    ((40,), [GONE, Y0]),
    ((50, 60), [GONE, Y0]),
    ((None, 20), [X0, X1]),
    ((None, None), [X0, X1, X2, GONE, Y0]),
]


@pytest.mark.parametrize(("bounds", "expected"), RANGES)
def test_a_range_gives_what_was_active_in_it(ledger, bounds, expected):
    assert versions(lambda text, values: rows(ledger, text, *values), *bounds) == sorted(expected, key=str)


@pytest.mark.parametrize(("bounds", "expected"), RANGES)
def test_a_range_of_one_document_gives_the_same_of_it(ledger, bounds, expected):
    (document_id,) = {
        row["id"] for row in rows(ledger, "SELECT h.metadata.id FROM history(T) AS h WHERE h.data.n = 'X'")
    }
    text = f"SELECT VALUE h.metadata.version FROM history(T{', ?' * len(bounds)}) AS h WHERE h.metadata.id = ?"
    found = rows(ledger, text, *[None if each is None else at(each) for each in bounds], document_id)
    assert sorted(found) == sorted(version for name, version in expected if name != "Y")


def test_a_range_at_an_old_snapshot_knows_nothing_of_later_versions(ledger):
    reader = ledger.begin()
    rows(ledger, "UPDATE T AS t SET t.v = 9 WHERE t.n = 'Y'")
    rows(ledger, "INSERT INTO T {'n': 'Z'}")

    def run(text, values):
        return list(reader.execute(text, values))

    assert versions(run) == sorted([X0, X1, X2, GONE, Y0], key=str)
    for start in (90, 100):
        assert versions(run, start) == sorted([GONE, Y0], key=str)
    reader.abort()
    assert ("Z", 0) in versions(lambda text, values: rows(ledger, text, *values), 90)


def test_history_of_very_many_revisions_gives_each_once(ledger):
    for block in range(5):
        rows(ledger, "INSERT INTO T ?", [{"n": f"{block}-{number}"} for number in range(400)])
    found = rows(ledger, "SELECT h.metadata.id, h.metadata.version FROM history(T) AS h")
    assert len(found) == len({(row["id"], row["version"]) for row in found}) == 2_005
