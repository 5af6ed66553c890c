"""A client of DynamoDB and S3 that fails as the network, the services and the process do: before a call, behind it, or late."""

from contextlib import suppress
from functools import partial
from threading import Lock

from botocore.exceptions import ClientError, ReadTimeoutError

CALLS = {
    "batch_get_item",
    "batch_write_item",
    "delete_item",
    "delete_object",
    "get_item",
    "get_object",
    "list_object_versions",
    "put_item",
    "put_object",
    "query",
    "transact_write_items",
    "update_item",
}


class Killed(BaseException):
    """The process is gone: nothing catches this but the test."""


def killed(_call):
    """Before the call, which is behind the one before it."""
    raise Killed


def lost_before(_call):
    """The request never came."""
    raise ReadTimeoutError(endpoint_url="")


def lost_after(call):
    """The answer never came, whatever it would have been."""
    with suppress(ClientError):
        call()
    raise ReadTimeoutError(endpoint_url="")


def repeated(call):
    """The answer was lost, and the client's library asked once more."""
    with suppress(ClientError):
        call()
    return call()


def throttled(_call):
    raise ClientError({"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "too much"}}, "Any")


def unprocessed(call):
    """Nothing of a batch was written; another request is throttled, which comes to the same."""
    requests = getattr(call, "keywords", {}).get("RequestItems")
    return (
        throttled(call)
        if requests is None
        else {"Responses": {}, "UnprocessedItems": requests, "UnprocessedKeys": requests}
    )


class Late:
    """The request is on its way for as long as ``land`` is not called."""

    def __init__(self):
        self.calls = []

    def __call__(self, call):
        self.calls.append(call)
        raise ReadTimeoutError(endpoint_url="")

    def land(self):
        for call in self.calls:
            with suppress(ClientError):
                call()


class Faulty:
    """``fault(name, number)`` gives what is done with a call, or ``None``; ``number`` counts all calls from 0, ``log`` names them."""

    def __init__(self, dynamodb, s3, fault):
        self.clients = dynamodb, s3
        self.fault = fault
        self.log = []
        self._lock = Lock()

    def __getattr__(self, name):
        whole = getattr(next(each for each in self.clients if hasattr(each, name)), name)
        if name not in CALLS:
            return whole

        def called(**arguments):
            with self._lock:
                number = len(self.log)
                self.log.append(name)
            fault = self.fault(name, number)
            if fault is None:
                return whole(**arguments)
            return fault(partial(whole, **arguments))

        return called


def at(number, fault):
    """Only one call."""
    return lambda _name, here: fault if here == number else None


def on(name, fault, times=1):
    """The first calls of a name."""
    left = [times]

    def chosen(here, _number):
        if here != name or not left[0]:
            return None
        left[0] -= 1
        return fault

    return chosen


def by_chance(chance, often, *faults):
    """Any call, now and then."""
    return lambda _name, _number: chance.choice(faults) if chance.random() < often else None
