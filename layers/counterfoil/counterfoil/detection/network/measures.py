"""The numbers that a transfer between two accounts is judged by: what the two profiles say at the moment before it.

Each measure is one float with a name and a meaning; rules speak of them by name, a model takes them in the order of ``NAMES``.
Windows slide and are in verified time: a day, a week, a fortnight, four weeks back from the transfer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from counterfoil.detection.network.profile import DAY, FORTNIGHT, MONTH, Flow, Profile

_WEEK: Final = 7 * DAY
# What "never" counts as, in days, and the length of a cycle where there is none.
NEVER: Final = 99.0
NO_CYCLE: Final = 9.0
# A deviation of 1.4826 times the median absolute deviation is a standard deviation, were amounts normally distributed.
_TO_SIGMA: Final = 1.4826
_FEWEST_AMOUNTS: Final = 3


class Measure(NamedTuple):
    """``remembered``: it is what a model said of earlier transfers of the two accounts."""

    name: str
    meaning: str
    remembered: bool = False


def _of_side(side: str) -> list[Measure]:
    spans = (("day", "a day"), ("week", "a week"), ("month", "four weeks"))
    counts = (
        ("sent", f"transfers that the {side} sent within {{}}"),
        ("new_payees", f"accounts that the {side} paid for the first time within {{}}"),
        ("received", f"transfers that the {side} received within {{}}"),
        ("new_payers", f"accounts that paid the {side} for the first time within {{}}"),
    )
    return [
        *(Measure(f"{side}_{name}_{span}", meaning.format(words)) for name, meaning in counts for span, words in spans),
        Measure(f"{side}_payees", f"accounts that the {side} is remembered to have paid"),
        Measure(f"{side}_payers", f"accounts that are remembered to have paid the {side}"),
        Measure(f"{side}_everyday_count", f"the {side}'s payments to the world outside within a fortnight, cash apart"),
        Measure(
            f"{side}_everyday_sum",
            f"the sum of the {side}'s payments to the world outside within four weeks, cash apart",
        ),
        Measure(f"{side}_cash_count", f"how often the {side} is remembered to have drawn cash"),
        Measure(f"{side}_days_since_new_payee", f"days since the {side} last paid somebody new, {NEVER:.0f} for never"),
        Measure(f"{side}_days_since_new_payer", f"days since somebody new last paid the {side}, {NEVER:.0f} for never"),
        Measure(
            f"{side}_out_to_in", f"what the {side} sent by what it received within four weeks, this transfer included"
        ),
    ]


_PAIR: Final = (
    Measure("first_payment", "1 where the payer is not remembered to have paid this payee before, else 0"),
    Measure("payments_before", "how often the payer paid this payee before"),
    Measure("days_since_payment", f"days since the payer last paid this payee, {NEVER:.0f} for never"),
    Measure("payments_back", "how often the payee paid the payer before"),
    Measure("amount", "the transfer's amount, whatever the currency"),
    Measure("outlier", "robust z of the amount among the payer's earlier ones in this currency, 0 below three"),
    Measure("payer_received_sum", "what the payer received within a fortnight in this currency"),
    Measure("payer_out_to_in_week", "what the payer sent by what it received within a week, this transfer included"),
    Measure(
        "similar_inflow",
        "least difference from an amount that the payer received within a fortnight, as a part of it; 9 for none",
    ),
    Measure(
        "shared_payees",
        "other recent payers of the payee with whom the payer already shared a payee within a fortnight",
    ),
    Measure(
        "shared_payers",
        "other recent payees of the payer with whom the payee already shared a payer within a fortnight",
    ),
    Measure("intermediaries", "accounts that the payer paid and that paid the payee"),
    Measure("returners", "accounts that paid the payer and that the payee paid"),
    Measure("origins", "accounts whose money may have come to the payer within four weeks"),
    Measure("traces", "ways by which it may have come"),
    Measure("hops", "the most transfers in a row of these ways"),
    Measure("cycle", f"transfers in a row that lead back to the payee through the payer, {NO_CYCLE:.0f} for none"),
    Measure("gathered", "most ways from one origin that come together at the payee with this transfer"),
    Measure("depth", "most first payments in a row, each within a fortnight, that lead up to the payer"),
)
_MEMORY: Final = tuple(
    Measure(f"{side}_suspicion_{name}", f"{meaning} of the {side}'s transfers within {span}", remembered=True)
    for side in ("payer", "payee")
    for name, meaning, span in (
        ("peak", "highest score", "four weeks"),
        ("sum", "sum of the scores", "four weeks"),
        ("recent", "highest score", "a week"),
    )
)

MEASURES: Final = (*_PAIR, *_of_side("payer"), *_of_side("payee"), *_MEMORY)
NAMES: Final = tuple(each.name for each in MEASURES)
PLACES: Final = {name: place for place, name in enumerate(NAMES)}
# The measures that no model had a say in come first.
OWN: Final = len(MEASURES) - len(_MEMORY)


def measure(
    payer: Profile, payee: Profile, names: tuple[str, str], amount: float, currency: str, at: int
) -> list[float]:
    """The first ``OWN`` measures of a transfer; ``names`` are the two accounts as profiles call them, ``at`` in seconds since 1970."""
    payer_name, payee_name = names
    known = payer.payees.get(payee_name)
    back = payer.payers.get(payee_name)
    payer_side = _side(payer, at, currency, amount, 0.0)
    payee_side = _side(payee, at, currency, 0.0, amount)
    return [
        1.0 if known is None else 0.0,
        0.0 if known is None else float(known.times),
        NEVER if known is None else _days(at, known.last),
        0.0 if back is None else float(back.times),
        amount,
        _outlier(payer.paid, amount, currency),
        *_inflows(payer, amount, currency, at),
        *_neighbours(payer, payee, payer_name, payee_name, at),
        *_ways(payer, payee, payer_name, payee_name, at),
        *payer_side,
        *payee_side,
    ]


def remembered(payer: Profile, payee: Profile, at: int) -> list[float]:
    """The measures behind the first ``OWN``: what a model said of the two accounts' earlier transfers."""
    return [*_suspicion(payer, at), *_suspicion(payee, at)]


def depth_before(payer: Profile, at: int) -> int:
    """Most first payments in a row, each within a fortnight, that lead up to the payer."""
    return max((each.depth for each in payer.received if each.first and abs(at - each.at) < FORTNIGHT), default=0)


def _side(profile: Profile, at: int, currency: str, sent: float, received: float) -> list[float]:
    out, paid_sum, new_payee = _counted(profile.paid, at, currency)
    into, received_sum, new_payer = _counted(profile.received, at, currency)
    today = at // DAY
    return [
        *out,
        *into,
        float(len(profile.payees)),
        float(len(profile.payers)),
        float(sum(each.payments for each in profile.everyday if abs(today - each.day) < 14)),
        sum(each.total for each in profile.everyday if abs(today - each.day) < 28),
        float(profile.cash.times),
        new_payee,
        new_payer,
        (paid_sum + sent) / (received_sum + received + 1.0),
    ]


def _counted(flows: Sequence[Flow], at: int, currency: str) -> tuple[list[float], float, float]:
    """Transfers and first ones within a day, a week and four weeks; the sum of the last; days since a first one."""
    day = week = month = first_day = first_week = first_month = 0
    amount, since = 0.0, None
    for _, _, then, _, moved, unit, first, _, _ in flows:
        age = abs(at - then)
        if first:
            since = then
        if age >= MONTH:
            continue
        month += 1
        first_month += first
        if unit == currency:
            amount += moved
        if age < _WEEK:
            week += 1
            first_week += first
            if age < DAY:
                day += 1
                first_day += first
    counts = [float(each) for each in (day, week, month, first_day, first_week, first_month)]
    return counts, amount, NEVER if since is None else _days(at, since)


def _days(at: int, then: int) -> float:
    return min(float(abs(at - then) // DAY), NEVER)


def _outlier(paid: Sequence[Flow], amount: float, currency: str) -> float:
    amounts = sorted(each.amount for each in paid if each.currency == currency)
    if len(amounts) < _FEWEST_AMOUNTS:
        return 0.0
    middle = _median(amounts)
    spread = _median(sorted(abs(each - middle) for each in amounts))
    return (amount - middle) / (_TO_SIGMA * spread + 1.0)


def _median(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _inflows(payer: Profile, amount: float, currency: str, at: int) -> tuple[float, float, float]:
    received = received_week = 0.0
    nearest = 9.0
    for each in payer.received:
        age = abs(at - each.at)
        if age < FORTNIGHT and each.currency == currency:
            received += each.amount
            nearest = min(nearest, abs(each.amount - amount) / (amount + 0.01))
            if age < _WEEK:
                received_week += each.amount
    sent_week = sum(each.amount for each in payer.paid if each.currency == currency and abs(at - each.at) < _WEEK)
    return received, (sent_week + amount) / (received_week + 1.0), nearest


def _neighbours(payer: Profile, payee: Profile, payer_name: str, payee_name: str, at: int) -> tuple[float, ...]:
    rivals = {name for name, met in payee.payers.items() if name != payer_name and abs(at - met.last) < FORTNIGHT}
    others = {name for name, met in payer.payees.items() if name != payee_name and abs(at - met.last) < FORTNIGHT}
    shared_payees = sum(1 for each in rivals if abs(at - payer.co_payers.get(each, -MONTH)) < FORTNIGHT)
    shared_payers = sum(1 for each in others if abs(at - payee.co_payees.get(each, -MONTH)) < FORTNIGHT)
    intermediaries = len(payer.payees.keys() & payee.payers.keys())
    returners = len(payer.payers.keys() & payee.payees.keys())
    return float(shared_payees), float(shared_payers), float(intermediaries), float(returners)


def _ways(payer: Profile, payee: Profile, payer_name: str, payee_name: str, at: int) -> tuple[float, ...]:
    reaches = [each for each in payer.reaches if abs(at - each.at) < MONTH]
    origins = {each.origin for each in reaches}
    cycle = min((each.hops + 1.0 for each in reaches if each.origin == payee_name), default=NO_CYCLE)
    last_hops: dict[str, set[str]] = {}
    for each in payee.reaches:
        if each.origin in origins and each.via != payer_name and abs(at - each.at) < MONTH:
            last_hops.setdefault(each.origin, set()).add(each.via)
    return (
        float(len(origins)),
        float(len(reaches)),
        float(max((each.hops for each in reaches), default=0)),
        cycle,
        float(max(map(len, last_hops.values()), default=-1) + 1),
        float(depth_before(payer, at)),
    )


def _suspicion(profile: Profile, at: int) -> tuple[float, float, float]:
    peak = recent = total = 0.0
    for flows in (profile.paid, profile.received):
        for each in flows:
            age = abs(at - each.at)
            if age < MONTH:
                peak = max(peak, each.score)
                total += each.score
                if age < _WEEK:
                    recent = max(recent, each.score)
    return peak, total, recent
