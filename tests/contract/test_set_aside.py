"""What every SetAsideRecords guarantees."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from counterfoil.adapters.memory.set_aside import MemorySetAside
from counterfoil.adapters.s3 import S3SetAside
from counterfoil.errors import UnavailableError
from counterfoil.journal.set_aside import set_aside_place
from tests.contract.conftest import AWS, BOTH

START = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)


class Now:
    def __init__(self):
        self.moment = START

    def __call__(self):
        return self.moment


@pytest.fixture
def now():
    return Now()


@pytest.fixture(params=BOTH)
def store(request, now):
    if request.param == "memory":
        return MemorySetAside(now)
    return S3SetAside(request.getfixturevalue("clients")("s3"), request.getfixturevalue("make_bucket")(), now)


@pytest.mark.parametrize("data", [b"\0", b"record", b"\xf3" * (4 * 1024 * 1024)], ids=len)
def test_a_record_is_fetched_as_it_was_kept(store, data):
    place = store.keep(data)
    assert place[1:] == (f"records/2026-01-31/{sha256(data).hexdigest()}", sha256(data).digest(), len(data))
    assert store.fetch(place) == data


def test_keeping_twice_is_keeping_once(store):
    assert store.keep(b"record") == store.keep(b"record")
    assert store.fetch(store.keep(b"record")) == b"record"


def test_what_is_kept_again_on_another_day_lies_elsewhere(store, now):
    first = store.keep(b"record")
    now.moment += timedelta(minutes=1)
    second = store.keep(b"record")
    assert second.key != first.key
    assert store.fetch(first) == store.fetch(second) == b"record"


def test_no_more_is_read_than_shows_that_there_is_more(store):
    place = store.keep(b"record")
    assert store.fetch(place._replace(size_bytes=2)) == b"rec"


def test_the_bucket_that_a_pointer_names_is_not_looked_at(store):
    place = store.keep(b"record")
    assert store.fetch(place._replace(bucket="somebody-elses")) == b"record"


def test_what_is_not_there_is_unavailable(store):
    with pytest.raises(UnavailableError):
        store.fetch(set_aside_place("bucket", b"never kept", START.date()))


@pytest.mark.parametrize("_", AWS)
def test_what_lies_there_already_is_not_replaced(_, clients, make_bucket, now):
    bucket = make_bucket()
    place = set_aside_place(bucket, b"record", START.date())
    clients("s3").put_object(Bucket=bucket, Key=place.key, Body=b"put there by somebody else")
    store = S3SetAside(clients("s3"), bucket, now)
    assert store.keep(b"record") == place
    assert store.fetch(place) == b"put there by somebody else"[: len(b"record") + 1]


def test_a_store_that_does_not_answer_is_unavailable(gone, now):
    store = S3SetAside(gone("s3"), "bucket", now)
    for call in (lambda: store.keep(b"x"), lambda: store.fetch(set_aside_place("bucket", b"x", START.date()))):
        with pytest.raises(UnavailableError):
            call()


@pytest.mark.parametrize("_", AWS)
def test_a_bucket_that_is_not_there_is_unavailable(_, clients, now):
    with pytest.raises(UnavailableError, match="NoSuchBucket"):
        S3SetAside(clients("s3"), "no-such-bucket", now).keep(b"x")
