"""What a kind of rule is: an evaluator in Python with typed parameters and a closed set of names.

A rule is a kind plus a document (``rule_document``). The document chooses the kind, gives its parameters, and may narrow it by a
condition over the names in ``vocabulary``; the reason and the score are written over the names in ``values``. To add a kind,
derive from one of the classes below, declare these, and enter it in ``KINDS``: ``judgement`` asks by class.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Final, NamedTuple

from counterfoil.detection.account import Movement, TransactionState
from counterfoil.detection.alert_terms import AlertPart
from counterfoil.detection.expressions import Condition, Type
from counterfoil.detection.expressions.vocabulary import Vocabulary
from counterfoil.detection.fraud_rules.event import EVENT, Event
from counterfoil.detection.transfer import Balance, Statement, Transfer

# How far back a window may reach: what is remembered of every account grows with the longest.
MAX_WINDOW_SECONDS: Final = 7 * 86_400

# What every finding about a document says, and what those about a transfer say beside it: what their alerts may be keyed by.
OF_A_DOCUMENT: Final = frozenset({AlertPart.ACCOUNT, AlertPart.DOCUMENT, AlertPart.STRAND})
OF_A_TRANSFER: Final = OF_A_DOCUMENT | {AlertPart.COUNTERPARTY, AlertPart.CURRENCY, AlertPart.TRANSACTION}

type Value = Decimal | int | str | bool
type Values = dict[str, Value]


class Sighting(NamedTuple):
    """``scope`` tells apart what one rule sees in one block on one account; ``movements`` are what it judged, oldest first.

    ``values`` has a value for every name that the kind declares in ``values``; they are evidence too. ``evidence`` is what else
    there is.
    """

    scope: str
    values: Mapping[str, Value]
    movements: Sequence[Movement] = ()
    evidence: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Kind(ABC):
    """Parameters are the dataclass's fields, each with its kind of setting (``parameters``) as metadata and with a default.

    ``state`` says in words what the kind remembers and by what it is bounded; ``vocabulary`` are the names of a condition, none
    where a condition makes no sense. ``alert_parts`` are what its findings carry and a document's alerts may be keyed by.
    """

    kind: ClassVar[str]
    state: ClassVar[str] = "none"
    vocabulary: ClassVar[Vocabulary] = {}
    values: ClassVar[Mapping[str, Type]] = {}
    alert_parts: ClassVar[frozenset[AlertPart]] = OF_A_DOCUMENT

    def check(self) -> None:  # noqa: B027 - most parameters cannot contradict each other
        """Raise ``InputError`` where parameters that are right each by itself contradict each other."""


@dataclass(frozen=True, slots=True)
class AccountKind(Kind):
    """A rule on one account's past, asked at each transfer out of it, into it, or both.

    A rule whose condition can last ``has_edge``: it is reported when the condition begins to hold, and again only after an event
    at which it did not hold. Without an edge every event is judged for itself.
    """

    vocabulary: ClassVar[Vocabulary] = EVENT
    alert_parts: ClassVar[frozenset[AlertPart]] = OF_A_TRANSFER
    has_edge: ClassVar[bool] = True
    # Whether a condition chooses the transfers at which the rule is asked; else the kind makes its own use of it.
    chooses_events: ClassVar[bool] = True

    @property
    def horizon_seconds(self) -> int:
        """How far back the rule looks at movements."""
        return 0

    def hears(self, *, incoming: bool) -> bool:
        """Whether the rule is asked at transfers in this direction."""
        return not incoming

    @property
    def looks_at_inflows(self) -> bool:
        """Whether there are inflows that ``needs`` may say yes to."""
        return False

    def scope(self, event: Event) -> str:
        """What the rule's condition is kept apart by: the currency, for rules about money."""
        return event.movement.currency

    def needs(self, inflow: Movement, when: Condition | None) -> bool:  # noqa: ARG002 - most rules look at outflows alone
        """Whether the rule must find this inflow in the account's past later."""
        return False

    @abstractmethod
    def sees(self, event: Event, when: Condition | None) -> Sighting | None:
        """What the rule sees if it holds at this event, which is the newest of its account."""


@dataclass(frozen=True, slots=True)
class BalanceKind(Kind):
    """A rule on one version of a balance. ``has_edge`` as of accounts, per document."""

    has_edge: ClassVar[bool] = True
    # Whether a balance can be judged by what it says alone, when its block came too late for its turn.
    stands_alone: ClassVar[bool] = False

    @abstractmethod
    def sees(self, balance: Balance, previous_version: int | None) -> Sighting | None:
        """What the rule sees; ``previous_version`` is the document's last version seen, if any."""


@dataclass(frozen=True, slots=True)
class EntryKind(Kind):
    """A rule on a version of a transfer's document as it enters the books, whether or not money moves by it."""

    alert_parts: ClassVar[frozenset[AlertPart]] = OF_A_TRANSFER

    @abstractmethod
    def sees(self, transfer: Transfer, state: TransactionState) -> Sighting | None:
        """What the rule sees; ``state`` is that of the transaction id before or after this version was taken in: answer alike."""


@dataclass(frozen=True, slots=True)
class StatementKind(Kind):
    """A rule on one PartiQL statement of a verified block."""

    @abstractmethod
    def sees(self, statement: Statement, when: Condition | None) -> Sighting | None:
        """What the rule sees in this statement."""
