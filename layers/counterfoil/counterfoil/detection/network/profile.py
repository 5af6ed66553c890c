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
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import starmap
from typing import Any, Final, NamedTuple

from counterfoil.detection.network.entries import Entries, dumped

# The newest flows in each direction, beyond those of the last SLACK blocks: a month of an account that moves money twice a day.
MAX_FLOWS: Final = 64
# The newest traces of where money came from.
MAX_REACHES: Final = 64
# Per direction: the counterparties met most recently, with how often; and the accounts that shared one most recently.
MAX_PARTIES: Final = 64
MAX_SHARED: Final = 64
# Names of accounts are kept up to this many bytes in JSON; a longer one is represented by the beginning of its hash. With these
# limits a profile takes at most 55 KB of what an account's state may take.
MAX_NAME_BYTES: Final = 22
# Days of everyday payments that are remembered.
MAX_DAYS: Final = 29
# Blocks whose entries are kept beyond these limits: more than a batch holds, for an account brought up after a crash.
SLACK: Final = 512
# And no list beyond this many times its limit, however many of its entries are that young. An account so busy that it reaches this
# may, after a crash in the middle of a batch, take in less of another's neighbourhood than it would have.
MOST: Final = 2
# Money is followed over this many hops (and a cycle is that long at most).
MAX_HOPS: Final = 5
# Of another's profile this much is taken in per transfer, the newest; below MAX_FLOWS and MAX_REACHES, so that what was there
# before a block can still be found behind it.
MAX_TAKEN: Final = 48

# What stands for a rate of everyday payments where none is remembered: one that suspects nobody.
NO_RATE: Final = 9.0
_RATE_DIGITS: Final = 2

DAY: Final = 86_400
MONTH: Final = 28 * DAY
FORTNIGHT: Final = 14 * DAY


class Flow(NamedTuple):
    """A transfer with another account of the ledger.

    ``ordinal`` is its place in the block, ``at`` seconds since 1970. ``first``: the payer is not remembered to have paid this payee
    before; ``depth``: how many first payments in a row, each within a fortnight, end with this one; ``score``: what a model said of
    it, 0 to 1. ``payer_rate`` and ``payee_rate``: how many everyday payments by day the two were seen to make before it; both are
    kept, for after a crash one account learns of the transfer from the other.
    """

    sequence_no: int
    ordinal: int
    at: int
    party: str
    amount: float
    currency: str
    first: bool
    depth: int
    score: float
    # States that were written before these were remembered do not have them.
    payer_rate: float = NO_RATE
    payee_rate: float = NO_RATE


class Reach(NamedTuple):
    """Money of ``origin`` may have come here over ``hops`` first payments, the last of them by ``via``."""

    sequence_no: int
    at: int
    origin: str
    hops: int
    via: str


class Dealings(NamedTuple):
    """How often a counterparty was met, and when last."""

    times: int
    last: int


NOTHING: Final = Dealings(0, 0)
# What a profile keeps, in the order in which it is written.
_ENTRIES: Final = ("paid", "received", "reaches")
_REST: Final = ("co_payers", "co_payees", "everyday", "payees", "payers", "lifetime")


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

    paid: Entries[Flow] = field(default_factory=Entries)
    received: Entries[Flow] = field(default_factory=Entries)
    reaches: Entries[Reach] = field(default_factory=Entries)
    co_payers: dict[str, int] = field(default_factory=dict)
    co_payees: dict[str, int] = field(default_factory=dict)
    payees: dict[str, Dealings] = field(default_factory=dict)
    payers: dict[str, Dealings] = field(default_factory=dict)
    everyday: list[Everyday] = field(default_factory=list)
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
        day = at // DAY
        if self.everyday and self.everyday[-1].day == day:
            last = self.everyday[-1]
            self.everyday[-1] = Everyday(day, last.payments + 1, last.total + amount)
        else:
            self.everyday = [*self.everyday, Everyday(day, 1, amount)][-MAX_DAYS:]

    def pay(self, flow: Flow, payers_of_payee: Iterable[Flow]) -> None:
        """Take in a transfer to ``flow.party``; ``payers_of_payee`` are what that one received before, newest last."""
        if self.lifetime is None:
            self._live(flow.at)
        for each in payers_of_payee:
            if abs(flow.at - each.at) < FORTNIGHT:
                _renew(self.co_payers, each.party, flow.at, MAX_SHARED)
        _add(self.paid, [flow], MAX_FLOWS)
        _meet(self.payees, flow.party, flow.at)

    def receive(
        self, flow: Flow, paid_by_payer: Iterable[Flow], reaches_of_payer: Iterable[Reach], own_name: str
    ) -> None:
        """Take in a transfer from ``flow.party``; ``paid_by_payer`` and ``reaches_of_payer`` are of the time before."""
        if self.lifetime is None:
            self._live(flow.at)
        for each in paid_by_payer:
            if each.party != own_name and abs(flow.at - each.at) < FORTNIGHT:
                _renew(self.co_payees, each.party, flow.at, MAX_SHARED)
        if flow.first:
            _add(self.reaches, _onward(flow, reaches_of_payer, own_name), MAX_REACHES)
        _add(self.received, [flow], MAX_FLOWS)
        _meet(self.payers, flow.party, flow.at)

    def _live(self, at: int, payments: int = 0) -> None:
        since, before_it = self.lifetime or (at // DAY, 0)
        self.lifetime = Lifetime(since, before_it + payments)

    def render(self) -> str:
        """The profile as compact JSON; what is empty is left out."""
        found = [f'"{name}":{each.rendered()}' for name in _ENTRIES if (each := getattr(self, name))]
        rest = {name: each for name in _REST if (each := getattr(self, name))} | (
            {"cash": self.cash} if self.cash.times else {}
        )
        if rest:
            found.append(dumped(rest)[1:-1])
        return f"{{{','.join(found)}}}"


def parse_profile(body: dict[str, Any]) -> Profile:
    """Read what ``Profile.render`` made."""
    return Profile(
        Entries(starmap(Flow, body.get("paid", ()))),
        Entries(starmap(Flow, body.get("received", ()))),
        Entries(map(Reach._make, body.get("reaches", ()))),
        body.get("co_payers", {}),
        body.get("co_payees", {}),
        {name: Dealings(*each) for name, each in body.get("payees", {}).items()},
        {name: Dealings(*each) for name, each in body.get("payers", {}).items()},
        [Everyday(*each) for each in body.get("everyday", ())],
        Dealings(*body.get("cash", NOTHING)),
        Lifetime(*body["lifetime"]) if "lifetime" in body else None,
    )


def node_of(account_id: str) -> str:
    """An account's id as profiles keep it: itself, or the beginning of its hash where it is long."""
    if len(json.dumps(account_id, ensure_ascii=False).encode()) - 2 <= MAX_NAME_BYTES:
        return account_id
    return sha256(account_id.encode()).hexdigest()[:MAX_NAME_BYTES]


def before[E: (Flow, Reach)](entries: Sequence[E], sequence_no: int) -> list[E]:
    """The newest entries of the time before a block."""
    if entries and entries[-1].sequence_no >= sequence_no:
        entries = [each for each in entries if each.sequence_no < sequence_no]
    return list(entries[-MAX_TAKEN:])


def _onward(flow: Flow, reaches: Iterable[Reach], own_name: str) -> list[Reach]:
    """Where money that came by ``flow`` may be from: the payer itself, and by the shortest way what had reached the payer."""
    shortest: dict[str, int] = {}
    for each in reaches:
        if each.hops < MAX_HOPS and each.origin not in {own_name, flow.party} and abs(flow.at - each.at) < MONTH:
            shortest[each.origin] = min(each.hops, shortest.get(each.origin, MAX_HOPS))
    onward = [Reach(flow.sequence_no, flow.at, origin, hops + 1, flow.party) for origin, hops in shortest.items()]
    return [*onward, Reach(flow.sequence_no, flow.at, flow.party, 1, flow.party)]


def _add[E: (Flow, Reach)](entries: Entries[E], new: Iterable[E], limit: int) -> None:
    """Add entries and drop the oldest beyond the limit, as far as they are older than ``SLACK`` blocks."""
    entries.extend(new)
    if len(entries) > limit:
        young = entries[-1].sequence_no - SLACK
        old = sum(1 for each in entries if each.sequence_no <= young)
        entries.forget(max(old - limit, len(entries) - MOST * limit, 0))


def _meet(parties: dict[str, Dealings], party: str, at: int) -> None:
    known = parties.get(party)
    _renew(parties, party, Dealings(1 if known is None else known.times + 1, at), MAX_PARTIES)


def _renew[V](parties: dict[str, V], party: str, value: V, limit: int) -> None:
    """Set a value as the newest and forget the oldest beyond the limit."""
    parties.pop(party, None)
    parties[party] = value
    if len(parties) > limit:
        del parties[next(iter(parties))]
