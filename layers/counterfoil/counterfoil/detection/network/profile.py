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
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from itertools import islice, starmap
from operator import attrgetter
from typing import Any, Final, NamedTuple

from counterfoil.detection.network.entries import Entries, Timed, dumped, quoted

# The newest flows in each direction, beyond those of the last SLACK blocks: a month of an account that moves money twice a day.
MAX_FLOWS: Final = 64
# Where money came from: the newest origins, of all traces together.
MAX_TRACED: Final = 64
# Per direction: the counterparties met most recently, with how often; and the accounts that shared one most recently.
MAX_PARTIES: Final = 64
MAX_SHARED: Final = 64
# Names of accounts are kept up to this many bytes in JSON; a longer one is represented by the beginning of its hash. With these
# limits a profile takes at most 55 KB of what an account's state may take.
MAX_NAME_BYTES: Final = 22
# Accounts whose names are remembered with their ids: some 2 MB.
MAX_NAMES: Final = 8_192
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


class Trace(NamedTuple):
    """Money may have come here by ``via``, at ``at``: of each origin over so many first payments, the last of them this one."""

    sequence_no: int
    at: int
    via: str
    hops: Mapping[str, int]


class Dealings(NamedTuple):
    """How often a counterparty was met, and when last."""

    times: int
    last: int


NOTHING: Final = Dealings(0, 0)


class Flows(Timed[Flow]):
    """The newest transfers with other accounts in one direction."""

    __slots__ = ()

    @staticmethod
    def text(entry: Flow) -> str:
        sequence_no, ordinal, at, party, amount, currency, first, depth, score, payer_rate, payee_rate = entry
        told = f"{quoted(currency)},{'true' if first else 'false'},{depth},{score!r},{payer_rate!r},{payee_rate!r}"
        return f"[{sequence_no},{ordinal},{at},{quoted(party)},{amount!r},{told}]"

    def add(self, flow: Flow) -> None:
        """Add a flow and drop the oldest beyond the limit, as far as they are older than ``SLACK`` blocks."""
        self.enter(flow)
        if len(self) > MAX_FLOWS:
            old = bisect_right(self, flow.sequence_no - SLACK, key=_SEQUENCE_NO)
            self.forget(max(old - MAX_FLOWS, len(self) - MOST * MAX_FLOWS))

    def parties_before(self, sequence_no: int, at: int) -> list[str]:
        """With whom the newest flows of the time before a block were, those within a fortnight of ``at``."""
        end = _end_before(self, sequence_no)
        first = max(end - MAX_TAKEN, 0)
        begin = self.begins(at, FORTNIGHT)
        if begin is None:
            return [each.party for each in self[first:end] if -FORTNIGHT < at - each.at < FORTNIGHT]
        return [each.party for each in self[max(first, begin) : end]]


class Traces(Timed[Trace]):
    """The newest traces of where money came from."""

    __slots__ = ()

    @staticmethod
    def text(entry: Trace) -> str:
        return f"[{entry.sequence_no},{entry.at},{quoted(entry.via)},{dumped(entry.hops)}]"

    def add(self, trace: Trace) -> None:
        """Add a trace and drop the oldest as flows are; what is counted are origins, and of a trace only some may be dropped."""
        self.enter(trace)
        count = sum([len(each.hops) for each in self])
        if count <= MAX_TRACED:
            return
        old = sum([len(each.hops) for each in self if each.sequence_no <= trace.sequence_no - SLACK])
        too_many = max(old - MAX_TRACED, count - MOST * MAX_TRACED, 0)
        gone = 0
        while too_many and len(self[gone].hops) <= too_many:
            too_many -= len(self[gone].hops)
            gone += 1
        self.forget(gone)
        if too_many:
            self.replace_first(_newest(self[0], len(self[0].hops) - too_many))


class Accounts[V](dict[str, V]):
    """Something said of other accounts, of the one it was said of last at the end. What each looks like in JSON is kept."""

    __slots__ = ("_texts",)

    def __init__(self, said: Mapping[str, V] | None = None) -> None:
        super().__init__()
        self._texts: dict[str, str] = {}
        for account, value in (said or {}).items():
            self._say(account, value, dumped(value))

    def _say(self, account: str, value: V, text: str) -> None:
        self[account] = value
        self._texts[account] = f"{quoted(account)}:{text}"

    def _unsay(self, account: str) -> None:
        del self[account], self._texts[account]

    def rendered(self) -> str:
        """All of them as JSON, compact."""
        return f"{{{','.join(self._texts.values())}}}"


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
        for party in named.keys() & self.keys():
            self._unsay(party)
        text = str(at)
        for party in reversed(named):
            self._say(party, at, text)
        for oldest in list(islice(self, max(len(self) - MAX_SHARED, 0))):
            self._unsay(oldest)


# What a profile keeps, in the order in which it is written.
_NAMES: Final = ("paid", "received", "traces", "payees", "payers", "co_payers", "co_payees")
_SEQUENCE_NO: Final = attrgetter("sequence_no")


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

    def receive(
        self, flow: Flow, payees_of_payer: Sequence[str], traces_of_payer: Iterable[Trace], own_name: str
    ) -> None:
        """Take in a transfer from ``flow.party``; whom that one paid of late, the newest last, and its traces, are of before."""
        self._live(flow.at)
        self.co_payees.notice(payees_of_payer, flow.at, own_name)
        if flow.first:
            self.traces.add(_onward(flow, traces_of_payer, own_name))
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


def traces_before(traces: Sequence[Trace], sequence_no: int) -> list[Trace]:
    """The newest traces of the time before a block, of so many origins in all."""
    found: list[Trace] = []
    room = MAX_TAKEN
    for each in reversed(traces[: _end_before(traces, sequence_no)]):
        if room <= 0:
            break
        found.append(each if len(each.hops) <= room else _newest(each, room))
        room -= len(each.hops)
    return found[::-1]


def _end_before(entries: Sequence[Flow] | Sequence[Trace], sequence_no: int) -> int:
    """How many entries are of the time before a block; it is a rare one that is behind others."""
    end = len(entries)
    while end and entries[end - 1].sequence_no >= sequence_no:
        end -= 1
    return end


def _newest(trace: Trace, count: int) -> Trace:
    """A trace with its last origins alone."""
    return trace._replace(hops=dict(list(trace.hops.items())[-count:]))


def _onward(flow: Flow, traces: Iterable[Trace], own_name: str) -> Trace:
    """Where money that came by ``flow`` may be from: by the shortest way what had reached the payer, and the payer itself."""
    onward: dict[str, int] = {}
    for trace in traces:
        if -MONTH < flow.at - trace.at < MONTH:
            for origin, hops in trace.hops.items():
                if hops < MAX_HOPS and onward.get(origin, MAX_HOPS + 1) > hops + 1:
                    onward[origin] = hops + 1
    onward.pop(own_name, None)
    onward.pop(flow.party, None)
    onward[flow.party] = 1
    return Trace(flow.sequence_no, flow.at, flow.party, onward)
