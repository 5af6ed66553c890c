"""Where a command's ledgers are: in a folder of this machine that nobody serves, or behind an endpoint. Both are used alike."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Protocol

import typer

from counterfoil.cli.served import ServedLedger
from counterfoil.cli.served_journal import ServedJournal
from counterfoil.cli.service_errors import service_errors
from counterfoil.errors import InputError, NotFoundError, PreconditionError
from counterfoil.ion.values import Value
from counterfoil.journal import BlockAddress, Digest
from counterfoil.journal.anchor import TrustAnchor
from counterfoil.merkle import Hash
from counterfoil.ports import JournalReader

DEFAULT_DATA: Final = Path("ledgers")

# What a ledger's folder holds (adapters/sqlite/store.py).
FILE_NAME: Final = "journal.db"

LedgerArgument = Annotated[
    str,
    typer.Argument(
        metavar="LEDGER", help="The ledger's name, or the folder that `counterfoil.open` made.", show_default=False
    ),
]
DataOption = Annotated[
    Path | None, typer.Option(metavar="DIR", help="The folder with the ledgers, where no server has it open.")
]
SealsOption = Annotated[
    Path | None, typer.Option(metavar="DIR", help="The folder with the keys of sealed fields, made if it is not there.")
]
EndpointOption = Annotated[str | None, typer.Option(metavar="URL", help="A server, as http://127.0.0.1:8600.")]


class Results(Protocol):
    """The rows of one statement; ``read_ios`` counts the documents read so far."""

    @property
    def read_ios(self) -> int: ...

    def __iter__(self) -> Iterator[Value]: ...

    def __next__(self) -> Value: ...


class Transaction(Protocol):
    """A transaction on a ledger, wherever it is."""

    @property
    def transaction_id(self) -> str: ...

    def execute(self, text: str, parameters: Sequence[Value] = ()) -> Results: ...

    def commit(self) -> object: ...

    def abort(self) -> None: ...


class TransactionSource(Protocol):
    """A ledger as whoever runs transactions on it needs it."""

    def begin(self) -> Transaction: ...


@dataclass(frozen=True, slots=True)
class OpenLedger:
    """A ledger, wherever it is. ``journal`` reads its blocks; ``prove`` gives the path of a block to the digest at a tip.

    ``anchor`` is known of those of this machine.
    """

    name: str
    source: TransactionSource
    journal: JournalReader
    digest: Callable[[], Digest]
    prove: Callable[[BlockAddress, BlockAddress], Sequence[Hash]]
    anchor: TrustAnchor | None = None


class Service(Protocol):
    """Ledgers, wherever they are."""

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out an operation of ``qldb``, the control plane, with the members of its service model."""
        ...

    def ledger(self, name: str) -> OpenLedger:
        """A ledger, open as long as the service is."""
        ...


@contextmanager
def opened(
    data: Path | None, endpoint: str | None, *, create: bool = False, seals: Path | None = None
) -> Iterator[Service]:
    """The ledgers of a folder or of a server. Without either, the server that the environment names, else ``ledgers``.

    ``create`` makes the folder if it is not there. ``seals`` is for a folder: a server has its own.
    """
    endpoint = _endpoint(data, endpoint)
    if endpoint is not None and seals is not None:
        raise InputError("--seals is for a folder: a server has the keys of its sealed fields itself")
    place = _at_endpoint(endpoint) if endpoint is not None else _in_folder(data or DEFAULT_DATA, seals, create=create)
    with place as service:
        yield service


@contextmanager
def opened_ledger(
    name: str, data: Path | None, endpoint: str | None, seals: Path | None = None
) -> Iterator[OpenLedger]:
    """A ledger of ``opened``; or the one in the folder ``name``, as ``counterfoil.open`` makes it."""
    if data is None and endpoint is None and (Path(name) / FILE_NAME).exists():
        from counterfoil.embedded import open_ledger

        with open_ledger(name, create=False, seals=seals) as ledger:
            yield OpenLedger(ledger.name, ledger, ledger, ledger.digest, ledger.prove_block, ledger.anchor)
        return
    with opened(data, endpoint, seals=seals) as service:
        yield service.ledger(name)


def _endpoint(data: Path | None, endpoint: str | None) -> str | None:
    if data is not None and endpoint is not None:
        raise InputError("--data and --endpoint are two places: give one")
    if data is None and endpoint is None:
        return os.environ.get("AWS_ENDPOINT_URL_QLDB") or None
    return endpoint


@contextmanager
def _in_folder(data: Path, seals: Path | None, *, create: bool) -> Iterator[Service]:
    from counterfoil.server.assembly import LedgerServer, ServerSettings

    if not create and not data.is_dir():
        raise NotFoundError(f"there is no folder {data}; --data names the folder of the ledgers, --endpoint a server")
    try:
        server = LedgerServer(ServerSettings(data, seals=seals))
    except PreconditionError as error:
        raise PreconditionError(f"{error}; if that is a server, name it with --endpoint") from None
    try:
        yield _Folder(server)
    finally:
        server.close()


class _Folder:
    def __init__(self, server: Any) -> None:
        self._server = server

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        from counterfoil.server.identities import ANYBODY

        with service_errors("the ledgers"):
            answer: dict[str, Any] = self._server.app.control.call(operation, parameters, ANYBODY)
            return answer

    def ledger(self, name: str) -> OpenLedger:
        with service_errors("the ledgers"):
            engine = self._server.directory.engine(name)
        return OpenLedger(name, engine, engine, engine.digest, engine.prove_block, engine.anchor)


@contextmanager
def _at_endpoint(url: str) -> Iterator[Service]:
    service = _Server(url)
    try:
        yield service
    finally:
        service.close()


class _Server:
    """Behind an endpoint, through botocore with the service models of this package.

    Keys are those of the environment, else those that a server without keys takes.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._ledgers: list[ServedLedger] = []
        self._control = self._client("qldb")

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        from botocore import xform_name

        with service_errors(self._url):
            answer: dict[str, Any] = getattr(self._control, xform_name(operation))(**parameters)
        answer.pop("ResponseMetadata", None)
        return answer

    def ledger(self, name: str) -> OpenLedger:
        sessions = self._client("qldb-session")

        def send(command: Mapping[str, Any]) -> dict[str, Any]:
            with service_errors(self._url):
                answer: dict[str, Any] = sessions.send_command(**command)
                return answer

        ledger = ServedLedger(name, send)
        self._ledgers.append(ledger)
        journal = ServedJournal(name, self.call)
        return OpenLedger(name, ledger, journal, journal.digest, journal.prove)

    def close(self) -> None:
        for each in self._ledgers:
            each.close()

    def _client(self, service: str) -> Any:
        from botocore.config import Config

        # Whoever types waits for no retries, and a commit is not sent twice.
        config = Config(connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 1})
        with service_errors(self._url):
            try:
                return _session().create_client(service, endpoint_url=self._url, config=config)
            except ValueError as error:
                raise InputError(f"{self._url[:200]!r} is not the URL of a server: {error}") from None


@cache
def _session() -> Any:
    """Where botocore finds models, region and keys; it would ask the network for keys where nobody names them."""
    import botocore.session

    from counterfoil.server.client_env import LOCAL_KEY_ID, LOCAL_SECRET, MODELS

    session = botocore.session.get_session()
    session.get_component("data_loader").search_paths.append(str(MODELS))
    if session.get_config_variable("region") is None:
        session.set_config_variable("region", "us-east-1")
    if not os.environ.keys() & {"AWS_ACCESS_KEY_ID", "AWS_PROFILE"}:
        session.set_credentials(LOCAL_KEY_ID, LOCAL_SECRET)
    return session
