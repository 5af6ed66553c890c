"""A block's transfers seen by the profiles of their accounts: measured as of before the block, then taken in.

All transfers of a block are measured before any of them is taken in, so that what a profile says of "before this block" is one
thing, whichever of the accounts a crash left ahead of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from counterfoil.detection.network.encounter import Encounter
from counterfoil.detection.network.flows import Flow
from counterfoil.detection.network.measures import PLACES, Measurement
from counterfoil.detection.network.model import Scorer
from counterfoil.detection.network.profile import Profile, node_of
from counterfoil.detection.network.traces import NOWHERE
from counterfoil.detection.transfer import Transfer

_SECOND: Final = 1_000_000
_DEPTH: Final = PLACES["depth"]


class Observation(NamedTuple):
    """A transfer between two accounts of the ledger, its measures, and what a model makes of them.

    ``score`` is from 0 to 1, ``None`` where no model is asked. Where one is, all measures are there for good; else each must be
    asked for before the block is taken in.
    """

    transfer: Transfer
    measures: Measurement
    score: float | None


class _Moved(NamedTuple):
    """A transfer between two accounts of the ledger, as both remember it; ``measured``, where it was, is closed when they do."""

    transfer: Transfer
    facts: Flow
    measured: Measurement | None


class _Spent(NamedTuple):
    payer: Profile
    at: int
    amount: float
    cash: bool


@dataclass(slots=True)
class Look:
    """A block's transfers as its accounts see them before it. ``take_in`` brings the accounts up to it, once."""

    sequence_no: int
    behind: Mapping[str, Profile]
    ahead: Mapping[str, Profile]
    observations: list[Observation] = field(default_factory=list)
    _moved: list[_Moved] = field(default_factory=list)
    _spent: list[_Spent] = field(default_factory=list)

    def take_in(self) -> None:
        """Take the block into the profiles that are ``behind`` it: what was not measured so far cannot be any more."""
        for spent in self._spent:
            spent.payer.spend(spent.at, spent.amount, cash=spent.cash)
        for moved in self._moved:
            if moved.measured is not None:
                moved.measured.close()
        for moved in self._moved:
            self._take_in(moved.transfer, moved.facts)

    def see(self, ordinal: int, at: int, transfer: Transfer, scorer: Scorer | None, cash: frozenset[str]) -> None:
        """Look at one more transfer of the block."""
        payer, payee = self._profile(transfer.from_account), self._profile(transfer.to_account)
        if payer is None or payee is None or payer is payee:
            if transfer.from_account in self.behind and payee is None and payer is not None:
                self._spent.append(_Spent(payer, at, float(transfer.amount), transfer.to_account in cash))
        elif transfer.from_account in self.behind and transfer.to_account in self.behind:
            met = Encounter(payer, payee, _names(transfer), float(transfer.amount), transfer.currency, at)
            self._measure(ordinal, transfer, met, scorer)
        else:
            self._moved.append(_Moved(transfer, self._remembered(ordinal, at, transfer), None))

    def _profile(self, account_id: str) -> Profile | None:
        found = self.behind.get(account_id)
        return self.ahead.get(account_id) if found is None else found

    def _measure(self, ordinal: int, transfer: Transfer, met: Encounter, scorer: Scorer | None) -> None:
        measured = Measurement(met)
        if scorer is None:
            self.observations.append(Observation(transfer, measured, None))
            first = 0.0
        else:
            measures = measured.all()
            first = scorer.first_score(measures)
            self.observations.append(Observation(transfer, measured, scorer.score(measures)))
        is_first = met.payee_name not in met.payer.payees
        depth = int(measured[_DEPTH]) + 1 if is_first else 0
        rates = met.payer.everyday_rate(met.at), met.payee.everyday_rate(met.at)
        facts = Flow(
            self.sequence_no,
            ordinal,
            met.at,
            "",
            met.amount,
            transfer.currency,
            is_first,
            depth,
            round(first, 4),
            *rates,
        )
        self._moved.append(_Moved(transfer, facts, measured))

    def _remembered(self, ordinal: int, at: int, transfer: Transfer) -> Flow:
        """What the account that is ahead of the block remembers of the transfer; nothing special where it forgot it."""
        payer, payee = self.ahead.get(transfer.from_account), self.ahead.get(transfer.to_account)
        known = [*(() if payer is None else payer.paid), *(() if payee is None else payee.received)]
        place = self.sequence_no, ordinal
        found = next((each for each in known if (each.sequence_no, each.ordinal) == place), None)
        return found or Flow(*place, at, "", float(transfer.amount), transfer.currency, first=False, depth=0, score=0.0)

    def _take_in(self, transfer: Transfer, facts: Flow) -> None:
        payer_name, payee_name = _names(transfer)
        payer, payee = self._profile(transfer.from_account), self._profile(transfer.to_account)
        if payer is None or payee is None:
            return
        received = payee.received.parties_before(self.sequence_no, facts.at)
        paid = payer.paid.parties_before(self.sequence_no, facts.at)
        reached = payer.traces.before(self.sequence_no, facts.at) if facts.first else NOWHERE
        if transfer.from_account in self.behind:
            payer.pay(_with(facts, payee_name), received, payer_name)
        if transfer.to_account in self.behind:
            payee.receive(_with(facts, payer_name), paid, reached, payee_name)


def observe(
    sequence_no: int,
    moving: Sequence[tuple[int, int, Transfer]],
    behind: Mapping[str, Profile],
    ahead: Mapping[str, Profile],
    scorer: Scorer | None,
    cash: frozenset[str] = frozenset(),
) -> Look:
    """Look at a block's transfers with the profiles of their accounts.

    ``moving`` are the transfers whose money moves, each with its place in the block and the verified time in microseconds since
    1970; an account in neither mapping is outside the ledger, those in ``cash`` stand for cash. A transfer of which one account is
    ahead was observed before: it is taken in by what the other remembers of it.
    """
    look = Look(sequence_no, behind, ahead)
    for ordinal, moment, transfer in moving:
        look.see(ordinal, moment // _SECOND, transfer, scorer, cash)
    return look


def _names(transfer: Transfer) -> tuple[str, str]:
    return node_of(transfer.from_account), node_of(transfer.to_account)


def _with(facts: Flow, party: str) -> Flow:
    sequence_no, ordinal, at, _, amount, currency, first, depth, score, payer_rate, payee_rate = facts
    return Flow(sequence_no, ordinal, at, party, amount, currency, first, depth, score, payer_rate, payee_rate)
