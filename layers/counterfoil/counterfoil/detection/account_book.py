"""The states that the judgement of some blocks of one strand needs: parsed, changed in place, and rendered where they changed.

All effects of a batch on one account are folded into one write. What was parsed is kept for the batches to come (``ParsedStates``):
the store says what an account's state is, and only where its text is still the same is the parsed one used again.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

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


# Characters of states that are kept parsed: with what they are parsed into some 250 MB, of a function's 1,769.
MAX_PARSED_CHARACTERS: Final = 40_000_000
# As many more does a state count for: with nothing in it it has a hundred characters, and takes 5 KB.
EMPTY_CHARACTERS: Final = 1_000
# Kept states are a million tuples, none of them in a cycle, which the collector of cycles would look through many times a second.
_COLLECTOR: Final = (100_000, 50, 100)


def collect_seldom() -> None:
    """Look for unreachable cycles seldom, in a process that keeps parsed states."""
    gc.set_threshold(*_COLLECTOR)


@dataclass(slots=True)
class ParsedStates:
    """Accounts' states as they were last written, with their texts; those used longest ago are forgotten beyond the limit.

    A state is taken out to be changed, and kept again when what it became is stored: what a failure left half changed is nowhere.
    """

    limit: int = MAX_PARSED_CHARACTERS
    _states: dict[StateKey, tuple[str, AccountState]] = field(default_factory=dict)
    _characters: int = 0

    def take(self, key: StateKey, text: str) -> AccountState:
        """The state that ``text`` is, as it was kept, or else parsed."""
        kept, state = self._states.pop(key, ("", None))
        self._characters -= _size(kept)
        return state if state is not None and kept == text else parse_account(text)

    def keep(self, key: StateKey, text: str, state: AccountState) -> None:
        """Keep a state that is stored as ``text``; nobody may change it from here on."""
        replaced, _ = self._states.pop(key, ("", None))
        self._states[key] = (text, state)
        self._characters += _size(text) - _size(replaced)
        while self._characters > self.limit:
            oldest = next(iter(self._states))
            self._characters -= _size(self._states.pop(oldest)[0])


def _size(text: str) -> int:
    """What a state with this text counts for; nothing where there is none."""
    return len(text) + EMPTY_CHARACTERS if text else 0


@dataclass(slots=True)
class AccountBook:
    """States by account id and by transaction id; those that are not stored yet begin empty."""

    strand_id: str
    stored: Mapping[StateKey, StoredState]
    parsed: ParsedStates = field(default_factory=ParsedStates)
    _accounts: dict[str, AccountState] = field(default_factory=dict)
    _transactions: dict[str, TransactionState] = field(default_factory=dict)

    def carried_on(self) -> AccountBook:
        """A book with the same accounts and without a memory of transaction ids: for judging more than is to be remembered."""
        return AccountBook(self.strand_id, self.stored, self.parsed, self._accounts)

    def account(self, account_id: str) -> AccountState:
        if account_id not in self._accounts:
            key = account_key(self.strand_id, account_id)
            stored = self.stored.get(key)
            self._accounts[account_id] = AccountState() if stored is None else self.parsed.take(key, stored.body)
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

    def keep_parsed(self, changes: Iterable[StateChange]) -> None:
        """Keep the accounts for books to come; ``changes`` are what this book had changed, and are stored."""
        texts = {change.key: change.body for change in changes}
        for account_id, state in self._accounts.items():
            key = account_key(self.strand_id, account_id)
            stored = self.stored.get(key)
            text = texts.get(key) or (None if stored is None else stored.body)
            if text is not None:
                self.parsed.keep(key, text, state)

    def _changed(self, states: Iterable[tuple[StateKey, str]], expires_at: datetime | None) -> Iterable[StateChange]:
        for key, body in states:
            stored = self.stored.get(key)
            if stored is None or stored.body != body:
                yield StateChange(key, None if stored is None else stored.version, body, expires_at)


def keys_of(strand_id: str, account_ids: Iterable[str], transaction_ids: Iterable[str]) -> list[StateKey]:
    """The keys that a book for these accounts and transactions is loaded by."""
    accounts = (account_key(strand_id, each) for each in account_ids)
    return [*accounts, *(transaction_key(strand_id, each) for each in transaction_ids)]
