"""Processes that verify objects: their outcomes in order, their errors here, and nothing of them left behind."""

import io
import os
import pickle
import signal

import pytest

from counterfoil.adapters.export_directory import ExportDirectory
from counterfoil.errors import NotFoundError, UnavailableError
from counterfoil.export_workers import _Process, in_processes, work_off
from counterfoil.services import export
from counterfoil.services.export_contents import Task
from counterfoil.services.verify_export import Work, objects_of
from tests.exports import NOW, exported
from tests.journals import transfers

BLOCKS = 12


@pytest.fixture
def work(monkeypatch, tmp_path):
    """An object of each block."""
    monkeypatch.setattr(export, "OBJECT_BYTES", 1)
    for key, data in exported(transfers(BLOCKS)).items():
        path = tmp_path / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    files = ExportDirectory(tmp_path)
    return [Work(files, name, Task(name, contents, NOW)) for name, contents in objects_of(files)]


def test_outcomes_come_in_order_and_what_was_read_is_told(work):
    read: list[int] = []
    with in_processes(2, read.append) as workers:
        outcomes = list(workers(work))
        assert [each.begin for each in outcomes] == list(range(BLOCKS))
        assert outcomes == [each.do() for each in work]
        assert list(workers(work[:1])) == outcomes[:1]  # an export after the other, by the same processes
    assert read == [each.size_bytes for each in [*outcomes, outcomes[0]]]


def test_an_error_in_a_process_is_raised_here_and_the_process_goes_on(work):
    process = _Process()
    try:
        with pytest.raises(NotFoundError, match="no-such-object"):
            process.do(gone(work[0]))
        assert process.do(work[0]) == work[0].do()
    finally:
        process.end()


def gone(work):
    return Work(work.files, "no-such-object", work.task)


def test_a_process_that_dies_is_something_outside(work):
    process = _Process()
    try:
        os.kill(process._process.pid, signal.SIGKILL)
        process._process.wait()
        with pytest.raises(UnavailableError, match="has ended"):
            process.do(work[0])
    finally:
        process.end()


def test_whoever_stops_in_the_middle_leaves_no_process_behind(work, monkeypatch):
    started: list[_Process] = []
    begin = _Process.__init__
    monkeypatch.setattr(_Process, "__init__", lambda self: started.append(self) or begin(self))

    def break_off():
        with in_processes(2, int) as workers:
            next(workers(work))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert [each._process.poll() is not None for each in started] == [True, True]


def test_what_a_process_answers_is_the_contents_or_why_there_are_none(work, monkeypatch):
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    asked, answers = io.BytesIO(b"".join(map(pickle.dumps, [work[3], gone(work[3])]))), io.BytesIO()
    work_off(asked, answers)
    answers.seek(0)
    assert pickle.load(answers) == work[3].do()
    assert isinstance(pickle.load(answers), NotFoundError)
