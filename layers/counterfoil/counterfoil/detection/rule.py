"""A rule ready to run: a document bound to its kind, its condition compiled, its reason and score checked.

What a finding says comes from the document: the reason is its template over the values that the kind declares, the score that of
its bands. Nothing in a document is ever run as code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from string import Formatter
from typing import Final

from counterfoil.detection.expressions import Condition, Tree, Type, check, compile_tree
from counterfoil.detection.finding import Severity
from counterfoil.detection.fraud_rules import KINDS
from counterfoil.detection.fraud_rules.kind import Kind, Value
from counterfoil.detection.money import plain
from counterfoil.detection.parameters import read_settings, write_settings
from counterfoil.detection.rule_document import RuleDocument, RuleStatus, canonical
from counterfoil.errors import InputError

# A reason is for people and goes into an alert.
MAX_REASON_CHARACTERS: Final = 1_000


@dataclass(frozen=True, eq=False)
class Rule[K: Kind]:
    """``tree`` is the condition's, for keeping beside the document."""

    document: RuleDocument
    kind: K
    tree: Tree | None
    when: Condition | None

    @property
    def rule_id(self) -> str:
        return self.document.id

    @property
    def severity(self) -> Severity:
        return self.document.severity

    @property
    def shadow(self) -> bool:
        return self.document.status is RuleStatus.SHADOW

    @cached_property
    def name(self) -> str:
        """What the rule's memory of what is firing goes by: a shadow version beside the active one has its own."""
        return f"{self.rule_id}~{self.document.version}" if self.shadow else self.rule_id

    @cached_property
    def settings_text(self) -> str:
        """The parameters in force as JSON, defaults included, with the severity, the condition and the alert's terms: for evidence."""
        condition = {} if self.document.when is None else {"when": self.document.when}
        alert = {} if self.document.alert.usual else {"alert": self.document.alert.render()}
        return canonical(write_settings(self.kind) | condition | alert | {"severity": self.severity.name})

    @cached_property
    def evidence(self) -> Mapping[str, str]:
        """What every finding says of its rule."""
        return {
            "rule_version": str(self.document.version),
            "rule_hash": self.document.hash,
            "rule_settings": self.settings_text,
            "typology": self.document.typology,
        }

    def reason(self, values: Mapping[str, Value]) -> str:
        texts = {name: shown(value) for name, value in values.items()}
        return self.document.reason.format_map(texts)[:MAX_REASON_CHARACTERS]

    def score(self, values: Mapping[str, Value]) -> int:
        """The score of a sighting by its values, of which those that are numbers are enough."""
        score = self.document.score
        return score.bands[0].score if score.on is None else score.of(_number(values[score.on]))


def bind(document: RuleDocument, trees: Mapping[str, Tree] | None = None) -> Rule[Kind]:
    """Check a document against its kind; ``InputError`` names what is wrong.

    ``trees`` are conditions that were checked before, by their text; one that is not among them is read by rule-engine now.
    """
    where = document.id
    kind_type = KINDS.get(document.kind)
    if kind_type is None:
        raise InputError(f"{where}: there is no kind {document.kind!r}; there are {', '.join(sorted(KINDS))}")
    kind = read_settings(kind_type, document.parameters, f"{where}: parameters")
    try:
        kind.check()
        tree = _tree(document, kind_type, trees or {})
        when = None if tree is None else compile_tree(tree, kind_type.vocabulary)
        _check_reason(document.reason, kind_type)
        _check_score(document, kind_type)
        _check_alert(document, kind_type)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return Rule(document, kind, tree, when)


def shown(value: Value) -> str:
    """A value as text: decimals in plain notation, truth in words."""
    match value:
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return plain(value)
    return str(value)


def _tree(document: RuleDocument, kind: type[Kind], trees: Mapping[str, Tree]) -> Tree | None:
    if document.when is None:
        return None
    if not kind.vocabulary:
        raise InputError(f"a rule of kind {kind.kind} takes no condition")
    return trees[document.when] if document.when in trees else check(document.when, kind.vocabulary)


def _check_reason(reason: str, kind: type[Kind]) -> None:
    try:
        parts = list(Formatter().parse(reason))
    except ValueError as error:
        raise InputError(f"the reason is not a template: {error}") from None
    for _, name, specification, conversion in parts:
        if name is not None and (specification or conversion):
            raise InputError(f"the reason formats {name!r}; values are shown as they are")
        if name is not None and name not in kind.values:
            raise InputError(f"the reason knows no {{{name[:60]}}}; it knows {', '.join(sorted(kind.values))}")


def _check_score(document: RuleDocument, kind: type[Kind]) -> None:
    on = document.score.on
    if on is not None and kind.values.get(on) is not Type.NUMBER:
        numbers = sorted(name for name, found in kind.values.items() if found is Type.NUMBER)
        raise InputError(f"the score is on {on!r}; the numbers of {kind.kind} are {', '.join(numbers) or 'none'}")


def _check_alert(document: RuleDocument, kind: type[Kind]) -> None:
    """Findings of a kind that lacks a part would all be alerts of their own, whatever the document says."""
    lacking = [] if document.alert.usual else [part for part in document.alert.key if part not in kind.alert_parts]
    if lacking:
        known = ", ".join(sorted(kind.alert_parts))
        raise InputError(
            f"alert.key has {lacking[0]!s}, which findings of kind {kind.kind} do not carry; they carry {known}"
        )


def _number(value: Value) -> Decimal:
    return Decimal(value) if isinstance(value, int) else value if isinstance(value, Decimal) else Decimal(0)
