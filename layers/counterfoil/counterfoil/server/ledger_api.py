"""The ledger behind a function's URL, put together from the function's environment: once per cold start."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from counterfoil import wiring
from counterfoil.adapters.memory import MemoryJobs
from counterfoil.adapters.memory.ledger import MemoryLedger
from counterfoil.adapters.memory.registry import MemoryLedgerRegistry
from counterfoil.adapters.memory.session_log import MemorySessionLog
from counterfoil.adapters.system import new_id, system_clock
from counterfoil.ledger.limits import DEFAULT_LIMITS, QLDB_LIMITS
from counterfoil.ledger.registry import RegisteredLedger
from counterfoil.ledger.store import LedgerStore
from counterfoil.ports import Clock, JobStore, LedgerRegistry, SessionLog
from counterfoil.protocol.control import MAX_LEDGERS, QLDB_MAX_LEDGERS, ControlPlane
from counterfoil.protocol.directory import Directory, Remembered
from counterfoil.protocol.job_operations import JobOperations
from counterfoil.protocol.ledger_operations import LedgerOperations
from counterfoil.protocol.one_shot import OneShot
from counterfoil.protocol.place import Place
from counterfoil.protocol.proof_operations import ProofOperations
from counterfoil.protocol.stored_sessions import StoredSessions
from counterfoil.protocol.tag_operations import TagOperations
from counterfoil.server.function_url import FunctionUrl
from counterfoil.server.ledgers_by_strand import LedgersByStrand
from counterfoil.server.permissions import PrincipalPermissions
from counterfoil.server.tokens import new_token
from counterfoil.services.asked_jobs import AskedJobs
from counterfoil.services.ledger import Ledger
from counterfoil.settings import ApiSettings, Environment, in_memory

_NOWHERE = {
    "JOURNAL_TABLE": "-",
    "JOURNAL_BUCKET": "-",
    "REGISTRY_TABLE": "-",
    "PROJECTIONS_TABLE": "-",
    "SESSIONS_TABLE": "-",
    "EXPORTER_FUNCTION": "-",
    "PUBLISHER_FUNCTION": "-",
}


@dataclass(frozen=True, slots=True)
class _Outside:
    """What the ledger keeps its state in."""

    registry: LedgerRegistry
    permissions: Callable[[], Mapping[str, Any]]
    sessions: SessionLog
    jobs: JobStore
    store: Callable[[RegisteredLedger], LedgerStore]


def ledger_api(environ: Environment, clock: Clock = system_clock) -> FunctionUrl:
    """Both protocols, over the stack's tables or, with ``COUNTERFOIL_ADAPTERS=memory``, over nothing that lasts."""
    if in_memory(environ):
        settings = ApiSettings.from_env({**_NOWHERE, **environ})
        outside = _in_memory(clock)
    else:
        settings = ApiSettings.from_env(environ)
        outside = _on_aws(settings, clock)
    limits = QLDB_LIMITS if settings.qldb_limits else DEFAULT_LIMITS
    ledgers = LedgersByStrand(lambda each: Ledger(each.name, outside.store(each), clock, new_id, limits))
    directory = Directory(outside.registry, ledgers)
    remembered = Remembered(outside.registry, time.monotonic)
    in_use = Directory(remembered, ledgers)
    sessions = StoredSessions(outside.sessions, in_use, limits, clock, new_id, new_token)
    permissions = PrincipalPermissions(
        outside.permissions, settings.allow_by_default, remembered.ledger, time.monotonic
    )
    jobs = AskedJobs(
        outside.jobs,
        wiring.invoker(environ, "EXPORTER_FUNCTION"),
        wiring.invoker(environ, "PUBLISHER_FUNCTION"),
        clock,
    )
    place = Place(settings.region, settings.account)

    def end_sessions(ledger_name: str) -> None:
        remembered.forget(ledger_name)
        sessions.forget_ledger(ledger_name)

    operations = LedgerOperations(
        directory=directory,
        registry=outside.registry,
        ledgers=ledgers,
        jobs=jobs,
        place=place,
        clock=clock,
        new_id=new_id,
        end_sessions=end_sessions,
        max_ledgers=QLDB_MAX_LEDGERS if settings.qldb_limits else MAX_LEDGERS,
    )
    control = ControlPlane(
        operations,
        ProofOperations(directory),
        JobOperations(directory, outside.registry, jobs, place, clock, new_id),
        TagOperations(directory, outside.registry, jobs, place),
    )
    return FunctionUrl(sessions, control, OneShot(in_use, clock, new_id), limits, permissions.caller)


def _in_memory(clock: Callable[[], datetime]) -> _Outside:
    registry = MemoryLedgerRegistry()
    return _Outside(
        registry, dict, MemorySessionLog(), MemoryJobs(), lambda ledger: MemoryLedger(ledger.ledger_id, clock)
    )


def _on_aws(settings: ApiSettings, clock: Callable[[], datetime]) -> _Outside:
    from counterfoil.adapters.dynamodb.jobs import DynamoDbJobs  # noqa: PLC0415 - the adapters import botocore
    from counterfoil.adapters.dynamodb.ledger import DynamoDbLedger  # noqa: PLC0415
    from counterfoil.adapters.dynamodb.registry import DynamoDbLedgerRegistry  # noqa: PLC0415
    from counterfoil.adapters.dynamodb.session_log import DynamoDbSessionLog  # noqa: PLC0415

    dynamodb = wiring.client("dynamodb")
    registry = DynamoDbLedgerRegistry(dynamodb, settings.places.registry_table)
    return _Outside(
        registry,
        registry.permissions,
        DynamoDbSessionLog(dynamodb, settings.sessions_table),
        DynamoDbJobs(dynamodb, settings.places.registry_table),
        lambda ledger: DynamoDbLedger(
            wiring.journal(settings.places, ledger.ledger_id), settings.projections_table, clock
        ),
    )
