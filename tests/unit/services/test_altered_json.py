"""An export in JSON, altered in every place: nothing that was altered is taken for proved, and what is only not proved is said."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from counterfoil.ion import Annotated, parse_text, render_json
from counterfoil.journal.export_format import OutputFormat
from tests.exports import data_keys, exported, rules_of, verdict_of
from tests.journals import journal_of, transfer, transfers

# Of these the revision's hash alone speaks, which JSON cannot compute without the document in Ion.
BY_HASH_ALONE = {"data", "version"}


def everything():
    """Blocks with documents of many types, one deleted and one redacted."""
    first = transfer(0)
    when = parse_text("2025-03-01T09:30:00.000Z")
    rich = {"text": "x", "n": 12, "amount": Decimal("12.50"), "float": 1.5, "blob": b"blob", "when": when, "yes": True}
    rich["list"] = [1, {"in": None}]
    return journal_of([replace(first, changes=(replace(first.changes[0], data=rich),)), *map(transfer, range(1, 4))])


JOURNAL = everything()
FILES = exported(JOURNAL, OutputFormat.JSON)
(KEY,) = data_keys(FILES)
LINES = [json.loads(line, parse_float=Decimal) for line in FILES[KEY].splitlines()]


def places(value, path=()):
    """Every value of a document, by its path."""
    yield path
    if isinstance(value, dict):
        for name, each in value.items():
            yield from places(each, (*path, name))
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from places(each, (*path, number))


def other(value):
    """Another value of the same type."""
    match value:
        case bool():
            return not value
        case int() | Decimal():
            return value + 1
        case str():
            return ("b" if value[:1] == "a" else "a") + value[1:]
        case list():
            return value[:-1]
        case dict():
            return dict(list(value.items())[:-1])
        case _:
            return 7


def altered(path, change):
    lines = [put(LINES[0], path, change), *LINES[1:]]
    text = "".join(render_json(line) + "\n" for line in lines)
    return verdict_of(FILES | {KEY: text.encode()}, JOURNAL.builder.digest())


def put(value, path, change):
    if not path:
        return change(value)
    copy = list(value) if isinstance(value, list) else dict(value)
    copy[path[0]] = put(copy[path[0]], path[1:], change)
    return copy


def test_the_export_as_it_is_is_proved_whole():
    verdict = verdict_of(FILES, JOURNAL.builder.digest())
    assert (verdict.holds, verdict.not_proved, verdict.digest_compared) == (True, 0, True)


PATHS = [path for path in places(LINES[0]) if path]


def only_hash_speaks(path):
    return path[:1] == ("revisions",) and len(path) > 2 and bool(BY_HASH_ALONE & {path[2], path[-1]})


@pytest.mark.parametrize("path", PATHS, ids=lambda path: ".".join(map(str, path)))
def test_no_value_is_altered_unseen(path):
    verdict = altered(path, other)
    assert not verdict.holds
    if only_hash_speaks(path):
        assert (rules_of(verdict), verdict.not_proved, verdict.contents.first_unchecked) == ([], 1, 0)
        assert verdict.digest_compared
    else:
        assert verdict.findings


@pytest.mark.parametrize(
    "path", [path for path in PATHS if isinstance(path[-1], str)], ids=lambda path: ".".join(map(str, path))
)
def test_nothing_is_left_out_unseen(path):
    verdict = altered(path[:-1], lambda held: {name: each for name, each in held.items() if name != path[-1]})
    assert not verdict.holds
    assert bool(verdict.findings) is not (path[2:3] == ("data",) and len(path) > 3)


@pytest.mark.parametrize(
    "where", [("revisions", 0, "data"), ("revisions", 0, "data", "list", 1), ("revisions", 0, "metadata")]
)
def test_a_field_that_is_put_in_is_seen(where):
    assert not altered(where, lambda held: held | {"more": 1}).holds


def test_a_field_that_is_put_into_what_the_transaction_did_is_found():
    assert rules_of(altered(("transactionInfo",), lambda held: held | {"more": 1}))[0] == "audit.contents-mismatch"


def test_the_time_of_a_revision_speaks_by_its_hash_alone():
    verdict = altered(("revisions", 0, "metadata", "txTime"), lambda _: "2025-03-01T09:30:00.001Z")
    assert (verdict.findings, verdict.holds, verdict.not_proved) == ((), False, 1)


@pytest.mark.parametrize("damage", ["swapped", "repeated", "left out", "cut", "emptied"])
def test_lines_are_in_their_places(damage):
    lines = FILES[KEY].splitlines(keepends=True)
    lines = {
        "swapped": [lines[1], lines[0], *lines[2:]],
        "repeated": [lines[0], *lines],
        "left out": [lines[0], *lines[2:]],
        "cut": [*lines[:-1], lines[-1][:-30]],
        "emptied": [],
    }[damage]
    assert verdict_of(FILES | {KEY: b"".join(lines)}).findings


@pytest.mark.parametrize("time", ["2025-03-01T09:30:00.0004Z", "2025-03-01T09:30:00Z", "2025-03-01T09:30:00.00Z"])
def test_a_time_of_commit_has_the_digits_that_the_format_says(time):
    assert rules_of(altered(("blockTimestamp",), lambda _: time))[0] == "export.unreadable"


def test_honest_data_that_cannot_be_proved_is_no_finding_and_does_not_hold():
    first = transfer(0)
    journal = journal_of([replace(first, changes=(replace(first.changes[0], data={"a": Annotated(("EUR",), 5)}),))])
    verdict = verdict_of(exported(journal, OutputFormat.JSON), journal.builder.digest())
    assert (verdict.findings, verdict.holds, verdict.not_proved, verdict.digest_compared) == ((), False, 1, True)


def test_of_blocks_that_bind_no_header_json_shows_what_ion_shows():
    journal = transfers(3, bind_headers=False)
    assert verdict_of(exported(journal, OutputFormat.JSON), journal.builder.digest()).holds
