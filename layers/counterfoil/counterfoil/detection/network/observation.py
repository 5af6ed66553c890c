"""A block's transfers seen by the profiles of their accounts: measured as of before the block, then taken in.

All transfers of a block are measured before any of them is taken in, so that what a profile says of "before this block" is one
thing, whichever of the accounts a crash left ahead of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from counterfoil.detection.network.measures import NAMES, measure
from counterfoil.detection.network.model import Scorer
from counterfoil.detection.network.profile import Flow, Profile, before, node_of
from counterfoil.detection.transfer import Transfer

_SECOND: Final = 1_000_000


class Observation(NamedTuple):
    """A transfer between two accounts of the ledger: its measures in the order of ``NAMES``, and what a model makes of them.

    ``score`` is from 0 to 1, ``None`` where no model is asked.
    """

    transfer: Transfer
    measures: Sequence[float]
    score: float | None


_DEPTH: Final = NAMES.index("depth")
_PAYER_RATE: Final = NAMES.index("payer_everyday_rate")
_PAYEE_RATE: Final = NAMES.index("payee_everyday_rate")


def observe(
    sequence_no: int,
    moving: Sequence[tuple[int, int, Transfer]],
    behind: Mapping[str, Profile],
    ahead: Mapping[str, Profile],
    scorer: Scorer | None,
    cash: frozenset[str] = frozenset(),
) -> list[Observation]:
    """Measure a block's transfers and take them into the profiles that are ``behind`` it.

    ``moving`` are the transfers whose money moves, each with its place in the block and the verified time in microseconds since
    1970; an account in neither mapping is outside the ledger, those in ``cash`` stand for cash. A transfer of which one account is
    ahead was observed before: it is taken in by what the other remembers of it.
    """
    everyone = {**ahead, **behind}
    observations: list[Observation] = []
    moved: list[tuple[Transfer, Flow]] = []
    for ordinal, moment, transfer in moving:
        at = moment // _SECOND
        payer, payee = everyone.get(transfer.from_account), everyone.get(transfer.to_account)
        if payer is None or payee is None or payer is payee:
            if transfer.from_account in behind and payee is None:
                behind[transfer.from_account].spend(at, float(transfer.amount), cash=transfer.to_account in cash)
            continue
        if transfer.from_account in behind and transfer.to_account in behind:
            facts, observation = _observed(sequence_no, ordinal, at, transfer, payer, payee, scorer)
            observations.append(observation)
        else:
            facts = _remembered_facts(sequence_no, ordinal, at, transfer, ahead)
        moved.append((transfer, facts))
    for transfer, facts in moved:
        _take_in(sequence_no, transfer, facts, everyone, behind)
    return observations


def _observed(
    sequence_no: int, ordinal: int, at: int, transfer: Transfer, payer: Profile, payee: Profile, scorer: Scorer | None
) -> tuple[Flow, Observation]:
    names = node_of(transfer.from_account), node_of(transfer.to_account)
    amount = float(transfer.amount)
    measures = measure(payer, payee, names, amount, transfer.currency, at)
    first = 0.0 if scorer is None else scorer.first_score(measures)
    score = None if scorer is None else scorer.score(measures)
    depth = int(measures[_DEPTH]) + 1
    is_first = names[1] not in payer.payees
    facts = Flow(
        sequence_no, ordinal, at, "", amount, transfer.currency, is_first, depth if is_first else 0, round(first, 4),
        measures[_PAYER_RATE], measures[_PAYEE_RATE],
    )  # fmt: skip
    return facts, Observation(transfer, measures, score)


def _remembered_facts(
    sequence_no: int, ordinal: int, at: int, transfer: Transfer, ahead: Mapping[str, Profile]
) -> Flow:
    """What the account that is ahead of the block remembers of the transfer; nothing special where it forgot it."""
    payer, payee = ahead.get(transfer.from_account), ahead.get(transfer.to_account)
    known = [*(() if payer is None else payer.paid), *(() if payee is None else payee.received)]
    found = next((each for each in known if (each.sequence_no, each.ordinal) == (sequence_no, ordinal)), None)
    return found or Flow(
        sequence_no, ordinal, at, "", float(transfer.amount), transfer.currency, first=False, depth=0, score=0.0
    )


def _take_in(
    sequence_no: int, transfer: Transfer, facts: Flow, everyone: Mapping[str, Profile], behind: Mapping[str, Profile]
) -> None:
    payer_name, payee_name = node_of(transfer.from_account), node_of(transfer.to_account)
    from_payer, from_payee = everyone[transfer.from_account], everyone[transfer.to_account]
    received = before(from_payee.received, sequence_no)
    paid, reaches = before(from_payer.paid, sequence_no), before(from_payer.reaches, sequence_no)
    if payer := behind.get(transfer.from_account):
        payer.pay(facts._replace(party=payee_name), [each for each in received if each.party != payer_name])
    if payee := behind.get(transfer.to_account):
        payee.receive(facts._replace(party=payer_name), paid, reaches, payee_name)
