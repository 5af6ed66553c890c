"""Which changes of the journal's table the publisher takes for a commit, for a redaction, and for neither."""

import pytest

from counterfoil.errors import InputError
from counterfoil.journal.anchor import ANCHOR_NO
from counterfoil.lambda_events import JournalChange, parse_journal_event
from tests.journals import STRAND

ITEM = {
    "strandId": {"S": STRAND},
    "sequenceNo": {"N": "7"},
    "blockHash": {"B": "AAAA"},
    "block": {"B": "e2Jsb2NrfQ=="},
    "effects": {"B": "e30="},
}
REDACTED = ITEM | {"block": {"B": "e30="}}
OUTSIDE = {name: value for name, value in ITEM.items() if name != "block"} | {"blockKey": {"S": "blocks/0"}}


def record(kind, *, old=None, new=None):
    change = {"Keys": {name: ITEM[name] for name in ("strandId", "sequenceNo")}, "SequenceNumber": "100"}
    images = {"OldImage": old, "NewImage": new}
    change |= {name: image for name, image in images.items() if image is not None}
    return {"Records": [{"eventName": kind, "dynamodb": change}]}


CHANGES = {
    "a commit": (record("INSERT", new=ITEM), False),
    "a redaction": (record("MODIFY", old=ITEM, new=REDACTED), False),
    "a redaction of a large block": (record("MODIFY", old=OUTSIDE, new=REDACTED), False),
    "another hash": (record("MODIFY", old=ITEM, new=ITEM | {"blockHash": {"B": "BBBB"}}), True),
    "other effects": (record("MODIFY", old=ITEM, new=ITEM | {"effects": {"B": "e31="}}), True),
    "something added": (record("MODIFY", old=ITEM, new=ITEM | {"note": {"S": "x"}}), True),
    "a removal": (record("REMOVE", old=ITEM), True),
    "a change without its images": (record("MODIFY"), True),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_neither_a_commit_nor_a_redaction_does_is_an_alteration(what):
    event, altered = CHANGES[what]
    assert parse_journal_event(event) == [JournalChange("100", STRAND, 7, altered)]


@pytest.mark.parametrize("number", ["", "-2", "-01", "1.5", "1e3", "x"])
def test_a_number_that_is_no_block_s_is_refused(number):
    event = record("INSERT", new=ITEM)
    event["Records"][0]["dynamodb"]["Keys"] = {"strandId": {"S": STRAND}, "sequenceNo": {"N": number}}
    with pytest.raises(InputError):
        parse_journal_event(event)


@pytest.mark.parametrize(("kind", "altered"), [("INSERT", False), ("MODIFY", True), ("REMOVE", True)])
def test_where_a_strand_begins_is_told_by_its_item_which_nobody_changes(kind, altered):
    keys = {"strandId": {"S": STRAND}, "sequenceNo": {"N": str(ANCHOR_NO)}}
    images = {name: keys | {"anchor": {"S": name}} for name in ("old", "new")}
    images.pop({"INSERT": "old", "REMOVE": "new"}.get(kind, ""), None)
    event = record(kind, **images)
    event["Records"][0]["dynamodb"]["Keys"] = keys
    assert parse_journal_event(event) == [JournalChange("100", STRAND, ANCHOR_NO, altered)]
