"""What the functions are told by their environment, and what they refuse to start with."""

from datetime import timedelta

import pytest

from counterfoil import settings, wiring
from counterfoil.adapters.memory import MemoryAlertLog, MemoryHeads, MemorySigner
from counterfoil.detection.finding import Severity
from counterfoil.errors import InputError
from counterfoil.settings import (
    ApiSettings,
    AuditorSettings,
    DetectorSettings,
    ForwarderSettings,
    JournalPlaces,
    NotifierSettings,
    ProjectorSettings,
    RunnerSettings,
    SnapshotSettings,
    in_memory,
)

PLACES = {"JOURNAL_TABLE": "journal", "JOURNAL_BUCKET": "objects", "REGISTRY_TABLE": "registry"}
REQUIRED = {
    AuditorSettings: {
        "HEADS_TABLE": "heads",
        "FINDINGS_TABLE": "findings",
        "QUARANTINE_BUCKET": "bucket",
        "JOURNAL_BUCKET": "objects",
        "JOURNAL_TABLE": "journal",
    },
    DetectorSettings: {
        "ACCOUNTS_TABLE": "accounts",
        "FINDINGS_TABLE": "findings",
        "JOURNAL_BUCKET": "objects",
        "RULES_TABLE": "rules",
    },
    NotifierSettings: {
        "ALERTS_TABLE": "alerts",
        "CASES_TABLE": "cases",
        "ALERTS_TOPIC_ARN": "arn",
        "EVENT_BUS_NAME": "bus",
    },
    RunnerSettings: {
        "CASES_TABLE": "cases",
        "REGISTRY_TABLE": "registry",
        "EVENT_BUS_NAME": "bus",
        "LEDGER_URL": "https://ledger",
    },
    SnapshotSettings: {
        "HEADS_TABLE": "heads",
        "FINDINGS_TABLE": "findings",
        "SNAPSHOT_BUCKET": "bucket",
        "SIGNING_KEY_ID": "key",
        "CHECKPOINT_KEY_ID": "log-key",
        "JOURNAL_TABLE": "journal",
        "JOURNAL_BUCKET": "objects",
    },
    ProjectorSettings: {**PLACES, "PROJECTIONS_TABLE": "projections"},
    ApiSettings: {
        **PLACES,
        "PROJECTIONS_TABLE": "projections",
        "SESSIONS_TABLE": "sessions",
        "EXPORTER_FUNCTION": "exporter",
        "PUBLISHER_FUNCTION": "publisher",
    },
    ForwarderSettings: {
        **PLACES,
        "STANDBY_REGION": "eu-west-1",
        "STANDBY_JOURNAL_TABLE": "there-journal",
        "STANDBY_JOURNAL_BUCKET": "there-objects",
        "STANDBY_REGISTRY_TABLE": "there-registry",
    },
}
MISSING = [(kind, name) for kind, names in REQUIRED.items() for name in names]


def of(kind, **changes):
    return kind.from_env({**REQUIRED[kind], **changes})


def test_the_auditors_settings_and_their_defaults():
    assert of(AuditorSettings) == AuditorSettings(
        "heads", "findings", "bucket", "objects", "journal", timedelta(seconds=60), timedelta(seconds=900)
    )
    given = of(AuditorSettings, GAP_GRACE_SECONDS="0", GAP_CONFIRM_SECONDS="31536000")
    assert (given.grace, given.confirm) == (timedelta(0), timedelta(days=365))


def test_the_detectors_settings_and_their_defaults():
    assert of(DetectorSettings) == DetectorSettings(
        "accounts", "findings", "objects", "rules", "{}", timedelta(seconds=60)
    )
    assert of(DetectorSettings, FRAUD_RULES="").fraud_rules == "{}"
    assert of(DetectorSettings, FRAUD_RULES='{"a":1}').fraud_rules == '{"a":1}'


def test_the_forwarders_settings_are_the_places_of_two_regions():
    assert of(ForwarderSettings) == ForwarderSettings(
        JournalPlaces("journal", "objects", "registry"),
        "eu-west-1",
        JournalPlaces("there-journal", "there-objects", "there-registry"),
    )


def test_the_notifiers_settings_and_their_defaults():
    expected = NotifierSettings(
        "alerts", "cases", "arn", "bus", Severity.MEDIUM, 3600, 200, security_hub=False, ocsf_events=False
    )
    assert of(NotifierSettings) == expected
    assert of(NotifierSettings, ALERT_MINIMUM_SEVERITY="CRITICAL").minimum_severity is Severity.CRITICAL
    given = of(NotifierSettings, ALERT_WINDOW_SECONDS="900", ALERT_DAILY_BUDGET="0")
    assert (given.window_seconds, given.per_day) == (900, 0)
    told = of(NotifierSettings, SECURITY_HUB="true", OCSF_EVENTS="true")
    assert (told.security_hub, told.ocsf_events) == (True, True)
    with pytest.raises(InputError, match="SECURITY_HUB"):
        of(NotifierSettings, SECURITY_HUB="yes")


@pytest.mark.parametrize("seconds", ["0", "7", "86401", "172800", "1.5"])
def test_a_window_divides_a_day(seconds):
    with pytest.raises(InputError, match="ALERT_WINDOW_SECONDS"):
        of(NotifierSettings, ALERT_WINDOW_SECONDS=seconds)


def test_the_runners_settings():
    assert of(RunnerSettings) == RunnerSettings("cases", "registry", "bus", "https://ledger", "us-east-1")
    assert of(RunnerSettings, AWS_REGION="eu-west-1").region == "eu-west-1"


def test_the_snapshotters_settings_and_their_defaults():
    assert of(SnapshotSettings) == SnapshotSettings(
        "heads", "findings", "bucket", "key", "GOVERNANCE", timedelta(days=365), "log-key", "counterfoil", "",
        "journal", "objects",
    )  # fmt: skip
    given = of(SnapshotSettings, SNAPSHOT_LOCK_MODE="COMPLIANCE", SNAPSHOT_LOCK_DAYS="36500")
    assert (given.lock_mode, given.retention) == ("COMPLIANCE", timedelta(days=36_500))
    given = of(SnapshotSettings, CHECKPOINT_ORIGIN="ledger.example/bank/", WITNESS_POLICY="witness a b;quorum a")
    assert (given.origin, given.witness_policy) == ("ledger.example/bank", "witness a b\nquorum a")


@pytest.mark.parametrize(("kind", "name"), MISSING)
def test_a_name_that_is_missing_is_named(kind, name):
    environ = {key: value for key, value in REQUIRED[kind].items() if key != name}
    for without in (environ, {**environ, name: ""}, {**environ, name: "  "}):
        with pytest.raises(InputError, match=name):
            kind.from_env(without)


NUMBERS = [
    (AuditorSettings, "GAP_GRACE_SECONDS"),
    (AuditorSettings, "GAP_CONFIRM_SECONDS"),
    (DetectorSettings, "GAP_GRACE_SECONDS"),
    (SnapshotSettings, "SNAPSHOT_LOCK_DAYS"),
]


@pytest.mark.parametrize(("kind", "name"), NUMBERS)
@pytest.mark.parametrize(
    "text", ["", " ", "-1", "+1", "1.5", "1e3", "abc", "NaN", "inf", "٣", "²", "1_000", " 1", "31536001", "9" * 5_000]
)
def test_a_number_that_is_none_or_out_of_range_is_named(kind, name, text):
    with pytest.raises(InputError, match=name):
        of(kind, **{name: text})


def test_a_lock_of_no_days_is_none():
    with pytest.raises(InputError, match="SNAPSHOT_LOCK_DAYS"):
        of(SnapshotSettings, SNAPSHOT_LOCK_DAYS="0")


def test_a_gap_cannot_be_confirmed_before_it_is_reported():
    with pytest.raises(InputError, match="GAP_CONFIRM_SECONDS"):
        of(AuditorSettings, GAP_GRACE_SECONDS="100", GAP_CONFIRM_SECONDS="99")
    assert of(AuditorSettings, GAP_GRACE_SECONDS="100", GAP_CONFIRM_SECONDS="100").confirm == timedelta(seconds=100)


@pytest.mark.parametrize("name", ["", "medium", "WORST", "2"])
def test_a_severity_that_is_none_is_named(name):
    with pytest.raises(InputError, match="ALERT_MINIMUM_SEVERITY"):
        of(NotifierSettings, ALERT_MINIMUM_SEVERITY=name)


@pytest.mark.parametrize("mode", ["", "governance", "NONE"])
def test_a_lock_mode_that_is_none_is_named(mode):
    with pytest.raises(InputError, match="SNAPSHOT_LOCK_MODE"):
        of(SnapshotSettings, SNAPSHOT_LOCK_MODE=mode)


def test_the_apis_settings_and_their_defaults():
    assert of(ProjectorSettings) == ProjectorSettings(JournalPlaces("journal", "objects", "registry"), "projections")
    here = of(ApiSettings)
    assert (here.places, here.sessions_table) == (JournalPlaces("journal", "objects", "registry"), "sessions")
    assert (here.region, here.account) == ("us-east-1", "000000000000")
    assert (here.qldb_limits, here.allow_by_default) == (False, False)
    assert (here.cache_megabytes, here.cache_url) == (64, "")
    assert (here.account_freezes, of(ApiSettings, ACCOUNT_FREEZES="off").account_freezes) == ("{}", "off")
    assert (here.seal_keys_table, here.sealing_key_id) == ("", "")
    sealing = of(ApiSettings, SEAL_KEYS_TABLE="keys", SEALING_KEY_ID="id")
    assert (sealing.seal_keys_table, sealing.sealing_key_id) == ("keys", "id")
    with pytest.raises(InputError, match="SEALING_KEY_ID"):
        of(ApiSettings, SEAL_KEYS_TABLE="keys")
    cached = of(ApiSettings, CACHE_MEGABYTES="0", CACHE_URL=" valkey://cache:6379 ")
    assert (cached.cache_megabytes, cached.cache_url) == (0, "valkey://cache:6379")
    given = of(ApiSettings, LEDGER_LIMITS="qldb", PERMISSIONS_DEFAULT="allow", AWS_REGION="eu-west-1", ACCOUNT_ID="1")
    assert (given.qldb_limits, given.allow_by_default, given.region, given.account) == (True, True, "eu-west-1", "1")


@pytest.mark.parametrize("name", ["LEDGER_LIMITS", "PERMISSIONS_DEFAULT"])
def test_a_choice_that_is_none_is_named(name):
    with pytest.raises(InputError, match=name):
        of(ApiSettings, **{name: "perhaps"})


def test_every_name_that_is_read_is_declared():
    read = {name for names in REQUIRED.values() for name in names} | {name for _, name in NUMBERS}
    read |= {"ACCOUNT_FREEZES", "ALERT_WINDOW_SECONDS", "ALERT_DAILY_BUDGET"}
    read |= {"ALERT_MINIMUM_SEVERITY", "SNAPSHOT_LOCK_MODE", "FRAUD_RULES", "COUNTERFOIL_ADAPTERS"}
    read |= {"CHECKPOINT_ORIGIN", "WITNESS_POLICY", "SECURITY_HUB", "OCSF_EVENTS"}
    read |= {"LEDGER_LIMITS", "PERMISSIONS_DEFAULT", "ACCOUNT_ID", "CACHE_MEGABYTES", "CACHE_URL"}
    read |= {"SEAL_KEYS_TABLE", "SEALING_KEY_ID"}
    assert read == settings.NAMES


@pytest.mark.parametrize(("value", "memory"), [(None, False), ("", False), ("aws", False), ("memory", True)])
def test_memory_must_be_asked_for_by_name(value, memory):
    assert in_memory({} if value is None else {"COUNTERFOIL_ADAPTERS": value}) is memory


# Wiring -------------------------------------------------------------------------------------------------------------

MEMORY = {"COUNTERFOIL_ADAPTERS": "memory"}


def test_services_in_memory_need_no_other_setting():
    assert isinstance(wiring.auditor(MEMORY).heads, MemoryHeads)
    assert isinstance(wiring.notifier(MEMORY).log, MemoryAlertLog)
    assert isinstance(wiring.snapshotter(MEMORY).signer, MemorySigner)
    assert wiring.auditor({**MEMORY, "GAP_GRACE_SECONDS": "5"}).patience.grace == timedelta(seconds=5)
    assert wiring.notifier({**MEMORY, "ALERT_MINIMUM_SEVERITY": "LOW"}).policy.minimum_severity is Severity.LOW


@pytest.mark.parametrize("wire", [wiring.auditor, wiring.notifier, wiring.snapshotter])
def test_a_service_does_not_start_without_its_settings(wire):
    with pytest.raises(InputError, match="is missing"):
        wire({})


@pytest.fixture
def region(monkeypatch):
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.setenv(name, "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    wiring.client.cache_clear()
    yield
    wiring.client.cache_clear()


def test_services_over_aws_are_wired_with_what_the_settings_name(region):
    auditor = wiring.auditor(REQUIRED[AuditorSettings])
    assert (auditor.heads.ddb_table, auditor.findings.ddb_table, auditor.quarantine.bucket) == (
        "heads", "findings", "bucket",
    )  # fmt: skip
    assert auditor.heads.client is auditor.findings.client, "one client per service"
    notifier = wiring.notifier(REQUIRED[NotifierSettings])
    assert [channel.name for channel in notifier.channels] == ["sns", "eventbridge"]
    assert (notifier.log.ddb_table, notifier.channels[0].topic_arn, notifier.channels[1].bus_name) == (
        "alerts", "arn", "bus",
    )  # fmt: skip
    runner = wiring.action_runner(REQUIRED[RunnerSettings])
    assert (runner.log.ddb_table, runner.cases.log.ddb_table, runner.bus.bus_name) == ("cases", "cases", "bus")
    assert (runner.ledgers.url, runner.ledgers.registry.ddb_table) == ("https://ledger", "registry")
    snapshotter = wiring.snapshotter({**REQUIRED[SnapshotSettings], "SNAPSHOT_LOCK_DAYS": "7"})
    assert (snapshotter.snapshots.bucket, snapshotter.signer.key_id) == ("bucket", "key")
    assert snapshotter.snapshots.retention == timedelta(days=7)
    logs = snapshotter.comparison.checkpoints
    assert (logs.store("a").bucket, logs.store("a").prefix) == ("bucket", "tlog/a/")
    with pytest.raises(InputError, match="line 1 of the policy"):
        wiring.snapshotter({**REQUIRED[SnapshotSettings], "WITNESS_POLICY": "witness a"})
    assert snapshotter.comparison.ledger.journal("a").journal_table == "journal"
