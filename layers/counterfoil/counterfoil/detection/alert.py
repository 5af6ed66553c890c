"""What a person is told about a finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

from counterfoil.detection.alert_key import key_of, shown_key
from counterfoil.detection.finding import Finding, Status

# SNS takes subjects of up to 100 ASCII characters.
MAX_SUBJECT_CHARACTERS: Final = 100

# What programs subscribe to on the bus: a finding, and what was held back on a day.
FINDING: Final = "Finding"
DIGEST: Final = "AlertDigest"

_NEWS: Final = {Status.OPEN: "found", Status.CONFIRMED: "confirmed", Status.HEALED: "healed"}


class Message(Protocol):
    """What a channel carries: ``subject`` and ``text`` for people, ``attributes`` to filter by, ``detail`` for programs."""

    @property
    def alert_id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def attributes(self) -> dict[str, str]: ...
    @property
    def detail(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Alert:
    """One message about one finding in one status. ``group_id`` is the alert that later findings of its kind may join."""

    finding: Finding
    group_id: str | None = None

    @property
    def alert_id(self) -> str:
        """The same finding in the same status is the same alert, however often it is met."""
        return f"{self.finding.finding_id}/{self.finding.status}"

    @property
    def kind(self) -> str:
        return FINDING

    @property
    def subject(self) -> str:
        finding = self.finding
        text = f"[{finding.severity.name}] {finding.rule_id} {_NEWS[finding.status]} at {finding.place}"
        return text.encode("ascii", "replace").decode()[:MAX_SUBJECT_CHARACTERS]

    @property
    def text(self) -> str:
        """The message in full, for reading."""
        finding = self.finding
        lines = [
            f"{finding.reason}.",
            "",
            f"Finding   {finding.finding_id}",
            f"Severity  {finding.severity.name}",
            f"Status    {finding.status}",
            f"Place     {finding.place}",
            f"Found at  {finding.found_at.isoformat()}",
        ]
        about = (("Account  ", finding.account_id), ("Document ", finding.document_id), ("Joined by", self._joined_by))
        lines += [f"{label} {value}" for label, value in about if value]
        if finding.evidence:
            lines += ["", "Evidence", *(f"  {name}: {value}" for name, value in finding.evidence.items())]
        return "\n".join([*lines, "", f"What to do: docs/runbook.md, {finding.rule_id}"])

    @property
    def _joined_by(self) -> str:
        """Which findings are not told any more once this one is, where its rule has terms of its own."""
        terms, key = self.finding.alert, key_of(self.finding)
        if terms.usual or key is None:
            return ""
        window = "" if terms.window_seconds is None else f" in windows of {terms.window_seconds} seconds"
        return f"others with {shown_key(key)}{window}" if key else f"all others of the rule{window}"

    @property
    def attributes(self) -> dict[str, str]:
        """What subscribers filter by."""
        finding = self.finding
        known = {
            "finding_id": finding.finding_id,
            "rule_id": str(finding.rule_id),
            "severity": finding.severity.name,
            "status": str(finding.status),
            "account_id": finding.account_id,
        }
        return {name: value for name, value in known.items() if value}

    @property
    def detail(self) -> dict[str, Any]:
        """All of the finding, and the alert's id for deduplication. ``alert_key`` is ``None`` where the finding joins no other."""
        finding, key = self.finding, key_of(self.finding)
        return {
            **self.attributes,
            "alert_id": self.alert_id,
            "group_id": self.group_id,
            "alert_key": None if key is None else dict(key),
            "score": finding.rank[1],
            "place": finding.place,
            "reason": finding.reason,
            "found_at": finding.found_at.isoformat(),
            "document_id": finding.document_id,
            "evidence": dict(finding.evidence),
        }
