"""Asynchronous invocations: how often an event is tried, when it is given up, and what a destination is told."""

import json
import threading
import time

import pytest

from lab.gateway.asynchronous import AsyncFunction, AsynchronousInvocations, AsyncSettings, settings_of
from lab.invocation import InvocationResult, Outcome
from lab.mapping.destinations import DeliveryFailedError, MemoryDestination

ARN = "arn:aws:lambda:us-east-1:000000000000:function:exporter"
DONE = InvocationResult(Outcome.ANSWERED, b"null", "r")
FAILED = InvocationResult.error("ValueError", "no such block", "r")
REFUSED = InvocationResult.refused("TooManyRequestsException", "Rate Exceeded.", "r")


class Scene:
    """One event for a function that answers with ``results``, the last of them for ever."""

    def __init__(self, *results, **settings):
        self.results = list(results)
        self.attempts, self.waits = [], []
        self.destination = MemoryDestination()
        self.function = AsyncFunction(
            "Exporter", "exporter", ARN, AsyncSettings(on_failure=self.destination, **settings)
        )
        self.queue = AsynchronousInvocations(self.invoke, self.backoff)

    def invoke(self, function_id, payload, request_id):
        self.attempts.append((function_id, payload, request_id))
        return self.results.pop(0) if len(self.results) > 1 else self.results[0]

    def backoff(self, failures):
        self.waits.append(failures)
        return 0.001

    def run(self, times=1):
        request_id = self.queue.submit(self.function, b'{"part": 1}', times)
        limit = time.monotonic() + 20
        while self.queue.pending:
            assert time.monotonic() < limit
            time.sleep(0.005)
        return request_id


def test_an_event_that_is_handled_is_delivered_once():
    scene = Scene(DONE)
    request_id = scene.run()
    assert scene.attempts == [("Exporter", b'{"part": 1}', request_id)]
    assert scene.destination.delivered == []


def test_an_error_is_tried_twice_more_under_the_same_id_and_then_told():
    scene = Scene(FAILED)
    request_id = scene.run()
    assert [each[2] for each in scene.attempts] == [request_id] * 3
    (told,) = scene.destination.delivered
    document = told.metadata()
    assert document["requestContext"] == {
        "requestId": request_id,
        "functionArn": f"{ARN}:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    }
    assert document["requestPayload"] == {"part": 1}
    assert document["responseContext"]["functionError"] == "Unhandled"
    assert document["responsePayload"]["errorMessage"] == "no such block"
    assert told.object_key().startswith("aws/lambda/async/exporter/")
    assert json.dumps(told.invocation_record())
    assert scene.queue.given_up == [told]


def test_an_error_that_passes_is_not_told():
    scene = Scene(FAILED, FAILED, DONE)
    scene.run()
    assert len(scene.attempts) == 3
    assert scene.destination.delivered == []


def test_refusals_do_not_count_as_attempts_and_wait_longer_each_time():
    scene = Scene(*[REFUSED] * 5, FAILED, DONE)
    scene.run()
    assert len(scene.attempts) == 7
    assert scene.waits == [1, 2, 3, 4, 5, 6]
    assert scene.destination.delivered == []


def test_an_event_that_is_refused_until_it_is_too_old_is_told():
    scene = Scene(REFUSED, maximum_age_seconds=0.05)
    scene.run()
    (told,) = scene.destination.delivered
    assert told.metadata()["requestContext"]["condition"] == "EventAgeExceeded"
    assert told.metadata()["requestContext"]["approximateInvokeCount"] == 0
    assert told.metadata()["responseContext"]["statusCode"] == 429


@pytest.mark.parametrize("retries", [0, 1])
def test_a_function_may_ask_for_fewer_attempts(retries):
    scene = Scene(FAILED, maximum_retry_attempts=retries)
    scene.run()
    assert len(scene.attempts) == 1 + retries


def test_an_event_may_be_delivered_twice():
    scene = Scene(DONE)
    request_id = scene.run(times=2)
    assert [each[2] for each in scene.attempts] == [request_id] * 2


def test_a_destination_that_takes_nothing_is_counted():
    class Broken(MemoryDestination):
        def deliver(self, discarded):
            raise DeliveryFailedError("no such queue")

    scene = Scene(FAILED)
    scene.function = AsyncFunction("Exporter", "exporter", ARN, AsyncSettings(on_failure=Broken()))
    scene.run()
    assert scene.queue.delivery_failures == 1


def test_closing_waits_for_what_runs_and_tries_nothing_again():
    running, release = threading.Event(), threading.Event()

    def invoke(_function_id, _payload, _request_id):
        running.set()
        release.wait(20)
        return FAILED

    queue = AsynchronousInvocations(invoke, lambda _: 60.0)
    queue.submit(AsyncFunction("Exporter", "exporter", ARN), b"{}")
    assert running.wait(20)
    closing = threading.Thread(target=queue.close)
    closing.start()
    assert queue.pending == 1
    release.set()
    closing.join(20)
    assert not closing.is_alive()
    assert (queue.pending, queue.given_up) == (0, [])


def test_settings_are_read_from_the_template():
    settings = settings_of({"MaximumRetryAttempts": "1", "MaximumEventAgeInSeconds": 60}, None)
    assert (settings.maximum_retry_attempts, settings.maximum_age_seconds) == (1, 60)
    assert settings_of({}, None) == AsyncSettings()
