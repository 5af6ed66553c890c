"""``counterfoil verify export``: a journal export, ours or QLDB's, from its first block to its last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from itertools import batched
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from counterfoil.adapters.export_directory import ExportDirectory
from counterfoil.adapters.system import system_clock
from counterfoil.cli.output import (
    HOLDS,
    INTEGRITY,
    JsonOption,
    finding_json,
    out,
    print_json,
    printable,
    read_json,
    show_findings,
)
from counterfoil.errors import InputError
from counterfoil.journal import Digest, parse_digest
from counterfoil.services.export_contents import Contents
from counterfoil.services.verify_export import ExportVerdict, Work, verify_export, work_through

# Objects handed to the processes at a time, for each of them: so many are read ahead of the one that is waited for.
_AHEAD: Final = 16
_MOST_WORKERS: Final = 64


def export(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where the export was copied to.", show_default=False)
    ],
    *,
    digest: Annotated[Path | None, typer.Option(help="A GetDigest answer as JSON, to compare with.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=_MOST_WORKERS, help="Processes that verify objects.")] = 1,
    json: JsonOption = False,
) -> None:
    """A journal export (ION_TEXT, ION_BINARY, JSON): every hash of every block, the chain, and the digest."""
    given = None if digest is None else _read_digest(digest)
    run = work_through if workers == 1 else _in_processes(workers)
    verdicts = verify_export(ExportDirectory(directory), system_clock(), given, run)
    failed = any(verdict.findings for verdict in verdicts)
    if json:
        print_json({"holds": not failed, "exports": [_verdict_json(each) for each in verdicts]})
    else:
        for verdict in verdicts:
            _show(verdict)
    raise typer.Exit(INTEGRITY if failed else HOLDS)


def _read_digest(file: Path) -> Digest:
    document = read_json(file)
    if not isinstance(document, Mapping):
        raise InputError(f"{file} is not a JSON object")
    return parse_digest(document)


def _in_processes(count: int) -> Callable[[Iterable[Work]], Iterator[Contents]]:
    def run(work: Iterable[Work]) -> Iterator[Contents]:
        with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
            for some in batched(work, _AHEAD * count, strict=False):
                yield from pool.map(Work.do, some)

    return run


def _verdict_json(verdict: ExportVerdict) -> dict[str, Any]:
    contents = verdict.contents
    return {
        "holds": not verdict.findings,
        "exportId": verdict.export_id,
        "strandId": verdict.strand_id,
        "ledgerName": verdict.ledger_name,
        "outputFormat": verdict.output_format,
        "objects": verdict.objects,
        "unlistedObjects": verdict.unlisted,
        "firstBlock": None if contents is None else contents.begin,
        "lastBlock": None if contents is None else contents.end - 1,
        "blocksVerified": 0 if contents is None else contents.blocks,
        "revisionsVerified": 0 if contents is None else contents.revisions - contents.data_unchecked,
        "revisionsNotChecked": 0 if contents is None else contents.data_unchecked,
        "digest": None if verdict.digest is None else verdict.digest.hash.to_base64(),
        "digestCompared": verdict.digest_compared,
        "findings": [finding_json(finding) for finding in verdict.findings],
    }


def _show(verdict: ExportVerdict) -> None:
    show_findings(verdict.findings)
    contents = verdict.contents
    ledger = "" if verdict.ledger_name is None else f" of ledger {printable(verdict.ledger_name)}"
    out.print(f"export {verdict.export_id}{ledger}, strand {verdict.strand_id}", markup=False, highlight=False)
    if contents is not None:
        out.print(f"  blocks  {contents.begin} to {contents.end - 1} in {verdict.objects} objects", highlight=False)
        if contents.data_unchecked:
            out.print(
                f"  [yellow]data[/]    of {contents.data_unchecked} revisions could not be hashed: JSON does not keep Ion's types",
                highlight=False,
            )
    if verdict.unlisted:
        out.print(f"  [yellow]beside[/]  {verdict.unlisted} objects that the manifest does not list", highlight=False)
    if verdict.digest is not None:
        compared = "as given" if verdict.digest_compared else "not compared: none was given"
        out.print(
            f"  digest  {verdict.digest.hash.to_base64()} at block {verdict.digest.tip_address.sequence_no}, {compared}",
            highlight=False,
        )
    count = 0 if contents is None else contents.blocks
    word = "[bold red]does not hold[/]" if verdict.findings else "[bold green]holds[/]"
    out.print(f"{word}: {count} blocks verified", highlight=False)
