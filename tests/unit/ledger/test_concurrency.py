"""The log of what blocks wrote: whom it refuses, and what it may forget."""

from counterfoil.ledger.concurrency import WriteLog


def log_of(*blocks, floor=-1):
    log = WriteLog(floor)
    for number, footprints in enumerate(blocks):
        log.record(number, footprints)
    return log


def test_only_blocks_behind_the_snapshot_conflict():
    log = log_of(["a"], ["b"], ["a", "c"])
    assert log.conflict(["a"], 2) is None
    assert log.conflict(["a"], 1) == "a"
    assert log.conflict(["b"], 1) is None
    assert log.conflict(["b"], 0) == "b"
    assert log.conflict(["x", "c"], 1) == "c"
    assert log.conflict([], -1) is None


def test_the_last_block_that_wrote_counts():
    log = log_of(["a"], ["a"], ["b"])
    assert log.conflict(["a"], 0) == "a"
    log.forget_through(0)
    assert log.conflict(["a"], 0) == "a"


def test_what_no_snapshot_needs_is_forgotten_and_only_that():
    log = log_of(*[[f"k{number}"] for number in range(10)])
    log.forget_through(6)
    assert len(log) == 3
    assert log.conflict(["k7"], 6) == "k7"
    assert log.conflict(["k6"], 6) is None


def test_a_snapshot_from_before_what_is_remembered_is_refused():
    log = log_of(["a"], ["b"])
    log.forget_through(1)
    assert log.conflict([], 0) is not None
    assert log.conflict([], 1) is None
    log.forget_through(0)
    assert log.floor == 1


def test_blocks_that_were_not_written_after_all_conflict_with_nobody():
    log = log_of(["a"], ["a", "b"], ["c"])
    log.forget_after(0)
    assert log.conflict(["a", "b", "c"], 0) is None
    assert log.conflict(["a"], -1) == "a"
    log.record(1, ["b"])
    log.forget_through(1)
    assert len(log) == 0
