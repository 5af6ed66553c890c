"""What an account is remembered by as a node of a network of accounts: bounded, and a function of the blocks applied.

An account's profile also takes in something of the other party's: through whom money may have come this far, and who else the
other deals with. When a crash left one of the two ahead of a block (``judgement``), the other is brought up to it by what the
profile ahead says of the time before that block. Every entry therefore carries its block's number, and entries of the last
``SLACK`` blocks are never dropped for younger ones (but see ``MOST``).

Amounts are binary floats and times whole seconds here: a measure is evidence of a habit, not of a sum of money. What must be exact
is in ``account``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from itertools import islice, starmap
from typing import Any, Final, NamedTuple

from counterfoil.detection.network.entries import Entries, dumped, quoted
from counterfoil.detection.network.flows import Flow, Flows
from counterfoil.detection.network.limits import (
    DAY,
    MAX_DAYS,
    MAX_NAME_BYTES,
    MAX_NAMES,
    MAX_PARTIES,
    MAX_SHARED,
)
from counterfoil.detection.network.traces import Origins, Trace, Traces, onward

_RATE_DIGITS: Final = 2


class Dealings(NamedTuple):
    """How often a counterparty was met, and when last."""

    times: int
    last: int


NOTHING: Final = Dealings(0, 0)


class Accounts[V](dict[str, V]):
    """Something said of other accounts, of the one it was said of last at the end. What each looks like in JSON is kept.

    So is what all of them look like, until something is said again: of the two accounts of a transfer, one meets a payee and the
    other a payer.
    """

    __slots__ = ("_text", "_texts")

    def __init__(self, said: Mapping[str, V] | None = None) -> None:
        super().__init__()
        self._text: str | None = None
        self._texts: dict[str, str] = {}
        for account, value in (said or {}).items():
            self._say(account, value, dumped(value))

    def _say(self, account: str, value: V, text: str) -> None:
        self[account] = value
        self._texts[account] = f"{quoted(account)}:{text}"
        self._text = None

    def _unsay(self, account: str) -> None:
        del self[account], self._texts[account]
        self._text = None

    def rendered(self) -> str:
        """All of them as JSON, compact."""
        if self._text is None:
            self._text = f"{{{','.join(self._texts.values())}}}"
        return self._text


class Parties(Accounts[Dealings]):
    """Counterparties, from the least to the most recently met."""

    __slots__ = ()

    def meet(self, party: str, at: int) -> None:
        """Count one more dealing and forget the party met longest ago beyond the limit."""
        times = 1
        if party in self:
            times += self[party].times
            self._unsay(party)
        self._say(party, Dealings(times, at), f"[{times},{at}]")
        if len(self) > MAX_PARTIES:
            self._unsay(next(iter(self)))


class Sharing(Accounts[int]):
    """Accounts that dealt with somebody whom this one dealt with, too, and when that was noticed last."""

    __slots__ = ()

    def notice(self, others: Sequence[str], at: int, besides: str) -> None:
        """Take in who else dealt with somebody, and forget those noticed longest ago beyond the limit."""
        # In the order of when each is named last, the newest first.
        named = dict.fromkeys(reversed(others))
        named.pop(besides, None)
        # Not by _say and _unsay, two calls for each of ten names: this is a tenth of what an account takes in.
        texts = self._texts
        for party in named.keys() & self.keys():
            del self[party], texts[party]
        for party in reversed(named):
            self[party] = at
            texts[party] = f"{quoted(party)}:{at}"
        for oldest in list(islice(self, max(len(self) - MAX_SHARED, 0))):
            del self[oldest], texts[oldest]
        self._text = None


# What a profile keeps, in the order in which it is written.
_NAMES: Final = ("paid", "received", "traces", "payees", "payers", "co_payers", "co_payees")


class Everyday(NamedTuple):
    """A day's payments to accounts outside the ledger, cash apart. ``day`` counts from 1970."""

    day: int
    payments: int
    total: float


class Lifetime(NamedTuple):
    """The day since 1970 on which an account was first seen, and its everyday payments since."""

    since: int
    payments: int


@dataclass(slots=True)
class Profile:
    """All lists are in journal order; ``payees`` and ``payers`` from the least to the most recently met.
    ``cash``: how often cash was drawn, and when last. ``lifetime`` is of an account that was seen.

    ``co_payers`` also paid somebody this account paid, ``co_payees`` were also paid by somebody who paid this account, each with
    when that was last noticed, in seconds since 1970.
    """

    paid: Flows = field(default_factory=Flows)
    received: Flows = field(default_factory=Flows)
    traces: Traces = field(default_factory=Traces)
    co_payers: Sharing = field(default_factory=Sharing)
    co_payees: Sharing = field(default_factory=Sharing)
    payees: Parties = field(default_factory=Parties)
    payers: Parties = field(default_factory=Parties)
    everyday: Entries[Everyday] = field(default_factory=Entries)
    cash: Dealings = NOTHING
    lifetime: Lifetime | None = None

    def everyday_rate(self, at: int) -> float:
        """Everyday payments by day since the account was first seen.

        A fortnight of somebody who pays every fifth day says little; whoever launders spends less on everyday life all along.
        """
        if self.lifetime is None:
            return 0.0
        return round(self.lifetime.payments / (abs(at // DAY - self.lifetime.since) + 1), _RATE_DIGITS)

    def spend(self, at: int, amount: float, *, cash: bool) -> None:
        """Take in a payment to an account outside the ledger."""
        self._live(at, 0 if cash else 1)
        if cash:
            self.cash = Dealings(self.cash.times + 1, at)
            return
        day, payments, total = at // DAY, 1, amount
        if self.everyday and self.everyday[-1].day == day:
            last = self.everyday[-1]
            payments, total = last.payments + 1, last.total + amount
            self.everyday.drop(len(self.everyday) - 1)
        self.everyday.append(Everyday(day, payments, total))
        self.everyday.forget(len(self.everyday) - MAX_DAYS)

    def pay(self, flow: Flow, payers_of_payee: Sequence[str], own_name: str) -> None:
        """Take in a transfer to ``flow.party``; ``payers_of_payee`` are who paid that one of late, the newest last."""
        self._live(flow.at)
        self.co_payers.notice(payers_of_payee, flow.at, own_name)
        self.paid.add(flow)
        self.payees.meet(flow.party, flow.at)

    def receive(self, flow: Flow, payees_of_payer: Sequence[str], reached_payer: Origins, own_name: str) -> None:
        """Take in a transfer from ``flow.party``; whom that one paid of late, the newest last, and what reached it, are of before."""
        self._live(flow.at)
        self.co_payees.notice(payees_of_payer, flow.at, own_name)
        if flow.first:
            self.traces.add(onward(flow, reached_payer, own_name))
        self.received.add(flow)
        self.payers.meet(flow.party, flow.at)

    def _live(self, at: int, payments: int = 0) -> None:
        if payments or self.lifetime is None:
            since, before_it = self.lifetime or (at // DAY, 0)
            self.lifetime = Lifetime(since, before_it + payments)

    def render(self) -> str:
        """The profile as compact JSON; what is empty is left out."""
        found = [f'"{name}":{each.rendered()}' for name in _NAMES if (each := getattr(self, name))]
        if self.everyday:
            found.append(f'"everyday":{self.everyday.rendered()}')
        if self.cash.times:
            found.append(f'"cash":[{self.cash.times},{self.cash.last}]')
        if self.lifetime is not None:
            found.append(f'"lifetime":[{self.lifetime.since},{self.lifetime.payments}]')
        return f"{{{','.join(found)}}}"


def parse_profile(body: dict[str, Any]) -> Profile:
    """Read what ``Profile.render`` made."""
    return Profile(
        Flows(starmap(Flow, body.get("paid", ()))),
        Flows(starmap(Flow, body.get("received", ()))),
        Traces(map(Trace._make, body.get("traces", ()))),
        Sharing(body.get("co_payers")),
        Sharing(body.get("co_payees")),
        Parties({name: Dealings(*each) for name, each in body.get("payees", {}).items()}),
        Parties({name: Dealings(*each) for name, each in body.get("payers", {}).items()}),
        Entries(starmap(Everyday, body.get("everyday", ()))),
        Dealings(*body.get("cash", NOTHING)),
        Lifetime(*body["lifetime"]) if "lifetime" in body else None,
    )


@lru_cache(maxsize=MAX_NAMES)
def node_of(account_id: str) -> str:
    """An account's id as profiles keep it: itself, or the beginning of its hash where it is long."""
    if len(json.dumps(account_id, ensure_ascii=False).encode()) - 2 <= MAX_NAME_BYTES:
        return account_id
    return sha256(account_id.encode()).hexdigest()[:MAX_NAME_BYTES]
