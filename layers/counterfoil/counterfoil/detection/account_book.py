"""The states that the judgement of some blocks of one strand needs: parsed, changed in place, and rendered where they changed.

All effects of a batch on one account are folded into one write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from counterfoil.detection.account import (
    AccountState,
    StateKey,
    TransactionState,
    account_key,
    parse_account,
    parse_transaction,
    transaction_key,
)


class StoredState(NamedTuple):
    """A state as it is kept; ``version`` counts its replacements from 1."""

    version: int
    body: str


class StateChange(NamedTuple):
    """A state to keep in the place of ``old_version`` (``None``: of nothing), and when it may be forgotten."""

    key: StateKey
    old_version: int | None
    body: str
    expires_at: datetime | None = None


@dataclass(slots=True)
class AccountBook:
    """States by account id and by transaction id; those that are not stored yet begin empty."""

    strand_id: str
    stored: Mapping[StateKey, StoredState]
    _accounts: dict[str, AccountState] = field(default_factory=dict)
    _transactions: dict[str, TransactionState] = field(default_factory=dict)

    def carried_on(self) -> AccountBook:
        """A book with the same accounts and without a memory of transaction ids: for judging more than is to be remembered."""
        return AccountBook(self.strand_id, self.stored, self._accounts)

    def account(self, account_id: str) -> AccountState:
        if account_id not in self._accounts:
            stored = self.stored.get(account_key(self.strand_id, account_id))
            self._accounts[account_id] = AccountState() if stored is None else parse_account(stored.body)
        return self._accounts[account_id]

    def transaction(self, transaction_id: str) -> TransactionState:
        if transaction_id not in self._transactions:
            stored = self.stored.get(transaction_key(self.strand_id, transaction_id))
            self._transactions[transaction_id] = (
                TransactionState() if stored is None else parse_transaction(stored.body)
            )
        return self._transactions[transaction_id]

    def changes(self, now: datetime, memory: timedelta) -> list[StateChange]:
        """What differs from what is stored. Transaction ids are forgotten ``memory`` after ``now``, accounts never.

        The wall clock and not the block's time says when: a transfer of years ago that is replayed today is to be remembered
        from today on.
        """
        accounts = ((account_key(self.strand_id, each), state.render()) for each, state in self._accounts.items())
        transactions = (
            (transaction_key(self.strand_id, each), state.render()) for each, state in self._transactions.items()
        )
        return [*self._changed(accounts, None), *self._changed(transactions, now + memory)]

    def _changed(self, states: Iterable[tuple[StateKey, str]], expires_at: datetime | None) -> Iterable[StateChange]:
        for key, body in states:
            stored = self.stored.get(key)
            if stored is None or stored.body != body:
                yield StateChange(key, None if stored is None else stored.version, body, expires_at)


def keys_of(strand_id: str, account_ids: Iterable[str], transaction_ids: Iterable[str]) -> list[StateKey]:
    """The keys that a book for these accounts and transactions is loaded by."""
    accounts = (account_key(strand_id, each) for each in account_ids)
    return [*accounts, *(transaction_key(strand_id, each) for each in transaction_ids)]
