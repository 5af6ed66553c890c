"""Mappings as they stand in a template, and the expressions around them."""

import textwrap

import pytest

from lab.mapping.template import Template, TemplateError

TEMPLATE = """
    Parameters:
      BatchSize: {Type: Number, Default: 100}
      Mode: {Type: String, Default: slow}
    Conditions:
      Fast: !Equals [!Ref Mode, fast]
      Slow: !Not [!Condition Fast]
      Both: !And [!Condition Fast, !Condition Slow]
    Mappings:
      Windows: {slow: {seconds: 30}, fast: {seconds: 0}}
    Globals:
      Function:
        Timeout: 10
        Environment: {Variables: {LEVEL: INFO, NAME: general}}
        Layers: [general]
    Resources:
      Journal: {Type: AWS::Kinesis::Stream}
      Auditor:
        Type: AWS::Serverless::Function
        Properties:
          CodeUri: functions/auditor/
          Environment: {Variables: {NAME: own}}
          Layers: [own]
          Events:
            Blocks:
              Type: Kinesis
              Properties:
                Stream: !GetAtt Journal.Arn
                BatchSize: !Ref BatchSize
                MaximumBatchingWindowInSeconds: !FindInMap [Windows, !Ref Mode, seconds]
                BisectBatchOnFunctionError: !If [Fast, false, true]
                MaximumRetryAttempts: !If [Fast, 1, !Ref AWS::NoValue]
            Hourly: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 hour)}}
      Plain:
        Type: AWS::Lambda::EventSourceMapping
        Properties: {FunctionName: !GetAtt Auditor.Arn, EventSourceArn: !GetAtt Journal.Arn, BatchSize: 7}
"""


@pytest.fixture
def template_with(tmp_path):
    path = tmp_path / "template.yaml"
    path.write_text(textwrap.dedent(TEMPLATE))
    return lambda **parameters: Template.read(path, parameters)


def test_mappings_of_events_and_plain_ones_are_found_with_their_functions(template_with):
    found = [(each.logical_id, each.function_id) for each in template_with().mappings()]
    assert found == [("AuditorBlocks", "Auditor"), ("Plain", "Auditor")]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("slow", {"BatchSize": "100", "MaximumBatchingWindowInSeconds": 30, "BisectBatchOnFunctionError": True}),
        (
            "fast",
            {
                "BatchSize": "100",
                "MaximumBatchingWindowInSeconds": 0,
                "BisectBatchOnFunctionError": False,
                "MaximumRetryAttempts": 1,
            },
        ),
    ],
)
def test_expressions_get_the_values_that_the_parameters_give_them(template_with, mode, expected):
    template = template_with(Mode=mode)
    template.resource = lambda logical_id, attribute: f"{logical_id}/{attribute}"
    assert template.resolve(template.mappings()[0].properties) == {"Stream": "Journal/Arn", **expected}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ({"Fn::Sub": "${AWS::StackName}-${Mode}-${!Literal}"}, "lab-slow-${Literal}"),
        ({"Fn::Sub": ["${own}-${Mode}", {"own": {"Ref": "BatchSize"}}]}, "100-slow"),
        ({"Fn::Sub": "${Journal.Arn}"}, "Journal.Arn"),
        ({"Fn::GetAtt": "Journal.Arn"}, "Journal.Arn"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Mode"}]]}, "a-slow"),
        ({"Fn::Select": ["1", {"Fn::Split": [",", "a,b,c"]}]}, "b"),
        ({"Fn::Or": [{"Condition": "Fast"}, {"Condition": "Slow"}]}, True),
        ({"Fn::And": [{"Condition": "Fast"}, {"Condition": "Slow"}]}, False),
        ([{"Ref": "AWS::NoValue"}, 1], [1]),
    ],
)
def test_intrinsic_functions(template_with, expression, value):
    template = template_with()
    template.pseudo_parameters = {"AWS::StackName": "lab"}
    template.resource = lambda logical_id, attribute: f"{logical_id}.{attribute}"
    assert template.resolve(expression) == value


def test_what_only_a_deployment_knows_is_refused_without_one(template_with):
    with pytest.raises(TemplateError, match=r"Journal\.Arn is known only when it is deployed"):
        template_with().resolve({"Fn::GetAtt": ["Journal", "Arn"]})


def test_a_function_inherits_globals_maps_joined_and_lists_added(template_with):
    properties = template_with().function_properties("Auditor")
    assert properties["Timeout"] == 10
    assert properties["Environment"] == {"Variables": {"LEVEL": "INFO", "NAME": "own"}}
    assert properties["Layers"] == ["general", "own"]
