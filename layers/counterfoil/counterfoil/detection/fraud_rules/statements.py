"""Statements: what somebody did to the ledger by PartiQL, beside moving money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final

from counterfoil.detection.alert_terms import AlertPart
from counterfoil.detection.expressions import Condition, Type, number, text
from counterfoil.detection.expressions.vocabulary import Vocabulary
from counterfoil.detection.fraud_rules.event import hour_of, microseconds, weekday_of
from counterfoil.detection.fraud_rules.kind import Sighting, StatementKind, Values
from counterfoil.detection.transfer import Statement

# Statements may have 100 KB; what evidence shows of one, and how far its first words are looked for.
MAX_SHOWN: Final = 300

# Words whose second says more than they do alone.
_TWO_WORDS: Final = frozenset({"CREATE", "DROP", "UNDROP", "EXEC", "INSERT"})


# Different statements whose verbs are remembered; a ledger hears few, again and again.
_MAX_VERBS: Final = 1_024


def verb_of(statement: str) -> str:
    """What a statement does, in capitals: ``UPDATE``, ``DROP TABLE``, ``EXEC REDACT_REVISION``; comments in front are passed over."""
    return _verb_of(statement[:MAX_SHOWN])


@lru_cache(maxsize=_MAX_VERBS)
def _verb_of(begin: str) -> str:
    rest = begin.lstrip()
    while rest.startswith(("--", "/*")):
        end = "\n" if rest.startswith("--") else "*/"
        rest = rest.partition(end)[2].lstrip()
    words = rest.split(maxsplit=2)
    first = words[0].upper() if words else ""
    return f"{first} {words[1].upper()}" if first in _TWO_WORDS and len(words) > 1 else first


STATEMENT: Final[Vocabulary] = {
    "hour": number(lambda each: hour_of(microseconds(each.at)), "0 to 23, the block's time in UTC"),
    "statement": text(lambda each: each.text[:MAX_SHOWN], f"its first {MAX_SHOWN} characters"),
    "verb": text(
        lambda each: verb_of(each.text),
        "its first word in capitals, with the second of CREATE, DROP, UNDROP, EXEC, INSERT",
    ),
    "weekday": number(lambda each: weekday_of(microseconds(each.at)), "1 (Monday) to 7, the block's time in UTC"),
}


@dataclass(frozen=True, slots=True)
class StatementMeets(StatementKind):
    """A statement that meets the condition. The auditor reports privileged statements too, whenever they come (docs/runbook.md)."""

    kind: ClassVar[str] = "statement"
    vocabulary: ClassVar[Vocabulary] = STATEMENT
    values: ClassVar[Mapping[str, Type]] = {name: symbol.type for name, symbol in STATEMENT.items()}
    alert_parts: ClassVar[frozenset[AlertPart]] = frozenset({AlertPart.STRAND, AlertPart.VERB})

    def sees(self, statement: Statement, when: Condition | None) -> Sighting | None:
        if when is not None and not when(statement):
            return None
        values: Values = {name: symbol.read(statement) for name, symbol in STATEMENT.items()}
        return Sighting(f"statement-{statement.number}", values)
