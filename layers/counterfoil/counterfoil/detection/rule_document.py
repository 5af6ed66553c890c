"""A rule as a document: what its author writes, its reviewer reads, and a finding names by version and hash.

    {"id": "fraud.round-amounts", "version": 1, "kind": "aggregate", "title": "Round amounts", "typology": "structuring",
     "when": "trailing_zeros >= 3", "parameters": {"aggregate": "count", "threshold": "5", "window_seconds": 86400},
     "severity": "LOW", "score": {"on": "value", "bands": [{"from": "0", "score": 30}, {"from": "20", "score": 50}]},
     "reason": "{account} sent {value} round amounts within {window}", "owner": "fraud-team", "status": "shadow", "actions": [],
     "tests": [{"title": "six", "expect": "found", "blocks": [...]}, {"title": "five", "expect": "nothing", "blocks": [...]}]}

Reading is strict: a key that is not known, is given twice or is missing, a float, and a value of another type or out of its limits
is an ``InputError`` that names it. ``rule`` checks what the document says against its kind, ``rule_trial`` runs its tests.
docs/rules.md describes every field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from typing import Final, NamedTuple, NoReturn

from counterfoil.detection.alert_terms import USUAL_TERMS, AlertTerms, parse_alert_terms
from counterfoil.detection.finding import Severity
from counterfoil.detection.money import parse_amount_text, plain
from counterfoil.detection.parameters import (
    LEVEL,
    Json,
    choice,
    read_settings,
    refuse_unknown,
    text,
    whole,
    write_settings,
)
from counterfoil.errors import InputError

MAX_DOCUMENT_CHARACTERS: Final = 32_768
MAX_BANDS: Final = 20
MAX_TESTS: Final = 20
MAX_VERSION: Final = 1_000_000

_ID: Final = re.compile(r"[a-z][a-z0-9]*(\.[a-z0-9]+(-[a-z0-9]+)*)+")


class RuleStatus(StrEnum):
    """``DRAFT`` and ``PAUSED`` rules are not evaluated; the findings of ``SHADOW`` rules are kept and never told."""

    DRAFT = "draft"
    SHADOW = "shadow"
    ACTIVE = "active"
    PAUSED = "paused"

    @property
    def evaluated(self) -> bool:
        return self in {RuleStatus.SHADOW, RuleStatus.ACTIVE}


class Action(StrEnum):
    """What is to follow from a finding, a closed list. A document only asks for it; it is carried out elsewhere, once per finding."""

    OPEN_CASE = "open_case"
    FREEZE = "freeze"
    PROPOSE_COMPENSATION = "propose_compensation"
    WEBHOOK = "webhook"


class Band(NamedTuple):
    """Values of at least ``lowest`` score ``score``, until the next band begins."""

    lowest: Decimal
    score: int


@dataclass(frozen=True, slots=True)
class Score:
    """0 to 100: that of the highest band that the value named ``on`` reaches, 0 below the first. ``on`` of ``None``: one for all."""

    on: str | None
    bands: tuple[Band, ...]

    def of(self, value: Decimal) -> int:
        return next((band.score for band in reversed(self.bands) if band.lowest <= value), 0)


@dataclass(frozen=True)
class RuleDocument:
    """``parameters`` are those of the kind as JSON, ``tests`` blocks as JSON (``rule_trial``). ``status`` is what it begins as.

    ``alert`` says which findings of the rule are one alert.
    """

    id: str
    version: int
    kind: str
    title: str
    typology: str
    when: str | None
    parameters: Mapping[str, Json]
    severity: Severity
    score: Score
    reason: str
    owner: str
    status: RuleStatus
    actions: tuple[Action, ...]
    tests: Sequence[Json]
    alert: AlertTerms = USUAL_TERMS

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical document without its status, in hex: a rule stays what it is when it is paused or approved."""
        contents = {name: value for name, value in self.render().items() if name != "status"}
        return sha256(canonical(contents).encode()).hexdigest()

    def render(self) -> dict[str, Json]:
        """The whole document as ``parse_rule_document`` takes it: without ``alert`` where that is as usual."""
        alert = self.alert.render()
        return {
            **write_settings(_plain_of(self)),
            "when": self.when,
            "parameters": self.parameters,
            "score": _write_score(self.score),
            "status": str(self.status),
            "actions": [str(each) for each in self.actions],
            "tests": self.tests,
            **({"alert": alert} if alert else {}),
        }


@dataclass(frozen=True, slots=True)
class _Plain:
    """The fields that need no reading of their own."""

    id: str = field(metadata=text(3, 80))
    version: int = field(metadata=whole(1, MAX_VERSION))
    kind: str = field(metadata=text(1, 60))
    title: str = field(metadata=text(1, 120))
    typology: str = field(metadata=text(1, 60))
    severity: Severity = field(metadata=LEVEL)
    reason: str = field(metadata=text(1, 500))
    owner: str = field(metadata=text(1, 120))


_PLAIN: Final = tuple(each.name for each in fields(_Plain))
_REQUIRED: Final = (*_PLAIN, "parameters", "score", "status", "tests")
_KNOWN: Final = (*_REQUIRED, "when", "actions", "alert")


def parse_rule_document(text_or_json: str | Mapping[str, Json]) -> RuleDocument:
    """Read a document from JSON text, or from what JSON text was read into; ``InputError`` names what is wrong."""
    given = parse_strict(text_or_json) if isinstance(text_or_json, str) else text_or_json
    if not isinstance(given, Mapping):
        raise InputError(f"a rule is an object, not {repr(given)[:80]}")
    refuse_unknown(given, dict.fromkeys(_KNOWN), "a rule")
    missing = sorted(set(_REQUIRED) - set(given))
    if missing:
        raise InputError(f"a rule needs {', '.join(missing)}")
    plain_fields = read_settings(_Plain, {name: given[name] for name in _PLAIN}, "the rule")
    if not _ID.fullmatch(plain_fields.id):
        raise InputError(f"the rule's id {plain_fields.id!r} is not lower-case words like fraud.round-amounts")
    where = plain_fields.id
    when = given.get("when")
    if when is not None and (not isinstance(when, str) or not when.strip()):
        raise InputError(f"{where}: when must be a condition, or be left out")
    alert = parse_alert_terms(given.get("alert", {}), f"{where}: alert")
    alert.check_severity(critical=plain_fields.severity is Severity.CRITICAL, where=f"{where}: alert")
    return RuleDocument(
        **{name: getattr(plain_fields, name) for name in _PLAIN},
        when=when,
        parameters=_mapping(given["parameters"], f"{where}: parameters"),
        score=_read_score(given["score"], f"{where}: score"),
        status=RuleStatus(choice(*RuleStatus)["kind"].read(given["status"], f"{where}: status")),
        actions=_read_actions(given.get("actions", ()), f"{where}: actions"),
        tests=_listed(given["tests"], MAX_TESTS, f"{where}: tests"),
        alert=alert,
    )


def parse_strict(given: str, what: str = "the rule", most: int = MAX_DOCUMENT_CHARACTERS) -> Json:
    """JSON without floats and without a key given twice."""
    if len(given) > most:
        raise InputError(f"{what} has {len(given)} characters; at most {most} are read")

    def no_float(digits: str) -> NoReturn:
        raise InputError(f"{digits} in {what}: amounts and ratios are written as strings")

    def without_repetition(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise InputError(f"a setting is given twice in {what}, among {', '.join(sorted(found))[:200]}")
        return found

    try:
        parsed: Json = json.loads(
            given, parse_float=no_float, parse_constant=no_float, object_pairs_hook=without_repetition
        )
    except (ValueError, RecursionError) as error:
        raise InputError(f"{what} is not JSON: {error}") from None
    return parsed


def canonical(value: Json) -> str:
    """One text per value: what hashes are of."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _plain_of(document: RuleDocument) -> _Plain:
    return _Plain(**{name: getattr(document, name) for name in _PLAIN})


def _read_score(given: Json, where: str) -> Score:
    if not isinstance(given, Mapping):
        return Score(None, (Band(Decimal(0), _points(given, where)),))
    refuse_unknown(given, dict.fromkeys(("on", "bands")), where)
    on = given.get("on")
    if not isinstance(on, str):
        raise InputError(f"{where}.on must name a number of the kind")
    bands = []
    for index, each in enumerate(_listed(given.get("bands"), MAX_BANDS, f"{where}.bands")):
        place = f"{where}.bands[{index}]"
        band = _mapping(each, place)
        if set(band) != {"from", "score"} or not isinstance(band["from"], str):
            raise InputError(f"{place} must have 'from', a decimal written as a string, and 'score'")
        bands.append(Band(parse_amount_text(band["from"]), _points(band["score"], f"{place}.score")))
    lowest = [band.lowest for band in bands]
    if not bands or lowest != sorted(set(lowest)):
        raise InputError(f"{where}.bands must be there, and rise")
    return Score(on, tuple(bands))


def _points(given: Json, where: str) -> int:
    points: int = whole(0, 100)["kind"].read(given, where)
    return points


def _write_score(score: Score) -> Json:
    if score.on is None:
        return score.bands[0].score
    return {"on": score.on, "bands": [{"from": plain(band.lowest), "score": band.score} for band in score.bands]}


def _read_actions(given: Json, where: str) -> tuple[Action, ...]:
    one = choice(*Action)["kind"]
    found = [Action(one.read(each, where)) for each in _listed(given, len(Action), where)]
    return tuple(sorted(set(found)))


def _mapping(given: Json, where: str) -> Mapping[str, Json]:
    if not isinstance(given, Mapping):
        raise InputError(f"{where} must be an object, not {repr(given)[:80]}")
    return given


def _listed(given: Json, most: int, where: str) -> Sequence[Json]:
    if isinstance(given, str) or not isinstance(given, Sequence) or len(given) > most:
        raise InputError(f"{where} must be a list of at most {most}, not {repr(given)[:80]}")
    return given
