"""Frozen accounts: a transaction that moves money of one is not committed.

A freeze is a document of the ledger itself, so it is journaled, proved and dated like everything else, and reading it is part of
the transaction: a freeze that is committed while a transfer is under way is a conflict, and the transfer's next attempt finds it.
There is no moment at which a freeze holds and a transfer gets past it.

    AccountFreezes: {accountId: "ACC-1", frozen: true, reason: "...", ...}

An account is frozen while one of its documents does not say ``frozen: false``. Without a table of that name nothing is frozen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from counterfoil.detection.parameters import NAME, Json, read_settings, refuse_unknown
from counterfoil.detection.transfer import TransactionShape
from counterfoil.errors import InputError, PreconditionError
from counterfoil.ion.values import Annotated, Value
from counterfoil.ledger.concurrency import name_footprint
from counterfoil.ledger.workspace import SnapshotWorkspace
from counterfoil.partiql.equality import key_of
from counterfoil.partiql.tables import Row, Table, View

# What a setting says for no freezes at all.
OFF: Final = "off"


class FrozenError(PreconditionError):
    """A transfer of an account that is frozen. Trying again is of no use until a person lifts the freeze."""


@dataclass(frozen=True, slots=True)
class FreezeShape:
    """Where freezes are kept, and what the field that names the account is called."""

    table: str = field(default="AccountFreezes", metadata=NAME)
    account_id: str = field(default="accountId", metadata=NAME)


@dataclass(frozen=True, slots=True)
class FreezeGuard:
    """Looks at what a transaction wrote before it is committed; ``FrozenError`` if that moves money of a frozen account."""

    freezes: FreezeShape = field(default_factory=FreezeShape)
    transactions: TransactionShape = field(default_factory=TransactionShape)

    def __call__(self, workspace: SnapshotWorkspace) -> None:
        accounts = self._accounts(workspace)
        if not accounts:
            return
        # Were the table made meanwhile, this transaction would have to look into it.
        workspace.read.add(name_footprint(self.freezes.table))
        table = workspace.catalogue.table(self.freezes.table)
        if table is None:
            return
        for account_id in sorted(accounts):
            for row in self._rows(workspace, table, account_id):
                if row.value.get("frozen") is not False:
                    raise FrozenError(
                        f"account {account_id} is frozen by document {row.document_id} of {self.freezes.table}: "
                        f"no money of it moves until a person lifts that"
                    )

    def _accounts(self, workspace: SnapshotWorkspace) -> set[str]:
        """Both accounts of every transfer whose money moves in this transaction."""
        shape, found = self.transactions, set[str]()
        for each in workspace.documents:
            if each.table_name != shape.table or not self._moves(each.value):
                continue
            if each.base is not None and each.base.data is not None and self._moves(each.base.value):
                continue  # the money moved before, and whatever this changes does not move it again
            assert each.value is not None
            found |= {text for name in (shape.from_account, shape.to_account) if (text := _text(each.value.get(name)))}
        return found

    def _moves(self, document: Mapping[str, Value] | None) -> bool:
        status = self.transactions.status
        if document is None:
            return False
        return status is None or _text(document.get(status)) in self.transactions.effective

    def _rows(self, workspace: SnapshotWorkspace, table: Table, account_id: str) -> Iterator[Row]:
        """The freezes of an account: by an index where there is one, else by looking at all."""
        name = self.freezes.account_id
        index = next((each for each in table.indexes if each.field == name), None)
        key = key_of(account_id)
        if index is not None and key is not None:
            workspace.use_table(table.table_id)
            return workspace.probe(table, View.USER, index, key)
        return (row for row in workspace.scan(table, View.USER) if _text(row.value.get(name)) == account_id)


def parse_freezes(text: str) -> FreezeGuard | None:
    """Read ``{"freezes": {...}, "transactions": {...}}``; nothing means the defaults, ``off`` that no freeze is honoured."""
    if text.strip() == OFF:
        return None
    try:
        given: Json = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise InputError(f"the setting of freezes is not JSON: {error}") from None
    if not isinstance(given, Mapping):
        raise InputError("the setting of freezes must be an object, or off")
    refuse_unknown(given, {"freezes": None, "transactions": None}, "the setting of freezes")
    return FreezeGuard(
        read_settings(FreezeShape, given.get("freezes", {}), "freezes"),
        read_settings(TransactionShape, given.get("transactions", {}), "transactions"),
    )


def _text(value: Value) -> str | None:
    """A text, whatever it is annotated with."""
    while isinstance(value, Annotated):
        value = value.value
    return str(value) if isinstance(value, str) else None
