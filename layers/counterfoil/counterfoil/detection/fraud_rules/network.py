"""Rules on a transfer between two accounts as the network of accounts shows it, and on what several rules say of one transfer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import ClassVar, Final, NamedTuple

from counterfoil.detection.alert_terms import AlertPart
from counterfoil.detection.expressions import Condition, Type, flag, number, text
from counterfoil.detection.expressions.vocabulary import Symbol, Vocabulary
from counterfoil.detection.fraud_rules.kind import OF_A_TRANSFER, Kind, Sighting, Value, Values
from counterfoil.detection.money import EXACT
from counterfoil.detection.network.entries import dumped
from counterfoil.detection.network.limits import MAX_FLOWS, MAX_PARTIES, MAX_SHARED, MAX_TRACED
from counterfoil.detection.network.measures import MEASURES, NAMES, PLACES, shown
from counterfoil.detection.network.observation import Observation
from counterfoil.detection.parameters import FLAG, choice, ratio, whole
from counterfoil.detection.parameters import text as text_setting
from counterfoil.errors import InputError

MODEL_SCORE: Final = "model_score"
# Further from a threshold than rounding to these digits, and than the error of a float below a million, could ever move it.
_FAR: Final = 0.001


class Contribution(NamedTuple):
    """What a rule's score adds to a typology for one transfer."""

    rule_id: str
    typology: str
    score: int


def _measured(observation: Observation, name: str) -> Decimal:
    return shown(observation.score or 0.0) if name == MODEL_SCORE else observation.measures.shown(PLACES[name])


def _symbol(name: str, meaning: str) -> Symbol:
    place = PLACES[name]
    return number(lambda observation: observation.measures.shown(place), meaning)


VOCABULARY: Final[Vocabulary] = {
    **{each.name: _symbol(each.name, each.meaning) for each in MEASURES},
    MODEL_SCORE: number(
        lambda observation: _measured(observation, MODEL_SCORE), "what the model says of the transfer, 0 to 1"
    ),
    "model_asked": flag(lambda observation: observation.score is not None, "whether a model is configured"),
    "currency": text(lambda observation: observation.transfer.currency, "the transfer's currency"),
    "payer": text(lambda observation: observation.transfer.from_account, "the account that pays"),
    "payee": text(lambda observation: observation.transfer.to_account, "the account that is paid"),
}


@dataclass(frozen=True, slots=True)
class TransferKind(Kind):
    """A rule on one transfer between two accounts of the ledger, both of which it knows."""

    vocabulary: ClassVar[Vocabulary] = VOCABULARY
    alert_parts: ClassVar[frozenset[AlertPart]] = OF_A_TRANSFER


@dataclass(frozen=True)
class Network(TransferKind):
    """``value`` is the measure named ``on``, or where ``below`` is not 0, how far the measure is below it; it must reach ``at_least``.

    A rule that ``contributes`` only adds its score to its typology; one that does not is a finding by itself as well.
    """

    kind: ClassVar[str] = "network"
    state: ClassVar[str] = (
        f"per account the newest {MAX_FLOWS} transfers each way with other accounts, {MAX_PARTIES} payees and payers, "
        f"{MAX_SHARED} accounts that share one, {MAX_TRACED} traces of where money came from, and daily sums of what was paid to "
        "the world outside"
    )
    values: ClassVar[Mapping[str, Type]] = {
        "account": Type.TEXT,
        "counterparty": Type.TEXT,
        "amount": Type.NUMBER,
        "currency": Type.TEXT,
        "value": Type.NUMBER,
        "measure": Type.TEXT,
    }

    on: str = field(default=MODEL_SCORE, metadata=choice(*NAMES, MODEL_SCORE))
    below: Decimal = field(default=Decimal(0), metadata=ratio("0", "1000000"))
    at_least: Decimal = field(default=Decimal(0), metadata=ratio("0", "1000000"))
    contributes: bool = field(default=True, metadata=FLAG)

    def value(self, observation: Observation, when: Condition | None) -> Decimal | None:
        """What the rule sees in this transfer, as a number; ``None`` where it sees nothing."""
        # The condition first: most say that a payment is a first one, and where it is not nothing has to be measured.
        if when is not None and not when(observation):
            return None
        if self.on != MODEL_SCORE and self._is_far(observation.measures[self._place]):
            return None
        value = _measured(observation, self.on)
        if self.below:
            value = EXACT.subtract(self.below, value)
        return None if value < self.at_least or (self.below and value <= 0) else value

    @staticmethod
    def numbers(observation: Observation, value: Decimal) -> Mapping[str, Value]:
        """Of what it sees the numbers: what a score may be on."""
        return {"amount": observation.transfer.amount, "value": value}

    def sighting(self, observation: Observation, value: Decimal) -> Sighting:
        """What it sees, in full."""
        transfer = observation.transfer
        values: Values = {
            "account": transfer.from_account,
            "counterparty": transfer.to_account,
            "amount": transfer.amount,
            "currency": transfer.currency,
            "value": value,
            "measure": self.on,
        }
        return Sighting("", values)

    def _is_far(self, found: float) -> bool:
        """Whether a measure is so far from what is asked for that its digits do not matter: most are, and decimals are slow."""
        below, at_least = self._bounds
        return (below - found if below else found) < at_least - _FAR

    @cached_property
    def _place(self) -> int:
        return PLACES[self.on]

    @cached_property
    def _bounds(self) -> tuple[float, float]:
        return float(self.below), float(self.at_least)


@dataclass(frozen=True, slots=True)
class Typology(Kind):
    """What the rules of one typology say of one transfer, added up: at least ``threshold`` and less than ``until``."""

    kind: ClassVar[str] = "typology"
    state: ClassVar[str] = "none: the scores are those of the same transfer"
    values: ClassVar[Mapping[str, Type]] = {
        "account": Type.TEXT,
        "counterparty": Type.TEXT,
        "amount": Type.NUMBER,
        "currency": Type.TEXT,
        "value": Type.NUMBER,
        "rules": Type.TEXT,
    }
    alert_parts: ClassVar[frozenset[AlertPart]] = OF_A_TRANSFER

    of: str = field(default="layering", metadata=text_setting(1, 60))
    threshold: int = field(default=80, metadata=whole(1, 10_000))
    until: int = field(default=10_000, metadata=whole(1, 10_000))

    def check(self) -> None:
        if self.until <= self.threshold:
            raise InputError("until must be above threshold: no score is between them")

    def sees(self, observation: Observation, contributions: Sequence[Contribution]) -> Sighting | None:
        """What the rule sees in this transfer, of which these contributions were made."""
        mine = [each for each in contributions if each.typology == self.of]
        score = sum(each.score for each in mine)
        if not self.threshold <= score < self.until:
            return None
        transfer = observation.transfer
        ordered = sorted(mine, key=lambda each: (-each.score, each.rule_id))
        values: Values = {
            "account": transfer.from_account,
            "counterparty": transfer.to_account,
            "amount": transfer.amount,
            "currency": transfer.currency,
            "value": Decimal(score),
            "rules": ", ".join(each.rule_id for each in ordered),
        }
        listed = dumped([[each.rule_id, each.score] for each in ordered])
        return Sighting("", values, (), {"contributions": listed})
