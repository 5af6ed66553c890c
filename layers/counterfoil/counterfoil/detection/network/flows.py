"""The transfers of an account with others that its profile remembers, in one direction."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from counterfoil.detection.network.entries import Places, Texts, Times, picked, quoted
from counterfoil.detection.network.limits import FORTNIGHT, MAX_FLOWS, MAX_TAKEN, MOST, SLACK

# What stands for a rate of everyday payments where none is remembered: one that suspects nobody.
NO_RATE: Final = 9.0


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


class Flows:
    """The newest transfers with other accounts in one direction, in journal order.

    They are kept by column, for a measure looks at one or two of them: ``firsts`` are bytes, 1 for a first payment.
    """

    __slots__ = (
        "_texts",
        "amounts",
        "currencies",
        "depths",
        "firsts",
        "ordinals",
        "parties",
        "payee_rates",
        "payer_rates",
        "scores",
        "sequence_nos",
        "times",
    )

    def __init__(self, flows: Iterable[Flow] = ()) -> None:
        self.sequence_nos, self.ordinals, self.times = array("q"), array("q"), Times()
        self.parties: list[str] = []
        self.amounts = array("d")
        self.currencies: list[str] = []
        self.firsts, self.depths, self.scores = bytearray(), array("q"), array("d")
        self.payer_rates, self.payee_rates = array("d"), array("d")
        self._texts = Texts()
        for each in flows:
            self.enter(each)

    def __len__(self) -> int:
        return len(self.parties)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Flows) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __iter__(self) -> Iterator[Flow]:
        return map(self._flow, range(len(self)))

    def __getitem__(self, index: int) -> Flow:
        return self._flow(range(len(self))[index])

    def enter(self, flow: Flow) -> None:
        """Append a flow."""
        sequence_no, ordinal, at, party, amount, currency, first, depth, score, payer_rate, payee_rate = flow
        self.sequence_nos.append(sequence_no)
        self.ordinals.append(ordinal)
        self.times.append(at)
        self.parties.append(party)
        self.amounts.append(amount)
        self.currencies.append(currency)
        self.firsts.append(first)
        self.depths.append(depth)
        self.scores.append(score)
        self.payer_rates.append(payer_rate)
        self.payee_rates.append(payee_rate)

    def add(self, flow: Flow) -> None:
        """Add a flow and drop the oldest beyond the limit, as far as they are older than ``SLACK`` blocks."""
        self.enter(flow)
        if len(self) > MAX_FLOWS:
            old = bisect_right(self.sequence_nos, flow.sequence_no - SLACK)
            self._forget(max(old - MAX_FLOWS, len(self) - MOST * MAX_FLOWS, 0))

    def amounts_in(self, currency: str, places: Places) -> list[float]:
        """The amounts of those of these flows that are in a currency."""
        pairs = zip(picked(self.amounts, places), picked(self.currencies, places), strict=True)
        return [amount for amount, of in pairs if of == currency]

    def parties_before(self, sequence_no: int, at: int) -> Sequence[str]:
        """With whom the newest flows of the time before a block were, those within a fortnight of ``at``."""
        end = bisect_left(self.sequence_nos, sequence_no)
        first = max(end - MAX_TAKEN, 0)
        near = self.times.near(at, FORTNIGHT)
        if isinstance(near, range):
            return self.parties[max(first, near.start) : end]
        return [self.parties[index] for index in near if first <= index < end]

    def rendered(self) -> str:
        """All flows as JSON, compact."""
        known = len(self._texts)
        if known < len(self):
            self._texts.extend([self._text(index) for index in range(known, len(self))])
        return self._texts.rendered()

    def _flow(self, index: int) -> Flow:
        return Flow(
            self.sequence_nos[index],
            self.ordinals[index],
            self.times.values[index],
            self.parties[index],
            self.amounts[index],
            self.currencies[index],
            bool(self.firsts[index]),
            self.depths[index],
            self.scores[index],
            self.payer_rates[index],
            self.payee_rates[index],
        )

    def _text(self, index: int) -> str:
        sequence_no, ordinal, at, party, amount, currency, first, depth, score, payer_rate, payee_rate = self._flow(
            index
        )
        told = f"{quoted(currency)},{'true' if first else 'false'},{depth},{score!r},{payer_rate!r},{payee_rate!r}"
        return f"[{sequence_no},{ordinal},{at},{quoted(party)},{amount!r},{told}]"

    def _forget(self, count: int) -> None:
        if count:
            columns = (
                self.sequence_nos,
                self.ordinals,
                self.times.values,
                self.parties,
                self.amounts,
                self.currencies,
                self.firsts,
                self.depths,
                self.scores,
                self.payer_rates,
                self.payee_rates,
            )
            for column in columns:
                del column[:count]
            self._texts.forget(count)
