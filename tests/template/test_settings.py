"""What the template tells a function is what the function's settings understand."""

import tomllib

import pytest

from counterfoil.detection.finding import Severity
from counterfoil.settings import (
    NAMES,
    ApiSettings,
    AuditorSettings,
    ComplianceSettings,
    DetectorSettings,
    ForwarderSettings,
    JournalPlaces,
    NotifierSettings,
    ProjectorSettings,
    RunnerSettings,
    SnapshotSettings,
)

SETTINGS = {
    "LedgerApiFunction": ApiSettings,
    "LedgerProjectorFunction": ProjectorSettings,
    "JournalRedactorFunction": ProjectorSettings,
    "JournalPublisherFunction": JournalPlaces,
    "JournalExporterFunction": JournalPlaces,
    "JournalForwarderFunction": ForwarderSettings,
    "JournalAuditorFunction": AuditorSettings,
    "FraudDetectorFunction": DetectorSettings,
    "AlertNotifierFunction": NotifierSettings,
    "ActionRunnerFunction": RunnerSettings,
    "DigestSnapshotFunction": SnapshotSettings,
    "LedgerComplianceFunction": ComplianceSettings,
}


@pytest.fixture(params=SETTINGS)
def function(request):
    return request.param


@pytest.fixture
def variables(function, everything):
    found = everything[function]["Properties"]["Environment"]["Variables"]
    return {
        name: what.get("Ref") or ".".join(what["Fn::GetAtt"])
        for name, what in found.items()
        if not name.startswith("POWERTOOLS_")
    }


# Without these there is no forwarder.
STANDBY = {
    "StandbyRegion": "eu-west-1", "StandbyJournalTable": "journal", "StandbyRegistryTable": "registry",
    "StandbyJournalBucket": "objects",
}  # fmt: skip


def environment(variables, template, **overrides):
    """The variables as a deployment with these parameters fills them in; a resource by its logical id."""
    parameters = {name: body["Default"] for name, body in template["Parameters"].items()} | STANDBY | overrides
    return {name: str(parameters.get(what, what)) for name, what in variables.items()}


def test_every_variable_is_one_that_the_settings_know(variables):
    assert variables.keys() <= NAMES


def test_the_defaults_are_settings_a_function_starts_with(function, variables, template):
    assert SETTINGS[function].from_env(environment(variables, template))


@pytest.mark.parametrize("stack", ["default", "production", "embedded"])
def test_samconfig_s_parameters_are_settings_a_function_starts_with(stack, function, variables, template, root):
    deploy = tomllib.loads((root / "samconfig.toml").read_text())[stack]["deploy"]["parameters"]
    overrides = dict(pair.split("=", 1) for pair in deploy["parameter_overrides"].split())
    assert SETTINGS[function].from_env(environment(variables, template, **overrides))


def test_the_settings_defaults_are_the_template_s(function, variables, template):
    told = environment(variables, template)
    parameters = {name for name, what in variables.items() if what in template["Parameters"]}
    untold = {name: value for name, value in told.items() if name not in parameters or name.startswith("STANDBY_")}
    assert SETTINGS[function].from_env(untold) == SETTINGS[function].from_env(told)


def test_every_severity_that_may_be_chosen_exists(template):
    assert set(template["Parameters"]["AlertMinimumSeverity"]["AllowedValues"]) <= set(Severity.__members__)


def test_no_function_is_deployed_with_memory_for_a_store(template, template_text):
    """The variable is named once, for `sam local invoke` to fill in, with a value that CloudFormation drops."""
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["COUNTERFOIL_ADAPTERS"] == {"Ref": "AWS::NoValue"}
    assert template_text.count("COUNTERFOIL_ADAPTERS") == 1
