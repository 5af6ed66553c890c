"""The command that copies a strand from one journal table into another: to restore a journal, or to begin a standby again."""

from __future__ import annotations

from typing import Annotated

import typer

from counterfoil import wiring
from counterfoil.adapters.dynamodb.journal_copy import DynamoDbJournalCopy, DynamoDbJournalSource
from counterfoil.adapters.memory.registry import MemoryLedgerRegistry
from counterfoil.adapters.system import system_clock
from counterfoil.cli.output import JsonOption, out, print_json
from counterfoil.errors import IntegrityError, UnavailableError
from counterfoil.services.forward import Forwarder

NO_TABLE = "-"


def copy_journal(
    strand_id: Annotated[str, typer.Argument(help="The strand to copy; a ledger's id.", show_default=False)],
    source: Annotated[str, typer.Argument(help="The journal table to copy from.", show_default=False)],
    target: Annotated[str, typer.Argument(help="The journal table to copy into.", show_default=False)],
    *,
    source_bucket: Annotated[str, typer.Option(help="Where the source keeps large blocks.", show_default=False)],
    target_bucket: Annotated[str, typer.Option(help="Where the target keeps them.", show_default=False)],
    json: JsonOption = False,
) -> None:
    """Add the blocks that a journal has and its copy has not, each verified first. Nothing is replaced; safe to repeat."""
    dynamodb, s3 = wiring.client("dynamodb"), wiring.client("s3")
    copy = DynamoDbJournalCopy(dynamodb, s3, target, target_bucket, NO_TABLE)
    forwarder = Forwarder(
        DynamoDbJournalSource(dynamodb, s3, source, source_bucket, NO_TABLE),
        copy,
        MemoryLedgerRegistry(),
        system_clock,
    )
    copied, behind = 0, True
    while behind:
        report = forwarder.forward([strand_id])
        copied += report.forwarded
        behind = bool(report.behind)
        for refused in report.refusals.values():
            raise IntegrityError(f"{refused} ({copied} blocks were copied before it)")
        for failure in report.failures.values():
            raise UnavailableError(f"{failure} ({copied} blocks were copied; run it again)")
    tip = copy.tip(strand_id)
    if json:
        ends_at = None if tip is None else {"sequenceNo": tip.sequence_no, "blockHash": str(tip.block_hash)}
        print_json({"holds": True, "strandId": strand_id, "copied": copied, "endsAt": ends_at})
    else:
        where = "is empty" if tip is None else f"ends at block {tip.sequence_no}, {tip.block_hash}"
        out.print(f"copied {copied} blocks; the copy of {strand_id} {where}", markup=False)
