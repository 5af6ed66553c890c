"""``counterfoil import``: a ledger that goes on where an export ends, ours or QLDB's."""

from __future__ import annotations

import json as json_text
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from counterfoil.adapters.note_keys import PrivateKey
from counterfoil.adapters.system import system_clock
from counterfoil.cli.import_targets import FolderTarget, StackTarget
from counterfoil.cli.maintain import progress
from counterfoil.cli.output import HOLDS, INTEGRITY, JsonOption, out, print_json, printable
from counterfoil.cli.places import DEFAULT_DATA
from counterfoil.cli.verify_export import (
    AnchorOption,
    files_in,
    proofs_json,
    read_digest,
    read_trust_anchor,
    show_proofs,
    show_verdict,
    verdict_json,
    working,
)
from counterfoil.errors import AlreadyExistsError, InputError, IntegrityError
from counterfoil.journal.anchor import describe_trust_anchor
from counterfoil.ledger.importing import ImportedLedger
from counterfoil.ledger.registry import PermissionsMode, check_ledger_name
from counterfoil.services.import_export import import_export
from counterfoil.services.verify_export import ExportVerdict
from counterfoil.transparency.note import Note, NoteSigner, render_note


def import_(  # noqa: PLR0913 - a command's options are its parameters
    directory: Annotated[
        str,
        typer.Argument(
            metavar="DIR", help="Where the export was copied to, or s3://bucket/prefix.", show_default=False
        ),
    ],
    *,
    into: Annotated[str, typer.Option(metavar="LEDGER", help="The name of the new ledger.", show_default=False)],
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help=f"The folder with the ledgers; no server has it open.  [default: {DEFAULT_DATA}]"
        ),
    ] = None,
    stack: Annotated[str, typer.Option(metavar="NAME", help="A deployed stack, in the place of a folder.")] = "",
    permissions_mode: Annotated[
        PermissionsMode, typer.Option(help="Of a ledger in a stack: STANDARD checks each statement's actions.")
    ] = PermissionsMode.STANDARD,
    digest: Annotated[Path | None, typer.Option(help="A GetDigest answer as JSON, to compare with.")] = None,
    trust_anchor: AnchorOption = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that verify objects.")] = 1,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what was imported into a new file.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="A private key (`checkpoint key`) that signs the report.")] = None,
    json: JsonOption = False,
) -> None:
    """Verify an export whole, then begin a ledger with its very blocks: ids, versions, history and receipts stay what they were."""
    check_ledger_name(into)
    if data is not None and stack:
        raise InputError("--data and --stack are two places: give one")
    anchor = None if trust_anchor is None else read_trust_anchor(trust_anchor)
    signer = None if key is None else PrivateKey.read(key)
    if report is not None and report.exists():
        raise AlreadyExistsError(f"{report} is there already")
    target = (
        StackTarget(stack, into, permissions_mode, anchor)
        if stack
        else FolderTarget(data or DEFAULT_DATA, into, anchor)
    )
    given = None if digest is None else read_digest(digest)
    now = system_clock()
    with working(workers, int) as run, progress(f"importing into {into}") as advance:
        verdict, imported = import_export(
            files_in(directory), lambda strand_id: target.begin(strand_id, advance), now, given, run, anchor
        )
    if imported is None:
        if json:
            print_json({"holds": False, "imported": None, "export": verdict_json(verdict)})
        else:
            show_verdict(verdict)
            out.print("nothing was imported", highlight=False)
        raise typer.Exit(INTEGRITY)
    after = target.digest(verdict.strand_id)
    if after != imported.digest:
        raise IntegrityError(f"ledger {into} has the digest {after.hash.to_base64()}, not that of the export")
    document = _report(into, verdict, imported, now) | (
        {} if anchor is None else {"trustAnchor": describe_trust_anchor(anchor)}
    )
    if report is not None:
        _write(report, document, signer)
    if json:
        print_json({"holds": True, "imported": document, "export": verdict_json(verdict)})
    else:
        _show(document)
        if verdict.proofs is not None:
            show_proofs(verdict.proofs)
    raise typer.Exit(HOLDS)


def _report(ledger: str, verdict: ExportVerdict, imported: ImportedLedger, now: datetime) -> dict[str, Any]:
    assert verdict.digest is not None  # without one nothing is imported
    assert verdict.contents is not None
    return {
        "ledger": ledger,
        "exportId": verdict.export_id,
        "exportedLedger": verdict.ledger_name,
        "strandId": verdict.strand_id,
        "blocks": verdict.contents.blocks,
        "tables": imported.tables,
        "documents": imported.documents,
        "revisions": imported.revisions,
        "digestBefore": verdict.digest.hash.to_base64(),
        "digestAfter": imported.digest.hash.to_base64(),
        "digestCompared": verdict.digest_compared,
        "proofs": proofs_json(verdict.proofs),
        "importedAt": now.isoformat(timespec="milliseconds"),
    }


def _write(path: Path, document: dict[str, Any], signer: NoteSigner | None) -> None:
    """The report as JSON; signed it is a note of C2SP whose text is that JSON."""
    text = json_text.dumps(document, indent=1, sort_keys=True) + "\n"
    data = text.encode() if signer is None else render_note(Note(text, (signer.sign(text),)))
    with path.open("xb") as file:
        file.write(data)


def _show(document: dict[str, Any]) -> None:
    counts = ", ".join(f"{document[name]} {name}" for name in ("blocks", "tables", "documents", "revisions"))
    out.print(f"[bold green]imported[/] into {document['ledger']}: {counts}", highlight=False)
    out.print(f"  strand  {printable(document['strandId'])}", markup=False, highlight=False)
    compared = "as given" if document["digestCompared"] else "not compared with one of your own: none was given"
    out.print(
        f"  digest  {document['digestAfter']}, before and after alike ({compared})", highlight=False, soft_wrap=True
    )
    if "trustAnchor" in document:
        out.print(f"  [yellow]not proved[/]  {document['trustAnchor']['notProved']}", highlight=False, soft_wrap=True)
