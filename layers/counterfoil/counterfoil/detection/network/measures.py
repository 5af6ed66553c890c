"""The numbers that a transfer between two accounts is judged by: what the two profiles say at the moment before it.

Each measure is one float with a name and a meaning; rules speak of them by name, a model takes them in the order of ``NAMES``.
Windows slide and are in verified time: a day, a week, a fortnight, four weeks back from the transfer. A measure is only taken
where somebody asks for it: most rules first ask whether a payment is a first one, and few are.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from counterfoil.detection.network import encounter
from counterfoil.detection.network.encounter import NEVER, NO_CYCLE, WEEK, Encounter, Take
from counterfoil.detection.network.flows import NO_RATE
from counterfoil.detection.network.limits import DAY, MONTH

# Measures are binary floats; a condition sees them to four digits, exactly as a finding shows them.
_DIGITS: Final = 4


class Measure(NamedTuple):
    """``remembered``: it is what a model said of earlier transfers of the two accounts."""

    name: str
    meaning: str
    take: Take
    remembered: bool = False


def _of_side(side: str) -> list[Measure]:
    spans = (("day", "a day", DAY), ("week", "a week", WEEK), ("month", "four weeks", MONTH))
    counts = (
        ("sent", f"transfers that the {side} sent within {{}}", "paid", False),
        ("new_payees", f"accounts that the {side} paid for the first time within {{}}", "paid", True),
        ("received", f"transfers that the {side} received within {{}}", "received", False),
        ("new_payers", f"accounts that paid the {side} for the first time within {{}}", "received", True),
    )
    return [
        *(
            Measure(f"{side}_{name}_{span}", meaning.format(words), encounter.count(side, flows, seconds, first=first))
            for name, meaning, flows, first in counts
            for span, words, seconds in spans
        ),
        Measure(
            f"{side}_payees",
            f"accounts that the {side} is remembered to have paid",
            encounter.known_parties(side, "payees"),
        ),
        Measure(
            f"{side}_payers",
            f"accounts that are remembered to have paid the {side}",
            encounter.known_parties(side, "payers"),
        ),
        Measure(
            f"{side}_everyday_count",
            f"the {side}'s payments to the world outside within a fortnight, cash apart",
            encounter.everyday_count(side),
        ),
        Measure(
            f"{side}_everyday_sum",
            f"the sum of the {side}'s payments to the world outside within four weeks, cash apart",
            encounter.everyday_sum(side),
        ),
        Measure(
            f"{side}_cash_count", f"how often the {side} is remembered to have drawn cash", encounter.cash_count(side)
        ),
        Measure(
            f"{side}_days_since_new_payee",
            f"days since the {side} last paid somebody new, {NEVER:.0f} for never",
            encounter.since_first(side, "paid"),
        ),
        Measure(
            f"{side}_days_since_new_payer",
            f"days since somebody new last paid the {side}, {NEVER:.0f} for never",
            encounter.since_first(side, "received"),
        ),
        Measure(
            f"{side}_out_to_in",
            f"what the {side} sent by what it received within four weeks, this transfer included",
            encounter.out_to_in(side),
        ),
        Measure(
            f"{side}_everyday_rate",
            f"the {side}'s payments to the world outside by day since it was first seen, cash apart",
            encounter.everyday_rate(side),
        ),
        *(
            Measure(
                f"{side}_{others}_rate",
                f"the mean everyday rate of those whom the {side} {deed} within a week, one for each transfer; {NO_RATE:.0f} for none",
                take,
            )
            for others, deed, take in (
                ("payees", "paid", encounter.payees_rate(side)),
                ("payers", "was paid by", encounter.payers_rate(side)),
            )
        ),
    ]


def _memories_of(side: str) -> list[Measure]:
    takes = (
        ("peak", "highest score", "four weeks", encounter.highest_score(side, MONTH)),
        ("sum", "sum of the scores", "four weeks", encounter.sum_of_scores(side, MONTH)),
        ("recent", "highest score", "a week", encounter.highest_score(side, WEEK)),
    )
    return [
        Measure(f"{side}_suspicion_{name}", f"{meaning} of the {side}'s transfers within {span}", take, remembered=True)
        for name, meaning, span, take in takes
    ]


_PAIR: Final = (
    Measure(
        "first_payment",
        "1 where the payer is not remembered to have paid this payee before, else 0",
        encounter.first_payment,
    ),
    Measure("payments_before", "how often the payer paid this payee before", encounter.payments_before),
    Measure(
        "days_since_payment",
        f"days since the payer last paid this payee, {NEVER:.0f} for never",
        encounter.days_since_payment,
    ),
    Measure("payments_back", "how often the payee paid the payer before", encounter.payments_back),
    Measure("amount", "the transfer's amount, whatever the currency", lambda met: met.amount),
    Measure(
        "outlier",
        "robust z of the amount among the payer's earlier ones in this currency, 0 below three",
        encounter.outlier,
    ),
    Measure(
        "payer_received_sum", "what the payer received within a fortnight in this currency", encounter.received_sum
    ),
    Measure(
        "payer_out_to_in_week",
        "what the payer sent by what it received within a week, this transfer included",
        encounter.out_to_in_week,
    ),
    Measure(
        "similar_inflow",
        "least difference from an amount that the payer received within a fortnight, as a part of it; 9 for none",
        encounter.similar_inflow,
    ),
    Measure(
        "shared_payees",
        "other recent payers of the payee with whom the payer already shared a payee within a fortnight",
        encounter.shared_payees,
    ),
    Measure(
        "shared_payers",
        "other recent payees of the payer with whom the payee already shared a payer within a fortnight",
        encounter.shared_payers,
    ),
    Measure("intermediaries", "accounts that the payer paid and that paid the payee", encounter.intermediaries),
    Measure("returners", "accounts that paid the payer and that the payee paid", encounter.returners),
    Measure("origins", "accounts whose money may have come to the payer within four weeks", encounter.origins),
    Measure("traces", "ways by which it may have come", encounter.traces),
    Measure("hops", "the most transfers in a row of these ways", encounter.hops),
    Measure(
        "cycle",
        f"transfers in a row that lead back to the payee through the payer, {NO_CYCLE:.0f} for none",
        encounter.cycle,
    ),
    Measure(
        "gathered",
        "most ways from one origin that come together at the payee with this transfer",
        encounter.gathered,
    ),
    Measure(
        "depth",
        "most first payments in a row, each within a fortnight, that lead up to the payer",
        encounter.depth,
    ),
)
_MEMORY: Final = (*_memories_of("payer"), *_memories_of("payee"))

MEASURES: Final = (*_PAIR, *_of_side("payer"), *_of_side("payee"), *_MEMORY)
NAMES: Final = tuple(each.name for each in MEASURES)
PLACES: Final = {name: place for place, name in enumerate(NAMES)}
# The measures that no model had a say in come first.
OWN: Final = len(MEASURES) - len(_MEMORY)
_TAKE: Final = tuple(each.take for each in MEASURES)


class Measurement(dict[int, float]):
    """The measures of one transfer by their place in ``NAMES``, each taken when it is first asked for.

    They are of the moment before the transfer's block: after ``close`` the profiles have gone on, and to ask for a measure that was
    not taken before is a ``LookupError``.
    """

    __slots__ = ("_encounter", "_shown")

    def __init__(self, met: Encounter | None) -> None:
        super().__init__()
        self._encounter = met
        self._shown: dict[int, Decimal] = {}

    def __missing__(self, place: int) -> float:
        if self._encounter is None:
            raise LookupError(f"{NAMES[place]} was not taken before the accounts went on")
        found = self[place] = _TAKE[place](self._encounter)
        return found

    def shown(self, place: int) -> Decimal:
        """A measure as conditions see it and findings show it: to four digits."""
        found = self._shown.get(place)
        if found is None:
            found = self._shown[place] = shown(self[place])
        return found

    def all(self) -> list[float]:
        """Every measure, in the order of ``NAMES``."""
        return [self[place] for place in range(len(NAMES))]

    def close(self) -> None:
        """What was not taken yet cannot be taken any more."""
        self._encounter = None


# Most measures are small counts: a few thousand numbers are nearly all there are.
@lru_cache(maxsize=4_096)
def shown(found: float) -> Decimal:
    """A measure to four digits."""
    # A sum of nothing is a whole number, and zero may be negative: what is equal is written alike, for it is kept by what it equals.
    return Decimal(repr(round(found, _DIGITS) + 0.0))
