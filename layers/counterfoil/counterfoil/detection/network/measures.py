"""The numbers that a transfer between two accounts is judged by: what the two profiles say at the moment before it.

Each measure is one float with a name and a meaning; rules speak of them by name, a model takes them in the order of ``NAMES``.
Windows slide and are in verified time: a day, a week, a fortnight, four weeks back from the transfer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Final, NamedTuple

from counterfoil.detection.network.profile import (
    DAY,
    FORTNIGHT,
    MONTH,
    NO_RATE,
    Dealings,
    Flow,
    Profile,
)

_WEEK: Final = 7 * DAY
_TWO_WEEKS: Final = 14
_FOUR_WEEKS: Final = 28
# What "never" counts as, in days, and the length of a cycle where there is none.
NEVER: Final = 99.0
NO_CYCLE: Final = 9.0
_NOTHING_LIKE_IT: Final = 9.0
# A deviation of 1.4826 times the median absolute deviation is a standard deviation, were amounts normally distributed.
_TO_SIGMA: Final = 1.4826
_FEWEST_AMOUNTS: Final = 3
_PAYER_RATE: Final[Callable[[Flow], float]] = attrgetter("payer_rate")
_PAYEE_RATE: Final[Callable[[Flow], float]] = attrgetter("payee_rate")


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
        Measure(
            f"{side}_everyday_rate",
            f"the {side}'s payments to the world outside by day since it was first seen, cash apart",
        ),
        *(
            Measure(
                f"{side}_{others}_rate",
                f"the mean everyday rate of those whom the {side} {deed} within a week, one for each transfer; {NO_RATE:.0f} for none",
            )
            for others, deed in (("payees", "paid"), ("payers", "was paid by"))
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


class _Scan(NamedTuple):
    """One pass over the flows of an account in one direction.

    ``counts`` are transfers within a day, a week and four weeks, and first ones within each; sums are in the transfer's currency.
    ``since_first`` is when somebody was first met last, ``depth`` the most first payments in a row that a first one of the last
    fortnight ended, ``peak``, ``recent`` and ``suspicion`` what a model said of those within four weeks,
    ``rate`` the mean everyday rate of the other accounts of a week's transfers.
    """

    counts: tuple[float, ...]
    month_sum: float
    fortnight_sum: float
    week_sum: float
    since_first: int | None
    depth: int
    peak: float
    recent: float
    suspicion: float
    rate: float


def measure(
    payer: Profile, payee: Profile, names: tuple[str, str], amount: float, currency: str, at: int
) -> list[float]:
    """All measures of a transfer; ``names`` are the two accounts as profiles call them, ``at`` in seconds since 1970."""
    payer_name, payee_name = names
    known = payer.payees.get(payee_name)
    back = payer.payers.get(payee_name)
    sent, received = _scan(payer.paid, at, currency, _PAYEE_RATE), _scan(payer.received, at, currency, _PAYER_RATE)
    passed_on, got = _scan(payee.paid, at, currency, _PAYEE_RATE), _scan(payee.received, at, currency, _PAYER_RATE)
    return [
        1.0 if known is None else 0.0,
        0.0 if known is None else float(known.times),
        NEVER if known is None else _days(at, known.last),
        0.0 if back is None else float(back.times),
        amount,
        _outlier(payer.paid, amount, currency),
        received.fortnight_sum,
        (sent.week_sum + amount) / (received.week_sum + 1.0),
        _nearest(payer.received, amount, currency, at),
        *_neighbours(payer, payee, payer_name, payee_name, at),
        *_ways(payer, payee, payer_name, payee_name, at),
        float(received.depth),
        *_side(payer, at, sent, received, (amount, 0.0)),
        *_side(payee, at, passed_on, got, (0.0, amount)),
        *_remembered(sent, received),
        *_remembered(passed_on, got),
    ]


def _scan(flows: Sequence[Flow], at: int, currency: str, rate: Callable[[Flow], float]) -> _Scan:
    """``rate`` is the everyday rate of the other account of a flow."""
    month = [each for each in flows if abs(at - each.at) < MONTH]
    fortnight = [each for each in month if abs(at - each.at) < FORTNIGHT]
    week = [each for each in fortnight if abs(at - each.at) < _WEEK]
    day = [each for each in week if abs(at - each.at) < DAY]
    spans = (day, week, month)
    numbers = (*(len(span) for span in spans), *(sum([each.first for each in span]) for span in spans))
    scores = [each.score for each in month]
    return _Scan(
        tuple(map(float, numbers)),
        sum([each.amount for each in month if each.currency == currency]),
        sum([each.amount for each in fortnight if each.currency == currency]),
        sum([each.amount for each in week if each.currency == currency]),
        next((each.at for each in reversed(flows) if each.first), None),
        max([each.depth for each in fortnight if each.first], default=0),
        max(scores, default=0.0),
        max([each.score for each in week], default=0.0),
        sum(scores),
        sum(map(rate, week)) / len(week) if week else NO_RATE,
    )


def _side(profile: Profile, at: int, sent: _Scan, received: _Scan, moving: tuple[float, float]) -> tuple[float, ...]:
    """``moving`` is what the transfer itself adds to what was sent and to what was received."""
    today = at // DAY
    payments, spent = 0, 0.0
    for day, times, total in profile.everyday:
        age = abs(today - day)
        if age < _FOUR_WEEKS:
            spent += total
            if age < _TWO_WEEKS:
                payments += times
    return (
        *sent.counts,
        *received.counts,
        float(len(profile.payees)),
        float(len(profile.payers)),
        float(payments),
        spent,
        float(profile.cash.times),
        NEVER if sent.since_first is None else _days(at, sent.since_first),
        NEVER if received.since_first is None else _days(at, received.since_first),
        (sent.month_sum + moving[0]) / (received.month_sum + moving[1] + 1.0),
        profile.everyday_rate(at),
        sent.rate,
        received.rate,
    )


def _remembered(sent: _Scan, received: _Scan) -> tuple[float, float, float]:
    return max(sent.peak, received.peak), sent.suspicion + received.suspicion, max(sent.recent, received.recent)


def _days(at: int, then: int) -> float:
    return min(float(abs(at - then) // DAY), NEVER)


def _outlier(paid: Sequence[Flow], amount: float, currency: str) -> float:
    amounts = sorted([each.amount for each in paid if each.currency == currency])
    if len(amounts) < _FEWEST_AMOUNTS:
        return 0.0
    middle = _median(amounts)
    spread = _median(sorted([abs(each - middle) for each in amounts]))
    return (amount - middle) / (_TO_SIGMA * spread + 1.0)


def _median(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _nearest(received: Sequence[Flow], amount: float, currency: str, at: int) -> float:
    found = [
        abs(each.amount - amount) for each in received if each.currency == currency and abs(at - each.at) < FORTNIGHT
    ]
    return min(min(found) / (amount + 0.01), _NOTHING_LIKE_IT) if found else _NOTHING_LIKE_IT


def _neighbours(payer: Profile, payee: Profile, payer_name: str, payee_name: str, at: int) -> tuple[float, ...]:
    return (
        float(_in_common(payee.payers, payer.co_payers, payer_name, at)),
        float(_in_common(payer.payees, payee.co_payees, payee_name, at)),
        float(len(payer.payees.keys() & payee.payers.keys())),
        float(len(payer.payers.keys() & payee.payees.keys())),
    )


def _in_common(met: Mapping[str, Dealings], sharing: Mapping[str, int], besides: str, at: int) -> int:
    """Of the accounts met within a fortnight, those besides one that were noticed to share a counterparty within a fortnight."""
    return sum(
        1
        for name in met.keys() & sharing.keys()
        if name != besides and abs(at - met[name].last) < FORTNIGHT and abs(at - sharing[name]) < FORTNIGHT
    )


def _ways(payer: Profile, payee: Profile, payer_name: str, payee_name: str, at: int) -> tuple[float, ...]:
    recent = [each for each in payer.reaches if abs(at - each.at) < MONTH]
    origins = {each.origin for each in recent}
    back = [each.hops for each in recent if each.origin == payee_name]
    ways = {
        (origin, via)
        for _, then, origin, _, via in payee.reaches
        if origin in origins and via != payer_name and abs(at - then) < MONTH
    }
    gathered = max(Counter([origin for origin, _ in ways]).values()) + 1 if ways else 0
    cycle = min(min(back) + 1.0, NO_CYCLE) if back else NO_CYCLE
    hops = max([each.hops for each in recent], default=0)
    return float(len(origins)), float(len(recent)), float(hops), cycle, float(gathered)
