"""Services put together from settings and adapters: once per cold start, and for the command line.

The only room that knows both sides. Clients come from botocore directly, which spares the functions boto3's import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple
from typing import Any

from counterfoil.adapters import clients
from counterfoil.adapters.memory import (
    MemoryAccounts,
    MemoryAlertLog,
    MemoryBucket,
    MemoryChannel,
    MemoryFindings,
    MemoryHeads,
    MemoryJobs,
    MemoryJournalCopy,
    MemoryJournalSource,
    MemoryQuarantine,
    MemorySigner,
    MemorySnapshots,
    MemoryStream,
)
from counterfoil.adapters.memory.compliance import MemoryEvaluations, MemoryJournal, MemoryLocks
from counterfoil.adapters.memory.desk import MemoryAlertBook, MemoryDeskLog, MemoryLedgerDoor
from counterfoil.adapters.memory.registry import MemoryLedgerRegistry
from counterfoil.adapters.memory.rules import MemoryRules
from counterfoil.adapters.memory.set_aside import MemorySetAside
from counterfoil.adapters.system import system_clock
from counterfoil.detection.rule_config import parse_rule_config
from counterfoil.detection.strand_audit import Patience
from counterfoil.detection.telling import TellingPolicy
from counterfoil.errors import NotFoundError
from counterfoil.ports import AlertChannel, Clock, LedgerRegistry
from counterfoil.services.act import ActionRunner
from counterfoil.services.audit import Auditor
from counterfoil.services.cases import Cases
from counterfoil.services.compliance import LedgerCompliance
from counterfoil.services.detect import Detector
from counterfoil.services.export_running import ExportRunning
from counterfoil.services.forward import Forwarder
from counterfoil.services.head_comparison import Checkpoints, HeadComparison
from counterfoil.services.notify import Notifier
from counterfoil.services.rules import HotRules
from counterfoil.services.snapshot import Snapshotter
from counterfoil.services.strand_work import StrandWork
from counterfoil.services.stream_publishing import StreamPublishing
from counterfoil.services.suppressions import Suppressions
from counterfoil.settings import (
    AuditorSettings,
    ComplianceSettings,
    DetectorSettings,
    Environment,
    ForwarderSettings,
    JournalPlaces,
    NotifierSettings,
    ProjectorSettings,
    RunnerSettings,
    SnapshotSettings,
    function_name,
    in_memory,
)

client = clients.client


def auditor(environ: Environment, clock: Clock = system_clock) -> Auditor:
    if in_memory(environ):
        names = ("HEADS_TABLE", "FINDINGS_TABLE", "QUARANTINE_BUCKET", "JOURNAL_BUCKET", "JOURNAL_TABLE")
        settings = AuditorSettings.from_env({**dict.fromkeys(names, "-"), **environ})
        patience = Patience(settings.grace, settings.confirm)
        set_aside = MemorySetAside(clock)
        return Auditor(MemoryHeads(), MemoryFindings(), MemoryQuarantine(), set_aside, clock, patience)
    from counterfoil.adapters.dynamodb.anchors import DynamoDbAnchors
    from counterfoil.adapters.dynamodb.findings import DynamoDbFindings
    from counterfoil.adapters.dynamodb.heads import DynamoDbHeads
    from counterfoil.adapters.s3 import S3Quarantine, S3SetAside

    settings = AuditorSettings.from_env(environ)
    return Auditor(
        DynamoDbHeads(client("dynamodb"), settings.heads_table),
        DynamoDbFindings(client("dynamodb"), settings.findings_table),
        S3Quarantine(client("s3"), settings.quarantine_bucket),
        S3SetAside(client("s3"), settings.journal_bucket, clock),
        clock,
        Patience(settings.grace, settings.confirm),
        anchors=DynamoDbAnchors(client("dynamodb"), settings.journal_table),
    )


def detector(environ: Environment, clock: Clock = system_clock) -> Detector:
    if in_memory(environ):
        settings = DetectorSettings.from_env(
            {"ACCOUNTS_TABLE": "-", "FINDINGS_TABLE": "-", "JOURNAL_BUCKET": "-", "RULES_TABLE": "-", **environ}
        )
        config = parse_rule_config(settings.fraud_rules)
        rules = HotRules(MemoryRules(), config)
        return Detector(MemoryAccounts(), MemoryFindings(), MemorySetAside(clock), config, clock, settings.grace, rules)
    from counterfoil.adapters.dynamodb.accounts import DynamoDbAccounts
    from counterfoil.adapters.dynamodb.findings import DynamoDbFindings
    from counterfoil.adapters.dynamodb.rules import DynamoDbRuleReader
    from counterfoil.adapters.s3 import S3SetAside

    settings = DetectorSettings.from_env(environ)
    config = parse_rule_config(settings.fraud_rules)
    return Detector(
        DynamoDbAccounts(client("dynamodb"), settings.accounts_table),
        DynamoDbFindings(client("dynamodb"), settings.findings_table),
        S3SetAside(client("s3"), settings.journal_bucket, clock),
        config,
        clock,
        settings.grace,
        HotRules(DynamoDbRuleReader(client("dynamodb"), settings.rules_table), config),
    )


def notifier(environ: Environment, clock: Clock = system_clock) -> Notifier:
    if in_memory(environ):
        names = dict.fromkeys(("ALERTS_TABLE", "CASES_TABLE", "ALERTS_TOPIC_ARN", "EVENT_BUS_NAME"), "-")
        settings = NotifierSettings.from_env({**names, **environ})
        suppressions = Suppressions(MemoryDeskLog())
        return Notifier(MemoryAlertLog(), MemoryAlertBook(), suppressions, [MemoryChannel()], _policy(settings), clock)
    from counterfoil.adapters.alerts import DynamoDbAlertLog, EventBridgeChannel, SnsChannel
    from counterfoil.adapters.dynamodb.desk import DynamoDbAlertBook, DynamoDbDeskLog

    settings = NotifierSettings.from_env(environ)
    channels: list[AlertChannel] = [
        SnsChannel(client("sns"), settings.topic_arn),
        EventBridgeChannel(client("events"), settings.bus_name),
        *_security_tools(settings, clock),
    ]
    return Notifier(
        DynamoDbAlertLog(client("dynamodb"), settings.alerts_table),
        DynamoDbAlertBook(client("dynamodb"), settings.alerts_table),
        Suppressions(DynamoDbDeskLog(client("dynamodb"), settings.cases_table)),
        channels,
        _policy(settings),
        clock,
    )


def _security_tools(settings: NotifierSettings, clock: Clock) -> Iterator[AlertChannel]:
    """What was asked for; the topic's ARN says in which account and region this is."""
    from counterfoil.adapters.security_tools import OcsfChannel, SecurityHubChannel, home_of

    if settings.security_hub:
        yield SecurityHubChannel(client("securityhub"), home_of(settings.topic_arn), clock)
    if settings.ocsf_events:
        yield OcsfChannel(client("events"), settings.bus_name, home_of(settings.topic_arn))


def _policy(settings: NotifierSettings) -> TellingPolicy:
    return TellingPolicy(settings.minimum_severity, settings.window_seconds, settings.per_day)


def action_runner(environ: Environment, clock: Clock = system_clock) -> ActionRunner:
    if in_memory(environ):
        log = MemoryDeskLog()
        return ActionRunner(log, Cases(log, clock), MemoryLedgerDoor(), MemoryChannel(), clock)
    from counterfoil.adapters.alerts import EventBridgeChannel
    from counterfoil.adapters.dynamodb.desk import DynamoDbDeskLog
    from counterfoil.adapters.dynamodb.registry import DynamoDbLedgerRegistry
    from counterfoil.adapters.ledger_door import url_ledger_door

    settings = RunnerSettings.from_env(environ)
    desk = DynamoDbDeskLog(client("dynamodb"), settings.cases_table)
    registry = DynamoDbLedgerRegistry(client("dynamodb"), settings.registry_table)
    return ActionRunner(
        desk,
        Cases(desk, clock),
        url_ledger_door(registry, settings.ledger_url, settings.region),
        EventBridgeChannel(client("events"), settings.bus_name),
        clock,
    )


def snapshotter(environ: Environment, clock: Clock = system_clock) -> Snapshotter:
    if in_memory(environ):
        return Snapshotter(MemoryHeads(), MemoryFindings(), MemorySnapshots(), MemorySigner(), clock)
    from counterfoil.adapters.dynamodb.findings import DynamoDbFindings
    from counterfoil.adapters.dynamodb.heads import DynamoDbHeads
    from counterfoil.adapters.kms import KmsSigner
    from counterfoil.adapters.s3 import S3Snapshots

    settings = SnapshotSettings.from_env(environ)
    return Snapshotter(
        DynamoDbHeads(client("dynamodb"), settings.heads_table),
        DynamoDbFindings(client("dynamodb"), settings.findings_table),
        S3Snapshots(client("s3"), settings.bucket, settings.lock_mode, settings.retention, clock),
        KmsSigner(client("kms"), settings.signing_key_id),
        clock,
        _comparison(settings, clock),
    )


def _comparison(settings: SnapshotSettings, clock: Clock) -> HeadComparison:
    """The other two heads: strands' logs beside the snapshots, and what the ledger in DynamoDB says."""
    from counterfoil.adapters.dynamodb.digests import DynamoDbDigests
    from counterfoil.adapters.kms import KmsNoteKey
    from counterfoil.adapters.s3 import S3Log
    from counterfoil.adapters.witness_client import ask_witness
    from counterfoil.transparency.policy import parse_policy

    places = JournalPlaces(settings.journal_table, settings.journal_bucket, "-")
    checkpoints = Checkpoints(
        lambda strand_id: S3Log(
            client("s3"), settings.bucket, f"tlog/{strand_id}/", settings.lock_mode, settings.retention, clock
        ),
        lambda strand_id: KmsNoteKey.load(client("kms"), settings.checkpoint_key_id, f"{settings.origin}/{strand_id}"),
        parse_policy(settings.witness_policy),
        ask_witness,
    )
    return HeadComparison(checkpoints, DynamoDbDigests(lambda strand_id: journal(places, strand_id)))


def ledger_compliance(environ: Environment, clock: Clock = system_clock) -> LedgerCompliance:
    if in_memory(environ):
        bare = MemoryHeads(), MemoryLedgerRegistry(), MemoryJournal, MemoryLocks(), MemoryEvaluations()
        return LedgerCompliance(*bare, "heads", "snapshots", clock)
    from counterfoil.adapters.config_rules import ConfigEvaluations, S3LockReader
    from counterfoil.adapters.dynamodb.heads import DynamoDbHeads

    settings = ComplianceSettings.from_env(environ)
    return LedgerCompliance(
        DynamoDbHeads(client("dynamodb"), settings.heads_table),
        _registry(settings.places),
        lambda strand_id: journal(settings.places, strand_id),
        S3LockReader(client("s3")),
        ConfigEvaluations(client("config")),
        settings.heads_table,
        settings.bucket,
        clock,
    )


def forwarder(environ: Environment, clock: Clock = system_clock) -> Forwarder:
    if in_memory(environ):
        return Forwarder(MemoryJournalSource(), MemoryJournalCopy(), MemoryLedgerRegistry(), clock)
    from counterfoil.adapters.dynamodb.journal_copy import DynamoDbJournalCopy, DynamoDbJournalSource
    from counterfoil.adapters.dynamodb.registry import DynamoDbLedgerRegistry

    settings = ForwarderSettings.from_env(environ)
    here, there, region = settings.here, settings.standby, settings.standby_region
    return Forwarder(
        DynamoDbJournalSource(client("dynamodb"), client("s3"), *astuple(here)),
        DynamoDbJournalCopy(client("dynamodb", region), client("s3", region), *astuple(there)),
        DynamoDbLedgerRegistry(client("dynamodb"), here.registry_table),
        clock,
    )


def projector(environ: Environment, clock: Clock = system_clock) -> StrandWork:
    if in_memory(environ):
        return StrandWork(_nothing_to_do, MemoryLedgerRegistry(), clock)
    from counterfoil.adapters.dynamodb.projector import Projector

    settings = ProjectorSettings.from_env(environ)

    def work(strand_id: str, running_out: Callable[[], bool]) -> int:
        return (
            Projector(journal(settings.places, strand_id), settings.projections_table, clock)
            .project(running_out)
            .blocks
        )

    return StrandWork(work, _registry(settings.places), clock)


def redactor(environ: Environment, clock: Clock = system_clock) -> StrandWork:
    if in_memory(environ):
        return StrandWork(_nothing_to_do, MemoryLedgerRegistry(), clock)
    from counterfoil.adapters.dynamodb.redactor import Redactor

    settings = ProjectorSettings.from_env(environ)

    def work(strand_id: str, running_out: Callable[[], bool]) -> int:
        return Redactor(journal(settings.places, strand_id), settings.projections_table, clock).redact(running_out)

    return StrandWork(work, _registry(settings.places), clock)


def publisher(environ: Environment, clock: Clock = system_clock) -> StreamPublishing:
    if in_memory(environ):
        return StreamPublishing(
            MemoryJobs(),
            MemoryLedgerRegistry(),
            _no_journal,
            lambda _: MemoryStream(),
            lambda _: b"",
            MemorySetAside(clock),
            clock,
        )
    from counterfoil.adapters.dynamodb.jobs import DynamoDbJobs
    from counterfoil.adapters.kinesis import KinesisSink, aggregate
    from counterfoil.adapters.s3 import S3SetAside

    places = JournalPlaces.from_env(environ)
    return StreamPublishing(
        DynamoDbJobs(client("dynamodb"), places.registry_table),
        _registry(places),
        lambda strand_id: journal(places, strand_id),
        lambda job: KinesisSink(client("kinesis"), job.kinesis_stream_name),
        aggregate,
        S3SetAside(client("s3"), places.journal_bucket, clock),
        clock,
    )


def exporter(environ: Environment, clock: Clock = system_clock) -> ExportRunning:
    if in_memory(environ):
        return ExportRunning(MemoryJobs(), MemoryLedgerRegistry(), _no_journal, lambda _: MemoryBucket(), clock)
    from counterfoil.adapters.dynamodb.jobs import DynamoDbJobs
    from counterfoil.adapters.s3 import S3Bucket

    places = JournalPlaces.from_env(environ)
    return ExportRunning(
        DynamoDbJobs(client("dynamodb"), places.registry_table),
        _registry(places),
        lambda strand_id: journal(places, strand_id),
        lambda job: S3Bucket(client("s3"), job.bucket, job.encryption),
        clock,
    )


def invoker(environ: Environment, name: str) -> Callable[[Mapping[str, Any]], None]:
    """Asks the function that an environment variable names; nobody where nothing is outside."""
    if in_memory(environ):
        return lambda _: None
    from counterfoil.adapters.invocations import Invoker

    return Invoker(client("lambda"), function_name(environ, name))


def journal(places: JournalPlaces, strand_id: str) -> Any:
    """One strand's journal."""
    from counterfoil.adapters.dynamodb.journal import DynamoDbJournal

    return DynamoDbJournal(client("dynamodb"), places.journal_table, client("s3"), places.journal_bucket, strand_id)


def _registry(places: JournalPlaces) -> LedgerRegistry:
    from counterfoil.adapters.dynamodb.registry import DynamoDbLedgerRegistry

    return DynamoDbLedgerRegistry(client("dynamodb"), places.registry_table)


def _nothing_to_do(_strand_id: str, _running_out: Callable[[], bool]) -> int:
    return 0


def _no_journal(strand_id: str) -> Any:
    raise NotFoundError(f"there is no strand {strand_id}")
