"""``counterfoil export``: a ledger's journal into a folder, in the form of a QLDB journal export."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from counterfoil.adapters.system import system_clock
from counterfoil.cli.maintain import progress
from counterfoil.cli.output import JsonOption, out, print_json
from counterfoil.cli.places import DataOption, EndpointOption, LedgerArgument, opened_ledger
from counterfoil.errors import InputError
from counterfoil.journal.anchor import describe_trust_anchor
from counterfoil.journal.export_format import ANCHOR_FILE, OutputFormat
from counterfoil.ledger.jobs import Encryption, EncryptionType, ExportJob
from counterfoil.ports import JournalReader

# What a manifest says of an export that went to no bucket and by no role.
BUCKET: Final = "local"
ROLE: Final = "arn:aws:iam::000000000000:role/local"


def export(
    ledger: LedgerArgument,
    *,
    to: Annotated[Path, typer.Option(metavar="DIR", help="A new or empty folder.", show_default=False)],
    output_format: Annotated[
        OutputFormat, typer.Option("--format", help="How blocks are written.")
    ] = OutputFormat.ION_TEXT,
    data: DataOption = None,
    endpoint: EndpointOption = None,
    json: JsonOption = False,
) -> None:
    """Export the whole journal; `counterfoil verify export DIR` verifies it. Of a server it is fetched block by block."""
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise InputError(f"{to} is there already and not empty: one export, one folder")
    with opened_ledger(ledger, data, endpoint) as one:
        done, anchor, first = _export(one.name, one.journal, to, output_format), one.anchor, one.journal.first()
    blocks = (done.next_sequence_no or 0) - first
    if json:
        print_json(
            {
                "holds": True,
                "exportId": done.export_id,
                "directory": str(to),
                "outputFormat": output_format.value,
                "blocks": blocks,
                "keys": list(done.keys),
            }
            | ({} if anchor is None else {"trustAnchor": describe_trust_anchor(anchor)})
        )
    else:
        out.print(
            f"exported {blocks} blocks in {len(done.keys)} objects to {to}",
            markup=False,
            highlight=False,
        )
        if anchor is not None:
            out.print(f"  not proved  {anchor}; see {ANCHOR_FILE}", markup=False, highlight=False, soft_wrap=True)


def _export(name: str, journal: JournalReader, to: Path, output_format: OutputFormat) -> ExportJob:
    from counterfoil.adapters.outbox import DirectoryBucket
    from counterfoil.adapters.system import new_id
    from counterfoil.journal.stored import block_time
    from counterfoil.services.export import Exporter

    now, tip = system_clock(), journal.tip()
    if tip is None:
        raise InputError(f"ledger {name} has no block yet: there is nothing to export")
    last = block_time(next(iter(journal.blocks(tip, tip + 1))))
    job = ExportJob(
        export_id=new_id(),
        ledger_name=name,
        role_arn=ROLE,
        inclusive_start=datetime(1970, 1, 1, tzinfo=UTC),
        exclusive_end=max(now, last + timedelta(milliseconds=1)),
        bucket=BUCKET,
        prefix="",
        encryption=Encryption(EncryptionType.NO_ENCRYPTION),
        output_format=output_format,
        created_at=now,
    )
    with progress(f"exporting {name}", tip + 1) as advance:
        going_on = job
        for going_on in Exporter(journal, DirectoryBucket(to), alone=True).export(job, now):
            advance(going_on.next_sequence_no)
    return going_on
