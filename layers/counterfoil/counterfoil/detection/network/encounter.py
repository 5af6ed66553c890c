"""Two accounts at the moment of a transfer between them, and what can be counted, summed and found in their profiles.

Every function below takes one number; ``measures`` gives each a name and a meaning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Final

from counterfoil.detection.network.profile import (
    DAY,
    FORTNIGHT,
    MONTH,
    NO_RATE,
    Dealings,
    Everyday,
    Flow,
    Flows,
    Profile,
)

WEEK: Final = 7 * DAY
_TWO_WEEKS: Final = 14
_FOUR_WEEKS: Final = 28
# What "never" counts as, in days, and the length of a cycle where there is none.
NEVER: Final = 99.0
NO_CYCLE: Final = 9.0
_NOTHING_LIKE_IT: Final = 9.0
# A deviation of 1.4826 times the median absolute deviation is a standard deviation, were amounts normally distributed.
_TO_SIGMA: Final = 1.4826
_FEWEST_AMOUNTS: Final = 3


class Encounter:
    """A transfer and the profiles of its two accounts, as they are before its block.

    ``names`` are the two accounts as profiles call them, ``amount`` is in ``currency``, ``at`` in seconds since 1970.
    """

    __slots__ = ("_windows", "amount", "at", "currency", "payee", "payee_name", "payer", "payer_name")

    def __init__(
        self, payer: Profile, payee: Profile, names: tuple[str, str], amount: float, currency: str, at: int
    ) -> None:
        self.payer, self.payee = payer, payee
        self.payer_name, self.payee_name = names
        self.amount, self.currency, self.at = amount, currency, at
        self._windows: dict[tuple[int, int], list[Flow]] = {}

    def within(self, flows: Flows, span: int) -> list[Flow]:
        """The flows less than ``span`` seconds away."""
        key = id(flows), span
        found = self._windows.get(key)
        if found is None:
            found = self._windows[key] = flows.within(self.at, span)
        return found

    def own(self, flows: Flows, span: int) -> list[float]:
        """The amounts of those flows that are in the transfer's currency."""
        currency = self.currency
        return [each.amount for each in self.within(flows, span) if each.currency == currency]


type Take = Callable[[Encounter], float]


def _known(met: Encounter) -> Dealings | None:
    return met.payer.payees.get(met.payee_name)


def first_payment(met: Encounter) -> float:
    return 0.0 if met.payee_name in met.payer.payees else 1.0


def payments_before(met: Encounter) -> float:
    known = _known(met)
    return 0.0 if known is None else float(known.times)


def days_since_payment(met: Encounter) -> float:
    known = _known(met)
    return NEVER if known is None else _days(met.at, known.last)


def payments_back(met: Encounter) -> float:
    back = met.payer.payers.get(met.payee_name)
    return 0.0 if back is None else float(back.times)


def outlier(met: Encounter) -> float:
    amounts = sorted([each.amount for each in met.payer.paid if each.currency == met.currency])
    if len(amounts) < _FEWEST_AMOUNTS:
        return 0.0
    middle = _median(amounts)
    spread = _median(sorted([abs(each - middle) for each in amounts]))
    return (met.amount - middle) / (_TO_SIGMA * spread + 1.0)


def out_to_in_week(met: Encounter) -> float:
    sent, received = (sum(met.own(flows, WEEK)) for flows in (met.payer.paid, met.payer.received))
    return (sent + met.amount) / (received + 1.0)


def similar_inflow(met: Encounter) -> float:
    amount = met.amount
    found = [abs(each - amount) for each in met.own(met.payer.received, FORTNIGHT)]
    return min(min(found) / (amount + 0.01), _NOTHING_LIKE_IT) if found else _NOTHING_LIKE_IT


def shared_payees(met: Encounter) -> float:
    return _in_common(met.payee.payers, met.payer.co_payers, met.payer_name, met.at)


def shared_payers(met: Encounter) -> float:
    return _in_common(met.payer.payees, met.payee.co_payees, met.payee_name, met.at)


def _in_common(known: Mapping[str, Dealings], sharing: Mapping[str, int], besides: str, at: int) -> float:
    """Of the accounts met within a fortnight, those besides one that were noticed to share a counterparty within a fortnight."""
    shared = [
        name
        for name in known.keys() & sharing.keys()
        if -FORTNIGHT < at - known[name].last < FORTNIGHT and -FORTNIGHT < at - sharing[name] < FORTNIGHT
    ]
    return float(len(shared) - (besides in shared))


def _origins(met: Encounter) -> set[str]:
    return set().union(*(each.hops for each in met.payer.traces.within(met.at, MONTH)))


def traces(met: Encounter) -> float:
    return float(sum(len(each.hops) for each in met.payer.traces.within(met.at, MONTH)))


def hops(met: Encounter) -> float:
    return float(max((max(each.hops.values()) for each in met.payer.traces.within(met.at, MONTH)), default=0))


def cycle(met: Encounter) -> float:
    name = met.payee_name
    back = [each.hops[name] for each in met.payer.traces.within(met.at, MONTH) if name in each.hops]
    return min(min(back) + 1.0, NO_CYCLE) if back else NO_CYCLE


def gathered(met: Encounter) -> float:
    """Of each origin by how many accounts its money came to the payee before; the payer is one more."""
    origins = _origins(met)
    by_way: dict[str, set[str]] = {}
    for each in met.payee.traces.within(met.at, MONTH) if origins else ():
        if each.via != met.payer_name and not origins.isdisjoint(each.hops):
            by_way.setdefault(each.via, set()).update(origins & each.hops.keys())
    if not by_way:
        return 0.0
    return float(max(Counter(chain.from_iterable(by_way.values())).values()) + 1)


def depth(met: Encounter) -> float:
    flows = met.within(met.payer.received, FORTNIGHT)
    return float(max([each.depth for each in flows if each.first], default=0))


def count(side: str, flows: str, span: int, *, first: bool) -> Take:
    def take(met: Encounter) -> float:
        found = met.within(getattr(getattr(met, side), flows), span)
        return float(sum([each.first for each in found]) if first else len(found))

    return take


def since_first(side: str, flows: str) -> Take:
    def take(met: Encounter) -> float:
        newest_first = reversed(getattr(getattr(met, side), flows))
        return next((_days(met.at, each.at) for each in newest_first if each.first), NEVER)

    return take


def known_parties(side: str, parties: str) -> Take:
    return lambda met: float(len(getattr(getattr(met, side), parties)))


def everyday_count(side: str) -> Take:
    def take(met: Encounter) -> float:
        today = met.at // DAY
        days: list[Everyday] = getattr(met, side).everyday
        return float(sum([each.payments for each in days if abs(today - each.day) < _TWO_WEEKS]))

    return take


def everyday_sum(side: str) -> Take:
    def take(met: Encounter) -> float:
        today = met.at // DAY
        spent = 0.0
        # One by one and not by sum(), which makes up for rounding: the shipped model was trained on these very numbers.
        for day, _, total in getattr(met, side).everyday:
            if abs(today - day) < _FOUR_WEEKS:
                spent += total
        return spent

    return take


def out_to_in(side: str) -> Take:
    def take(met: Encounter) -> float:
        profile: Profile = getattr(met, side)
        moving = (met.amount, 0.0) if side == "payer" else (0.0, met.amount)
        sent, received = sum(met.own(profile.paid, MONTH)), sum(met.own(profile.received, MONTH))
        return (sent + moving[0]) / (received + moving[1] + 1.0)

    return take


def everyday_rate(side: str) -> Take:
    return lambda met: getattr(met, side).everyday_rate(met.at)


def payees_rate(side: str) -> Take:
    def take(met: Encounter) -> float:
        return _mean([each.payee_rate for each in met.within(getattr(met, side).paid, WEEK)])

    return take


def payers_rate(side: str) -> Take:
    def take(met: Encounter) -> float:
        return _mean([each.payer_rate for each in met.within(getattr(met, side).received, WEEK)])

    return take


def _mean(rates: Sequence[float]) -> float:
    return sum(rates) / len(rates) if rates else NO_RATE


def highest_score(side: str, span: int) -> Take:
    def take(met: Encounter) -> float:
        sent, received = _scores(met, side, span)
        return max(max(sent, default=0.0), max(received, default=0.0))

    return take


def sum_of_scores(side: str, span: int) -> Take:
    def take(met: Encounter) -> float:
        sent, received = _scores(met, side, span)
        return sum(sent) + sum(received)

    return take


def _scores(met: Encounter, side: str, span: int) -> tuple[list[float], list[float]]:
    """What a model said of the transfers that an account sent, and of those that it received."""
    profile: Profile = getattr(met, side)
    sent, received = met.within(profile.paid, span), met.within(profile.received, span)
    return [each.score for each in sent], [each.score for each in received]


def received_sum(met: Encounter) -> float:
    return sum(met.own(met.payer.received, FORTNIGHT))


def intermediaries(met: Encounter) -> float:
    return float(len(met.payer.payees.keys() & met.payee.payers.keys()))


def returners(met: Encounter) -> float:
    return float(len(met.payer.payers.keys() & met.payee.payees.keys()))


def origins(met: Encounter) -> float:
    return float(len(_origins(met)))


def cash_count(side: str) -> Take:
    return lambda met: float(getattr(met, side).cash.times)


def _days(at: int, then: int) -> float:
    return min(float(abs(at - then) // DAY), NEVER)


def _median(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
