"""What commands print: one JSON document on standard output with ``--json``, else tables for a person."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from counterfoil.detection.finding import Finding
from counterfoil.errors import CounterfoilError, InputError, IntegrityError

HOLDS: Final = 0
INTEGRITY: Final = 1
INPUT: Final = 2
UNAVAILABLE: Final = 3
INTERRUPTED: Final = 130

# Ten times what Lambda can hand to a function.
MAX_FILE_BYTES: Final = 64 * 1024 * 1024

out: Final = Console()
err: Final = Console(stderr=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The file to read.", show_default=False)]


def read_bytes(path: Path) -> bytes:
    """A file of bounded size; anything else is an ``InputError`` naming it."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(f"{path} has {path.stat().st_size} bytes; at most {MAX_FILE_BYTES} are read")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None


def read_json(path: Path) -> Any:
    """A JSON file of bounded size; anything else is an ``InputError`` naming it."""
    try:
        return json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}") from None


def print_json(document: Mapping[str, Any]) -> None:
    """ASCII alone, so that text which no output can encode (half a surrogate pair from an event) is escaped like any other."""
    typer.echo(json.dumps(document, indent=2))


def ascii_json(text: str) -> str:
    """The same JSON text in ASCII alone."""
    return re.sub(r"[^\x00-\x7f]", lambda found: json.dumps(found[0])[1:-1], text)


def show_error(error: CounterfoilError, *, as_json: bool) -> None:
    """An error as the answer of a command."""
    if as_json:
        evidence = dict(error.evidence) if isinstance(error, IntegrityError) else {}
        detail = {"type": type(error).__name__, "message": str(error), "evidence": evidence}
        print_json({"holds": False, "error": detail})
    else:
        label = "does not hold" if isinstance(error, IntegrityError) else "error"
        err.print(f"[bold red]{label}:[/] ", end="")
        err.print(printable(str(error)), markup=False, highlight=False, soft_wrap=True)


def finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "findingId": finding.finding_id,
        "ruleId": str(finding.rule_id),
        "severity": finding.severity.name,
        "status": str(finding.status),
        "place": finding.place,
        "reason": finding.reason,
        "documentId": finding.document_id,
        "accountId": finding.account_id,
        "evidence": dict(finding.evidence),
    }


def show_findings(findings: Iterable[Finding]) -> None:
    """A table of findings, the worst first."""
    table = Table("severity", "rule", "place", "status", "what", title="Findings", title_justify="left")
    for finding in sorted(findings, key=lambda each: (-each.severity, each.finding_id)):
        cells = (finding.severity.name, finding.rule_id, finding.place, finding.status, finding.reason)
        table.add_row(*(Text(printable(str(cell))) for cell in cells))
    if table.row_count:
        out.print(table)


def printable(text: str) -> str:
    """Text from outside as a terminal may have it: what moves the cursor, colours the screen or cannot be encoded becomes U+FFFD."""
    return "".join(each if each.isprintable() or each == "\n" else "\ufffd" for each in text)
