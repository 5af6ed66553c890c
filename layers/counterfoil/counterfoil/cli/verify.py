"""``counterfoil verify``: evidence checked offline, trusting nobody."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from counterfoil.adapters.memory import MemoryFindings, MemoryHeads, MemoryQuarantine
from counterfoil.adapters.memory.set_aside import MemorySetAside
from counterfoil.adapters.public_key import PublicKey
from counterfoil.adapters.system import system_clock
from counterfoil.cli import maintain, verify_export
from counterfoil.cli.output import (
    HOLDS,
    INTEGRITY,
    FileArgument,
    JsonOption,
    finding_json,
    out,
    print_json,
    read_bytes,
    read_json,
    show_findings,
)
from counterfoil.detection.audit_rules import FAILURES
from counterfoil.detection.finding import Finding
from counterfoil.detection.snapshot import no_log_of, parse_document, signed_bytes
from counterfoil.detection.strand import UNBOUNDED, StrandState
from counterfoil.detection.strand_audit import Patience
from counterfoil.errors import InputError
from counterfoil.journal import digest_of, verify_receipt
from counterfoil.journal.anchor import describe_trust_anchor
from counterfoil.journal.receipt import parse_json_object
from counterfoil.lambda_events import parse_kinesis_event
from counterfoil.services.audit import Auditor, AuditReport
from counterfoil.services.batch import KinesisRecord

app: Final = typer.Typer(help="Check evidence offline.", no_args_is_help=True)
app.command()(verify_export.export)
app.command("data")(maintain.verify_data)

_PATIENCE: Final = Patience(timedelta(0), timedelta(0))


@app.command()
def receipt(file: FileArgument, *, json: JsonOption = False) -> None:
    """A GetRevision or GetBlock answer with its proof and digest, as JSON: recompute every hash up to the digest."""
    checked = verify_receipt(parse_json_object(read_bytes(file), str(file)))
    answer = {
        "holds": True,
        "kind": checked.kind,
        "leaf": checked.leaf.to_base64(),
        "blockAddress": {"strandId": checked.address.strand_id, "sequenceNo": checked.address.sequence_no},
        "documentId": checked.document_id,
        "digest": checked.digest.hash.to_base64(),
        "digestTipAddress": {
            "strandId": checked.digest.tip_address.strand_id,
            "sequenceNo": checked.digest.tip_address.sequence_no,
        },
        "proofLength": checked.path_length,
        "contentsChecked": checked.contents_checked,
        "addressBound": checked.address_bound,
    }
    if json:
        print_json(answer)
        return
    what = (
        "the whole contents were hashed"
        if checked.contents_checked
        else "the receipt gives the hash alone, no contents"
    )
    out.print(
        f"[bold green]holds[/]: the {checked.kind} in block {checked.address} is under the digest at {checked.digest.tip_address}"
    )
    out.print(f"  leaf    {checked.leaf.to_base64()} ({what})")
    out.print(f"  proof   {checked.path_length} hashes")
    out.print(f"  digest  {checked.digest.hash.to_base64()}")


@app.command()
def snapshot(
    file: FileArgument,
    *,
    key: Annotated[Path, typer.Option(help="The signing key's public half, PEM or DER (aws kms get-public-key).")],
    json: JsonOption = False,
) -> None:
    """A digest snapshot: check the signature over what was verified, and when."""
    document, signature = parse_document(read_bytes(file))
    PublicKey.parse(read_bytes(key)).verify(signed_bytes(document), signature)
    digest = document.digest
    answer = {
        "holds": True,
        "tipAddress": {
            "strandId": document.tip_address.strand_id,
            "sequenceNo": document.tip_address.sequence_no,
        },
        "digest": None if digest is None else digest.to_base64(),
        "blockTimestamp": document.block_timestamp,
        "takenAt": document.taken_at.isoformat(),
        "status": document.status,
        "previous": document.previous,
        "extends": document.extends,
        "keyId": signature.key_id,
    }
    anchor = document.anchor
    if anchor is not None:
        answer |= {"trustAnchor": describe_trust_anchor(anchor), "noLog": no_log_of(anchor)}
    if json:
        print_json(answer)
        return
    out.print(f"[bold green]holds[/]: signed by {signature.key_id} at {document.taken_at.isoformat()}", highlight=False)
    out.print(f"  tip     {document.tip_address}, committed at {document.block_timestamp}", highlight=False)
    out.print(f"  digest  {answer['digest']}", highlight=False)
    out.print(f"  status  {document.status}", highlight=False)
    if anchor is not None:
        out.print(f"  [yellow]not proved[/]  {anchor}", highlight=False, soft_wrap=True)
        out.print(f"  no log  {no_log_of(anchor)}", highlight=False, soft_wrap=True)


@app.command()
def events(file: FileArgument, *, json: JsonOption = False) -> None:
    """A Lambda Kinesis event (a list, or a directory of them): what the auditor would conclude if nothing more came."""
    report, findings, states = conclude([record for each in _event_files(file) for record in _records(read_json(each))])
    failed = any(finding.rule_id in FAILURES for finding in findings)
    if json:
        print_json(_events_json(report, findings, states, holds=not failed))
    else:
        _show_events(report, findings, states, failed=failed)
    raise typer.Exit(INTEGRITY if failed else HOLDS)


def conclude(records: list[KinesisRecord]) -> tuple[AuditReport, list[Finding], list[StrandState]]:
    """Audit records that are complete: what is missing at their end will never come."""
    start = system_clock()
    moments = iter([start, start + timedelta(seconds=1)])
    heads, findings = MemoryHeads(), MemoryFindings()
    set_aside = MemorySetAside(system_clock)
    auditor = Auditor(heads, findings, MemoryQuarantine(), set_aside, lambda: next(moments), _PATIENCE, UNBOUNDED)
    report = auditor.audit(records)
    if report.failure is not None:
        raise InputError(
            f"record {report.failed_index} points to one that was set aside, and these events do not have it"
        )
    auditor.sweep()
    return report, list(findings.findings.values()), [heads.states[strand_id] for strand_id in heads.strands()]


def _event_files(file: Path) -> list[Path]:
    files = sorted(file.glob("*.json")) if file.is_dir() else [file]
    if not files:
        raise InputError(f"{file} cannot be read: a directory without events (*.json)")
    return files


def _records(document: object) -> list[KinesisRecord]:
    events = document if isinstance(document, list) else [document]
    return [record for event in events for record in parse_kinesis_event(event)]


def _events_json(
    report: AuditReport, findings: list[Finding], states: list[StrandState], *, holds: bool
) -> dict[str, Any]:
    return {
        "holds": holds,
        "records": report.records,
        "blocksVerified": report.blocks_new,
        "revisionsVerified": report.revisions_distinct,
        "duplicates": report.duplicates,
        "quarantined": report.quarantined,
        "strands": [_strand_json(state) for state in states],
        "findings": [finding_json(finding) for finding in findings],
    }


def _strand_json(state: StrandState) -> dict[str, Any]:
    segments = [each.segment for each in state.segments]
    digest = digest_of(segments[0]) if segments else None
    return {
        "strandId": state.strand_id,
        "divergedAt": state.diverged_at,
        "digest": None if digest is None else digest.hash.to_base64(),
        "segments": [
            {"first": each.begin, "last": each.end - 1, "lastBlockHash": each.last_hash.to_base64()}
            for each in segments
        ],
    }


def _show_events(report: AuditReport, findings: list[Finding], states: list[StrandState], *, failed: bool) -> None:
    show_findings(findings)
    for state in states:
        ranges = ", ".join(f"{each.segment.begin} to {each.segment.end - 1}" for each in state.segments) or "none"
        out.print(f"strand {state.strand_id}: blocks verified {ranges}", highlight=False)
    verdict = "[bold red]does not hold[/]" if failed else "[bold green]holds[/]"
    out.print(
        f"{verdict}: {report.records} records, {report.blocks_new} blocks and {report.revisions_distinct} revisions verified, "
        f"{report.duplicates} duplicates, {report.quarantined} unreadable or not verifying"
    )
