"""``counterfoil streams``: the journal streams of a deployed ledger, held, let go on, and published again."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer
from rich.table import Table
from rich.text import Text

from counterfoil import wiring
from counterfoil.adapters.dynamodb.jobs import DynamoDbJobs
from counterfoil.cli.output import JsonOption, out, print_json, printable
from counterfoil.ledger.jobs import StreamJob
from counterfoil.services import stream_publishing

app: Final = typer.Typer(help="Journal streams of a deployed ledger.", no_args_is_help=True)

TableArgument = Annotated[
    str, typer.Argument(metavar="TABLE", help="The Registry table of the stack.", show_default=False)
]
StreamArgument = Annotated[str, typer.Argument(metavar="STREAM", help="The stream's id.", show_default=False)]


@app.command("list")
def list_streams(table: TableArgument, *, json: JsonOption = False) -> None:
    """Every stream of every ledger: where it stands, and what is in its way."""
    jobs = _jobs(table).streams()
    if json:
        print_json({"holds": True, "streams": [_document(job) for job in jobs]})
        return
    columns = ("stream", "name", "ledger", "into", "status", "next block")
    shown = Table(*columns, title="Journal streams", title_justify="left")
    for job in jobs:
        cells = (
            job.stream_id,
            job.stream_name,
            job.ledger_name,
            job.kinesis_stream_name,
            _standing(job),
            str(job.next_sequence_no or 0),
        )
        shown.add_row(*(Text(printable(cell)) for cell in cells))
    out.print(shown)


@app.command()
def pause(table: TableArgument, stream: StreamArgument, *, json: JsonOption = False) -> None:
    """Hold a stream where it is. Nothing is lost: it goes on from there."""
    _say(stream_publishing.pause(_jobs(table), stream, paused=True), json=json)


@app.command()
def resume(table: TableArgument, stream: StreamArgument, *, json: JsonOption = False) -> None:
    """Let a stream go on that was held. The publisher's next sweep does so, within a minute."""
    _say(stream_publishing.pause(_jobs(table), stream, paused=False), json=json)


@app.command()
def replay(
    table: TableArgument,
    stream: StreamArgument,
    *,
    begin: Annotated[int, typer.Option("--from", help="The first block to publish again.", show_default=False)],
    json: JsonOption = False,
) -> None:
    """Publish again from a block on; whoever reads the stream knows what it has. A stream that is held waits with it."""
    _say(stream_publishing.replay(_jobs(table), stream, begin), json=json)


def _jobs(table: str) -> DynamoDbJobs:
    return DynamoDbJobs(wiring.client("dynamodb"), table)


def _standing(job: StreamJob) -> str:
    status = f"{job.status} {job.error_cause}" if job.error_cause else str(job.status)
    return f"{status}, paused" if job.paused else status


def _say(job: StreamJob, *, json: bool) -> None:
    if json:
        print_json({"holds": True, "stream": _document(job)})
        return
    out.print(
        f"stream {job.stream_id} of {job.ledger_name} is {_standing(job)}; its next block is {job.next_sequence_no or 0}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _document(job: StreamJob) -> dict[str, Any]:
    return {
        "streamId": job.stream_id,
        "streamName": job.stream_name,
        "ledgerName": job.ledger_name,
        "kinesisStreamArn": job.kinesis_stream_arn,
        "status": str(job.status),
        "errorCause": None if job.error_cause is None else str(job.error_cause),
        "paused": job.paused,
        "nextSequenceNo": job.next_sequence_no or 0,
        "createdAt": job.created_at.isoformat(),
    }
