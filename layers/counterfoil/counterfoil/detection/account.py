"""What the fraud rules remember: one state per account, one per business transaction id, each of one strand.

Every state is a function of the blocks applied so far, never of the batches they came in. An account's state says up to
which block it was applied; a block is applied to an account once, however often it is delivered. All lists are bounded,
and states are written as compact JSON of at most about 381 KB (DynamoDB's items may have 400 KB).

States are kept per strand because a strand is a ledger: the same account id in two ledgers is two accounts, and blocks of
two strands have no order that a rule could rely on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, NamedTuple

from counterfoil.detection.money import plain
from counterfoil.detection.network.entries import Entries, Timed, quoted
from counterfoil.detection.network.limits import MAX_NAMES
from counterfoil.detection.network.profile import Profile, parse_profile
from counterfoil.errors import UnavailableError

# Per account: the newest transfers, whatever the windows; beyond it the oldest are forgotten and windows are judged on the rest.
# 448 within a day are more than the count of velocity lets pass; inflows, which no count stops, are kept apart, and only those
# that a rule looks at, so that a flood of small ones cannot wash away what matters.
MAX_OUTFLOWS: Final = 448
MAX_INFLOWS: Final = 64
# Per account: the payees paid most recently; one that fell out counts as new when it is paid again.
MAX_PAYEES: Final = 128
# Per account: documents that hold a balance of it (one per currency, usually one).
MAX_HOLDINGS: Final = 16
# Per account: rules that are firing; the rule that began first is forgotten and may then fire again.
MAX_FIRING: Final = 64
# Per account: the amounts that left it last, whatever the windows: its own history.
MAX_PAST: Final = 64
# Ids of accounts are kept in movements up to this length in JSON; a longer one is represented by its hash.
MAX_PARTY_CHARACTERS: Final = 64
# Per business transaction id: documents that carry it.
MAX_DOCUMENTS: Final = 32


class StateKey(NamedTuple):
    """Where a state is kept: ``key`` is a partition, ``item`` a place in it."""

    key: str
    item: str


def account_key(strand_id: str, account_id: str) -> StateKey:
    return StateKey(f"account#{strand_id}#{account_id}", "state")


def transaction_key(strand_id: str, transaction_id: str) -> StateKey:
    return StateKey(f"transaction#{strand_id}#{transaction_id}", "state")


class Movement(NamedTuple):
    """Money that went out of or into an account. ``at`` is the verified transaction time in microseconds since 1970.

    ``counterparty`` is ``party_of`` the other account, empty in movements kept before it was remembered; ``is_new`` says of a
    transfer out that the account is not remembered to have paid this one before.
    """

    at: int
    sequence_no: int
    incoming: bool
    amount: Decimal
    currency: str
    transaction_id: str
    document_id: str
    revision_hash: str
    counterparty: str = ""
    is_new: bool = False


class Movements(Timed[Movement]):
    """Movements in journal order."""

    __slots__ = ("_inflows",)

    def __init__(self, movements: Iterable[Movement] = ()) -> None:
        super().__init__(movements)
        self._count_inflows()

    def _count_inflows(self) -> None:
        self._inflows = sum([each.incoming for each in self])

    @staticmethod
    def text(entry: Movement) -> str:
        at, sequence_no, incoming, amount, currency, *texts, is_new = entry
        rest = ",".join(map(quoted, (currency, *texts)))
        return f'[{at},{sequence_no},{_flag(incoming)},"{plain(amount)}",{rest},{_flag(is_new)}]'

    def add(self, movement: Movement, horizon: int) -> None:
        """Add a movement; forget those ``horizon`` microseconds or more away, and the oldest beyond the limits."""
        begin = self._times.begins(movement.at, horizon)
        if begin is None:
            for index in reversed([index for index, each in enumerate(self) if abs(movement.at - each.at) >= horizon]):
                self.drop(index)
            self._times.settle()
            self._count_inflows()
        elif begin:
            self._inflows -= sum([each.incoming for each in self[:begin]])
            self.forget(begin)
        incoming = movement.incoming
        if (self._inflows if incoming else len(self) - self._inflows) >= (MAX_INFLOWS if incoming else MAX_OUTFLOWS):
            self.drop(next(index for index, each in enumerate(self) if each.incoming == incoming))
            self._inflows -= incoming
        self._inflows += incoming
        self.enter(movement)


def _flag(value: bool) -> str:  # noqa: FBT001 - what is written
    return "true" if value else "false"


class Spent(NamedTuple):
    """An amount that left an account some time."""

    currency: str
    amount: Decimal


class Past(Entries[Spent]):
    """The amounts that left an account last."""

    __slots__ = ()

    @staticmethod
    def text(entry: Spent) -> str:
        return f'[{quoted(entry.currency)},"{plain(entry.amount)}"]'


class Payees(dict[str, str]):
    """Whom an account paid, from the least to the most recently paid, each as JSON; all of them together are kept, too."""

    __slots__ = ("_text",)

    def __init__(self, names: Iterable[str] = ()) -> None:
        super().__init__((each, quoted(each)) for each in names)
        self._text: str | None = None

    def rendered(self) -> str:
        """All of them as JSON, compact."""
        if self._text is None:
            self._text = f"[{','.join(self.values())}]"
        return self._text

    def pay(self, payee: str) -> None:
        self._text = None
        self.pop(payee, None)
        self[payee] = quoted(payee)
        if len(self) > MAX_PAYEES:
            del self[next(iter(self))]


@lru_cache(maxsize=MAX_NAMES)
def party_of(account_id: str) -> str:
    """An account's id as movements keep it: itself, or its hash where it is long."""
    if len(json.dumps(account_id, ensure_ascii=False).encode()) - 2 <= MAX_PARTY_CHARACTERS:
        return account_id
    return sha256(account_id.encode()).hexdigest()


class Holding(NamedTuple):
    """The balance that a document last held, and in which version."""

    version: int
    balance: Decimal
    currency: str


@dataclass(slots=True)
class AccountState:
    """``applied`` is the sequence number of the last block applied, -1 before the first.

    ``firing`` are the rules whose condition held at the last event, each with its scope. ``last_out`` is when money left it last,
    ``profile`` what it is in the network of accounts.
    """

    applied: int = -1
    movements: Movements = field(default_factory=Movements)
    holdings: dict[str, Holding] = field(default_factory=dict)
    payees: Payees = field(default_factory=Payees)
    firing: list[str] = field(default_factory=list)
    past: Past = field(default_factory=Past)
    last_out: int | None = None
    profile: Profile = field(default_factory=Profile)

    def pay(self, payee: str, movement: Movement) -> None:
        """Remember whom was paid, how much and when: what the next payment is compared with."""
        self.past.append(Spent(movement.currency, movement.amount))
        self.past.forget(len(self.past) - MAX_PAST)
        self.last_out = movement.at
        self.payees.pay(payee)

    def hold(self, document_id: str, holding: Holding) -> None:
        """Remember a document's balance; the document that changed last stays longest."""
        self.holdings.pop(document_id, None)
        self.holdings[document_id] = holding
        while len(self.holdings) > MAX_HOLDINGS:
            del self.holdings[next(iter(self.holdings))]

    def rises(self, rule: str, *, holds: bool) -> bool:
        """Whether a rule's condition holds now and did not at the account's last event; remembers it."""
        fired = rule in self.firing
        if fired and not holds:
            self.firing.remove(rule)
        if holds and not fired:
            self.firing = [*self.firing, rule][-MAX_FIRING:]
        return holds and not fired

    def render(self) -> str:
        holdings = [
            f'{quoted(each)}:[{version},"{plain(balance)}",{quoted(currency)}]'
            for each, (version, balance, currency) in self.holdings.items()
        ]
        last_out = "null" if self.last_out is None else self.last_out
        firing = ",".join(map(quoted, self.firing))
        return (
            f'{{"applied":{self.applied},"movements":{self.movements.rendered()},"holdings":{{{",".join(holdings)}}},'
            f'"payees":{self.payees.rendered()},"firing":[{firing}],"past":{self.past.rendered()},'
            f'"last_out":{last_out},"network":{self.profile.render()}}}'
        )


def parse_account(text: str) -> AccountState:
    body = _load(text)
    return AccountState(
        body["applied"],
        Movements(_parse_movement(*each) for each in body["movements"]),
        {each: Holding(version, Decimal(amount), cur) for each, (version, amount, cur) in body["holdings"].items()},
        Payees(body["payees"]),
        body["firing"],
        # States that were written before these were remembered do not have them.
        Past(Spent(currency, Decimal(amount)) for currency, amount in body.get("past", ())),
        body.get("last_out"),
        parse_profile(body.get("network", {})),
    )


class Carrier(NamedTuple):
    """A document that carries a transaction id: first and newest version seen, and the version that moved the money, if any."""

    first_version: int
    version: int
    moved_version: int | None


def _row(carrier: Carrier) -> str:
    first_version, version, moved_version = carrier
    return f"[{first_version},{version},{'null' if moved_version is None else moved_version}]"


# Stands for a version that was not seen: the money may have moved before the strand was followed.
_EARLIER: Final = -1


@dataclass(slots=True)
class TransactionState:
    """Documents that carry one transaction id, in journal order: all but the first are duplicates.

    The questions answer alike before and after ``see`` took a version in, so that a block can be judged again.
    """

    carriers: dict[str, Carrier] = field(default_factory=dict)

    def is_new_duplicate(self, document_id: str, version: int) -> bool:
        """Whether another document had the id before, and this version is the first of this document to carry it."""
        if not self.carriers or next(iter(self.carriers)) == document_id:
            return False
        known = self.carriers.get(document_id)
        return known is None or known.first_version == version

    def moves(self, document_id: str, version: int, *, effective: bool) -> bool | None:
        """Whether this version moves the document's money; ``None`` where that depends on versions that were not seen."""
        known = self.carriers.get(document_id)
        if version > 0 and (known is None or known.first_version == version):
            return None if effective else False
        if known is None:
            return effective
        if known.moved_version is not None:
            return known.moved_version == version
        return effective and version > known.version

    def see(self, document_id: str, version: int, *, moves: bool | None) -> None:
        known = self.carriers.get(document_id)
        moved = _EARLIER if moves is None else (version if moves else None)
        if known is None:
            if len(self.carriers) < MAX_DOCUMENTS:
                self.carriers[document_id] = Carrier(version, version, moved)
        elif version > known.version:
            earlier = known.moved_version
            self.carriers[document_id] = Carrier(known.first_version, version, moved if earlier is None else earlier)

    def render(self) -> str:
        carriers = ",".join([f"{quoted(each)}:{_row(carrier)}" for each, carrier in self.carriers.items()])
        return f'{{"carriers":{{{carriers}}}}}'


def parse_transaction(text: str) -> TransactionState:
    return TransactionState({each: Carrier(*carrier) for each, carrier in _load(text)["carriers"].items()})


def _parse_movement(at: int, sequence_no: int, incoming: bool, amount: str, *rest: Any) -> Movement:  # noqa: FBT001 - a row of JSON
    return Movement(at, sequence_no, incoming, Decimal(amount), *rest)


def _load(text: str) -> Any:
    """States are written by this module alone: one that is not JSON was damaged, and a person has to restore or delete it."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise UnavailableError(f"a stored state cannot be read ({error}): restore or delete {text[:80]!r}") from error
