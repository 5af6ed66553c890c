"""What every ObjectStore guarantees, and what the directory that stands in for a bucket refuses."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from counterfoil.adapters import durable_files
from counterfoil.adapters.memory import MemoryBucket
from counterfoil.adapters.outbox import Outbox
from counterfoil.adapters.s3 import S3Bucket
from counterfoil.errors import InputError, NotFoundError, UnavailableError
from counterfoil.ledger.jobs import Encryption, EncryptionType
from tests.contract.conftest import AWS, ON_EMULATOR

ALL = ["memory", "outbox", pytest.param("aws", marks=ON_EMULATOR)]
KEY = "arn:aws:kms:us-east-1:000000000000:key/k"
PLAIN = Encryption(EncryptionType.NO_ENCRYPTION)


def clock():
    return datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=ALL)
def store(request, tmp_path):
    """(a store, how to read an object of it)."""
    if request.param == "memory":
        memory = MemoryBucket()
        return memory, memory.objects.__getitem__
    if request.param == "outbox":
        return Outbox(tmp_path, clock).bucket("bucket"), lambda key: (tmp_path / "s3" / "bucket" / key).read_bytes()
    s3, bucket = request.getfixturevalue("clients")("s3"), request.getfixturevalue("make_bucket")()
    return S3Bucket(s3, bucket, PLAIN), lambda key: s3.get_object(Bucket=bucket, Key=key)["Body"].read()


@pytest.mark.parametrize("data", [b"", b"\0", b"blocks", b"\xf3" * (5 * 1024 * 1024)], ids=len)
def test_an_object_is_read_as_it_was_written(store, data):
    bucket, read = store
    bucket.put("exports/2025/03/01/09/strand.0-3.ion", data)
    assert read("exports/2025/03/01/09/strand.0-3.ion") == data


def test_an_object_replaces_what_was_under_its_key(store):
    bucket, read = store
    for data in (b"first, and longer", b"second"):
        bucket.put("a/b.ion", data)
        assert read("a/b.ion") == data


def test_keys_that_differ_are_different_objects(store):
    bucket, read = store
    keys = ["a", "b/a", "b/c/a", "My:Tests/x y.ion", "größe/Ω.json", "b/a.ion"]
    for key in keys:
        bucket.put(key, key.encode())
    assert [read(key) for key in keys] == [key.encode() for key in keys]


def test_several_write_at_the_same_time(store):
    bucket, read = store
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: bucket.put(f"deep/{number % 3}/{number}", b"%d" % number), range(24)))
    assert [read(f"deep/{number % 3}/{number}") for number in range(24)] == [b"%d" % number for number in range(24)]


@pytest.mark.parametrize("_", AWS)
@pytest.mark.parametrize(
    ("encryption", "expected"),
    [
        (Encryption(EncryptionType.SSE_S3), ("AES256", None)),
        (Encryption(EncryptionType.SSE_KMS, KEY), ("aws:kms", KEY)),
    ],
)
def test_an_object_is_encrypted_as_asked(_, clients, make_bucket, encryption, expected):
    name = make_bucket()
    S3Bucket(clients("s3"), name, encryption).put("key", b"data")
    head = clients("s3").head_object(Bucket=name, Key="key")
    assert (head.get("ServerSideEncryption"), head.get("SSEKMSKeyId")) == expected


@pytest.mark.parametrize("_", AWS)
def test_a_bucket_that_is_not_there_is_not_found(_, clients):
    with pytest.raises(NotFoundError, match="no-such-bucket"):
        S3Bucket(clients("s3"), "no-such-bucket", PLAIN).put("key", b"data")


def test_a_store_that_does_not_answer_is_unavailable(gone):
    with pytest.raises(UnavailableError):
        S3Bucket(gone("s3"), "bucket", PLAIN).put("key", b"data")


# The directory


@pytest.fixture
def outbox(tmp_path):
    return Outbox(tmp_path / "outbox", clock)


@pytest.mark.parametrize(
    "key",
    ["", "/", "..", "../a", "a/../b", "a/..", "/etc/passwd", "a//b", "a/", "./a", "a/./b", ".hidden", "a/.b", "a\\b", "a\0b", "a\nb",
     "x" * 241, "/".join(["x" * 200] * 6), "\ud800"],
)  # fmt: skip
def test_a_key_that_leads_elsewhere_is_refused(outbox, tmp_path, key):
    with pytest.raises(InputError, match="not a key"):
        outbox.bucket("bucket").put(key, b"data")
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("name", ["", "ab", "..", "../x", "a/b", ".abc", "a b c", "x" * 256, "a\nbc", "größe"])
def test_what_is_no_name_of_a_bucket_is_refused(outbox, name):
    with pytest.raises(InputError, match="name of a bucket"):
        outbox.bucket(name)


def test_an_object_is_whole_or_not_there(monkeypatch, outbox):
    bucket = outbox.bucket("bucket")
    bucket.put("a", b"old")

    def fail(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable_files.os, "fsync", fail)
    for key in ("a", "b"):
        with pytest.raises(UnavailableError, match="No space left"):
            bucket.put(key, b"new")
    monkeypatch.undo()
    directory = outbox.root / "s3" / "bucket"
    assert {path.name for path in directory.iterdir() if not path.name.startswith(".")} == {"a"}
    assert (directory / "a").read_bytes() == b"old"
    bucket.put("b", b"new")
    assert (directory / "b").read_bytes() == b"new"
    assert not list(directory.glob(".b*"))


def test_what_is_acknowledged_was_flushed_and_so_was_its_directory(monkeypatch, outbox):
    flushed = []
    real = durable_files.os.fsync

    def note(descriptor):
        flushed.append(Path(f"/proc/self/fd/{descriptor}").resolve().name)
        real(descriptor)

    monkeypatch.setattr(durable_files.os, "fsync", note)
    outbox.bucket("bucket").put("deep/a.ion", b"data")
    assert flushed[-2:] == [".a.ion.partial", "deep"]
    assert {"s3", "bucket", "outbox"} <= set(flushed)


def test_a_key_under_an_object_is_unavailable_and_harms_nothing(outbox):
    bucket = outbox.bucket("bucket")
    bucket.put("a", b"data")
    with pytest.raises(UnavailableError):
        bucket.put("a/b", b"data")
    assert (outbox.root / "s3" / "bucket" / "a").read_bytes() == b"data"
