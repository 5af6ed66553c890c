"""A report's document as sections for people: paragraphs, tables and charts, the same for every format that shows pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]

# Rows of a table on a page; all of them are in the annexes.
MAX_ROWS: Final = 200


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Chart:
    """Values over time; ``kind`` is ``bars`` or ``line``. Places on the axes follow from the texts of ``points``."""

    title: str
    kind: str
    points: Sequence[tuple[str, float]]


Part = Paragraph | Table | Chart


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    title: str
    parts: Sequence[Part]


def present(report: Json) -> list[Section]:
    """All sections in order; what could not be filled says so in its place."""
    absent: dict[str, str] = report["absent"]
    sections = [
        Section("summary", "Summary", _summary(report)),
        Section("scope", "Scope", [_scope(report)]),
        Section("completeness", "Completeness", _completeness(report)),
        Section("integrity", "Integrity", _integrity(report)),
        Section("rules", "Rules", _rules(report)),
        Section("findings", "Findings", _findings(report)),
        Section("outcomes", "Outcomes", _outcomes(report)),
        Section("suppressions", "Suppressions", [_suppressions(report)]),
        Section("privilegedActions", "Privileged actions", [_entries(report["privilegedActions"])]),
        Section("redactions", "Redactions", [_entries(report["redactions"])]),
        Section("keys", "Signing keys", [_table(["strand", "key", "first seen"], report["keys"], ["strandId", "keyId", "firstSeen"])]),
        Section("controls", "Controls", [_controls(report)]),
        Section("verification", "How to verify this without us", [Paragraph(each) for each in report["verification"]]),
    ]  # fmt: skip
    return [_with_absence(each, absent) for each in sections]


def _with_absence(section: Section, absent: dict[str, str]) -> Section:
    if section.name not in absent:
        return section
    return Section(section.name, section.title, [Paragraph(f"Not covered: {absent[section.name]}."), *section.parts])


def _summary(report: Json) -> list[Part]:
    period, findings, integrity = report["period"], report["findings"], report["integrity"]
    verdict = (
        "Every block in scope is there and verified."
        if report["holds"]
        else "The journal does NOT hold: see Completeness and Integrity."
    )
    return [
        Paragraph(f"From {period['from']} (included) to {period['to']} (excluded), of {report['source']}."),
        Paragraph(verdict),
        Paragraph(
            f"{integrity['blocksVerified']} blocks were verified in the period, {integrity['checksFailed']} hash checks failed, "
            f"{findings['count']} findings were made."
        ),
    ]  # fmt: skip


def _scope(report: Json) -> Table:
    rows = []
    for each in report["scope"]["strands"]:
        for name in ("digestBefore", "digestAfter"):
            end = each[name] or {}
            rows.append(
                (
                    each["ledger"] or "", each["strandId"], _blocks(each), "begin" if name == "digestBefore" else "end",
                    _text(end.get("sequenceNo")), _text(end.get("digest")), _text(end.get("snapshot") or end.get("blockTimestamp")),
                )
            )  # fmt: skip
    return Table(["ledger", "strand", "blocks", "at", "block", "digest", "signed snapshot, or block time"], rows)


def _blocks(strand: Json) -> str:
    return "none" if strand["firstBlock"] is None else f"{strand['firstBlock']} to {strand['lastBlock']}"


def _completeness(report: Json) -> list[Part]:
    part = report["completeness"]
    columns = ["strandId", "blocksVerified", "blocksExpected", "awaitedRevisions", "earlyRevisions", "divergedAt"]
    head = ["strand", "verified", "expected", "awaited revisions", "early revisions", "diverged at"]
    missing = [
        (each["strandId"], str(hole["first"]), str(hole["last"]), hole["state"], hole["since"])
        for each in part["strands"]
        for hole in each["missing"]
    ]
    gaps = part["gaps"]
    return [
        _table(head, part["strands"], columns),
        Table(["strand", "first missing", "last missing", "state", "since"], missing),
        Paragraph(
            f"Gaps found in the period: {gaps['open']} open, {gaps['confirmed']} confirmed, {gaps['healed']} healed. "
            f"Duplicates: {_text(part['duplicates'])}. Greatest lag: {_text(part['maxLagMs'])} ms."
        ),
        *(
            Chart(f"Verified blocks of {each['strandId']}", "line", _points(each["points"]))
            for each in report["series"]["verifiedBlocks"]
        ),
        Chart("Lag of verification in ms", "line", _points(report["series"]["lagMs"])),
    ]


def _integrity(report: Json) -> list[Part]:
    part = report["integrity"]
    return [
        Paragraph(f"{part['blocksVerified']} blocks, each checked: {'; '.join(part['checksPerBlock'])}."),
        _table(
            ["rule", "place", "status", "found at", "what", "bytes"],
            [each | {"bytes": _bytes(each["evidence"])} for each in part["failures"]],
            ["ruleId", "place", "status", "foundAt", "reason", "bytes"],
        ),
    ]


def _bytes(evidence: dict[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in evidence.items())


def _rules(report: Json) -> list[Part]:
    rules = report["rules"]
    columns = ["ruleId", "version", "status", "severity", "owner", "hash"]
    changes = ["at", "ruleId", "version", "what", "author", "reviewer", "reason"]
    return [
        _table(
            ["rule", "version", "status", "severity", "owner", "SHA-256 of its document"], rules["inForce"], columns
        ),
        _table(["changed at", "rule", "version", "what", "author", "reviewer", "reason"], rules["changes"], changes),
    ]


def _findings(report: Json) -> list[Part]:
    part = report["findings"]
    by_rule = [(each["ruleId"], float(each["count"])) for each in part["byRule"]]
    return [
        Chart("Findings per day", "bars", _points(report["series"]["findingsPerDay"])),
        Chart("Findings by rule", "bars", by_rule),
        Table(["severity", "findings"], [(name, str(count)) for name, count in part["bySeverity"].items()]),
        _table(
            ["rule", "findings", "open", "confirmed", "healed"],
            part["byRule"],
            ["ruleId", "count", "open", "confirmed", "healed"],
        ),
        Table(
            ["open at the period's end, by age", "findings"],
            [(name, str(count)) for name, count in part["openByAge"].items()],
        ),
        Paragraph(f"Rules on trial saw {report['shadowFindings']} more, which nobody was told of."),
        _table(
            ["found at", "severity", "score", "rule", "place", "status", "account", "what"],
            part["list"],
            ["foundAt", "severity", "score", "ruleId", "place", "status", "accountId", "reason"],
        ),
    ]


def _outcomes(report: Json) -> list[Part]:
    part = report["outcomes"]
    columns = ["ruleId", "decided", "confirmed", "precision"]
    cases = [each | {"about": len(each["findingIds"])} for each in part["cases"]]
    return [
        _table(["rule", "decided", "confirmed", "precision"], part["precision"], columns),
        _table(
            ["case", "opened at", "status", "confirmed", "decided by", "decided at", "findings"],
            cases,
            ["caseId", "openedAt", "status", "confirmed", "decidedBy", "decidedAt", "about"],
        ),
    ]


def _suppressions(report: Json) -> Table:
    columns = ["ruleId", "accountId", "author", "reason", "createdAt", "expiresAt", "liftedAt", "inForceAtEnd"]
    head = ["rule", "account", "author", "reason", "made", "ends", "lifted", "in force at the end"]
    return _table(head, report["suppressions"], columns)


def _entries(findings: Sequence[Json]) -> Table:
    return _table(["found at", "rule", "place", "what"], findings, ["foundAt", "ruleId", "place", "reason"])


def _controls(report: Json) -> Table:
    rows = [each | {"parts": ", ".join(each["parts"])} for each in report["controls"]]
    return _table(
        ["control", "asks for", "evidence", "in", "to see it again"],
        rows,
        ["control", "asks", "evidence", "parts", "again"],
    )


def _table(head: Sequence[str], entries: Sequence[Json], columns: Sequence[str]) -> Table:
    return Table(head, [[_text(each[name]) for name in columns] for each in entries])


def _points(points: Iterable[Json]) -> list[tuple[str, float]]:
    return [(each["at"], float(each["value"])) for each in points]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
