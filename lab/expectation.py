"""What a detector must say about something that was done to the ledger, written down when it was done.

Nothing here asks a rule: the bank, the attacker and the sample events each know what they did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from counterfoil.detection.finding import Status


class FindingKey(NamedTuple):
    """What tells two findings of a run apart for a person: which rule, where, about whose account."""

    rule_id: str
    place: str
    account_id: str | None


@dataclass(frozen=True, slots=True)
class Expected:
    """One finding that must be there. ``because`` says what was done; ``status`` is how far the finding must have got."""

    rule_id: str
    place: str
    because: str
    account_id: str | None = None
    status: Status = Status.OPEN

    @property
    def key(self) -> FindingKey:
        return FindingKey(self.rule_id, self.place, self.account_id)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Findings against expectations: how many of each rule, what is missing, what nobody expected.

    ``wrong_status`` holds what was found but has another status than expected: (finding, expected, found).
    """

    expected: Mapping[str, int]
    found: Mapping[str, int]
    missing: tuple[Expected, ...]
    extra: tuple[FindingKey, ...]
    wrong_status: tuple[tuple[FindingKey, Status, Status], ...]

    @property
    def holds(self) -> bool:
        return not (self.missing or self.extra or self.wrong_status)


def compare(expected: Sequence[Expected], found: Sequence[tuple[FindingKey, Status]]) -> Comparison:
    """Set the findings of a run against what was expected, one for one."""
    unmet = list(expected)
    extra: list[FindingKey] = []
    wrong: list[tuple[FindingKey, Status, Status]] = []
    for key, status in found:
        met = next((each for each in unmet if each.key == key), None)
        if met is None:
            extra.append(key)
            continue
        unmet.remove(met)
        if met.status is not status:
            wrong.append((key, met.status, status))
    rules_expected, rules_found = (each.rule_id for each in expected), (key.rule_id for key, _ in found)
    return Comparison(_count(rules_expected), _count(rules_found), tuple(unmet), tuple(extra), tuple(wrong))


def _count(rule_ids: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(map(str, rule_ids)).items()))
