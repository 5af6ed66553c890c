"""``counterfoil verify export``: a journal export, ours or QLDB's, from its first block to its last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from counterfoil.adapters.durable_files import disk_errors
from counterfoil.adapters.export_directory import ExportDirectory
from counterfoil.adapters.system import system_clock
from counterfoil.cli.output import (
    HOLDS,
    INPUT,
    INTEGRITY,
    JsonOption,
    err,
    finding_json,
    out,
    print_json,
    printable,
    read_bytes,
    show_findings,
)
from counterfoil.export_workers import in_processes
from counterfoil.journal import Digest, parse_digest
from counterfoil.journal.anchor import TrustAnchor, parse_trust_anchor
from counterfoil.journal.receipt import parse_json_object
from counterfoil.ports import ExportFiles
from counterfoil.services.export_contents import Contents
from counterfoil.services.export_proofs import ProofsVerdict
from counterfoil.services.verification_notes import HEADER, parse_notes, render_note
from counterfoil.services.verify_export import ExportVerdict, Notes, Workers, verify_export

_MOST_WORKERS: Final = 64

AnchorOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Where an export begins that has not all blocks: a receipt of the block before, or as declared.",
    ),
]


def export(
    directory: Annotated[
        str, typer.Argument(metavar="DIR", help="Where it was copied to, or s3://bucket/prefix.", show_default=False)
    ],
    *,
    digest: Annotated[Path | None, typer.Option(help="A GetDigest answer as JSON, to compare with.")] = None,
    trust_anchor: AnchorOption = None,
    workers: Annotated[int, typer.Option(min=1, max=_MOST_WORKERS, help="Processes that verify objects.")] = 1,
    resume: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Notes of what was verified: a later run goes on from them.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """A journal export (ION_TEXT, ION_BINARY, JSON): every hash of every block, the chain, and the digest.

    JSON loses types: an export in it of which not all data can be proved ends with exit status 2.
    """
    given = None if digest is None else read_digest(digest)
    anchor = None if trust_anchor is None else read_trust_anchor(trust_anchor)
    files = files_in(directory)
    with _progress(files) as advance, working(workers, advance) as run, _noting(resume) as notes:
        verdicts = verify_export(files, system_clock(), given, run, notes, anchor)
    holds = all(verdict.holds for verdict in verdicts)
    if json:
        print_json({"holds": holds, "exports": [verdict_json(each) for each in verdicts]})
    else:
        for verdict in verdicts:
            show_verdict(verdict)
    if any(verdict.findings for verdict in verdicts):
        raise typer.Exit(INTEGRITY)
    # What cannot be proved is not what was asked for, and nothing that was found.
    raise typer.Exit(HOLDS if holds else INPUT)


def alone() -> typer.Typer:
    """This one command, by the name it has among all of them."""
    app, verify = (typer.Typer(name=name, pretty_exceptions_enable=False) for name in ("counterfoil", "verify"))
    verify.command()(export)
    app.add_typer(verify)
    return app


def files_in(place: str) -> ExportFiles:
    """The files of an export in a directory, or in ``s3://bucket/prefix``."""
    if not place.startswith("s3://"):
        return ExportDirectory(Path(place))
    from counterfoil.adapters.export_bucket import ExportBucket

    return ExportBucket.parse(place)


@contextmanager
def _progress(files: ExportFiles) -> Iterator[Callable[[int], object]]:
    """A bar with rate and time left on standard error, if that is a terminal; what it gives is called with bytes that were read."""
    if not err.is_terminal:
        yield int
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("verifying"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("", total=files.size_bytes())
        yield lambda size_bytes: bar.advance(task, size_bytes)


@contextmanager
def _noting(path: Path | None) -> Iterator[Notes]:
    """Notes in a file; each is on the disk's way before the next object."""
    if path is None:
        yield Notes()
        return
    with disk_errors(f"writing {path}"):
        known = parse_notes(path.read_text().splitlines()) if path.exists() else {}
        with path.open("a", encoding="utf-8") as file:
            # A line that a crash cut short ends here.
            print("" if path.stat().st_size else HEADER, file=file, flush=True)

            def keep(key: str, contents: Contents) -> None:
                line = render_note(key, contents)
                if line is not None:
                    print(line, file=file, flush=True)

            yield Notes(known, keep)


def read_digest(file: Path) -> Digest:
    return parse_digest(_object_in(file))


def read_trust_anchor(file: Path) -> TrustAnchor:
    return parse_trust_anchor(_object_in(file))


def _object_in(file: Path) -> Mapping[str, Any]:
    return parse_json_object(read_bytes(file), str(file))


@contextmanager
def working(count: int, advance: Callable[[int], object]) -> Iterator[Workers]:
    """What verifies objects: this process, or several; ``advance`` is called with bytes that were read."""
    if count == 1:
        yield lambda work: (each.do(advance) for each in work)
        return
    with in_processes(count, advance) as workers:
        yield workers


def verdict_json(verdict: ExportVerdict) -> dict[str, Any]:
    contents = verdict.contents
    return {
        "holds": verdict.holds,
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
        "revisionsNotChecked": verdict.not_proved,
        "firstBlockNotChecked": None if contents is None else contents.first_unchecked,
        "digest": None if verdict.digest is None else verdict.digest.hash.to_base64(),
        "digestCompared": verdict.digest_compared,
        "firstBadBlock": None if contents is None else contents.damage.first,
        "badBlocks": [] if contents is None else [_run(*each) for each in contents.damage.runs],
        "badBlockCount": 0 if contents is None else contents.damage.count,
        "proofs": proofs_json(verdict.proofs),
        "remarks": list(verdict.remarks),
        "findings": [finding_json(finding) for finding in verdict.findings],
    }


def proofs_json(proofs: ProofsVerdict | None) -> dict[str, Any] | None:
    """What the files of proofs beside an export come to; ``None`` where there are none."""
    if proofs is None:
        return None
    return {
        "files": proofs.files,
        "checked": proofs.checked,
        "good": proofs.good,
        "bad": proofs.bad,
        "underKnownDigest": proofs.confirmed,
        "underOwnDigestAlone": proofs.good - proofs.confirmed,
        "notChecked": proofs.not_checked,
        "notCheckedBecause": list(proofs.told),
    }


def show_proofs(proofs: ProofsVerdict) -> None:
    """What the files of proofs beside an export were worth, for a person."""
    alone = proofs.good - proofs.confirmed
    rest = f", {alone} to a digest that they alone say" if alone else ""
    word = "[bold red]proofs[/]" if proofs.bad else "proofs"
    out.print(
        f"  {word}  {proofs.good} of {proofs.checked} in {proofs.files} files (*.proofs.json) hold: {proofs.confirmed} lead to a "
        f"digest of these blocks or to the given one{rest}",
        highlight=False,
        soft_wrap=True,
    )
    if proofs.not_checked:
        out.print(
            f"  [yellow]not checked[/]  {proofs.not_checked} of their values, which prove nothing and disprove nothing; the first:",
            highlight=False,
            soft_wrap=True,
        )
        for sentence in proofs.told:
            out.print(f"    {printable(sentence)}", markup=False, highlight=False, soft_wrap=True)


def _run(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _show_damage(contents: Contents) -> None:
    """The first block that does not hold, and every one after it."""
    runs = ", ".join(_run(*each) for each in contents.damage.runs)
    out.print(f"  [bold red]first bad block[/]  {contents.damage.first}", highlight=False)
    more = " and more" if contents.damage.uncounted_runs else ""
    out.print(f"  bad blocks ({contents.damage.count})  {runs}{more}", highlight=False, soft_wrap=True)


def show_verdict(verdict: ExportVerdict) -> None:
    show_findings(verdict.findings)
    contents = verdict.contents
    ledger = "" if verdict.ledger_name is None else f" of ledger {printable(verdict.ledger_name)}"
    out.print(f"export {verdict.export_id}{ledger}, strand {verdict.strand_id}", markup=False, highlight=False)
    if contents is not None:
        out.print(f"  blocks  {contents.begin} to {contents.end - 1} in {verdict.objects} objects", highlight=False)
        if contents.damage.count:
            _show_damage(contents)
        if contents.data_unchecked:
            out.print(
                f"  [yellow]data[/]    of {contents.data_unchecked} of {contents.revisions} revisions is not proved (first in block "
                f"{contents.first_unchecked}): JSON does not keep Ion's types, so whether they were changed it cannot tell; every "
                "other hash, every link and the digest were computed. Export the same blocks in Ion",
                highlight=False,
                soft_wrap=True,
            )
    for remark in verdict.remarks:
        out.print(f"  remark  {printable(remark)}", markup=False, highlight=False, soft_wrap=True)
    if verdict.unlisted:
        out.print(f"  [yellow]beside[/]  {verdict.unlisted} objects that the manifest does not list", highlight=False)
    if verdict.proofs is not None:
        show_proofs(verdict.proofs)
    if verdict.digest is not None:
        compared = "as given" if verdict.digest_compared else "not compared: none was given"
        out.print(
            f"  digest  {verdict.digest.hash.to_base64()} at block {verdict.digest.tip_address.sequence_no}, {compared}",
            highlight=False,
        )
    if verdict.findings and verdict.blocks_hold:
        out.print("  the blocks themselves hold: what does not are proofs beside them", highlight=False)
    count = 0 if contents is None else contents.blocks
    word = "[bold green]holds[/]" if verdict.holds else "[bold yellow]not proved[/]"
    word = "[bold red]does not hold[/]" if verdict.findings else word
    out.print(f"{word}: {count} blocks verified{', their data not all' if verdict.not_proved else ''}", highlight=False)
