"""Every sample event goes through its function's real handler and must come to what its expected file says."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from lab.doors import Doors
from lab.events.case import HANDLED_AT
from lab.events.files import EVENTS, all_cases, rendered_files

NAMES = sorted(path.name for path in EVENTS.glob("*.json") if not path.name.endswith(".expected.json"))


def read(name: str):
    return json.loads((EVENTS / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_the_handler_comes_to_what_the_expected_file_says(name):
    expected = read(name.replace(".json", ".expected.json"))
    doors = Doors(HANDLED_AT)
    for step in expected.get("after", []):
        doors.handle(step["event"].partition("__")[0], read(step["event"]))
        doors.now += timedelta(seconds=step["advance_seconds"])
    answer = doors.handle(name.partition("__")[0], read(name))
    assert answer == expected["answer"]
    assert findings_of(doors) == [without_reason(each) for each in expected["findings"]]
    assert sorted(doors.quarantine.kept) == expected["quarantined"]
    if "alerts" in expected:
        assert [each.alert_id for each in doors.channel.alerts] == expected["alerts"]
    if "snapshots" in expected:
        assert last_snapshots(doors) == expected["snapshots"]


def without_reason(finding):
    return {name: value for name, value in finding.items() if name != "because"}


def findings_of(doors):
    found = [
        {
            "rule_id": str(each.rule_id),
            "place": each.place,
            "status": str(each.status),
            **({} if each.account_id is None else {"account_id": each.account_id}),
        }
        for each in doors.findings.findings.values()
        if not each.shadow  # what a rule on trial sees is kept and told to nobody
    ]
    return sorted(found, key=lambda each: (each["rule_id"], each["place"]))


def last_snapshots(doors):
    if not doors.snapshots.documents:
        return []
    (strand_id,) = {name.split("/")[1] for name in doors.snapshots.documents}
    fields = json.loads(doors.snapshots.latest(f"snapshots/{strand_id}/")[1])["snapshot"]
    return [
        {
            "tip_address": f"{fields['strandId']}#{fields['sequenceNo']}",
            "digest": fields["digest"],
            "status": fields["status"],
            "extends": fields["extends"],
        }
    ]


def test_the_files_are_what_make_events_writes():
    written = {path.name: path.read_text(encoding="utf-8") for path in EVENTS.glob("*.json")}
    made = rendered_files()
    assert written.keys() == made.keys()
    assert [name for name in made if made[name] != written[name]] == []


def test_every_step_is_a_sample_event_itself():
    names = {case.file_name for case in all_cases()}
    steps = {step.event for case in all_cases() for step in case.after}
    assert steps
    assert steps <= names


def test_every_function_has_sample_events():
    functions = {path.parent.name for path in (Path(EVENTS).parent / "functions").glob("*/app.py")}
    assert functions == {name.partition("__")[0] for name in NAMES}


def test_the_largest_event_is_nearly_a_mebibyte_and_all_of_them_are_small():
    sizes = {path.name: path.stat().st_size for path in EVENTS.glob("*.json")}
    largest = max(sizes, key=sizes.get)
    assert largest == "journal_auditor__1mib_block.json"
    assert 1_330_000 < sizes[largest] < 1_500_000
    assert sum(sizes.values()) < 4_000_000


def test_a_handler_finds_nothing_in_an_event_it_was_not_asked_about():
    """The comparison itself can fail: another case's expectation is not met."""
    doors = Doors(HANDLED_AT)
    doors.handle("journal_auditor", read("journal_auditor__fork.json"))
    assert findings_of(doors) != read("journal_auditor__single.expected.json")["findings"]
