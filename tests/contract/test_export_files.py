"""What every place of an export's files guarantees: a directory, and a bucket."""

import pytest

from counterfoil.adapters import export_bucket
from counterfoil.adapters.export_bucket import ExportBucket
from counterfoil.adapters.export_directory import ExportDirectory
from counterfoil.errors import InputError, NotFoundError
from counterfoil.services.verify_export import verify_export
from tests.contract.conftest import ON_EMULATOR
from tests.exports import NOW, exported
from tests.journals import transfers

FILES = {"a/b.ion": b"blocks" * 300_000, "a.manifest": b"{}", "c": b""}


@pytest.fixture(params=["directory", pytest.param("bucket", marks=ON_EMULATOR)])
def place(request, tmp_path, monkeypatch):
    """Puts files below ``top`` and gives the place."""

    def put(files):
        if request.param == "directory":
            for name, data in files.items():
                (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / name).write_bytes(data)
            return ExportDirectory(tmp_path)
        s3, bucket = request.getfixturevalue("clients")("s3"), request.getfixturevalue("make_bucket")()
        monkeypatch.setattr(export_bucket, "client", lambda _service: s3)
        s3.put_object(Bucket=bucket, Key="topmost", Body=b"another's")
        for name, data in files.items():
            s3.put_object(Bucket=bucket, Key=f"top/{name}", Body=data)
        return ExportBucket.parse(f"s3://{bucket}/top/")

    return put


def test_names_sizes_and_bytes_are_those_of_the_files(place):
    files = place(FILES)
    assert list(files.names()) == sorted(FILES)
    assert files.size_bytes() == sum(map(len, FILES.values()))
    assert {name: b"".join(files.chunks(name, 10**7)) for name in FILES} == FILES


def test_more_bytes_than_allowed_are_refused(place):
    with pytest.raises(InputError, match="more than 100 bytes"):
        list(place(FILES).chunks("a/b.ion", 100))


def test_a_file_that_is_not_there_is_told(place):
    with pytest.raises(NotFoundError):
        list(place(FILES).chunks("nobody", 100))


def test_an_export_is_verified_where_it_is(place):
    journal = transfers(5)
    (verdict,) = verify_export(place(exported(journal)), NOW, journal.builder.digest())
    assert verdict.digest_compared
