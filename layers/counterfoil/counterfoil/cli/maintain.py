"""``counterfoil rebuild`` and ``counterfoil verify data``: a ledger's file, checked and derived anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli.output import HOLDS, INTEGRITY, JsonOption, err, out, print_json, printable
from counterfoil.cli.places import DEFAULT_DATA, FILE_NAME
from counterfoil.errors import NotFoundError
from counterfoil.journal.anchor import describe_trust_anchor

if TYPE_CHECKING:
    from counterfoil.adapters.sqlite.verification import FileReport


def rebuild(
    ledger: Annotated[
        str, typer.Argument(metavar="LEDGER", help="A ledger's name, or its folder.", show_default=False)
    ],
    *,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="The folder with the ledgers.")] = None,
    json: JsonOption = False,
) -> None:
    """Derive documents, history and indexes anew from the journal, which is verified and not changed. Nobody may have it open."""
    from counterfoil.adapters.sqlite.rebuild import rebuild as rebuild_ledger

    folder = Path(ledger) if data is None and (Path(ledger) / FILE_NAME).exists() else (data or DEFAULT_DATA) / ledger
    if not (folder / FILE_NAME).exists():
        raise NotFoundError(f"there is no ledger in {folder}")
    with progress(f"replaying {folder.name}") as advance:
        blocks = rebuild_ledger(folder, advance)
    if json:
        print_json({"holds": True, "ledger": folder.name, "blocksReplayed": blocks})
    else:
        out.print(f"rebuilt: {blocks} blocks of {folder.name} were replayed", markup=False, highlight=False)


def verify_data(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Ledgers, or one ledger's folder.", show_default=False)
    ],
    *,
    json: JsonOption = False,
) -> None:
    """Every ledger below a folder: every block, link and hash, and every document, revision and index entry against them."""
    reports = {str(path.parent): _verified(path) for path in _files(directory)}
    holds = all(each.holds for each in reports.values())
    if json:
        print_json({"holds": holds, "ledgers": [_report_json(name, each) for name, each in reports.items()]})
    else:
        for name, report in reports.items():
            _show(name, report)
    raise typer.Exit(HOLDS if holds else INTEGRITY)


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int], object]]:
    """A bar on standard error, if that is a terminal; what it gives is called with how far the work has come."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(printable(what), total=total)
        yield lambda done: bar.update(task, completed=done)


def _files(directory: Path) -> list[Path]:
    if not directory.is_dir():
        raise NotFoundError(f"there is no folder {directory}")
    # A folder whose name begins with a dot is what a deletion has not yet removed.
    found = sorted(
        path
        for path in directory.rglob(FILE_NAME)
        if not any(part.startswith(".") for part in path.relative_to(directory).parts)
    )
    if not found:
        raise NotFoundError(f"there is no ledger below {directory}: none of its folders has a {FILE_NAME}")
    return found


def _verified(path: Path) -> FileReport:
    from counterfoil.adapters.sqlite.verification import verify_file

    with progress(f"verifying {path.parent.name}") as advance:
        return verify_file(path, advance)


def _report_json(name: str, report: FileReport) -> dict[str, Any]:
    digest = report.digest
    return {
        "holds": report.holds,
        "folder": name,
        "strandId": report.strand_id,
        "blocks": report.blocks,
        "revisions": report.revisions,
        "indexEntries": report.entries,
        "digest": None if digest is None else digest.hash.to_base64(),
        "problems": report.problems,
    } | ({} if report.anchor is None else {"trustAnchor": describe_trust_anchor(report.anchor)})


def _show(name: str, report: FileReport) -> None:
    word = "[bold green]holds[/]" if report.holds else "[bold red]does not hold[/]"
    out.print(word, end="")
    counts = f"{report.blocks} blocks, {report.revisions} revisions, {report.entries} index entries"
    out.print(f": {printable(name)}, {counts}", markup=False, highlight=False, soft_wrap=True)
    for problem in report.problems:
        out.print(f"  {printable(problem)}", markup=False, highlight=False, soft_wrap=True)
    if report.digest is not None:
        if report.anchor is not None:
            out.print(f"  [yellow]not proved[/]  {report.anchor}", highlight=False, soft_wrap=True)
        tip = report.digest.tip_address.sequence_no
        out.print(f"  digest  {report.digest.hash.to_base64()} at block {tip}", highlight=False, soft_wrap=True)
