"""What each function is told by its environment, read once per cold start into values that cannot be wrong.

A name that is missing or a value out of range is an ``InputError`` naming it: the function then does not start, which an
operator sees at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

from counterfoil.detection.alert_terms import DAY_SECONDS
from counterfoil.detection.finding import Severity
from counterfoil.errors import InputError

# The longest that anything may be waited for: a Kinesis stream keeps records for 365 days.
MAX_SECONDS: Final = 365 * 24 * 3600

# Every name that a function of the template may be given, beside those of Lambda and Powertools.
NAMES: Final = frozenset(
    {
        "ACCOUNTS_TABLE",
        "ACCOUNT_FREEZES",
        "ACCOUNT_ID",
        "ALERTS_TABLE",
        "ALERTS_TOPIC_ARN",
        "ALERT_DAILY_BUDGET",
        "ALERT_MINIMUM_SEVERITY",
        "ALERT_WINDOW_SECONDS",
        "CACHE_MEGABYTES",
        "CACHE_URL",
        "CASES_TABLE",
        "CHECKPOINT_KEY_ID",
        "CHECKPOINT_ORIGIN",
        "COUNTERFOIL_ADAPTERS",
        "EVENT_BUS_NAME",
        "EXPORTER_FUNCTION",
        "FINDINGS_TABLE",
        "FRAUD_RULES",
        "GAP_CONFIRM_SECONDS",
        "GAP_GRACE_SECONDS",
        "HEADS_TABLE",
        "JOURNAL_BUCKET",
        "JOURNAL_TABLE",
        "LEDGER_LIMITS",
        "LEDGER_URL",
        "PERMISSIONS_DEFAULT",
        "PROJECTIONS_TABLE",
        "OCSF_EVENTS",
        "PUBLISHER_FUNCTION",
        "QUARANTINE_BUCKET",
        "REGISTRY_TABLE",
        "RULES_TABLE",
        "SEALING_KEY_ID",
        "SEAL_KEYS_TABLE",
        "SECURITY_HUB",
        "SESSIONS_TABLE",
        "SIGNING_KEY_ID",
        "SNAPSHOT_BUCKET",
        "SNAPSHOT_LOCK_DAYS",
        "SNAPSHOT_LOCK_MODE",
        "STANDBY_JOURNAL_BUCKET",
        "STANDBY_JOURNAL_TABLE",
        "STANDBY_REGION",
        "STANDBY_REGISTRY_TABLE",
        "WITNESS_POLICY",
    }
)

Environment = Mapping[str, str]


def in_memory(environ: Environment) -> bool:
    """Whether one event is to be run without AWS: ``COUNTERFOIL_ADAPTERS=memory``."""
    return environ.get("COUNTERFOIL_ADAPTERS") == "memory"


@dataclass(frozen=True, slots=True)
class AuditorSettings:
    heads_table: str
    findings_table: str
    quarantine_bucket: str
    journal_bucket: str
    journal_table: str
    grace: timedelta
    confirm: timedelta

    @classmethod
    def from_env(cls, environ: Environment) -> Self:
        grace, confirm = _seconds(environ, "GAP_GRACE_SECONDS", 60), _seconds(environ, "GAP_CONFIRM_SECONDS", 900)
        if confirm < grace:
            raise InputError(f"GAP_CONFIRM_SECONDS ({confirm}) is less than GAP_GRACE_SECONDS ({grace})")
        return cls(
            _text(environ, "HEADS_TABLE"),
            _text(environ, "FINDINGS_TABLE"),
            _text(environ, "QUARANTINE_BUCKET"),
            _text(environ, "JOURNAL_BUCKET"),
            _text(environ, "JOURNAL_TABLE"),
            grace,
            confirm,
        )


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """``fraud_rules`` is the JSON text of the rule configuration; ``{}`` means the defaults."""

    accounts_table: str
    findings_table: str
    journal_bucket: str
    rules_table: str
    fraud_rules: str
    grace: timedelta

    @classmethod
    def from_env(cls, environ: Environment) -> Self:
        return cls(
            _text(environ, "ACCOUNTS_TABLE"),
            _text(environ, "FINDINGS_TABLE"),
            _text(environ, "JOURNAL_BUCKET"),
            _text(environ, "RULES_TABLE"),
            environ.get("FRAUD_RULES") or "{}",
            _seconds(environ, "GAP_GRACE_SECONDS", 60),
        )


@dataclass(frozen=True, slots=True)
class NotifierSettings:
    """``window_seconds`` divides a day, and is for rules without a window of their own; ``per_day`` of 0 means no budget.

    ``security_hub`` and ``ocsf_events`` say whether security tools are told as well.
    """

    alerts_table: str
    cases_table: str
    topic_arn: str
    bus_name: str
    minimum_severity: Severity
    window_seconds: int
    per_day: int
    security_hub: bool
    ocsf_events: bool

    @classmethod
    def from_env(cls, environ: Environment) -> Self:
        name = environ.get("ALERT_MINIMUM_SEVERITY", Severity.MEDIUM.name)
        if name not in Severity.__members__:
            raise InputError(f"ALERT_MINIMUM_SEVERITY is {name!r}, none of {', '.join(Severity.__members__)}")
        window_seconds = _whole(environ, "ALERT_WINDOW_SECONDS", 1, DAY_SECONDS, default=3600)
        if DAY_SECONDS % window_seconds:
            raise InputError(
                f"ALERT_WINDOW_SECONDS is {window_seconds}, by which a day ({DAY_SECONDS}) cannot be divided"
            )
        return cls(
            _text(environ, "ALERTS_TABLE"),
            _text(environ, "CASES_TABLE"),
            _text(environ, "ALERTS_TOPIC_ARN"),
            _text(environ, "EVENT_BUS_NAME"),
            Severity[name],
            window_seconds,
            _whole(environ, "ALERT_DAILY_BUDGET", 0, 1_000_000, default=200),
            _choice(environ, "SECURITY_HUB", "false", "true") == "true",
            _choice(environ, "OCSF_EVENTS", "false", "true") == "true",
        )


@dataclass(frozen=True, slots=True)
class RunnerSettings:
    """``ledger_url`` is the ledger's own, which the actions write to as any caller does."""

    cases_table: str
    registry_table: str
    bus_name: str
    ledger_url: str
    region: str

    @classmethod
    def from_env(cls, environ: Environment) -> Self:
        return cls(
            _text(environ, "CASES_TABLE"),
            _text(environ, "REGISTRY_TABLE"),
            _text(environ, "EVENT_BUS_NAME"),
            _text(environ, "LEDGER_URL"),
            environ.get("AWS_REGION", "us-east-1"),
        )


@dataclass(frozen=True, slots=True)
class SnapshotSettings:
    """``origin`` is what the names of logs begin with, ``witness_policy`` the policy's text.

    The journal is read for what the ledger says of itself.
    """

    heads_table: str
    findings_table: str
    bucket: str
    signing_key_id: str
    lock_mode: str
    retention: timedelta
    checkpoint_key_id: str
    origin: str
    witness_policy: str
    journal_table: str
    journal_bucket: str

    @classmethod
    def from_env(cls, environ: Environment) -> Self:
        mode = environ.get("SNAPSHOT_LOCK_MODE", "GOVERNANCE")
        if mode not in {"GOVERNANCE", "COMPLIANCE"}:
            raise InputError(f"SNAPSHOT_LOCK_MODE is {mode!r}, neither GOVERNANCE nor COMPLIANCE")
        return cls(
            _text(environ, "HEADS_TABLE"),
            _text(environ, "FINDINGS_TABLE"),
            _text(environ, "SNAPSHOT_BUCKET"),
            _text(environ, "SIGNING_KEY_ID"),
            mode,
            timedelta(days=_whole(environ, "SNAPSHOT_LOCK_DAYS", 1, 36_500, default=365)),
            _text(environ, "CHECKPOINT_KEY_ID"),
            environ.get("CHECKPOINT_ORIGIN", "counterfoil").strip("/"),
            environ.get("WITNESS_POLICY", "").replace(";", "\n"),
            _text(environ, "JOURNAL_TABLE"),
            _text(environ, "JOURNAL_BUCKET"),
        )


@dataclass(frozen=True, slots=True)
class JournalPlaces:
    """Where a journal and what is registered of its ledgers are kept."""

    journal_table: str
    journal_bucket: str
    registry_table: str

    @classmethod
    def from_env(cls, environ: Environment, prefix: str = "") -> Self:
        return cls(
            _text(environ, f"{prefix}JOURNAL_TABLE"),
            _text(environ, f"{prefix}JOURNAL_BUCKET"),
            _text(environ, f"{prefix}REGISTRY_TABLE"),
        )


@dataclass(frozen=True, slots=True)
class ProjectorSettings:
    """``places`` are the journal's and the registry's."""

    places: JournalPlaces
    projections_table: str

    @classmethod
    def from_env(cls, environ: Environment) -> Self:
        return cls(JournalPlaces.from_env(environ), _text(environ, "PROJECTIONS_TABLE"))


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """``qldb_limits`` keeps to QLDB's own limits. ``allow_by_default`` says what a principal without a permission may do.

    ``cache_megabytes`` bounds what an instance remembers; an empty ``cache_url`` means that instances share nothing.
    ``account_freezes`` is the JSON text of which documents freeze accounts (``services.freezes``). Without a ``seal_keys_table`` no
    table can have sealed fields.
    """

    places: JournalPlaces
    projections_table: str
    sessions_table: str
    exporter_function: str
    publisher_function: str
    region: str
    account: str
    qldb_limits: bool
    allow_by_default: bool
    cache_megabytes: int
    cache_url: str
    account_freezes: str
    seal_keys_table: str
    sealing_key_id: str

    @classmethod
    def from_env(cls, environ: Environment) -> Self:
        return cls(
            JournalPlaces.from_env(environ),
            _text(environ, "PROJECTIONS_TABLE"),
            _text(environ, "SESSIONS_TABLE"),
            _text(environ, "EXPORTER_FUNCTION"),
            _text(environ, "PUBLISHER_FUNCTION"),
            environ.get("AWS_REGION", "us-east-1"),
            environ.get("ACCOUNT_ID", "000000000000"),
            _choice(environ, "LEDGER_LIMITS", "default", "qldb") == "qldb",
            _choice(environ, "PERMISSIONS_DEFAULT", "deny", "allow") == "allow",
            _whole(environ, "CACHE_MEGABYTES", 0, 8_192, default=64),
            environ.get("CACHE_URL", "").strip(),
            environ.get("ACCOUNT_FREEZES", "{}"),
            environ.get("SEAL_KEYS_TABLE", ""),
            _text(environ, "SEALING_KEY_ID") if environ.get("SEAL_KEYS_TABLE") else "",
        )


@dataclass(frozen=True, slots=True)
class ComplianceSettings:
    """``bucket`` is that of the digest snapshots."""

    heads_table: str
    bucket: str
    places: JournalPlaces

    @classmethod
    def from_env(cls, environ: Environment) -> Self:
        return cls(_text(environ, "HEADS_TABLE"), _text(environ, "SNAPSHOT_BUCKET"), JournalPlaces.from_env(environ))


@dataclass(frozen=True, slots=True)
class ForwarderSettings:
    """``standby`` are the places in ``standby_region``."""

    here: JournalPlaces
    standby_region: str
    standby: JournalPlaces

    @classmethod
    def from_env(cls, environ: Environment) -> Self:
        return cls(
            JournalPlaces.from_env(environ),
            _text(environ, "STANDBY_REGION"),
            JournalPlaces.from_env(environ, "STANDBY_"),
        )


def function_name(environ: Environment, name: str) -> str:
    """The function that a variable names."""
    return _text(environ, name)


def _choice(environ: Environment, name: str, *choices: str) -> str:
    """One of the choices; the first where nothing is said."""
    value = environ.get(name, choices[0])
    if value not in choices:
        raise InputError(f"{name} is {value[:40]!r}, none of {', '.join(choices)}")
    return value


def _text(environ: Environment, name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise InputError(f"the environment variable {name} is missing")
    return value


def _seconds(environ: Environment, name: str, default: int) -> timedelta:
    return timedelta(seconds=_whole(environ, name, 0, MAX_SECONDS, default=default))


def _whole(environ: Environment, name: str, low: int, high: int, *, default: int) -> int:
    text = environ.get(name, str(default))
    if not text.isascii() or not text.isdigit() or not low <= int(text[:12]) <= high or len(text) > 12:
        raise InputError(f"{name} is {text[:40]!r}, not a whole number from {low} to {high}")
    return int(text)
