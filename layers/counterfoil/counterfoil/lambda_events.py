"""The events that Lambda hands to the functions, parsed; and the answer to a batch.

Source: AWS Lambda Developer Guide, "Process Amazon Kinesis Data Streams records with Lambda" and "Using AWS Lambda with Amazon
DynamoDB"; partial batch responses in both.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from counterfoil.detection.compliance import RuleRequest, parse_parameters
from counterfoil.errors import InputError
from counterfoil.journal.anchor import ANCHOR_NO
from counterfoil.services.batch import MAX_BATCH_RECORDS, KinesisRecord

_STATUS: Final = "status"
_REDACTABLE: Final = {"block", "blockKey"}


class StreamImage(NamedTuple):
    """A change of an item: its new image, and whether the item is new or its status another one."""

    sequence_number: str
    image: Mapping[str, Any]
    is_news: bool


class JournalChange(NamedTuple):
    """A change of the journal's table: of which block, or ``ANCHOR_NO``. ``altered`` is what neither a commit nor a redaction does."""

    sequence_number: str
    strand_id: str
    sequence_no: int
    altered: bool


def is_sweep(event: object) -> bool:
    """Whether an event is the schedule's, which asks to look at what is overdue: ``{"sweep": true}``."""
    return isinstance(event, Mapping) and event.get("sweep") is True


def is_digest(event: object) -> bool:
    """Whether an event is the schedule's, which asks to tell what was held back: ``{"digest": true}``."""
    return isinstance(event, Mapping) and event.get("digest") is True


def parse_kinesis_event(event: object) -> list[KinesisRecord]:
    """The records of a Kinesis event in order. ``InputError`` where the event has not the shape that Lambda gives it.

    Data that is not base64 is kept as it stands: it will not be readable as a record either, and is then quarantined whole.
    """
    return [_kinesis_record(entry) for entry in _entries(event)]


def parse_dynamodb_event(event: object) -> list[StreamImage]:
    """The changes of a DynamoDB stream event in order; removals are no news."""
    return [_stream_image(entry) for entry in _entries(event)]


def parse_journal_event(event: object) -> list[JournalChange]:
    """The changes of the journal's table in order."""
    return [_journal_change(entry) for entry in _entries(event)]


def parse_config_event(event: object) -> RuleRequest:
    """The call of a rule by AWS Config's clock: two of its members are JSON in texts.

    Source: AWS Config Developer Guide, "Example Events for AWS Config Rules".
    """
    if not isinstance(event, Mapping):
        raise InputError("not an event of AWS Config: no object")
    invoking, parameters = (_json_member(event, name) for name in ("invokingEvent", "ruleParameters"))
    if invoking.get("messageType") != "ScheduledNotification":
        raise InputError(f"AWS Config sent a {str(invoking.get('messageType'))[:40]!r}; these rules go by its clock")
    try:
        asked_at = datetime.fromisoformat(str(invoking["notificationCreationTime"]))
    except (KeyError, ValueError) as error:
        raise InputError(f"the event of AWS Config does not say when it was made: {error}") from None
    return RuleRequest(parse_parameters(parameters), _text(event, "resultToken"), asked_at)


def batch_answer(sequence_numbers: Sequence[str], failed_index: int | None) -> dict[str, Any]:
    """What a function answers to a batch: nothing failed, or the OUTER sequence number from which to deliver again.

    Lambda takes the lowest number as its checkpoint and delivers it and everything behind it again, so one is enough.
    """
    if failed_index is None:
        return {"batchItemFailures": []}
    return {"batchItemFailures": [{"itemIdentifier": sequence_numbers[failed_index]}]}


def _entries(event: object) -> list[Any]:
    entries = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(entries, list):
        raise InputError("not a Lambda stream event: it has no list of Records")
    if len(entries) > MAX_BATCH_RECORDS:
        raise InputError(f"an event of {len(entries)} records; Lambda delivers at most {MAX_BATCH_RECORDS}")
    return entries


def _kinesis_record(entry: object) -> KinesisRecord:
    kinesis = _part(entry, "kinesis")
    event_id = entry.get("eventID", "") if isinstance(entry, Mapping) else ""
    return KinesisRecord(
        str(event_id).partition(":")[0],
        _text(kinesis, "sequenceNumber"),
        _text(kinesis, "partitionKey"),
        _decode(_text(kinesis, "data")),
        _arrival(kinesis.get("approximateArrivalTimestamp")),
    )


def _stream_image(entry: object) -> StreamImage:
    change = _part(entry, "dynamodb")
    new, old = change.get("NewImage"), change.get("OldImage")
    image = new if isinstance(new, Mapping) else {}
    earlier = old.get(_STATUS) if isinstance(old, Mapping) else None
    return StreamImage(_text(change, "SequenceNumber"), image, bool(image) and image.get(_STATUS) != earlier)


def _journal_change(entry: object) -> JournalChange:
    change = _part(entry, "dynamodb")
    keys = _part(change, "Keys")
    strand_id, number = _text(_part(keys, "strandId"), "S"), _text(_part(keys, "sequenceNo"), "N")
    if not number.isdecimal() and number != str(ANCHOR_NO):
        raise InputError(f"a record of the event names block {number[:40]!r}")
    committed = isinstance(entry, Mapping) and entry.get("eventName") == "INSERT"
    new, old = (_what_stays(change, image) for image in ("NewImage", "OldImage"))
    altered = not committed and (new is None or new != old)
    return JournalChange(_text(change, "SequenceNumber"), strand_id, int(number), altered)


def _what_stays(change: Mapping[str, Any], image: str) -> Mapping[str, Any] | None:
    """What a redaction does not change of a block: all but its bytes, or where they lie. ``None`` of one that is not there."""
    item = change.get(image)
    return {name: item[name] for name in item.keys() - _REDACTABLE} if isinstance(item, Mapping) else None


def _part(entry: object, name: str) -> Mapping[str, Any]:
    part = entry.get(name) if isinstance(entry, Mapping) else None
    if not isinstance(part, Mapping):
        raise InputError(f"a record of the event has no {name!r}")
    return part


def _text(part: Mapping[str, Any], name: str) -> str:
    value = part.get(name)
    if not isinstance(value, str):
        raise InputError(f"a record of the event has no text {name!r}")
    return value


def _json_member(event: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    try:
        member = json.loads(_text(event, name))
    except (ValueError, RecursionError):
        member = None
    if not isinstance(member, Mapping):
        raise InputError(f"the event's {name!r} is no JSON object")
    return member


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text.encode("utf-8", "surrogatepass")


def _arrival(value: object) -> datetime:
    """Seconds since 1970; a record without a usable time counts as of then, since nothing is judged by it."""
    seconds = value if isinstance(value, int | float) and 0 <= value < 253_402_300_800 else 0
    return datetime.fromtimestamp(seconds, UTC)
