"""Where ``counterfoil import`` puts a ledger: into a folder of this machine, or into the tables of a deployed stack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from counterfoil.cli.places import FILE_NAME, opened
from counterfoil.cli.stacks import outputs_of
from counterfoil.errors import AlreadyExistsError
from counterfoil.journal import Digest
from counterfoil.journal.anchor import TrustAnchor
from counterfoil.ledger.importing import NewLedger
from counterfoil.ledger.registry import LedgerState, PermissionsMode, RegisteredLedger
from counterfoil.ledger.times import milliseconds_of, moment_of


class ImportTarget(Protocol):
    """A place for one new ledger."""

    def begin(self, strand_id: str, advance: Callable[[int], object], /) -> NewLedger: ...

    def digest(self, strand_id: str, /) -> Digest:
        """The ledger's digest, as its users get it once it is there."""
        ...


@dataclass(frozen=True, slots=True)
class FolderTarget(ImportTarget):
    """``AlreadyExistsError`` where ``data`` has a ledger of that name."""

    data: Path
    ledger: str
    anchor: TrustAnchor | None = None

    def __post_init__(self) -> None:
        with opened(self.data, None, create=True):  # nobody else has the folder; a registry is there
            if (self._folder / FILE_NAME).exists() or self._folder.exists():
                raise AlreadyExistsError(f"{self._folder} is there already: an export is imported into a new ledger")

    @property
    def _folder(self) -> Path:
        return self.data / self.ledger

    def begin(self, strand_id: str, advance: Callable[[int], object], /) -> NewLedger:
        from counterfoil.adapters.sqlite.importing import SqliteImport

        return SqliteImport.begin(self._folder, strand_id, advance, self.anchor)

    def digest(self, _strand_id: str, /) -> Digest:
        with opened(self.data, None) as service:
            return service.ledger(self.ledger).digest()


class StackTarget(ImportTarget):
    """``AlreadyExistsError`` where the stack has a ledger of that name, unless an import has begun it."""

    def __init__(
        self, stack: str, ledger: str, permissions_mode: PermissionsMode, anchor: TrustAnchor | None = None
    ) -> None:
        from counterfoil import wiring
        from counterfoil.adapters.dynamodb.importing import ImportPlaces, check_free
        from counterfoil.adapters.dynamodb.registry import DynamoDbLedgerRegistry
        from counterfoil.settings import JournalPlaces

        self._ledger, self._mode, self._anchor = ledger, permissions_mode, anchor
        names = ("JournalTableName", "JournalBucketName", "RegistryTableName", "ProjectionsTableName")
        outputs = outputs_of(stack, names)
        journal = JournalPlaces(*(outputs[each] for each in names[:3]))
        self._places = ImportPlaces(
            lambda strand_id: wiring.journal(journal, strand_id),
            outputs["ProjectionsTableName"],
            DynamoDbLedgerRegistry(wiring.client("dynamodb"), outputs["RegistryTableName"]),
        )
        check_free(self._places.registry, ledger)

    def begin(self, strand_id: str, advance: Callable[[int], object], /) -> NewLedger:
        from counterfoil.adapters.dynamodb.importing import DynamoDbImport
        from counterfoil.adapters.system import system_clock

        now = moment_of(milliseconds_of(system_clock()))
        wanted = RegisteredLedger(self._ledger, strand_id, now, LedgerState.CREATING, self._mode)
        return DynamoDbImport.begin(self._places, wanted, system_clock, advance, self._anchor)

    def digest(self, strand_id: str, /) -> Digest:
        from counterfoil.adapters.dynamodb.ledger import DynamoDbLedger
        from counterfoil.adapters.system import system_clock

        store = DynamoDbLedger(self._places.journal(strand_id), self._places.projections_table, system_clock)
        try:
            digest = store.head().digest
        finally:
            store.close()
        assert digest is not None  # an import has at least one block
        return digest
