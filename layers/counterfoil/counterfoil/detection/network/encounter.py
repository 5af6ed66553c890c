"""Two accounts at the moment of a transfer between them, and what can be counted, summed and found in their profiles.

Every function below takes one number; ``measures`` gives each a name and a meaning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Final

from counterfoil.detection.network.entries import Places, picked
from counterfoil.detection.network.flows import NO_RATE, Flows
from counterfoil.detection.network.limits import DAY, FORTNIGHT, MONTH
from counterfoil.detection.network.profile import Dealings, Everyday, Profile
from counterfoil.detection.network.traces import Origins

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
_SEVERAL: Final = 2


class Encounter:
    """A transfer and the profiles of its two accounts, as they are before its block.

    ``names`` are the two accounts as profiles call them, ``amount`` is in ``currency``, ``at`` in seconds since 1970.
    """

    __slots__ = ("_origins", "_windows", "amount", "at", "currency", "payee", "payee_name", "payer", "payer_name")

    def __init__(
        self, payer: Profile, payee: Profile, names: tuple[str, str], amount: float, currency: str, at: int
    ) -> None:
        self.payer, self.payee = payer, payee
        self.payer_name, self.payee_name = names
        self.amount, self.currency, self.at = amount, currency, at
        self._windows: dict[tuple[int, int], Places] = {}
        self._origins: Origins | None = None

    def within(self, flows: Flows, span: int) -> Places:
        """Which flows are less than ``span`` seconds away."""
        key = id(flows), span
        found = self._windows.get(key)
        if found is None:
            found = self._windows[key] = flows.times.near(self.at, span)
        return found

    def own(self, flows: Flows, span: int) -> list[float]:
        """The amounts of those flows that are in the transfer's currency."""
        return flows.amounts_in(self.currency, self.within(flows, span))

    @property
    def origins(self) -> Origins:
        """Where the payer's money may have come from within four weeks."""
        if self._origins is None:
            self._origins = self.payer.traces.within(self.at, MONTH)
        return self._origins


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
    paid = met.payer.paid
    amounts = sorted(paid.amounts_in(met.currency, range(len(paid))))
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


def origins(met: Encounter) -> float:
    return float(len(set(met.origins.names)))


def traces(met: Encounter) -> float:
    return float(len(met.origins.names))


def hops(met: Encounter) -> float:
    return float(max(met.origins.hops, default=0))


def cycle(met: Encounter) -> float:
    name, found = met.payee_name, met.origins
    if name not in found.names:
        return NO_CYCLE
    return min(min([hops for origin, hops in zip(*found, strict=True) if origin == name]) + 1.0, NO_CYCLE)


def gathered(met: Encounter) -> float:
    """Of each origin by how many accounts its money came to the payee before; the payer is one more."""
    known = set(met.origins.names)
    by_way: dict[str, set[str]] = {}
    for via, names in met.payee.traces.by_way(met.at, MONTH) if known else ():
        if via != met.payer_name and (common := known.intersection(names)):
            by_way[via] = by_way[via] | common if via in by_way else common
    if len(by_way) < _SEVERAL:
        return 2.0 if by_way else 0.0
    return float(max(Counter(chain.from_iterable(by_way.values())).values()) + 1)


def depth(met: Encounter) -> float:
    flows = met.payer.received
    places = met.within(flows, FORTNIGHT)
    pairs = zip(picked(flows.depths, places), picked(flows.firsts, places), strict=True)
    return float(max([depth for depth, first in pairs if first], default=0))


def count(side: str, flows: str, span: int, *, first: bool) -> Take:
    def take(met: Encounter) -> float:
        kept: Flows = getattr(getattr(met, side), flows)
        places = met.within(kept, span)
        return float(sum(picked(kept.firsts, places)) if first else len(places))

    return take


def since_first(side: str, flows: str) -> Take:
    def take(met: Encounter) -> float:
        kept: Flows = getattr(getattr(met, side), flows)
        newest = kept.firsts.rfind(1)
        return NEVER if newest < 0 else _days(met.at, kept.times.values[newest])

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
        paid: Flows = getattr(met, side).paid
        return _mean(picked(paid.payee_rates, met.within(paid, WEEK)))

    return take


def payers_rate(side: str) -> Take:
    def take(met: Encounter) -> float:
        received: Flows = getattr(met, side).received
        return _mean(picked(received.payer_rates, met.within(received, WEEK)))

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


def _scores(met: Encounter, side: str, span: int) -> tuple[Sequence[float], Sequence[float]]:
    """What a model said of the transfers that an account sent, and of those that it received."""
    profile: Profile = getattr(met, side)
    sent, received = (picked(each.scores, met.within(each, span)) for each in (profile.paid, profile.received))
    return sent, received


def received_sum(met: Encounter) -> float:
    return sum(met.own(met.payer.received, FORTNIGHT))


def intermediaries(met: Encounter) -> float:
    return float(len(met.payer.payees.keys() & met.payee.payers.keys()))


def returners(met: Encounter) -> float:
    return float(len(met.payer.payers.keys() & met.payee.payees.keys()))


def cash_count(side: str) -> Take:
    return lambda met: float(getattr(met, side).cash.times)


def _days(at: int, then: int) -> float:
    return min(float(abs(at - then) // DAY), NEVER)


def _median(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
