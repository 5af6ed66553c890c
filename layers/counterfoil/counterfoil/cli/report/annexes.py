"""The report's lists as CSV (RFC 4180) for spreadsheets, and its findings as OCSF, one JSON object a line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any, Final

from counterfoil.cli.report.presentation import Json
from counterfoil.detection.finding import Finding
from counterfoil.detection.ocsf import render_ocsf_line

# How a cell begins that a spreadsheet would compute.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

_FINDING: Final = (
    "foundAt", "ruleId", "severity", "score", "status", "place", "accountId", "documentId", "findingId", "reason", "evidence",
)  # fmt: skip
_ANNEXES: Final = {
    "findings.csv": (("findings", "list"), _FINDING),
    "integrity-failures.csv": (("integrity", "failures"), _FINDING),
    "privileged-actions.csv": (("privilegedActions",), _FINDING),
    "redactions.csv": (("redactions",), _FINDING),
    "rules.csv": (("rules", "inForce"), ("ruleId", "version", "hash", "title", "severity", "status", "owner")),
    "rule-changes.csv": (("rules", "changes"), ("at", "ruleId", "version", "what", "author", "reviewer", "reason")),
    "suppressions.csv": (
        ("suppressions",),
        ("suppressionId", "ruleId", "accountId", "author", "reason", "createdAt", "expiresAt", "liftedAt", "inForceAtEnd"),
    ),
    "cases.csv": (
        ("outcomes", "cases"),
        ("caseId", "openedAt", "status", "confirmed", "decidedBy", "decidedAt", "findingIds"),
    ),
    "controls.csv": (("controls",), ("control", "asks", "evidence", "parts", "again")),
}  # fmt: skip


def render_annexes(report: Json) -> dict[str, bytes]:
    """File names and contents; a list without entries is a file with its head alone."""
    return {name: _csv(columns, _member(report, path)) for name, (path, columns) in _ANNEXES.items()}


def render_ocsf_lines(findings: Iterable[Finding], version: str) -> bytes:
    """By time and id, whatever order they were gathered in."""
    ordered = sorted(findings, key=lambda each: (each.found_at, each.finding_id))
    return b"".join(render_ocsf_line(each, version=version) for each in ordered)


def _member(report: Json, path: Sequence[str]) -> Sequence[Json]:
    member: Any = report
    for name in path:
        member = member[name]
    entries: Sequence[Json] = member
    return entries


def _csv(columns: Sequence[str], entries: Sequence[Json]) -> bytes:
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(each[name]) for name in columns] for each in entries)
    return text.getvalue().encode("utf-8", "backslashreplace")


def _cell(value: object) -> str:
    """A text that a spreadsheet would take for a formula begins with an apostrophe instead: whoever writes the journal chooses it."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
