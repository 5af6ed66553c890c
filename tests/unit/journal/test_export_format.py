"""Names and manifests of exports: written as QLDB wrote them, read as far as they are safe."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from counterfoil.errors import InputError
from counterfoil.ion import dump_binary
from counterfoil.journal import export_format
from counterfoil.journal.export_format import (
    DataName,
    check_prefix,
    completed_key,
    data_key,
    local_name,
    parse_completed_manifest,
    parse_completed_name,
    parse_data_key,
    parse_started_manifest,
    parse_started_name,
    started_key,
)

STRAND = "JdxjkR9bSYB5jMHWcI464T"
HOUR = datetime(2019, 4, 15, 22, tzinfo=UTC)


def test_the_documented_key_is_written_and_read():
    key = data_key("", HOUR, STRAND, 1, 4, "ion")
    assert key == "2019/04/15/22/JdxjkR9bSYB5jMHWcI464T.1-4.ion"
    assert parse_data_key(key) == DataName(STRAND, 1, 4, "ion")


def test_the_hour_is_that_of_utc():
    elsewhere = datetime(2019, 4, 16, 0, 30, tzinfo=timezone(timedelta(hours=2)))
    assert data_key("", elsewhere, STRAND, 0, 0, "json").startswith("2019/04/15/22/")


@pytest.mark.parametrize("prefix", ["", "a", "a/", "a/b", "2019/04/15/22", "My:Tests/"])
def test_whatever_the_prefix_the_local_name_begins_with_the_year(prefix):
    assert local_name(data_key(prefix, HOUR, STRAND, 1, 4, "ion")).startswith("2019/04/15/22/")
    assert parse_data_key(data_key(prefix, HOUR, STRAND, 1, 4, "ion")).last == 4


def test_names_of_manifests_are_read_back():
    assert parse_completed_name(completed_key("a", "export", STRAND).rpartition("/")[2]) == ("export", STRAND)
    assert parse_started_name(started_key("a", "export").rpartition("/")[2]) == "export"
    for other in ("x.manifest", "export.started.manifest", "a.b.c.completed.manifest", ""):
        assert parse_completed_name(other) is None
    assert parse_started_name("export.strand.completed.manifest") is None


@pytest.mark.parametrize("prefix", ["", "a", "a/b/", "My:Tests/größe", "x" * 128])
def test_a_prefix_is_taken_as_it_is(prefix):
    assert check_prefix(prefix) == prefix


@pytest.mark.parametrize(
    "prefix", ["/", "/a", "a//b", "a//", "..", "a/../b", ".a", "a/./b", "a\\b", "a\nb", "a\0", "x" * 129]
)
def test_a_prefix_that_no_directory_can_hold_is_refused(prefix):
    with pytest.raises(InputError):
        check_prefix(prefix)


@pytest.mark.parametrize(
    "manifest", [b"{keys:['a',\"b\"]}", b'{"keys": ["a", "b"]}', dump_binary({"keys": ["a", "b"]})]
)
def test_a_manifest_is_read_in_any_format(manifest):
    assert parse_completed_manifest(manifest) == ("a", "b")


def test_manifests_are_bounded(monkeypatch):
    monkeypatch.setattr(export_format, "MAX_KEYS", 2)
    assert parse_completed_manifest(b'{keys:["a","b"]}') == ("a", "b")
    with pytest.raises(InputError):
        parse_completed_manifest(b'{keys:["a","b","c"]}')
    with pytest.raises(InputError):
        parse_completed_manifest(b'{keys:["%s"]}' % (b"x" * 1_025))


def test_of_a_started_manifest_the_texts_are_read():
    assert parse_started_manifest(b'{exportId:"e",ledgerName:null,at:2020T,n:1,format:JSON}') == {
        "exportId": "e",
        "format": "JSON",
    }
