"""The embedded ledger's work behind the scenes, cut off anywhere; and its end, whoever asks for it, however often."""

import multiprocessing
import shutil
import sqlite3
import threading
import warnings

import pytest

from counterfoil.adapters.sqlite import background
from counterfoil.adapters.sqlite.background import Background
from counterfoil.adapters.sqlite.store import FILE_NAME
from counterfoil.adapters.sqlite.verification import verify_file
from counterfoil.errors import ClosedError, CounterfoilError, IntegrityError, OccConflictError, PreconditionError
from tests.ledgers import ledger_on, rows

SECRET = b"Margarethe Blumenthal"


class Images:
    """Copies of a ledger's files at every step of the background work: what a process killed there leaves."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        self.taken = []
        self.wanted = False
        step, piece = Background.step, Background._transaction

        def watched_step(work, head):
            self.take()
            return step(work, head)

        def watched_piece(work):
            self.take()
            return piece(work)

        monkeypatch.setattr(Background, "step", watched_step)
        monkeypatch.setattr(Background, "_transaction", watched_piece)

    def take(self):
        if self.wanted:
            image = self.folder.with_name(f"image-{len(self.taken)}")
            image.mkdir()
            for name in (FILE_NAME, f"{FILE_NAME}-wal"):
                shutil.copy(self.folder / name, image / name)
            self.taken.append(image)


def statuses(ledger):
    return {index.status for entry in ledger.catalogue.entries.values() for index in entry.indexes}


def wait_until(holds):
    for _ in range(1_000):
        if holds():
            return
        threading.Event().wait(0.01)
    pytest.fail("it does not come")


def test_an_index_whose_building_is_cut_off_anywhere_is_built_by_the_next_process(tmp_path, monkeypatch):
    monkeypatch.setattr(background, "PIECE_ROWS", 40)
    monkeypatch.setattr(background, "_TO_INDEX", background._TO_INDEX.replace("LIMIT 500", "LIMIT 40"))
    folder = tmp_path / "ledger"
    images = Images(folder, monkeypatch)
    folder.mkdir()
    with ledger_on("sqlite", folder) as ledger:
        rows(ledger, "CREATE TABLE T")
        for begin in range(0, 240, 80):
            rows(ledger, "INSERT INTO T ?", [{"k": number % 7, "n": number} for number in range(begin, begin + 80)])
        images.wanted = True
        rows(ledger, "CREATE INDEX ON T (k)")
        rows(ledger, "UPDATE T AS t SET t.k = 99 WHERE t.n IN (3, 100, 239)")
        rows(ledger, "DELETE FROM T AS t WHERE t.n IN (4, 101, 238)")
        wait_until(lambda: statuses(ledger) == {"ONLINE"})
        images.wanted = False
    monkeypatch.undo()
    assert len(images.taken) >= 10
    for image in images.taken:
        with ledger_on("sqlite", image, seed=2) as ledger:
            wait_until(lambda ledger=ledger: statuses(ledger) <= {"ONLINE"})
            by_scan = sorted(rows(ledger, "SELECT VALUE t.n FROM T AS t WHERE t.k + 0 = 3"))
            assert sorted(rows(ledger, "SELECT VALUE t.n FROM T AS t WHERE t.k = 3")) == by_scan
            assert len(rows(ledger, "SELECT * FROM T AS t WHERE t.k IN (0, 1, 2, 3, 4, 5, 6, 99)")) in {240, 237}
        assert verify_file(image / FILE_NAME).problems == []


def test_an_index_that_is_still_being_built_answers_nothing(tmp_path, monkeypatch):
    with ledger_on("sqlite", tmp_path) as ledger:
        rows(ledger, "CREATE TABLE T")
        rows(ledger, "INSERT INTO T << {'k': 1}, {'k': 2} >>")
        monkeypatch.setattr(Background, "_build", lambda *_: background.Outcome(None, None))
        rows(ledger, "CREATE INDEX ON T (k)")
        for _ in range(3):
            assert rows(ledger, "SELECT VALUE t.k FROM T AS t WHERE t.k = 1") == [1]
        assert statuses(ledger) == {"BUILDING"}


def test_an_index_is_built_once(tmp_path, monkeypatch):
    with ledger_on("sqlite", tmp_path) as ledger:
        rows(ledger, "CREATE TABLE T")
        rows(ledger, "INSERT INTO T << {'k': 1}, {'k': 2} >>")
        rows(ledger, "CREATE INDEX ON T (k)")
        wait_until(lambda: statuses(ledger) == {"ONLINE"})
    monkeypatch.setattr(Background, "_build", lambda *_: pytest.fail("it is built again"))
    with ledger_on("sqlite", tmp_path, seed=2) as ledger:
        assert statuses(ledger) == {"ONLINE"}
        assert rows(ledger, "SELECT VALUE t.k FROM T AS t WHERE t.k = 1") == [1]


def test_a_redaction_that_is_cut_off_anywhere_is_carried_out_by_the_next_process(tmp_path, monkeypatch):
    folder = tmp_path / "ledger"
    images = Images(folder, monkeypatch)
    folder.mkdir()
    with ledger_on("sqlite", folder) as ledger:
        rows(ledger, "CREATE TABLE T")
        rows(ledger, "CREATE INDEX ON T (secret)")
        rows(ledger, "INSERT INTO T ?", {"secret": SECRET.decode(), "note": SECRET.decode() * 20})
        rows(ledger, "UPDATE T AS t SET t.secret = 'gone', t.note = 'gone'")
        (row,) = rows(ledger, "SELECT h.blockAddress, h.metadata.id FROM history(T) AS h WHERE h.metadata.version = 0")
        images.wanted = True
        rows(
            ledger, "EXEC REDACT_REVISION ?, ?, ?", row["blockAddress"], next(iter(ledger.catalogue.entries)), row["id"]
        )
        wait_until(lambda: not_in(folder))
        images.wanted = False
        digest = ledger.digest()
    monkeypatch.undo()
    asked_for = 0
    for image in images.taken:
        left = not not_in(image)
        with ledger_on("sqlite", image, seed=2) as ledger:
            if ledger.digest() == digest:  # else the process was killed before the redaction was committed
                asked_for += left
                wait_until(lambda image=image: not_in(image))
        assert verify_file(image / FILE_NAME).problems == []
    assert asked_for


def not_in(folder):
    return not any(SECRET in each.read_bytes() for each in folder.iterdir())


def test_what_was_redacted_is_gone_although_somebody_was_reading(tmp_path, monkeypatch):
    """The log of writes can be emptied only when nobody reads, and is then."""
    refused, empty = [], Background._empty_log

    def counted(work):
        done = empty(work)
        refused.extend([] if done else [work])
        return done

    monkeypatch.setattr(Background, "_empty_log", counted)
    with ledger_on("sqlite", tmp_path) as ledger:
        rows(ledger, "CREATE TABLE T")
        rows(ledger, "INSERT INTO T ?", {"note": SECRET.decode()})
        rows(ledger, "UPDATE T AS t SET t.note = 'gone'")
        (row,) = rows(ledger, "SELECT h.blockAddress, h.metadata.id FROM history(T) AS h WHERE h.metadata.version = 0")
        with ledger._store._readers.reader() as connection:
            connection.execute("SELECT count(*) FROM blocks").fetchone()
            rows(
                ledger,
                "EXEC REDACT_REVISION ?, ?, ?",
                row["blockAddress"],
                next(iter(ledger.catalogue.entries)),
                row["id"],
            )
            for number in range(3):
                rows(ledger, "INSERT INTO T ?", {"n": number})
            wait_until(lambda: refused)
            assert not not_in(tmp_path)
        wait_until(lambda: not_in(tmp_path))


def test_a_redaction_waits_for_the_snapshots_that_may_read_what_it_removes(tmp_path):
    with ledger_on("sqlite", tmp_path) as ledger:
        rows(ledger, "CREATE TABLE T")
        rows(ledger, "INSERT INTO T ?", {"note": SECRET.decode()})
        rows(ledger, "UPDATE T AS t SET t.note = 'gone'")
        text = "SELECT VALUE h.data FROM history(T) AS h WHERE h.metadata.version = 0"
        (row,) = rows(ledger, "SELECT h.blockAddress, h.metadata.id FROM history(T) AS h WHERE h.metadata.version = 0")
        reader = ledger.begin()
        rows(
            ledger, "EXEC REDACT_REVISION ?, ?, ?", row["blockAddress"], next(iter(ledger.catalogue.entries)), row["id"]
        )
        for number in range(5):
            rows(ledger, "INSERT INTO T ?", {"n": number})
            threading.Event().wait(0.02)
        assert list(reader.execute(text)) == [{"note": SECRET.decode()}]
        reader.abort()
        wait_until(lambda: not_in(tmp_path))
        assert {"note": SECRET.decode()} not in rows(ledger, text)


@pytest.mark.parametrize("error", [KeyError("bug"), IntegrityError("damage"), AssertionError("bug")])
def test_work_that_fails_stops_no_commit(tmp_path, monkeypatch, error):
    def fails(*_):
        raise error

    with ledger_on("sqlite", tmp_path) as ledger:
        rows(ledger, "CREATE TABLE T")
        monkeypatch.setattr(Background, "_build", fails)
        rows(ledger, "CREATE INDEX ON T (k)")
        for number in range(3):
            rows(ledger, "INSERT INTO T ?", {"k": number})
        monkeypatch.undo()
        rows(ledger, "INSERT INTO T ?", {"k": 3})
        wait_until(lambda: statuses(ledger) == {"ONLINE"})
        assert rows(ledger, "SELECT VALUE t.k FROM T AS t WHERE t.k = 1") == [1]


# ---- the end ----------------------------------------------------------------------------------------------------------


def test_a_ledger_is_closed_once_by_however_many_threads_while_others_commit(tmp_path):
    ledger = ledger_on("sqlite", tmp_path)
    rows(ledger, "CREATE TABLE T")
    acknowledged, ends, problems = [], [], []

    def write(writer):
        try:
            for number in range(10_000):
                rows(ledger, "INSERT INTO T ?", {"w": writer, "n": number})
                acknowledged.append((writer, number))
        except ClosedError:
            ends.append(writer)

    def close():
        try:
            ledger.close()
        except BaseException as error:
            problems.append(error)
            raise

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(6)]
    for each in writers:
        each.start()
    wait_until(lambda: len(acknowledged) > 30)
    closers = [threading.Thread(target=close) for _ in range(4)]
    for each in closers:
        each.start()
    for each in (*closers, *writers):
        each.join(60)
        assert not each.is_alive()
    assert (problems, sorted(ends)) == ([], list(range(6)))
    with ledger_on("sqlite", tmp_path, seed=2) as again:
        found = {(row["w"], row["n"]) for row in rows(again, "SELECT t.w, t.n FROM T AS t")}
    assert set(acknowledged) <= found


def test_nothing_can_be_asked_of_a_closed_ledger_and_nothing_is_made_in_its_place(tmp_path):
    folder = tmp_path / "ledger"
    folder.mkdir()
    ledger = ledger_on("sqlite", folder)
    rows(ledger, "CREATE TABLE T")
    rows(ledger, "INSERT INTO T {'k': 1}")
    open_one = ledger.begin()
    drawn = open_one.execute("SELECT * FROM T")
    address = ledger.digest().tip_address
    ledger.close()
    (folder / FILE_NAME).unlink()
    for ask in (
        ledger.begin,
        lambda: next(drawn),
        lambda: list(open_one.execute("SELECT * FROM T AS t WHERE t.k = 1")),
        open_one.commit,
        lambda: ledger.block(address),
        lambda: list(ledger.blocks(0, 1)),
        lambda: ledger.committed("x" * 22),
        lambda: ledger._store.node(0, 0),
    ):
        with pytest.raises(ClosedError):
            ask()
    assert not (folder / FILE_NAME).exists()


def forked(ledger, told):
    """What a child that was forked meets."""
    try:
        rows(ledger, "INSERT INTO T {'k': 2}")
    except CounterfoilError as error:
        told.put((type(error).__name__, str(error)))
    ledger.close()


def test_a_process_that_was_forked_is_told_to_open_the_ledger_anew(tmp_path):
    with ledger_on("sqlite", tmp_path) as ledger:
        rows(ledger, "CREATE TABLE T")
        context = multiprocessing.get_context("fork")
        told = context.SimpleQueue()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that forking with threads is no good idea
            child = context.Process(target=forked, args=(ledger, told))
            child.start()
        child.join(60)
        assert child.exitcode == 0
        name, text = told.get()
        assert (name, "open it anew" in text) == (PreconditionError.__name__, True)
        rows(ledger, "INSERT INTO T {'k': 1}")
        assert rows(ledger, "SELECT * FROM T") == [{"k": 1}]
    assert verify_file(tmp_path / FILE_NAME).problems == []


# ---- what old snapshots need -----------------------------------------------------------------------------------------


def entries(ledger):
    return ledger._store._readers.all("SELECT count(*) FROM entries", ())[0][0]


def test_keys_stay_in_the_index_for_whoever_began_before_they_changed(tmp_path):
    with ledger_on("sqlite", tmp_path) as ledger:
        rows(ledger, "CREATE TABLE T")
        rows(ledger, "CREATE INDEX ON T (k)")
        rows(ledger, "INSERT INTO T << {'k': 1}, {'k': 2} >>")
        wait_until(lambda: statuses(ledger) == {"ONLINE"})
        reader = ledger.begin()
        rows(ledger, "UPDATE T AS t SET t.k = t.k + 10")
        rows(ledger, "UPDATE T AS t SET t.k = t.k + 10")
        threading.Event().wait(0.5)  # the committer looks for work each fifth of a second
        assert entries(ledger) == 6
        assert list(reader.execute("SELECT VALUE t.k FROM T AS t WHERE t.k = 1")) == [1]
        assert list(reader.execute("SELECT VALUE t.k FROM T AS t WHERE t.k IN (11, 21)")) == []
        reader.abort()
        wait_until(lambda: entries(ledger) == 2)
        assert rows(ledger, "SELECT VALUE t.k FROM T AS t WHERE t.k IN (1, 11, 21)") == [21]


def test_whoever_began_first_can_still_be_judged_while_others_began_later(tmp_path):
    """What was written behind the oldest snapshot is remembered, not behind the youngest: else the oldest counts as conflicting."""
    with ledger_on("sqlite", tmp_path) as ledger:
        rows(ledger, "CREATE TABLE T")
        rows(ledger, "CREATE TABLE U")
        oldest, overtaken = ledger.begin(), ledger.begin()
        assert list(oldest.execute("SELECT * FROM T")) == list(overtaken.execute("SELECT * FROM U")) == []
        rows(ledger, "INSERT INTO U {'n': 1}")
        youngest = ledger.begin()
        assert list(youngest.execute("SELECT VALUE u.n FROM U AS u")) == [1]
        rows(ledger, "CREATE TABLE V")
        oldest.execute("INSERT INTO T {'n': 2}")
        oldest.commit()
        overtaken.execute("INSERT INTO T {'n': 3}")
        with pytest.raises(OccConflictError):
            overtaken.commit()
        youngest.abort()
        assert rows(ledger, "SELECT VALUE t.n FROM T AS t") == [2]


def test_a_dropped_index_stays_for_whoever_began_before_and_goes_then(tmp_path):
    with ledger_on("sqlite", tmp_path) as ledger:
        rows(ledger, "CREATE TABLE T")
        rows(ledger, "CREATE INDEX ON T (k)")
        rows(ledger, "INSERT INTO T << {'k': 1}, {'k': 2} >>")
        wait_until(lambda: statuses(ledger) == {"ONLINE"})
        reader = ledger.begin()
        (entry,) = ledger.catalogue.entries.values()
        rows(ledger, f'DROP INDEX "{entry.indexes[0].index_id}" ON T WITH (purge = true)')
        threading.Event().wait(0.5)
        assert list(reader.execute("SELECT VALUE t.k FROM T AS t WHERE t.k = 1")) == [1]
        reader.abort()
        wait_until(lambda: entries(ledger) == 0)


def test_a_commit_is_on_the_disk_before_it_is_acknowledged_and_what_is_deleted_is_overwritten(tmp_path):
    with ledger_on("sqlite", tmp_path) as ledger:
        asked = {
            name: ledger._store._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "secure_delete")
        }
        assert asked == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}
        with ledger._store._readers.reader() as connection:
            assert connection.execute("PRAGMA query_only").fetchone()[0] == 1


def test_a_quiet_ledger_has_everything_in_its_file_alone(tmp_path):
    """Whoever reads then need not look through the log of writes."""

    def blocks_in_the_file():
        # SQLite takes the file as one that nobody writes, and so looks at no log beside it.
        connection = sqlite3.connect(f"{(tmp_path / FILE_NAME).as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            return connection.execute("SELECT count(*) FROM blocks").fetchone()[0]
        finally:
            connection.close()

    with ledger_on("sqlite", tmp_path) as ledger:
        rows(ledger, "CREATE TABLE T")
        for number in range(3):
            rows(ledger, "INSERT INTO T ?", {"n": number})
        wait_until(lambda: blocks_in_the_file() == 4)
        rows(ledger, "INSERT INTO T ?", {"n": 3})
        wait_until(lambda: blocks_in_the_file() == 5)
