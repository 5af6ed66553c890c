"""Conservation of money: what a transaction did to the balances is what its transfers say.

Per account and currency, new balance - previous balance = sum of the account's legs in the block. It is a finding
- where a balance changes otherwise than its legs say, or without any,
- where an account that is known has legs and its balance does not change,
- where none of that is so and the changes of one currency do not add up to nothing: then the other side of a transfer is an
  account that nobody ever opened.

The first version of an account is not a movement: money arrives with it from where the ledger does not reach. But where the
same transaction also has legs on it, the account is taken as opened empty, and its balance must be their sum.

Where the balances were rounded before they came into the ledger, a ``tolerance`` leaves room for that: per account, and once for
each account in the sum of a currency.

What is not known is not judged: an account whose previous version was not seen, or cannot be read, and the sum over a block
with such an account in it. Of a transfer that may have moved its money before it was first seen, either reading will do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from counterfoil.detection.account import Holding
from counterfoil.detection.fraud_rules.texts import money_text
from counterfoil.detection.money import EXACT, ZERO, plain, total
from counterfoil.detection.transfer import Balance, Transfer


class Purse(NamedTuple):
    """One account's money in one currency."""

    currency: str
    account_id: str


class Imbalance(NamedTuple):
    """``account_id`` is the account that does not add up; for a whole currency, one whose balance changed. ``off_by`` is positive."""

    subject: str
    account_id: str | None
    currency: str
    off_by: Decimal
    reason: str
    evidence: dict[str, str]


def _sums() -> defaultdict[Purse, Decimal]:
    return defaultdict(lambda: ZERO)


@dataclass(slots=True)
class Tally:
    """Legs and changes of one block.

    ``unclear`` are accounts whose change is not known; ``all_clear`` of ``False``: there may be changes of accounts that cannot
    even be named. ``known`` are accounts that have a balance, ``outside`` those that stand for the world, ``opened`` documents whose
    first version is in this block: whatever else the block does to them belongs to their opening.
    """

    outside: frozenset[str]
    legs: defaultdict[Purse, Decimal] = field(default_factory=_sums)
    perhaps: defaultdict[Purse, Decimal] = field(default_factory=_sums)
    changes: defaultdict[Purse, Decimal] = field(default_factory=_sums)
    openings: defaultdict[Purse, Decimal] = field(default_factory=_sums)
    unclear: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    all_clear: bool = True
    opened: set[str] = field(default_factory=set)

    def transfer(self, transfer: Transfer, *, moves: bool | None) -> None:
        """Add a transfer's two legs; ``moves`` of ``None``: perhaps they were made before."""
        if moves is False:
            return
        legs = self.legs if moves else self.perhaps
        source, target = Purse(transfer.currency, transfer.from_account), Purse(transfer.currency, transfer.to_account)
        legs[source] = EXACT.subtract(legs[source], transfer.amount)
        legs[target] = EXACT.add(legs[target], transfer.amount)

    def balance(self, balance: Balance, previous: Holding | None) -> None:
        """Add what a document's new version does to its account."""
        purse = Purse(balance.currency, balance.account_id)
        document_id, version = balance.source.document_id, balance.source.version
        if version == 0:
            self.opened.add(document_id)
        elif previous is None or previous.version != version - 1:
            self.unclear.add(balance.account_id)
            return
        sums = self.openings if document_id in self.opened else self.changes
        if version > 0 and previous is not None:
            before = Purse(previous.currency, balance.account_id)
            sums[before] = EXACT.subtract(sums[before], previous.balance)
        sums[purse] = EXACT.add(sums[purse], balance.amount)

    def imbalances(self, tolerance: Decimal = ZERO) -> list[Imbalance]:
        """What does not add up, by more than ``tolerance`` for each account that has a part in it."""
        purses = self._purses()
        off = [purse for purse in purses if self._is_off(purse, tolerance)]
        found = [self._of_account(purse) for purse in off]
        if self.all_clear and not self.unclear:
            currencies = sorted({purse.currency for purse in purses} - {purse.currency for purse in off})
            found += [
                self._of_currency(each, purses) for each in currencies if self._sum_is_off(each, purses, tolerance)
            ]
        return found

    def _purses(self) -> list[Purse]:
        return sorted({*self.legs, *self.perhaps, *self.changes, *self.openings})

    def _has_legs(self, purse: Purse) -> bool:
        return purse in self.legs or purse in self.perhaps

    def _changed(self, purse: Purse) -> Decimal:
        changed = self.changes.get(purse, ZERO)
        if purse in self.openings and self._has_legs(purse):
            changed = EXACT.add(changed, self.openings[purse])
        return changed

    def _expected(self, purse: Purse) -> tuple[Decimal, Decimal]:
        """The sum of the legs without and with those that were perhaps made before."""
        certain = self.legs.get(purse, ZERO)
        return certain, EXACT.add(certain, self.perhaps[purse]) if purse in self.perhaps else certain

    def _is_off(self, purse: Purse, tolerance: Decimal) -> bool:
        account_id = purse.account_id
        if account_id in self.outside or account_id in self.unclear:
            return False
        if purse not in self.changes and purse not in self.openings and account_id not in self.known:
            return False
        return _differs(self._changed(purse), self._expected(purse), tolerance)

    def _inside(self, currency: str, purses: Iterable[Purse]) -> list[Purse]:
        return [each for each in purses if each.currency == currency and each.account_id not in self.outside]

    def _from_outside(self, currency: str, purses: Iterable[Purse]) -> tuple[Decimal, Decimal]:
        """What came in from external accounts, again in both readings."""
        legs = [
            self._expected(each) for each in purses if each.currency == currency and each.account_id in self.outside
        ]
        certain, either = total([one for one, _ in legs]), total([other for _, other in legs])
        return certain.copy_negate(), either.copy_negate()

    def _sum_is_off(self, currency: str, purses: Sequence[Purse], tolerance: Decimal) -> bool:
        inside = self._inside(currency, purses)
        room = EXACT.multiply(tolerance, Decimal(len(inside)))
        return _differs(total([self._changed(each) for each in inside]), self._from_outside(currency, purses), room)

    def _of_account(self, purse: Purse) -> Imbalance:
        currency, account_id = purse
        changed, expected = self._changed(purse), self._expected(purse)[0]
        if purse in self.openings and self._has_legs(purse):
            what = f"was opened with {money_text(changed, currency)}"
        else:
            what = f"changed by {money_text(changed, currency)}"
        legs = (
            f"its transfers here add up to {plain(expected)}" if self._has_legs(purse) else "no transfer here says so"
        )
        evidence = {"currency": currency, "balance_change": plain(changed), "sum_of_legs": plain(expected)}
        off = EXACT.subtract(changed, expected).copy_abs()
        reason = f"{account_id} {what}, but {legs}"
        return Imbalance(f"{account_id}:{currency}", account_id, currency, off, reason, evidence)

    def _of_currency(self, currency: str, purses: Sequence[Purse]) -> Imbalance:
        inside = self._inside(currency, purses)
        moved = [each for each in inside if self._changed(each)]
        nobody = sorted({each.account_id for each in inside if self._has_legs(each) and not self._changed(each)})
        off = total(map(self._changed, inside))
        came_in = self._from_outside(currency, purses)[0]
        reason = (
            f"the balances in {currency} changed by {money_text(off, currency)} together where "
            f"{plain(came_in)} came from outside: {', '.join(nobody[:5])} has no balance here"
        )
        evidence = {
            "currency": currency,
            "sum_of_changes": plain(off),
            "accounts_without_balance": " ".join(nobody[:20]),
        }
        off_by = EXACT.subtract(off, came_in).copy_abs()
        return Imbalance(currency, moved[0].account_id if moved else None, currency, off_by, reason, evidence)


def _differs(found: Decimal, expected: tuple[Decimal, Decimal], tolerance: Decimal) -> bool:
    return found not in expected and all(EXACT.subtract(found, each).copy_abs() > tolerance for each in expected)
