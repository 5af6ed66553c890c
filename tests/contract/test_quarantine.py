"""What every Quarantine guarantees."""

import threading
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest

from counterfoil.adapters.memory import MemoryQuarantine
from counterfoil.adapters.s3 import S3Quarantine
from counterfoil.errors import CounterfoilError, UnavailableError
from tests.contract.conftest import AWS, BOTH


@pytest.fixture(params=BOTH)
def quarantine(request):
    if request.param == "memory":
        return MemoryQuarantine()
    return S3Quarantine(request.getfixturevalue("clients")("s3"), request.getfixturevalue("make_bucket")())


@pytest.fixture(params=AWS)
def s3_quarantine(request, clients, make_bucket):
    return S3Quarantine(clients("s3"), make_bucket())


@pytest.mark.parametrize("data", [b"", b"\0", b"rubbish", bytes(range(256)), b"\xf3" * (10 * 1024 * 1024)], ids=len)
def test_bytes_are_read_as_they_were_kept(quarantine, data):
    name = quarantine.keep(data)
    assert name == f"quarantine/{sha256(data).hexdigest()}"
    assert quarantine.load(name) == data


def test_keeping_twice_is_keeping_once(quarantine):
    assert quarantine.keep(b"rubbish") == quarantine.keep(b"rubbish")
    assert quarantine.load(quarantine.keep(b"rubbish")) == b"rubbish"


def test_other_bytes_have_another_name(quarantine):
    names = {quarantine.keep(data) for data in (b"a", b"b", b"")}
    assert len(names) == 3
    assert {quarantine.load(name) for name in names} == {b"a", b"b", b""}


def test_what_was_not_kept_cannot_be_read(quarantine):
    with pytest.raises(CounterfoilError):
        quarantine.load("quarantine/" + "0" * 64)


def test_two_who_keep_the_same_bytes_at_the_same_time_both_succeed(s3_quarantine):
    both = threading.Barrier(2)

    def keep(_):
        both.wait(30)
        return s3_quarantine.keep(b"rubbish")

    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(keep, range(2)))) == 1


def test_a_store_that_does_not_answer_is_unavailable(gone):
    store = S3Quarantine(gone("s3"), "bucket")
    for call in (lambda: store.keep(b"x"), lambda: store.load("quarantine/x")):
        with pytest.raises(UnavailableError):
            call()


@pytest.mark.parametrize("_", AWS)
def test_a_bucket_that_is_not_there_is_unavailable(_, clients):
    with pytest.raises(UnavailableError, match="NoSuchBucket"):
        S3Quarantine(clients("s3"), "no-such-bucket").keep(b"x")
