"""The server put together: registry, ledgers, jobs, both protocols and the application, from its settings."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from counterfoil.adapters.sqlite.connections import lock
from counterfoil.adapters.sqlite.jobs import SqliteJobs
from counterfoil.adapters.sqlite.registry import SqliteLedgerRegistry
from counterfoil.adapters.sqlite.registry_file import FILE_NAME, RegistryFile
from counterfoil.adapters.system import new_id, system_clock
from counterfoil.errors import CounterfoilError
from counterfoil.journal.publication import KeyedRecord
from counterfoil.ledger.limits import DEFAULT_LIMITS, QLDB_LIMITS
from counterfoil.ledger.registry import LedgerState, PermissionsMode, RegisteredLedger
from counterfoil.protocol.control import MAX_LEDGERS, QLDB_MAX_LEDGERS, ControlPlane
from counterfoil.protocol.directory import Directory
from counterfoil.protocol.job_operations import JobOperations
from counterfoil.protocol.ledger_operations import LedgerOperations
from counterfoil.protocol.one_shot import OneShot
from counterfoil.protocol.place import Place
from counterfoil.protocol.proof_operations import ProofOperations
from counterfoil.protocol.sessions import Sessions
from counterfoil.protocol.tag_operations import TagOperations
from counterfoil.server import outside
from counterfoil.server.app import LedgerApp, RequestVerifier
from counterfoil.server.folders import LedgerFolders
from counterfoil.server.identities import Identity, read_identities
from counterfoil.server.tokens import new_token
from counterfoil.server.workers import Workers
from counterfoil.services.freezes import FreezeGuard
from counterfoil.services.jobs import Jobs
from counterfoil.services.ledger import Ledger

if TYPE_CHECKING:
    from counterfoil.adapters.sqlite.seals import SealsFolder

_LOGGER: Final = logging.getLogger(__name__)

# Commits wait for the disk together, so more threads than processors are of use; memory and switching bound them.
WORKERS: Final = 32

LOCK_NAME: Final = "registry.lock"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """``keys`` is a file of access keys (``identities``); ``aws_endpoint`` where S3 and Kinesis are, else a folder stands in.

    ``freezes`` says which documents freeze accounts, and which are transfers; ``None`` honours no freeze. ``seals`` is the folder with
    the keys of sealed fields; without it no table can have any.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 8600
    qldb_limits: bool = False
    keys: Path | None = None
    aws_endpoint: str | None = None
    freezes: FreezeGuard | None = field(default_factory=FreezeGuard)
    seals: Path | None = None


class LedgerServer:
    """Everything behind the socket. One process has a data folder at a time."""

    def __init__(self, settings: ServerSettings) -> None:
        limits = QLDB_LIMITS if settings.qldb_limits else DEFAULT_LIMITS
        identities = None if settings.keys is None else read_identities(settings.keys)
        self._lock_file, self._file = _opened(settings.data)
        self._seals = None if settings.seals is None else _seals_in(settings.seals)
        of_strand = None if self._seals is None else self._seals.of
        self.folders = LedgerFolders(settings.data, limits, settings.freezes, of_strand)
        self._registry = SqliteLedgerRegistry(self._file)
        self.directory = Directory(self._registry, self.folders)
        target = _outside(settings)
        self.jobs = Jobs(SqliteJobs(self._file), self._reader, target.bucket, target.sink, _aggregate, system_clock)
        self.sessions = Sessions(self.directory, limits, time.monotonic, new_token)
        self.workers = Workers(WORKERS)
        self.app = LedgerApp(
            sessions=self.sessions,
            control=self._control_plane(QLDB_MAX_LEDGERS if settings.qldb_limits else MAX_LEDGERS),
            transactions=OneShot(self.directory, system_clock, new_id, time.sleep),
            limits=limits,
            workers=self.workers,
            new_request_id=lambda: str(uuid.uuid4()),
            verifier=None if identities is None else _verifier(identities),
            allows_host=_is_local_name if identities is None and _is_loopback(settings.host) else lambda _: True,
        )
        self._begin()

    def _control_plane(self, max_ledgers: int) -> ControlPlane:
        place, registry, jobs = Place(), self._registry, self.jobs
        self.ledgers = LedgerOperations(
            directory=self.directory,
            registry=registry,
            ledgers=self.folders,
            jobs=jobs,
            place=place,
            clock=system_clock,
            new_id=new_id,
            end_sessions=self.sessions.forget_ledger,
            max_ledgers=max_ledgers,
        )
        return ControlPlane(
            self.ledgers,
            ProofOperations(self.directory),
            JobOperations(self.directory, registry, jobs, place, system_clock, new_id),
            TagOperations(self.directory, registry, jobs, place),
        )

    def close(self) -> None:
        """Stop what runs in the background and let go of every file; what was acknowledged is there at the next start."""
        self.workers.close()
        self.jobs.close()
        self.folders.close()
        if self._seals is not None:
            self._seals.close()
        self._file.close()
        self._lock_file.close()

    def _begin(self) -> None:
        """Finish what was cut off, take in what was put into the folder, open all ledgers, and go on with jobs."""
        self.ledgers.finish()
        for name in self.folders.found():
            try:
                self._open_or_adopt(name)
            except CounterfoilError:
                _LOGGER.exception("ledger %s cannot be opened", name)
        self.jobs.resume()

    def _open_or_adopt(self, name: str) -> None:
        if self._registry.ledger(name) is None:
            strand_id = self.folders.strand_of(name)
            adopted = RegisteredLedger(
                name, strand_id, system_clock(), LedgerState.ACTIVE, PermissionsMode.ALLOW_ALL, deletion_protection=True
            )
            self._registry.save(None, adopted)
        self.directory.engine(name)

    def _reader(self, ledger_name: str) -> Ledger:
        return self.folders.open(self.directory.active(ledger_name))


def _opened(data: Path) -> tuple[IO[str], RegistryFile]:
    """The folder's lock, held for as long as the file is open, and its registry."""
    data.mkdir(parents=True, exist_ok=True)
    lock_file = (data / LOCK_NAME).open("a+", encoding="utf-8")
    try:
        lock(lock_file, data / LOCK_NAME)
        return lock_file, RegistryFile(data / FILE_NAME)
    except BaseException:
        lock_file.close()
        raise


def _seals_in(folder: Path) -> SealsFolder:
    from counterfoil.adapters.sqlite.seals import SealsFolder

    return SealsFolder.open(folder)


def _aggregate(records: Sequence[KeyedRecord]) -> bytes:
    from counterfoil.adapters.kinesis import aggregate

    return aggregate(records)


def _verifier(identities: Mapping[str, Identity]) -> RequestVerifier:
    from counterfoil.server.sigv4 import Verifier

    return Verifier(identities, system_clock)


def _outside(settings: ServerSettings) -> outside.Outside:
    if settings.aws_endpoint is not None:
        return outside.at_endpoint(settings.aws_endpoint)
    return outside.directory(settings.data / "outbox")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@lru_cache(maxsize=256)
def _is_local_name(host_header: str) -> bool:
    """Whether a Host header is an address, or a name that no website can have.

    A page in a browser can point its own name at this machine and would then be free to call what listens here.
    """
    host = host_header.rsplit(":", 1)[0] if host_header.rpartition(":")[2].isdigit() else host_header
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return host.lower() in {"", "localhost"} or host.lower().endswith(".localhost")
    return True
