"""The ledger behind a function's URL, put together from the function's environment: once per cold start."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from counterfoil.adapters.system import new_id, system_clock
from counterfoil.ledger.limits import DEFAULT_LIMITS, QLDB_LIMITS
from counterfoil.ledger.registry import RegisteredLedger
from counterfoil.ledger.sealing import Seals
from counterfoil.ledger.store import LedgerStore
from counterfoil.ports import Clock, JobStore, LedgerRegistry, SessionLog, SharedCache
from counterfoil.protocol.control import MAX_LEDGERS, QLDB_MAX_LEDGERS, ControlPlane
from counterfoil.protocol.directory import Directory, Remembered
from counterfoil.protocol.job_operations import JobOperations
from counterfoil.protocol.ledger_operations import LedgerOperations
from counterfoil.protocol.noted import Surroundings
from counterfoil.protocol.one_shot import OneShot
from counterfoil.protocol.place import Place
from counterfoil.protocol.proof_operations import ProofOperations
from counterfoil.protocol.stored_sessions import StoredSessions
from counterfoil.protocol.tag_operations import TagOperations
from counterfoil.server.function_url import FunctionUrl
from counterfoil.server.ledgers_by_strand import LedgersByStrand
from counterfoil.server.permissions import PrincipalPermissions
from counterfoil.server.tokens import new_token
from counterfoil.services.asked_jobs import Ask, AskedJobs
from counterfoil.services.freezes import parse_freezes
from counterfoil.services.ledger import Ledger
from counterfoil.settings import ApiSettings, Environment, in_memory

# Names of what is not used where all adapters are memory.
NOWHERE: Final = {
    "JOURNAL_TABLE": "-",
    "JOURNAL_BUCKET": "-",
    "REGISTRY_TABLE": "-",
    "PROJECTIONS_TABLE": "-",
    "SESSIONS_TABLE": "-",
    "EXPORTER_FUNCTION": "-",
    "PUBLISHER_FUNCTION": "-",
}


@dataclass(frozen=True, slots=True)
class Outside:
    """What the ledger keeps its state in, shared by all its instances, and the functions that it asks."""

    registry: LedgerRegistry
    permissions: Callable[[], Mapping[str, Any]]
    sessions: SessionLog
    jobs: JobStore
    store: Callable[[RegisteredLedger], LedgerStore]
    ask_exporter: Ask
    ask_publisher: Ask
    seals: Callable[[str], Seals] | None = None


def ledger_api(environ: Environment, clock: Clock = system_clock) -> FunctionUrl:
    """One instance of the ledger: over the stack's tables or, with ``COUNTERFOIL_ADAPTERS=memory``, over nothing that lasts."""
    if in_memory(environ):
        return instance({**NOWHERE, **environ}, outside_in_memory(clock), clock)
    return instance(environ, _outside_on_aws(ApiSettings.from_env(environ), clock), clock)


def instance(environ: Environment, outside: Outside, clock: Clock) -> FunctionUrl:
    """Both protocols and whole transactions over what is outside."""
    settings = ApiSettings.from_env(environ)
    limits = QLDB_LIMITS if settings.qldb_limits else DEFAULT_LIMITS
    guard = parse_freezes(settings.account_freezes)

    def open_ledger(ledger: RegisteredLedger) -> Ledger:
        seals = None if outside.seals is None else outside.seals(ledger.ledger_id)
        return Ledger(ledger.name, outside.store(ledger), clock, new_id, limits, guard, seals)

    ledgers = LedgersByStrand(open_ledger)
    remembered = Remembered(outside.registry, time.monotonic)
    in_use = Directory(remembered, ledgers)
    sessions = StoredSessions(outside.sessions, in_use, limits, Surroundings(clock, new_id, new_token, time.sleep))
    permissions = PrincipalPermissions(
        outside.permissions, settings.allow_by_default, remembered.ledger, time.monotonic
    )

    def end_sessions(ledger_name: str) -> None:
        remembered.forget(ledger_name)
        sessions.forget_ledger(ledger_name)

    control = _control_plane(settings, outside, ledgers, end_sessions, clock)
    return FunctionUrl(sessions, control, OneShot(in_use, clock, new_id, time.sleep), limits, permissions.caller)


def _control_plane(
    settings: ApiSettings,
    outside: Outside,
    ledgers: LedgersByStrand,
    end_sessions: Callable[[str], None],
    clock: Clock,
) -> ControlPlane:
    registry, place = outside.registry, Place(settings.region, settings.account)
    directory = Directory(registry, ledgers)
    jobs = AskedJobs(outside.jobs, outside.ask_exporter, outside.ask_publisher, clock)
    operations = LedgerOperations(
        directory=directory,
        registry=registry,
        ledgers=ledgers,
        jobs=jobs,
        place=place,
        clock=clock,
        new_id=new_id,
        end_sessions=end_sessions,
        max_ledgers=QLDB_MAX_LEDGERS if settings.qldb_limits else MAX_LEDGERS,
    )
    return ControlPlane(
        operations,
        ProofOperations(directory),
        JobOperations(directory, registry, jobs, place, clock, new_id),
        TagOperations(directory, registry, jobs, place),
    )


# Each way imports its own adapters: a cold start pays for one of them.


def outside_in_memory(clock: Clock) -> Outside:
    from counterfoil.adapters.memory import MemoryJobs
    from counterfoil.adapters.memory.ledger import MemoryLedger
    from counterfoil.adapters.memory.registry import MemoryLedgerRegistry
    from counterfoil.adapters.memory.session_log import MemorySessionLog

    return Outside(
        MemoryLedgerRegistry(),
        dict,
        MemorySessionLog(),
        MemoryJobs(),
        lambda ledger: MemoryLedger(ledger.ledger_id, clock),
        _ask_nobody,
        _ask_nobody,
    )


def _outside_on_aws(settings: ApiSettings, clock: Clock) -> Outside:
    from counterfoil.adapters.clients import client, late_client
    from counterfoil.adapters.dynamodb.jobs import DynamoDbJobs
    from counterfoil.adapters.dynamodb.journal import DynamoDbJournal
    from counterfoil.adapters.dynamodb.ledger import DynamoDbLedger
    from counterfoil.adapters.dynamodb.registry import DynamoDbLedgerRegistry
    from counterfoil.adapters.dynamodb.session_log import DynamoDbSessionLog
    from counterfoil.adapters.invocations import Invoker

    places = settings.places
    dynamodb, s3, functions = client("dynamodb"), late_client("s3"), late_client("lambda")
    cache = _shared_cache(settings.cache_url) if settings.cache_url else None
    registry = DynamoDbLedgerRegistry(dynamodb, places.registry_table)
    return Outside(
        registry,
        registry.permissions,
        DynamoDbSessionLog(dynamodb, settings.sessions_table),
        DynamoDbJobs(dynamodb, places.registry_table),
        lambda ledger: DynamoDbLedger(
            DynamoDbJournal(dynamodb, places.journal_table, s3, places.journal_bucket, ledger.ledger_id),
            settings.projections_table,
            clock,
            cache_bytes=settings.cache_megabytes * 1024 * 1024,
            shared_cache=cache,
        ),
        Invoker(functions, settings.exporter_function),
        Invoker(functions, settings.publisher_function),
        _seals(settings) if settings.seal_keys_table else None,
    )


def _seals(settings: ApiSettings) -> Callable[[str], Seals]:

    def of(strand_id: str) -> Seals:
        from counterfoil.adapters.clients import client, late_client
        from counterfoil.adapters.dynamodb.document_keys import seals_of

        return seals_of(
            client("dynamodb"), late_client("kms"), settings.seal_keys_table, settings.sealing_key_id, strand_id
        )

    return of


def _ask_nobody(_: Mapping[str, Any]) -> None:
    """Over memory nobody else is there."""


def _shared_cache(url: str) -> SharedCache:
    from counterfoil.adapters.valkey import ValkeyCache, connect

    return ValkeyCache(connect(url))
