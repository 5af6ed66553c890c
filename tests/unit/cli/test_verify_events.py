"""``counterfoil verify events``: what the auditor would conclude of a file, and how the command says it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import validate

from lab import attacker
from lab.producer import aggregate, streamed
from tests.hostile_records import UNREADABLE, event_of, honest_datas, odd_values, stream_record
from tests.journals import STRAND, transfers

TEXT, HASH = {"type": "string"}, {"type": "string", "pattern": "^[A-Za-z0-9+/]{43}=$"}
COUNT = {"type": "integer", "minimum": 0}


def strict(properties, **others):
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False, **others
    }  # fmt: skip


FINDING = strict(
    {
        "findingId": TEXT,
        "ruleId": {"type": "string", "pattern": r"^audit\.[a-z-]+$"},
        "severity": {"enum": ["INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"]},
        "status": {"enum": ["OPEN", "CONFIRMED", "HEALED"]},
        "place": TEXT,
        "reason": {"type": "string", "minLength": 1},
        "documentId": {"type": ["string", "null"]},
        "accountId": {"type": ["string", "null"]},
        "evidence": {"type": "object", "additionalProperties": TEXT},
    }
)
SEGMENT = strict({"first": COUNT, "last": COUNT, "lastBlockHash": HASH})
STRAND_SCHEMA = strict(
    {
        "strandId": TEXT,
        "divergedAt": {"type": ["integer", "null"]},
        "digest": {"anyOf": [HASH, {"type": "null"}]},
        "segments": {"type": "array", "items": SEGMENT},
    }
)
SCHEMA = strict(
    {
        "holds": {"type": "boolean"},
        "records": COUNT,
        "blocksVerified": COUNT,
        "revisionsVerified": COUNT,
        "duplicates": COUNT,
        "quarantined": COUNT,
        "strands": {"type": "array", "items": STRAND_SCHEMA},
        "findings": {"type": "array", "items": FINDING},
    }
)
ERROR_SCHEMA = strict(
    {
        "holds": {"const": False},
        "error": strict({"type": TEXT, "message": TEXT, "evidence": {"type": "object", "additionalProperties": TEXT}}),
    }
)


@pytest.fixture
def check(run, write):
    """Both forms of the command on one event: (status, JSON document), the forms agreeing on the status."""

    def call(event):
        path = write(event)
        spoken, answer = run("verify", "events", path), run("verify", "events", path, "--json")
        assert spoken.status == answer.status
        assert answer.err == ""
        validate(answer.document, SCHEMA)
        return answer.status, answer.document

    return call


def rules_of(document):
    return sorted(
        (each["ruleId"].removeprefix("audit."), each["place"], each["status"]) for each in document["findings"]
    )


def event_with(blocks):
    return event_of([record.data for block in blocks for record in block.records])


@pytest.fixture(scope="module")
def journal():
    return transfers(8)


@pytest.fixture(scope="module")
def blocks(journal):
    return tuple(streamed(block) for block in journal.blocks)


# What holds ---------------------------------------------------------------------------------------------------------


def test_an_honest_journal_holds(check, journal, blocks):
    status, document = check(event_with(blocks))
    assert (status, document["holds"], document["findings"]) == (0, True, [])
    assert (document["records"], document["blocksVerified"], document["revisionsVerified"]) == (16, 8, 8)
    assert document["strands"] == [
        {
            "strandId": STRAND,
            "divergedAt": None,
            "digest": journal.builder.digest().hash.to_base64(),
            "segments": [{"first": 0, "last": 7, "lastBlockHash": journal.blocks[-1].block_hash.to_base64()}],
        }
    ]


def test_a_list_of_events_is_one_stream_in_any_order(check, journal, blocks):
    frames = [[aggregate(list(block.records))] for block in blocks]
    status, document = check([event_of(frame) for frame in reversed(frames)])
    assert (status, document["findings"]) == (0, [])
    assert document["strands"][0]["digest"] == journal.builder.digest().hash.to_base64()


def test_duplicates_are_counted_and_hold(check, blocks):
    status, document = check(event_with([*blocks, *blocks]))
    assert (status, document["duplicates"], document["findings"]) == (0, 16, [])


@pytest.mark.parametrize("event", [{"Records": []}, []])
def test_nothing_holds(check, event):
    status, document = check(event)
    assert (status, document["holds"], document["records"], document["strands"]) == (0, True, 0, [])


def test_what_was_done_openly_is_said_and_holds(check):
    from tests.audit_schedules import bank, streamed_bank

    status, document = check(event_with(streamed_bank(bank(1))))
    assert (status, document["holds"]) == (0, True)
    assert {"redaction", "table-dropped", "document-deleted"} <= {rule for rule, _, _ in rules_of(document)}


def test_values_of_every_kind_hold(check):
    block = odd_values()
    status, document = check(event_with([streamed(block)]))
    assert (status, document["findings"]) == (0, [])


# What does not ------------------------------------------------------------------------------------------------------


def tampered(blocks):
    from tests.audit_schedules import bank, streamed_bank

    whole = streamed_bank(bank(2))
    yield "contents-mismatch", attacker.spoil_hash(whole, 6, "blockHash")
    yield "revision-mismatch", attacker.alter_amount(whole, 6, 99)
    yield "broken-link", attacker.rehash_block(whole, 6, 5)
    yield "gap", attacker.drop_block(whole, 6)
    yield "fork", attacker.fork(whole, 6, 5)
    yield "orphan-revision", attacker.add_orphan(whole, 6, 7)


@pytest.mark.parametrize("number", range(6))
def test_a_tampered_event_does_not_hold(check, blocks, number):
    rule, attack = list(tampered(blocks))[number]
    status, document = check(event_with(attack.blocks))
    assert (status, document["holds"]) == (1, False)
    [expected] = attack.expected
    assert (rule, expected.place, str(expected.status)) in rules_of(document)


def test_what_is_missing_at_the_end_of_the_file_is_a_finding(check, blocks):
    status, document = check(event_with([*blocks[:3], *blocks[4:]]))
    assert (status, rules_of(document)) == (1, [("gap", f"{STRAND}#4", "CONFIRMED")])
    segments = document["strands"][0]["segments"]
    assert [(each["first"], each["last"]) for each in segments] == [(0, 2), (4, 7)]


def test_a_missing_revision_and_a_missing_block_are_findings(check, blocks):
    status, document = check(event_of([blocks[0].summary.data]))
    assert (status, rules_of(document)) == (1, [("missing-revision", f"{STRAND}#0", "CONFIRMED")])
    status, document = check(event_of([blocks[0].details[0].data]))
    assert (status, rules_of(document)) == (1, [("orphan-revision", f"{STRAND}#0", "CONFIRMED")])
    assert document["strands"] == [{"strandId": STRAND, "divergedAt": None, "digest": None, "segments": []}]


# Bad input ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [each for each in UNREADABLE if "record" not in each])
def test_a_record_that_cannot_be_read_is_a_finding_and_its_neighbours_are_verified(check, name):
    honest = honest_datas()
    status, document = check(event_of([*honest[:2], UNREADABLE[name], *honest[2:]]))
    assert status == 1
    assert [rule for rule, _, _ in rules_of(document)] == ["unreadable-record"]
    assert (document["blocksVerified"], document["quarantined"]) == (3, 1)


def test_a_record_of_10_mib_is_a_finding(check):
    status, document = check(event_of([UNREADABLE["a record beyond Kinesis"], *honest_datas()]))
    assert (status, [rule for rule, _, _ in rules_of(document)]) == (1, ["unreadable-record"])
    assert document["blocksVerified"] == 3


@pytest.mark.parametrize("data", ["not base64!", "größe", "\ud800", "Y"])
def test_data_that_is_not_base64_is_a_finding(check, data):
    status, document = check(event_of([*honest_datas(), data]))
    assert (status, [rule for rule, _, _ in rules_of(document)]) == (1, ["unreadable-record"])
    assert document["blocksVerified"] == 3


@pytest.mark.parametrize(
    "text", ["[/]", "[/bold]", "[red]", "\x1b[2J\x1b]0;title\x07", "\ud800", "\u202e", "\0", "\r\n", "x" * 100_000]
)
def test_text_from_outside_neither_breaks_the_screen_nor_the_json(run, write, text):
    """A producer chooses partition keys and record types; both come back in what the command prints."""
    event = event_of([b"rubbish", b"more"])
    event["Records"][0]["kinesis"]["partitionKey"] = text
    if text != "\ud800":
        event["Records"] += event_of([stream_record(text, {})])["Records"]
    path = write(event)
    answer = run("verify", "events", path, "--json")
    assert answer.status == 1
    validate(answer.document, SCHEMA)
    spoken = run("verify", "events", path)
    assert spoken.status == 1
    assert "does not hold" in spoken.out
    assert not set(spoken.out) & {"\x1b", "\x07", "\0", "\u202e"}


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b"not JSON",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"null",
        b"7",
        b'"text"',
        b"{}",
        b'{"Records": {}}',
        b'{"Records": [{}]}',
        b'{"Records": [null]}',
        b'[{"Records": []}, 7]',
        b'[[{"Records": []}]]',
        b'{"Records": [{"kinesis": {"data": NaN}}]}',
        b'{"Records": [{"kinesis": {"partitionKey": "k", "sequenceNumber": 1, "data": ""}}]}',
    ],
    ids=lambda contents: repr(contents[:30]),
)
def test_a_file_that_is_no_event_is_bad_input(run, write, contents):
    path = write(contents)
    spoken = run("verify", "events", path)
    assert (spoken.status, spoken.out) == (2, "")
    assert spoken.err.startswith("error: ")
    answer = run("verify", "events", path, "--json")
    assert (answer.status, answer.err) == (2, "")
    validate(answer.document, ERROR_SCHEMA)
    assert answer.document["error"]["type"] == "InputError"


def test_a_file_that_is_not_there_is_bad_input(run, tmp_path):
    for path in (tmp_path / "none.json", tmp_path):
        answer = run("verify", "events", path)
        assert (answer.status, answer.out) == (2, "")
        assert "cannot be read" in " ".join(answer.err.split())


def test_a_file_beyond_the_limit_is_bad_input(run, tmp_path):
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    answer = run("verify", "events", path)
    assert (answer.status, answer.out) == (2, "")
    assert "at most" in " ".join(answer.err.split())


@pytest.mark.parametrize(
    "arguments", [("verify", "events"), ("verify", "nothing"), ("verify", "events", "a", "b"), ("--no",)]
)
def test_wrong_usage_is_bad_input(run, arguments):
    answer = run(*arguments)
    assert (answer.status, answer.out) == (2, "")
    assert "Usage" in answer.err


# As a program -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tamper", "status"), [(False, 0), (True, 1)])
def test_the_installed_program_says_the_same(write, blocks, tamper, status):
    path = write(event_with(blocks[:2] + blocks[3:] if tamper else blocks))
    program = Path(sys.executable).with_name("counterfoil")
    environment = {"PATH": os.environ["PATH"], "PYTHONIOENCODING": "ascii", "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [program, "verify", "events", path, "--json"], capture_output=True, check=False, timeout=120, env=environment
    )
    assert (done.returncode, done.stderr) == (status, b"")
    assert json.loads(done.stdout)["holds"] is (status == 0)


def test_a_record_that_was_set_aside_is_not_in_the_events(run):
    """Nothing is concluded of what is not there."""
    found = run("verify", "events", "events/journal_auditor__set_aside_missing.json", "--json")
    assert found.status == 2
    assert "set aside" in found.document["error"]["message"]
