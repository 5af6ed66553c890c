"""``counterfoil report`` and ``counterfoil verify report``."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from counterfoil.adapters.public_key import PublicKey
from counterfoil.adapters.system import system_clock
from counterfoil.cli.output import INTEGRITY, JsonOption, out, print_json, read_bytes
from counterfoil.cli.places import DataOption, EndpointOption, opened_ledger
from counterfoil.cli.report.annexes import render_annexes, render_ocsf_lines
from counterfoil.cli.report.html import render_html
from counterfoil.cli.report.recording import record
from counterfoil.cli.report.signing import (
    MANIFEST,
    SIGNATURE,
    KeyFile,
    render_manifest,
    render_signature,
    report_hash,
    verify_folder,
)
from counterfoil.cli.report.sources import evidence_of_ledger, evidence_of_stack
from counterfoil.detection.report_evidence import Evidence
from counterfoil.errors import InputError
from counterfoil.ports import Signer
from counterfoil.services.report import compile_report


class Format(StrEnum):
    HTML = "html"
    PDF = "pdf"
    JSON = "json"


Json = dict[str, Any]


def _html(report: Json) -> bytes:
    return render_html(report)


def _pdf(report: Json) -> bytes:
    from counterfoil.cli.report.pdf import render_pdf

    return render_pdf(report)


def _json(report: Json) -> bytes:
    return jsonlib.dumps(report, sort_keys=True, indent=1).encode() + b"\n"


_RENDERERS: Final[Mapping[Format, Callable[[Json], bytes]]] = {
    Format.HTML: _html,
    Format.PDF: _pdf,
    Format.JSON: _json,
}
_MAX_NAME: Final = 100


def report(  # noqa: PLR0913 - the options of a command
    ledger: Annotated[str, typer.Argument(metavar="[LEDGER]", help="The ledger's name or folder.")] = "",
    *,
    begin: Annotated[str, typer.Option("--from", help="Day or time (UTC) from which on, as 2026-01-01.")],
    end: Annotated[str, typer.Option("--to", help="Day or time before which; it must be over.")],
    to: Annotated[Path, typer.Option("--out", metavar="DIR", help="A new or empty folder.")] = Path("report"),
    formats: Annotated[
        str, typer.Option("--format", help="Which of html, pdf and json, with commas.")
    ] = "html,pdf,json",
    stack: Annotated[str, typer.Option(metavar="STACK", help="A deployed stack, in the place of LEDGER.")] = "",
    key_file: Annotated[Path | None, typer.Option(metavar="PEM", help="A P-256 private key to sign with.")] = None,
    kms_key: Annotated[str, typer.Option(metavar="KEY", help="A KMS key to sign with.")] = "",
    record_in: Annotated[str, typer.Option(metavar="LEDGER", help="A ledger to note the report's hash in.")] = "",
    data: DataOption = None,
    endpoint: EndpointOption = None,
    json: JsonOption = False,
) -> None:
    """Write the audit report of a period: pages, JSON, CSV and OCSF, with a signed manifest. The same inputs are the same bytes."""
    period = parse_period(begin, end, system_clock())
    wanted = _formats(formats)
    signer = _signer(key_file, kms_key)
    _check_folder(to)
    evidence = _evidence(ledger, stack, data, endpoint, period)
    compiled = compile_report(evidence)
    files = _files(compiled, evidence, wanted)
    manifest = render_manifest(files, compiled["period"])
    signature = None if signer is None else render_signature(manifest, signer)
    _write(to, {**files, MANIFEST: manifest, **({} if signature is None else {SIGNATURE: signature})})
    answer = {
        "holds": compiled["holds"],
        "directory": str(to),
        "reportHash": report_hash(manifest),
        "signed": signature is not None,
        "files": sorted(files),
        "recorded": _record(record_in, data, endpoint, compiled, manifest) if record_in else None,
    }
    if json:
        print_json(answer)
    else:
        out.print(
            f"report of {period[0]:%Y-%m-%d} to {period[1]:%Y-%m-%d} in {to}: {answer['reportHash']}", markup=False
        )
        if signature is None:
            out.print("not signed: give --key-file or --kms-key", markup=False)
    raise typer.Exit(0 if compiled["holds"] else INTEGRITY)


def verify_report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The report's folder.", show_default=False)],
    *,
    key: Annotated[Path, typer.Option(help="The signing key's public half, PEM or DER.")],
    json: JsonOption = False,
) -> None:
    """An audit report: the signature over its manifest, and every file against it."""
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder")
    manifest = verify_folder(folder, PublicKey.parse(read_bytes(key)))
    answer = {
        "holds": True,
        "reportHash": report_hash(read_bytes(folder / MANIFEST)),
        "period": manifest["period"],
        "files": sorted(manifest["files"]),
    }
    if json:
        print_json(answer)
    else:
        out.print(f"[bold green]holds[/]: {len(answer['files'])} files, report {answer['reportHash']}", highlight=False)


def parse_period(begin: str, end: str, now: datetime) -> tuple[datetime, datetime]:
    """The period's two ends; ``InputError`` where it is none, or not over: more may still happen in it."""
    first, behind = _moment("--from", begin), _moment("--to", end)
    if first >= behind:
        raise InputError(f"--from {begin} does not lie before --to {end}")
    if behind > now:
        raise InputError(f"--to {end} is yet to come: a report is of a period that is over")
    return first, behind


def _moment(option: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{option} {text[:40]!r} is no day or time, as 2026-01-31 or 2026-01-31T12:00:00Z") from None
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


def _formats(text: str) -> list[Format]:
    wanted = {each.strip() for each in text.split(",")}
    if unknown := wanted - set(Format):
        raise InputError(f"--format {min(unknown)[:40]!r} is none of {', '.join(Format)}")
    return [each for each in Format if each in wanted]


def _signer(key_file: Path | None, kms_key: str) -> Signer | None:
    if key_file is not None and kms_key:
        raise InputError("--key-file and --kms-key are two keys: give one")
    if kms_key:
        from counterfoil import wiring
        from counterfoil.adapters.kms import KmsSigner

        return KmsSigner(wiring.client("kms"), kms_key)
    return None if key_file is None else KeyFile.parse(read_bytes(key_file))


def _check_folder(to: Path) -> None:
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise InputError(f"{to} is there already and not empty: one report, one folder")


def _evidence(
    ledger: str, stack: str, data: Path | None, endpoint: str | None, period: tuple[datetime, datetime]
) -> Evidence:
    version = version_of("counterfoil")
    if bool(ledger) == bool(stack):
        raise InputError("a report is of LEDGER or of --stack: give one of them")
    if stack:
        return evidence_of_stack(stack, *period, version)
    with opened_ledger(ledger, data, endpoint) as one:
        return evidence_of_ledger(one, *period, version)


def _files(compiled: Json, evidence: Evidence, wanted: list[Format]) -> dict[str, bytes]:
    in_period = [each for each in evidence.findings if evidence.begin <= each.found_at < evidence.end]
    return {
        **{f"report.{each}": _RENDERERS[each](compiled) for each in wanted},
        **render_annexes(compiled),
        "findings.ocsf.jsonl": render_ocsf_lines(in_period, evidence.product_version),
    }


def _write(to: Path, files: Mapping[str, bytes]) -> None:
    try:
        to.mkdir(parents=True, exist_ok=True)
        for name, contents in files.items():
            (to / name).write_bytes(contents)
    except OSError as error:
        raise InputError(f"{to} cannot be written: {error.strerror}") from None


def _record(name: str, data: Path | None, endpoint: str | None, compiled: Json, manifest: bytes) -> str:
    with opened_ledger(name, data, endpoint) as one:
        return record(one.source, compiled, report_hash(manifest))
