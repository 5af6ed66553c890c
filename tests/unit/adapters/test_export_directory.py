"""An export in a directory: regular files below it, in order, with bounds; nothing else is read."""

import os

import pytest

from counterfoil.adapters import export_directory
from counterfoil.adapters.export_directory import ExportDirectory
from counterfoil.errors import InputError, LimitError, NotFoundError


@pytest.fixture
def files(tmp_path):
    top = tmp_path / "export"
    for name in ("b/2.ion", "a.manifest", "b/1.ion", ".hidden", ".git/config", "b/.1.ion.partial"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(name.encode())
    return ExportDirectory(top)


def whole(files, name, limit_bytes=1_000):
    return b"".join(files.chunks(name, limit_bytes))


def test_names_are_paths_below_the_top_in_order(files):
    assert files.names() == ["a.manifest", "b/1.ion", "b/2.ion"]
    assert [whole(files, name) for name in files.names()] == [name.encode() for name in files.names()]


def test_links_pipes_and_directories_are_no_files(files, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (files.root / "link").symlink_to(tmp_path / "secret")
    (files.root / "linked").symlink_to(tmp_path)
    os.mkfifo(files.root / "pipe")
    assert files.names() == ["a.manifest", "b/1.ion", "b/2.ion"]
    for name in ("link", "pipe", "b", "nobody", "b/1.ion/x"):
        with pytest.raises(NotFoundError):
            whole(files, name)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "", ".hidden", "b/../../secret", "b//1.ion"])
def test_nothing_outside_is_read(files, name):
    with pytest.raises(InputError, match="not a key"):
        whole(files, name)


def test_a_file_is_read_up_to_its_bound(files, monkeypatch):
    monkeypatch.setattr(export_directory, "CHUNK_BYTES", 2)
    assert whole(files, "b/1.ion", 7) == b"b/1.ion"
    with pytest.raises(LimitError, match="more than 6 bytes"):
        whole(files, "b/1.ion", 6)


def test_a_directory_with_too_many_files_is_no_export(files, monkeypatch):
    monkeypatch.setattr(export_directory, "MAX_FILES", 2)
    with pytest.raises(LimitError, match="more than 2 files"):
        files.names()


@pytest.mark.parametrize("name", ["nobody", "a.manifest"])
def test_what_is_no_directory_is_refused(files, name):
    with pytest.raises(InputError, match="not a directory"):
        ExportDirectory(files.root / name).names()
