"""What DDL statements change in the catalogue: the same function judges them in a transaction and replays them from the journal."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final, NamedTuple

from counterfoil.errors import LimitError, StatementError
from counterfoil.ledger.catalogue import SEALED_TAG, IndexEntry, IndexStatus, LedgerCatalogue, TableEntry
from counterfoil.ledger.erasure import CERTIFICATES
from counterfoil.ledger.ids import derived_id
from counterfoil.ledger.limits import Limits
from counterfoil.partiql.syntax import (
    CreateIndex,
    CreateTable,
    DropIndex,
    DropTable,
    Literal,
    Position,
    UndropTable,
)
from counterfoil.partiql.tables import Action

Definition = CreateTable | DropTable | UndropTable | CreateIndex | DropIndex

# Source: docs/ledger.md, "Tables": letters, digits and _, not a digit first.
_TABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
MAX_FIELD_CHARACTERS: Final = 128
MAX_TAGS: Final = 50
MAX_TAG_KEY: Final = 128
MAX_TAG_VALUE: Final = 256


class Defined(NamedTuple):
    """What a DDL statement did: the table as it now is, and ``entry_id``, the table's id or the index's that came or went."""

    entry: TableEntry
    action: Action
    index_id: str | None


def define(
    statement: Definition, catalogue: LedgerCatalogue, transaction_id: str, number: int, limits: Limits | None
) -> Defined:
    """Judge a DDL statement, number ``number`` of its transaction; without ``limits`` it is one that was committed before."""
    match statement:
        case CreateTable():
            return _create_table(statement, catalogue, derived_id("table", transaction_id, number), limits)
        case DropTable():
            entry = _active(catalogue, statement.table, statement.at)
            return Defined(replace(entry, active=False), Action.DROP_TABLE, None)
        case UndropTable():
            return _undrop_table(statement, catalogue, limits)
        case CreateIndex():
            return _create_index(statement, catalogue, derived_id("index", transaction_id, number), limits)
        case DropIndex():
            return _drop_index(statement, catalogue)


def names_touched(defined: Defined) -> tuple[str, ...]:
    """The names whose meaning a definition changes."""
    return (defined.entry.name,)


def _create_table(statement: CreateTable, catalogue: LedgerCatalogue, table_id: str, limits: Limits | None) -> Defined:
    name = statement.table
    if not _TABLE_NAME.fullmatch(name):
        raise _semantic(
            f"{name[:140]!r} is not a table name: letters, digits and '_', not a digit first, 128 at most", statement.at
        )
    if catalogue.table(name) is not None:
        raise _semantic(f"Table with name: {name} already exists", statement.at)
    _check_room(catalogue, limits)
    entry = TableEntry(table_id, name, active=True, tags=_tags(statement.tags))
    if SEALED_TAG in dict(entry.tags) and not entry.sealed:
        raise _semantic(f"the tag {SEALED_TAG} names no field: it takes names with blanks between them", statement.at)
    if name == CERTIFICATES and entry.sealed:
        raise _semantic(f"{CERTIFICATES} certifies erasures: nothing in it can be sealed", statement.at)
    return Defined(entry, Action.CREATE_TABLE, None)


def _check_room(catalogue: LedgerCatalogue, limits: Limits | None) -> None:
    if limits is not None and (
        catalogue.active_count >= limits.active_tables or len(catalogue.entries) >= limits.tables
    ):
        raise LimitError(
            f"{catalogue.active_count} active tables, {len(catalogue.entries)} with dropped ones; at most "
            f"{limits.active_tables} and {limits.tables} are allowed"
        )


def _undrop_table(statement: UndropTable, catalogue: LedgerCatalogue, limits: Limits | None) -> Defined:
    entry = catalogue.entries.get(statement.table_id)
    if entry is None or entry.active:
        raise _semantic(f"No inactive table with id: {statement.table_id[:80]}", statement.at)
    if catalogue.table(entry.name) is not None:
        raise _semantic(f"Table with name: {entry.name} already exists", statement.at)
    if limits is not None and catalogue.active_count >= limits.active_tables:
        _check_room(catalogue, limits)
    return Defined(replace(entry, active=True), Action.UNDROP_TABLE, None)


def _create_index(statement: CreateIndex, catalogue: LedgerCatalogue, index_id: str, limits: Limits | None) -> Defined:
    entry = _active(catalogue, statement.table, statement.at)
    if not 0 < len(statement.field) <= MAX_FIELD_CHARACTERS:
        raise _semantic(f"an indexed field's name has 1 to {MAX_FIELD_CHARACTERS} characters", statement.at)
    if statement.field in entry.sealed:
        raise _semantic(
            f"{statement.table}({statement.field}) is sealed: an index would keep what erasing a document is to take away",
            statement.at,
        )
    if any(each.field == statement.field for each in entry.indexes):
        raise _semantic(f"Index on {statement.table}({statement.field}) already exists", statement.at)
    if limits is not None and len(entry.indexes) >= limits.indexes_per_table:
        raise LimitError(f"table {entry.name} has {len(entry.indexes)} indexes; at most {limits.indexes_per_table}")
    index = IndexEntry(index_id, statement.field, IndexStatus.BUILDING)
    return Defined(replace(entry, indexes=(*entry.indexes, index)), Action.CREATE_INDEX, index_id)


def _drop_index(statement: DropIndex, catalogue: LedgerCatalogue) -> Defined:
    entry = _active(catalogue, statement.table, statement.at)
    kept = tuple(each for each in entry.indexes if each.index_id != statement.index_id)
    if len(kept) == len(entry.indexes):
        raise _semantic(f"No index with id: {statement.index_id[:80]} on table {entry.name}", statement.at)
    return Defined(replace(entry, indexes=kept), Action.DROP_INDEX, statement.index_id)


def _active(catalogue: LedgerCatalogue, name: str, at: Position) -> TableEntry:
    table = catalogue.table(name)
    if table is None:
        raise _semantic(f"No such table: {name[:140]}", at)
    return catalogue.entries[table.table_id]


def _tags(literal: Literal | None) -> tuple[tuple[str, str], ...]:
    if literal is None:
        return ()
    tags = literal.value
    if not isinstance(tags, dict) or not all(isinstance(each, str) for each in tags.values()):
        raise _semantic("aws_tags takes a struct of strings", literal.at)
    if len(tags) > MAX_TAGS or any(
        not 0 < len(name) <= MAX_TAG_KEY or len(value) > MAX_TAG_VALUE for name, value in tags.items()
    ):
        raise LimitError(
            f"at most {MAX_TAGS} tags of {MAX_TAG_KEY} characters for the key and {MAX_TAG_VALUE} for the value"
        )
    return tuple((str(name), str(value)) for name, value in tags.items())


def _semantic(what: str, at: Position) -> StatementError:
    return StatementError("Semantic", what, *at)
