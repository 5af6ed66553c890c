"""What the findings of one alert have in common: what a finding says for each part of its key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from counterfoil.detection.alert_terms import AlertPart
from counterfoil.detection.finding import Finding

# Findings about the journal itself: never merged, held back or suppressed.
_INTEGRITY: Final = ("audit.", "export.")

type AlertKey = tuple[tuple[AlertPart, str], ...]


def is_integrity(rule_id: str) -> bool:
    """Whether a rule is about the journal itself."""
    return rule_id.startswith(_INTEGRITY)


def key_of(finding: Finding) -> AlertKey | None:
    """The parts of the finding's terms with what it says for each; empty where the rule alone counts.

    ``None`` is a finding that joins no other: one about the journal, or one that has nothing to say for a part.
    """
    if is_integrity(finding.rule_id):
        return None
    found = tuple((part, _READERS[part](finding)) for part in finding.alert.key)
    return found if all(text for _, text in found) else None


def shown_key(key: AlertKey | None) -> str:
    """A key for people: ``account ACC-1, currency EUR``."""
    if key is None:
        return "this finding alone"
    return ", ".join(f"{part} {text}" for part, text in key) or "the rule"


def _counterparty(finding: Finding) -> str:
    """The other account of the transfer."""
    payer, payee = (finding.evidence.get(name, "") for name in ("from_account", "to_account"))
    return payer if finding.account_id == payee else payee


def _evidence(name: str) -> Callable[[Finding], str]:
    return lambda finding: finding.evidence.get(name, "")


_READERS: Final[Mapping[AlertPart, Callable[[Finding], str]]] = {
    AlertPart.ACCOUNT: lambda finding: finding.account_id or "",
    AlertPart.COUNTERPARTY: _counterparty,
    AlertPart.CURRENCY: _evidence("currency"),
    AlertPart.DOCUMENT: lambda finding: finding.document_id or "",
    AlertPart.ENTRY: _evidence("entry"),
    AlertPart.STRAND: lambda finding: finding.place.partition("#")[0],
    AlertPart.TRANSACTION: _evidence("transaction_id"),
    AlertPart.VERB: _evidence("verb"),
}
