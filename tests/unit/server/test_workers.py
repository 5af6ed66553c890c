"""The threads behind the event loop."""

import asyncio
import threading

import pytest

from counterfoil.server.workers import Workers


@pytest.fixture
def workers():
    made = Workers(2)
    yield made
    made.close()


def test_work_is_carried_out_in_another_thread(workers):
    async def ask():
        return await workers.run(threading.get_ident)

    assert asyncio.run(ask()) != threading.get_ident()


def test_an_error_comes_back(workers):
    async def ask():
        await workers.run(lambda: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        asyncio.run(ask())
    asyncio.run(asyncio.wait_for(_ask(workers), 30))  # its thread goes on


async def _ask(workers):
    return await workers.run(lambda: "there")


def test_the_loop_goes_on_while_all_threads_are_busy(workers):
    release = threading.Event()

    async def ask():
        busy = [workers.run(release.wait) for _ in range(2)]
        waiting = workers.run(lambda: "later")
        await asyncio.sleep(0)
        assert not any(each.done() for each in (*busy, waiting))
        release.set()
        return await asyncio.gather(*busy, waiting)

    assert asyncio.run(ask()) == [True, True, "later"]


def test_whoever_gave_up_waiting_disturbs_nothing(workers):
    release = threading.Event()

    async def ask():
        future = workers.run(release.wait)
        future.cancel()
        release.set()
        return await _ask(workers)

    assert asyncio.run(ask()) == "there"


def test_work_that_ends_after_its_loop_disturbs_nothing(workers):
    release = threading.Event()

    async def ask():
        workers.run(release.wait)

    asyncio.run(ask())
    release.set()
    assert asyncio.run(_ask(workers)) == "there"


def test_closing_carries_out_what_was_asked_for():
    made = Workers(1)
    done = []

    async def ask():
        for number in range(5):
            made.run(lambda number=number: done.append(number))

    asyncio.run(ask())
    made.close()
    assert done == list(range(5))
