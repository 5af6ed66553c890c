"""The catalogue: tables, dropped ones included, and their indexes. Immutable; each change gives a new one.

A change follows from a statement's text, its transaction's id and its number alone (``changes.py``), so that replaying the
journal gives the same catalogue.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from counterfoil.ion.values import Value
from counterfoil.partiql.tables import Index, Table

# The tag of CREATE TABLE that names the top-level fields whose values are sealed, with blanks between them (docs/ledger.md, "Sealed
# fields"). It is a part of the journaled statement, so that who reads the journal knows them; no later tag changes them.
SEALED_TAG: Final = "counterfoil:sealed"
_NO_FIELDS: Final[frozenset[str]] = frozenset()


class IndexStatus(StrEnum):
    """Only an index that is online answers queries. Source: docs/ledger.md, "Indexes"."""

    BUILDING = "BUILDING"
    ONLINE = "ONLINE"


@dataclass(frozen=True, slots=True)
class IndexEntry:
    index_id: str
    field: str
    status: IndexStatus


@dataclass(frozen=True, slots=True)
class TableEntry:
    """``tags`` are those that CREATE TABLE gave."""

    table_id: str
    name: str
    active: bool
    indexes: tuple[IndexEntry, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def sealed(self) -> frozenset[str]:
        """The fields whose values are sealed."""
        return frozenset(field for key, value in self.tags if key == SEALED_TAG for field in value.split())

    def as_table(self) -> Table:
        """The table as statements see it: with the indexes that may be used."""
        online = tuple(Index(each.index_id, each.field) for each in self.indexes if each.status is IndexStatus.ONLINE)
        return Table(self.table_id, self.name, self.active, online)

    def as_row(self) -> dict[str, Value]:
        """The row of ``information_schema.user_tables``; ``sealed`` is there only where the table has sealed fields."""
        indexes = [
            {"indexId": each.index_id, "expr": f"[{each.field}]", "status": str(each.status)} for each in self.indexes
        ]
        sealed = {"sealed": sorted(self.sealed)} if self.sealed else {}
        return {
            "tableId": self.table_id,
            "name": self.name,
            "indexes": indexes,
            "status": "ACTIVE" if self.active else "INACTIVE",
            **sealed,
        }


@dataclass(frozen=True, slots=True)
class LedgerCatalogue:
    """All tables by id, in the order they were created. ``version`` grows with each change and is never used twice."""

    version: int
    entries: Mapping[str, TableEntry]
    _active: Mapping[str, Table] = field(init=False, compare=False, repr=False)
    _all: Mapping[str, Table] = field(init=False, compare=False, repr=False)
    _sealed: Mapping[str, frozenset[str]] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        tables = {table_id: entry.as_table() for table_id, entry in self.entries.items()}
        object.__setattr__(self, "_all", tables)
        object.__setattr__(self, "_active", {each.name: each for each in tables.values() if each.active})
        sealed = {table_id: fields for table_id, entry in self.entries.items() if (fields := entry.sealed)}
        object.__setattr__(self, "_sealed", sealed)

    @property
    def has_sealed(self) -> bool:
        """Whether any table has sealed fields."""
        return bool(self._sealed)

    def sealed_in(self, table_id: str) -> frozenset[str]:
        """The sealed fields of a table; of most there are none."""
        return self._sealed.get(table_id, _NO_FIELDS)

    def table(self, name: str) -> Table | None:
        return self._active.get(name)

    def table_by_id(self, table_id: str) -> Table | None:
        return self._all.get(table_id)

    @property
    def active_count(self) -> int:
        return len(self._active)

    def rows(self) -> Iterator[dict[str, Value]]:
        return (entry.as_row() for entry in self.entries.values())

    def with_entry(self, entry: TableEntry) -> LedgerCatalogue:
        """The catalogue with a table added or replaced."""
        return LedgerCatalogue(self.version + 1, {**self.entries, entry.table_id: entry})

    def with_table_id(self, name: str, table_id: str) -> LedgerCatalogue:
        """The catalogue in which the active table of that name has this id; where there is none, with such a table."""
        known = self._active.get(name)
        if known is None:
            return self.with_entry(TableEntry(table_id, name, active=True))
        renamed = (
            replace(each, table_id=table_id) if each.name == name and each.active else each
            for each in self.entries.values()
        )
        return LedgerCatalogue(self.version + 1, {each.table_id: each for each in renamed})

    def with_index_online(self, table_id: str, index_id: str) -> LedgerCatalogue:
        """The catalogue in which an index has been built."""
        entry = self.entries[table_id]
        indexes = tuple(
            replace(each, status=IndexStatus.ONLINE) if each.index_id == index_id else each for each in entry.indexes
        )
        return self.with_entry(replace(entry, indexes=indexes))

    def building(self) -> Iterator[tuple[TableEntry, IndexEntry]]:
        """Indexes that are still to be built, each with its table."""
        for entry in self.entries.values():
            for index in entry.indexes:
                if index.status is IndexStatus.BUILDING:
                    yield entry, index


EMPTY_CATALOGUE: Final = LedgerCatalogue(0, {})


def render_catalogue(catalogue: LedgerCatalogue) -> dict[str, Any]:
    """The catalogue as a JSON document, for a store to keep."""
    return {
        "version": catalogue.version,
        "tables": [
            {
                "tableId": entry.table_id,
                "name": entry.name,
                "active": entry.active,
                "tags": [list(tag) for tag in entry.tags],
                "indexes": [[each.index_id, each.field, str(each.status)] for each in entry.indexes],
            }
            for entry in catalogue.entries.values()
        ],
    }


def parse_catalogue(document: dict[str, Any]) -> LedgerCatalogue:
    """Read what ``render_catalogue`` wrote."""
    entries = [
        TableEntry(
            each["tableId"],
            each["name"],
            each["active"],
            tuple(IndexEntry(index_id, name, IndexStatus(status)) for index_id, name, status in each["indexes"]),
            tuple((name, value) for name, value in each["tags"]),
        )
        for each in document["tables"]
    ]
    return LedgerCatalogue(document["version"], {entry.table_id: entry for entry in entries})
