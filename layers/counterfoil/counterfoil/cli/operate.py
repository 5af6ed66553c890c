"""Commands for the person who runs the pipeline: deliver a failed batch again, accept a broken chain."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from counterfoil import wiring
from counterfoil.adapters.boto_errors import translated
from counterfoil.adapters.dynamodb.heads import DynamoDbHeads
from counterfoil.cli.output import INTEGRITY, JsonOption, out, print_json
from counterfoil.detection.acceptance import accept as accept_state
from counterfoil.errors import InputError

MAX_OBJECT_BYTES = 16 * 1024 * 1024


def redrive(
    bucket: Annotated[str, typer.Argument(help="The FailedBatches bucket of the stack.", show_default=False)],
    key: Annotated[str, typer.Argument(help="The failed object, or a prefix of several.", show_default=False)],
    *,
    function: Annotated[str, typer.Option(help="The function to deliver to; by default the one that failed.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be delivered.")] = False,
    json: JsonOption = False,
) -> None:
    """Deliver batches again that Lambda gave up on and left in S3. Safe to repeat: every effect is idempotent."""
    delivered = [_redrive_one(bucket, each, function, dry_run=dry_run) for each in _keys(bucket, key)]
    if not delivered:
        raise InputError(f"nothing in {bucket} begins with {key!r}")
    failed = [each for each in delivered if each["failures"]]
    if json:
        print_json({"holds": not failed, "delivered": delivered})
    else:
        for each in delivered:
            verb = "would deliver" if dry_run else "delivered"
            outcome = f"failed from {each['failures'][0]}" if each["failures"] else "ok"
            out.print(
                f"{verb} {each['records']} records of {each['key']} to {each['function']}: {outcome}", markup=False
            )
    raise typer.Exit(INTEGRITY if failed else 0)


def accept(
    table: Annotated[str, typer.Argument(help="The Heads table of the stack.", show_default=False)],
    strand_id: Annotated[str, typer.Argument(help="The strand that diverged.", show_default=False)],
    sequence_no: Annotated[int, typer.Argument(help="The block at which it is whole again.", show_default=False)],
    *,
    json: JsonOption = False,
) -> None:
    """Vouch for a chain that diverged: from this block on it counts as whole. The findings stay."""
    heads = DynamoDbHeads(wiring.client("dynamodb"), table)
    state = heads.load(strand_id)
    if state is None:
        raise InputError(f"strand {strand_id} is not known in {table}")
    accepted = accept_state(state, sequence_no)
    heads.advance(state, accepted, ())
    head = accepted.head
    answer: dict[str, Any] = {"strandId": strand_id, "acceptedAt": sequence_no, "divergedAt": accepted.diverged_at}
    if head is not None:
        answer |= {"first": head.begin, "last": head.end - 1}
    if json:
        print_json({"holds": True, **answer})
    else:
        out.print(
            f"accepted: the head of {strand_id} now reaches from block {answer.get('first')} to {answer.get('last')}"
        )


def _keys(bucket: str, prefix: str) -> list[str]:
    with translated(f"listing {bucket}/{prefix}"):
        pages = wiring.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def _redrive_one(bucket: str, key: str, function: str, *, dry_run: bool) -> dict[str, Any]:
    record = _failed_object(bucket, key)
    target = function or _failed_function(key, record)
    failures: list[str] = []
    if not dry_run:
        with translated(f"invoking {target}"):
            answer = wiring.client("lambda").invoke(FunctionName=target, Payload=jsonlib.dumps(record["payload"]))
            body = answer["Payload"].read()
        failures = _failures(answer, body)
    return {"key": key, "function": target, "records": len(record["payload"]["Records"]), "failures": failures}


def _failed_object(bucket: str, key: str) -> dict[str, Any]:
    """The invocation record that Lambda wrote: ``payload`` holds the whole event (as an object or as JSON text)."""
    with translated(f"reading {bucket}/{key}"):
        body = wiring.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read(MAX_OBJECT_BYTES + 1)
    try:
        record = jsonlib.loads(body)
        payload = record["payload"]
        record["payload"] = jsonlib.loads(payload) if isinstance(payload, str) else payload
        if len(body) > MAX_OBJECT_BYTES or not isinstance(record["payload"]["Records"], list):
            raise InputError(f"{key} is no invocation record")
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{key} is no invocation record of a failed batch: {error!r}") from None
    return dict(record)


def _failed_function(key: str, record: Mapping[str, Any]) -> str:
    try:
        return str(record["requestContext"]["functionArn"])
    except (KeyError, TypeError):
        raise InputError(f"{key} does not say which function failed; name one with --function") from None


def _failures(answer: dict[str, Any], body: bytes) -> list[str]:
    if "FunctionError" in answer:
        return [f"{answer['FunctionError']}: {body[:200].decode(errors='replace')}"]
    try:
        failures = (jsonlib.loads(body or b"null") or {}).get("batchItemFailures") or []
        return [str(each["itemIdentifier"]) for each in failures]
    except (ValueError, AttributeError, KeyError, TypeError):
        return [f"not an answer to a batch: {body[:200].decode(errors='replace')}"]
