"""The functions: how each runs, what it is told, and when the clock starts it."""

import json

import pytest

# function -> folder under functions/, which is also its service name in logs and metrics
FUNCTIONS = {
    "LedgerApiFunction": "ledger_api",
    "LedgerProjectorFunction": "ledger_projector",
    "JournalRedactorFunction": "journal_redactor",
    "JournalPublisherFunction": "journal_publisher",
    "JournalExporterFunction": "journal_exporter",
    "JournalForwarderFunction": "journal_forwarder",
    "JournalAuditorFunction": "journal_auditor",
    "FraudDetectorFunction": "fraud_detector",
    "AlertNotifierFunction": "alert_notifier",
    "ActionRunnerFunction": "action_runner",
    "DigestSnapshotFunction": "digest_snapshot",
    "LedgerComplianceFunction": "ledger_compliance",
}
# What each is told by its environment beside the three Powertools settings: no more than it needs.
JOURNAL = {"JOURNAL_TABLE": "JournalTable", "JOURNAL_BUCKET": "JournalBucket"}
REGISTRY = {"REGISTRY_TABLE": "RegistryTable"}
PROJECTIONS = {"PROJECTIONS_TABLE": "ProjectionsTable"}
ENVIRONMENT = {
    "LedgerApiFunction": JOURNAL | PROJECTIONS | REGISTRY | {
        "SESSIONS_TABLE": "SessionsTable", "EXPORTER_FUNCTION": "JournalExporterFunction",
        "PUBLISHER_FUNCTION": "JournalPublisherFunction", "PERMISSIONS_DEFAULT": "PermissionsDefault",
        "LEDGER_LIMITS": "LedgerLimits", "CACHE_MEGABYTES": "CacheMegabytes", "CACHE_URL": "CacheUrl",
        "ACCOUNT_FREEZES": "AccountFreezes", "SEAL_KEYS_TABLE": "SealKeysTable", "SEALING_KEY_ID": "SealingKey",
        "ACCOUNT_ID": "AWS::AccountId",
    },
    "LedgerProjectorFunction": JOURNAL | PROJECTIONS | REGISTRY,
    "JournalRedactorFunction": JOURNAL | PROJECTIONS | REGISTRY,
    "JournalPublisherFunction": JOURNAL | REGISTRY,
    "JournalExporterFunction": JOURNAL | REGISTRY,
    "JournalForwarderFunction": JOURNAL | REGISTRY | {
        "STANDBY_REGION": "StandbyRegion", "STANDBY_JOURNAL_TABLE": "StandbyJournalTable",
        "STANDBY_JOURNAL_BUCKET": "StandbyJournalBucket", "STANDBY_REGISTRY_TABLE": "StandbyRegistryTable",
    },
    "JournalAuditorFunction": {
        "HEADS_TABLE": "HeadsTable", "FINDINGS_TABLE": "FindingsTable", "QUARANTINE_BUCKET": "FailedBatchesBucket",
        "JOURNAL_BUCKET": "JournalBucket", "JOURNAL_TABLE": "JournalTable",
        "GAP_GRACE_SECONDS": "GapGraceSeconds", "GAP_CONFIRM_SECONDS": "GapConfirmSeconds",
    },
    "FraudDetectorFunction": {
        "ACCOUNTS_TABLE": "AccountStateTable", "FINDINGS_TABLE": "FindingsTable", "FRAUD_RULES": "FraudRules",
        "RULES_TABLE": "RulesTable",
        "JOURNAL_BUCKET": "JournalBucket",
        "GAP_GRACE_SECONDS": "GapGraceSeconds",
    },
    "AlertNotifierFunction": {
        "ALERTS_TABLE": "AlertsTable", "CASES_TABLE": "CasesTable", "ALERTS_TOPIC_ARN": "AlertsTopic", "EVENT_BUS_NAME": "FindingsBus",
        "ALERT_MINIMUM_SEVERITY": "AlertMinimumSeverity", "ALERT_WINDOW_SECONDS": "AlertWindowSeconds",
        "ALERT_DAILY_BUDGET": "AlertDailyBudget", "SECURITY_HUB": "SecurityHub", "OCSF_EVENTS": "OcsfEvents",
    },
    "ActionRunnerFunction": REGISTRY | {
        "CASES_TABLE": "CasesTable", "EVENT_BUS_NAME": "FindingsBus", "LEDGER_URL": "LedgerApiFunctionUrl.FunctionUrl",
    },
    "DigestSnapshotFunction": {
        "HEADS_TABLE": "HeadsTable", "FINDINGS_TABLE": "FindingsTable", "SNAPSHOT_BUCKET": "SnapshotsBucket",
        "SNAPSHOT_LOCK_MODE": "ObjectLockMode", "SNAPSHOT_LOCK_DAYS": "ObjectLockDays",
        "SIGNING_KEY_ID": "SnapshotSigningKey", "CHECKPOINT_KEY_ID": "CheckpointSigningKey",
        "CHECKPOINT_ORIGIN": "CheckpointOrigin", "WITNESS_POLICY": "WitnessPolicy",
        "JOURNAL_TABLE": "JournalTable", "JOURNAL_BUCKET": "JournalBucket",
    },
    "LedgerComplianceFunction": JOURNAL | REGISTRY | {"HEADS_TABLE": "HeadsTable", "SNAPSHOT_BUCKET": "SnapshotsBucket"},
}  # fmt: skip
# function -> (schedule, what it is handed)
SCHEDULES = {
    "LedgerProjectorFunction": ("SweepSchedule", {"sweep": True}),
    "JournalRedactorFunction": ("RedactionSchedule", {"sweep": True}),
    "JournalPublisherFunction": ("SweepSchedule", {"sweep": True}),
    "JournalExporterFunction": ("SweepSchedule", {"sweep": True}),
    "JournalForwarderFunction": ("SweepSchedule", {"sweep": True}),
    "JournalAuditorFunction": ("SweepSchedule", {"sweep": True}),
    "FraudDetectorFunction": ("SweepSchedule", {"sweep": True}),
    "AlertNotifierFunction": ("DigestSchedule", {"digest": True}),
    "DigestSnapshotFunction": ("SnapshotSchedule", None),
}


@pytest.fixture(params=FUNCTIONS)
def name(request):
    return request.param


@pytest.fixture
def function(name, of_type):
    functions = of_type("AWS::Serverless::Function")
    assert functions.keys() == FUNCTIONS.keys()
    return functions[name]


@pytest.fixture(scope="session")
def defaults(template):
    return template["Globals"]["Function"]


def test_all_run_the_same_python_layer_and_processor(defaults):
    assert defaults["Runtime"] == "python3.13"
    assert defaults["Handler"] == "app.handler"
    assert defaults["Architectures"] == [{"Ref": "Architecture"}]
    assert defaults["Layers"] == [{"Ref": "CounterfoilLayer"}]


def test_no_function_departs_from_that(function):
    assert not function.keys() & {"Runtime", "Handler", "Architectures", "Timeout", "Tracing"}
    assert ("Layers" in function) == (function["CodeUri"] == "functions/ledger_api/")


def test_only_the_ledger_has_a_cipher_and_only_where_fields_may_be_sealed(resources, everything, expanded):
    assert everything["LedgerApiFunction"]["Properties"]["Layers"] == [{"Ref": "SealingLayer"}]
    assert resources["LedgerApiFunction"]["Properties"]["Layers"] == []
    assert not {"SealingLayer", "SealingKey", "SealingKeyAlias", "SealKeysTable"} & resources.keys()
    told = resources["LedgerApiFunction"]["Properties"]["Environment"]["Variables"]
    assert not {"SEAL_KEYS_TABLE", "SEALING_KEY_ID"} & told.keys()
    first, second = expanded["LedgerApiFunction"]["Properties"]["Layers"]
    assert first["Ref"].startswith("CounterfoilLayer")
    sealing, none = second["Fn::If"][1:]
    assert (second["Fn::If"][0], none) == ("SealsFields", {"Ref": "AWS::NoValue"})
    assert sealing["Ref"].startswith("SealingLayer")


def test_every_function_is_traced_and_logs_json(defaults):
    assert defaults["Tracing"] == "Active"
    assert defaults["LoggingConfig"]["LogFormat"] == "JSON"


def test_a_function_has_its_door(name, function, root):
    assert function["CodeUri"] == f"functions/{FUNCTIONS[name]}/"
    assert "def handler(" in (root / function["CodeUri"] / "app.py").read_text()


def test_a_function_is_told_exactly_what_it_needs(name, function):
    variables = dict(function["Environment"]["Variables"])
    assert variables.pop("POWERTOOLS_SERVICE_NAME") == FUNCTIONS[name]
    assert variables == {
        variable: {"Fn::GetAtt": what.split(".")} if "." in what else {"Ref": what}
        for variable, what in ENVIRONMENT[name].items()
    }


def test_all_report_metrics_in_one_namespace(defaults):
    assert defaults["Environment"]["Variables"] == {
        "POWERTOOLS_METRICS_NAMESPACE": "counterfoil",
        "POWERTOOLS_LOG_LEVEL": {"Ref": "LogLevel"},
        "COUNTERFOIL_ADAPTERS": {"Ref": "AWS::NoValue"},
    }


def test_no_function_switches_assertions_off(template_text):
    assert "PYTHONOPTIMIZE" not in template_text


def test_a_function_logs_to_a_group_that_forgets_when_told_to(name, function, of_type):
    group = name.replace("Function", "Logs")
    assert function["LoggingConfig"] == {"LogGroup": {"Ref": group}}
    assert of_type("AWS::Logs::LogGroup")[group]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


# What waits on the network alone.
WAITING = ("JournalRedactor", "AlertNotifier", "ActionRunner", "DigestSnapshot", "LedgerCompliance")


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if not name.startswith(WAITING)])
def test_a_function_that_computes_has_a_processor_to_itself(name, of_type):
    assert of_type("AWS::Serverless::Function")[name]["MemorySize"] >= 1769


def schedules(functions):
    return {
        name: event["Properties"]
        for name, body in functions.items()
        for event in body.get("Events", {}).values()
        if event["Type"] == "ScheduleV2"
    }


def test_the_clock_starts_these_functions_with_these_words(of_type):
    found = schedules(of_type("AWS::Serverless::Function"))
    assert {
        name: (event["ScheduleExpression"]["Ref"], json.loads(event["Input"]) if "Input" in event else None)
        for name, event in found.items()
    } == SCHEDULES


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_run_that_cannot_start_is_retried_and_then_kept(name, of_type):
    schedule = schedules(of_type("AWS::Serverless::Function"))[name]
    assert schedule["RetryPolicy"]["MaximumRetryAttempts"] >= 2
    assert schedule["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["ScheduleDeadLetters", "Arn"]}}
    assert schedule["RoleArn"] == {"Fn::GetAtt": ["SchedulesRole", "Arn"]}


def test_two_stacks_in_one_account_do_not_fight_over_names(expanded):
    made = [body["Properties"] for body in expanded.values() if body["Type"] == "AWS::Scheduler::Schedule"]
    assert len(made) == len(SCHEDULES)
    assert not [properties["Name"] for properties in made if "Name" in properties]


@pytest.mark.parametrize("name", ["CounterfoilLayer", "SealingLayer"])
def test_a_layer_is_for_both_processors(name, template):
    layer = template["Resources"][name]
    assert layer["Metadata"] == {"BuildMethod": "makefile"}
    assert layer["Properties"]["CompatibleArchitectures"] == template["Parameters"]["Architecture"]["AllowedValues"]
    assert layer["Properties"]["CompatibleRuntimes"] == [template["Globals"]["Function"]["Runtime"]]


def test_findings_reach_people_and_programs(of_type):
    [bus] = of_type("AWS::Events::EventBus").values()
    assert bus["Name"] == {"Fn::Sub": "${AWS::StackName}-findings"}
    [mail] = of_type("AWS::SNS::Subscription").values()
    assert mail == {"TopicArn": {"Ref": "AlertsTopic"}, "Protocol": "email", "Endpoint": {"Ref": "AlertEmail"}}


def test_nobody_is_subscribed_unasked(resources):
    assert "AlertsEmail" not in resources
