"""Group commit by its callers: who writes, in which order, and that nobody waits for ever."""

import threading

import pytest

from counterfoil.adapters.sqlite.committer import GROUP_MAX, Committer
from counterfoil.errors import CapacityError, ClosedError, UnavailableError
from counterfoil.journal import BlockAddress

STRAND = "2a7xX1VC7R6z7BXY9EXLw7"


class Written:
    """A file that holds what was written, by which thread, in which groups; it can be held up."""

    def __init__(self):
        self.groups = []
        self.threads = []
        self.open = threading.Event()
        self.open.set()
        self.reached = threading.Event()
        self.rested = threading.Event()

    def write(self, group):
        self.reached.set()
        assert self.open.wait(30)
        self.groups.append([each.proposal for each in group])
        self.threads.append(threading.current_thread())
        for each in group:
            each.answer(BlockAddress(STRAND, each.proposal) if each.proposal >= 0 else UnavailableError("refused"))
        return False

    def rest(self):
        self.rested.set()


@pytest.fixture
def written():
    return Written()


@pytest.fixture
def committer(written):
    committer = Committer(written.write, written.rest, 1_000, "a ledger")
    yield committer
    written.open.set()
    committer.close()


class Call(threading.Thread):
    """One commit in a thread of its own."""

    def __init__(self, committer, proposal):
        super().__init__(daemon=True)
        self.committer, self.proposal = committer, proposal
        self.answer = None
        self.start()

    def run(self):
        try:
            self.answer = self.committer.submit(self.proposal).sequence_no
        except (ClosedError, CapacityError, UnavailableError) as error:
            self.answer = error

    def result(self):
        self.join(30)
        assert not self.is_alive()
        return self.answer


def waiting(committer, count):
    for _ in range(3_000):
        if len(committer._queue) >= count:
            return
        threading.Event().wait(0.01)
    pytest.fail("they do not wait")


def test_a_caller_alone_writes_itself(committer, written):
    call = Call(committer, 1)
    assert call.result() == 1
    assert written.threads == [call]


def test_the_main_thread_never_writes(committer, written):
    assert committer.submit(2).sequence_no == 2
    assert threading.main_thread() not in written.threads


def test_what_waits_is_written_together_in_order_by_one_of_those_who_wait(committer, written):
    written.open.clear()
    first = Call(committer, 0)
    assert written.reached.wait(30)
    calls = []
    for number in range(1, 6):
        calls.append(Call(committer, number))
        waiting(committer, number)
    written.open.set()
    assert [each.result() for each in (first, *calls)] == list(range(6))
    assert written.groups == [[0], [1, 2, 3, 4, 5]]
    assert written.threads == [first, calls[0]]


def test_a_group_has_an_end(committer, written):
    written.open.clear()
    first = Call(committer, 0)
    assert written.reached.wait(30)
    calls = []
    for number in range(1, GROUP_MAX + 11):
        calls.append(Call(committer, number))
        waiting(committer, number)
    written.open.set()
    assert {each.result() for each in (first, *calls)} == set(range(GROUP_MAX + 11))
    assert [len(each) for each in written.groups] == [1, GROUP_MAX, 10]


def test_each_hears_its_own_answer(committer, written):
    written.open.clear()
    first = Call(committer, 0)
    assert written.reached.wait(30)
    refused, taken = Call(committer, -1), Call(committer, 7)
    waiting(committer, 2)
    written.open.set()
    assert first.result() == 0
    assert isinstance(refused.result(), UnavailableError)
    assert taken.result() == 7


def test_the_main_thread_that_was_interrupted_while_it_waited_holds_up_nobody(committer, written, monkeypatch):
    """Its proposal may be written all the same; whoever waits behind it is answered."""
    from counterfoil.adapters.sqlite import committer as module

    written.open.clear()
    first = Call(committer, 0)
    assert written.reached.wait(30)

    def interrupted(self):
        waiting_in_main = threading.current_thread() is threading.main_thread()
        if waiting_in_main:
            raise KeyboardInterrupt
        self._woken.acquire()

    monkeypatch.setattr(module.Waiting, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        committer.submit(5)
    behind = Call(committer, 6)
    waiting(committer, 2)
    written.open.set()
    assert (first.result(), behind.result()) == (0, 6)
    assert [5, 6] in written.groups


def test_closing_waits_for_those_who_write_and_takes_nobody_more(written):
    committer = Committer(written.write, written.rest, 1_000, "a ledger")
    written.open.clear()
    first = Call(committer, 0)
    assert written.reached.wait(30)
    second = Call(committer, 1)
    waiting(committer, 1)
    closing = threading.Thread(target=committer.close, daemon=True)
    closing.start()
    for _ in range(3_000):
        if committer._closed:
            break
        threading.Event().wait(0.01)
    assert isinstance(Call(committer, 2).result(), ClosedError)
    closing.join(0.2)
    assert closing.is_alive()
    written.open.set()
    closing.join(30)
    assert not closing.is_alive()
    assert (first.result(), second.result()) == (0, 1)


def test_the_background_rests_when_nobody_writes(committer, written):
    assert Call(committer, 1).result() == 1
    written.rested.clear()
    assert Call(committer, 2).result() == 2
    assert written.rested.wait(30)
