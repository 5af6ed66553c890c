"""What every SnapshotStore guarantees."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from counterfoil.adapters.memory import MemorySnapshots
from counterfoil.adapters.s3 import S3Snapshots
from counterfoil.errors import IntegrityError, UnavailableError
from tests.contract.conftest import AWS, BOTH

# Object Lock counts from the real time.
KEPT_AT = datetime.now(UTC)
RETENTION = timedelta(days=1)


def snapshots_in(clients, bucket, mode="GOVERNANCE"):
    return S3Snapshots(clients("s3"), bucket, mode, RETENTION, lambda: KEPT_AT)


@pytest.fixture(params=BOTH)
def snapshots(request):
    if request.param == "memory":
        return MemorySnapshots()
    return snapshots_in(request.getfixturevalue("clients"), request.getfixturevalue("make_bucket")(lock=True))


@pytest.fixture(params=AWS)
def s3_snapshots(request, clients, make_bucket):
    return snapshots_in(clients, make_bucket(lock=True), "COMPLIANCE")


def test_where_nothing_is_kept_there_is_no_latest(snapshots):
    assert snapshots.latest("snapshots/") is None


def test_a_document_is_read_as_it_was_kept(snapshots):
    snapshots.keep("snapshots/a/1.json", b'{"a":1}')
    assert snapshots.latest("snapshots/a/") == ("snapshots/a/1.json", b'{"a":1}')


def test_keeping_the_same_again_succeeds(snapshots):
    for _ in range(2):
        snapshots.keep("snapshots/a/1.json", b"same")
    assert snapshots.latest("snapshots/a/") == ("snapshots/a/1.json", b"same")


def test_another_document_under_a_name_that_is_taken_is_an_integrity_error(snapshots):
    snapshots.keep("snapshots/a/1.json", b"first")
    with pytest.raises(IntegrityError, match="other contents"):
        snapshots.keep("snapshots/a/1.json", b"second")
    assert snapshots.latest("snapshots/a/") == ("snapshots/a/1.json", b"first")


def test_the_latest_is_the_greatest_name_under_the_prefix_alone(snapshots):
    for name in ("a/20250303", "a/20250401", "a/20250302", "b/20990101", "ab/20990101"):
        snapshots.keep(f"snapshots/{name}.json", name.encode())
    assert snapshots.latest("snapshots/a/") == ("snapshots/a/20250401.json", b"a/20250401")
    assert snapshots.latest("snapshots/c/") is None


def test_the_latest_of_more_than_a_page_is_the_last(snapshots):
    """S3 lists 1,000 names at a time."""
    for number in range(1_005):
        snapshots.keep(f"snapshots/a/{number:06}.json", str(number).encode())
    assert snapshots.latest("snapshots/a/") == ("snapshots/a/001004.json", b"1004")


def test_a_kept_document_is_locked_until_its_retention_ends(s3_snapshots):
    s3_snapshots.keep("snapshots/a/1.json", b"{}")
    client, place = s3_snapshots.client, {"Bucket": s3_snapshots.bucket, "Key": "snapshots/a/1.json"}
    lock = client.get_object_retention(**place)["Retention"]
    assert lock["Mode"] == "COMPLIANCE"
    assert abs(lock["RetainUntilDate"] - (KEPT_AT + RETENTION)) <= timedelta(seconds=1)
    version = client.head_object(**place)["VersionId"]
    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_object(**place, VersionId=version)
    assert s3_snapshots.latest("snapshots/a/") == ("snapshots/a/1.json", b"{}")


def test_of_two_who_keep_different_documents_at_the_same_time_one_is_refused(s3_snapshots):
    both = threading.Barrier(2)

    def keep(document):
        both.wait(30)
        try:
            s3_snapshots.keep("snapshots/a/1.json", document)
        except IntegrityError:
            return None
        return document

    with ThreadPoolExecutor(2) as pool:
        kept = [each for each in pool.map(keep, [b"first", b"second"]) if each]
    assert [s3_snapshots.latest("snapshots/a/")[1]] == kept


def test_a_store_that_does_not_answer_is_unavailable(gone):
    store = snapshots_in(gone, "bucket")
    for call in (lambda: store.keep("name", b"x"), lambda: store.latest("name")):
        with pytest.raises(UnavailableError):
            call()
