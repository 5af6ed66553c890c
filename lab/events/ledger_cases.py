"""What the ledger's own functions are given: requests to the URL, changes of the journal's table, the schedule.

Nothing is outside here, so that each shows the shape of its events and of its answers; what they do to tables is for the emulator.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lab.bank.ledger import BankLedger
from lab.events.auditor_cases import BEGAN_AT
from lab.events.case import Case
from lab.events.lambda_shapes import journal_table_event, url_event

SWEEP: Final[Mapping[str, Any]] = {"sweep": True}


def ledger_cases() -> Iterator[Case]:
    strand_id = BankLedger(11, BEGAN_AT).strand_id
    appended = journal_table_event([(strand_id, number) for number in range(3)])
    yield Case("ledger_projector", "blocks", "three blocks of a strand were committed", appended)
    yield Case("ledger_projector", "sweep", "the schedule, without a ledger", SWEEP, {"blocksProjected": 0})
    yield Case("journal_redactor", "sweep", "the schedule, without a ledger", SWEEP, {"revisionsRedacted": 0})
    yield Case("journal_publisher", "blocks", "three blocks of a strand that nobody streams", appended)
    nothing = {"blocksPublished": 0, "unfinished": []}
    yield Case("journal_publisher", "sweep", "the schedule, without a stream", SWEEP, nothing)
    yield Case("journal_publisher", "stream", "a stream that has ended meanwhile", {"stream": "gone"}, nothing)
    forwarded = {"blocksForwarded": 0, "refused": []}
    yield Case("journal_forwarder", "sweep", "the schedule, without a ledger", SWEEP, forwarded)
    none = {"objectsExported": 0, "unfinished": []}
    yield Case("journal_exporter", "sweep", "the schedule, without an export", SWEEP, none)
    yield Case("journal_exporter", "export", "an export that has ended meanwhile", {"export": "gone"}, none)
    yield _request(
        "health", "whether anybody is there", url_event("GET", "/healthz"), 200, {"status": "ok", "sessions": 0}
    )
    missing = {
        "__type": "ResourceNotFoundException",
        "Message": "The Ledger with name none is not found",
        "message": "The Ledger with name none is not found",
        "ResourceType": "Ledger",
        "ResourceName": "none",
    }
    yield _request(
        "no_such_ledger", "DescribeLedger of one that is not there", url_event("GET", "/ledgers/none"), 404, missing
    )
    yield _request("list_ledgers", "ListLedgers", url_event("GET", "/ledgers"), 200, {"Ledgers": []})


def _request(name: str, about: str, event: Mapping[str, Any], status: int, body: Mapping[str, Any]) -> Case:
    headers = {"content-type": "application/json", "x-amzn-requestid": event["requestContext"]["requestId"]}
    if "__type" in body:
        headers["x-amzn-errortype"] = body["__type"]
    text = json.dumps(body, separators=(",", ":"))
    answer = {"statusCode": status, "headers": headers, "body": text, "isBase64Encoded": False}
    return Case("ledger_api", name, about, event, answer)
