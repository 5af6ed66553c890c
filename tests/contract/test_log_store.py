"""What every LogStore guarantees."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.adapters.log_directory import LogDirectory
from counterfoil.adapters.memory.logs import MemoryLog
from counterfoil.adapters.s3 import S3Log
from counterfoil.errors import ConflictError, InputError, IntegrityError, UnavailableError
from tests.contract.conftest import AWS, ON_EMULATOR

KEPT_AT = datetime.now(UTC)
TILE = "tile/0/x001/234.p/5"


def in_bucket(clients, bucket, prefix="tlog/a/"):
    return S3Log(clients("s3"), bucket, prefix, "GOVERNANCE", timedelta(days=1), lambda: KEPT_AT)


@pytest.fixture(params=["memory", "directory", pytest.param("aws", marks=ON_EMULATOR)])
def store(request):
    if request.param == "memory":
        return MemoryLog()
    if request.param == "directory":
        return LogDirectory(request.getfixturevalue("tmp_path") / "made/log")
    return in_bucket(request.getfixturevalue("clients"), request.getfixturevalue("make_bucket")(lock=True))


def test_what_was_not_written_is_not_there(store):
    for path in (TILE, "checkpoint", "tile/0/x001"):
        assert store.load(path) is None


def test_a_file_is_read_as_it_was_written_and_never_another(store):
    for _ in range(2):
        store.add(TILE, b"hashes")
    store.add("tile/0/x001/234", b"full")
    with pytest.raises(IntegrityError, match="other contents"):
        store.add(TILE, b"others")
    assert (store.load(TILE), store.load("tile/0/x001/234")) == (b"hashes", b"full")


def test_a_checkpoint_is_replaced_only_where_it_is_the_one_that_was_read(store):
    store.replace("checkpoint", None, b"first")
    for stale in (None, b"other"):
        with pytest.raises(ConflictError):
            store.replace("checkpoint", stale, b"wrong")
    store.replace("checkpoint", b"first", b"second")
    with pytest.raises(ConflictError):
        store.replace("checkpoint", b"first", b"wrong")
    assert store.load("checkpoint") == b"second"
    with pytest.raises(ConflictError):
        store.replace("never", b"there", b"wrong")
    assert store.load("never") is None


def test_of_two_who_replace_at_the_same_time_one_is_first(store):
    both = threading.Barrier(2)

    def replace(data):
        both.wait(30)
        try:
            store.replace("checkpoint", None, data)
        except UnavailableError:
            return None
        return data

    with ThreadPoolExecutor(2) as pool:
        [kept] = [each for each in pool.map(replace, [b"one", b"two"]) if each]
    assert store.load("checkpoint") == kept


@pytest.mark.parametrize("path", ["../out", "/tile", "tile/../x", ".lock", "a//b", ""])
def test_a_directory_holds_no_path_that_leads_out_of_it(tmp_path, path):
    with pytest.raises(InputError):
        LogDirectory(tmp_path / "log").add(path, b"x")


@pytest.mark.parametrize("_", AWS)
def test_what_a_log_holds_is_locked_in_every_version_and_apart_from_other_logs(_, clients, make_bucket):
    bucket = make_bucket(lock=True)
    store = in_bucket(clients, bucket)
    store.replace("checkpoint", None, b"first")
    store.replace("checkpoint", b"first", b"second")
    for version in clients("s3").list_object_versions(Bucket=bucket)["Versions"]:
        place = {"Bucket": bucket, "Key": version["Key"], "VersionId": version["VersionId"]}
        assert clients("s3").get_object_retention(**place)["Retention"]["Mode"] == "GOVERNANCE"
    assert in_bucket(clients, bucket, "tlog/b/").load("checkpoint") is None


@pytest.mark.parametrize("kind", ["aws", "directory"])
def test_a_store_that_does_not_answer_is_unavailable(gone, tmp_path, kind):
    (tmp_path / "file").write_text("in the way")
    store = in_bucket(gone, "bucket") if kind == "aws" else LogDirectory(tmp_path / "file/log")
    for call in (lambda: store.add(TILE, b"x"), lambda: store.replace("checkpoint", None, b"x")):
        with pytest.raises(UnavailableError):
            call()
