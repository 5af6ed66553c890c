"""The settings of one event source mapping, checked as AWS checks them.

Names, limits and defaults: AWS CloudFormation User Guide, "AWS::Lambda::EventSourceMapping"; Lambda Developer Guide,
"Kinesis parameters" and "DynamoDB parameters". Both kinds of stream default to batches of 100, endless retries and no
maximum age.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from lab.mapping.filters import NO_FILTERS, Filters

if TYPE_CHECKING:
    from collections.abc import Mapping

type SourceKind = Literal["kinesis", "dynamodb"]
type StartingPosition = Literal["LATEST", "TRIM_HORIZON", "AT_TIMESTAMP"]

FOREVER: Final = -1

_LIMITS: Final = {
    "BatchSize": (1, 10_000),
    "MaximumBatchingWindowInSeconds": (0, 300),
    "MaximumRetryAttempts": (FOREVER, 10_000),
    "MaximumRecordAgeInSeconds": (FOREVER, 604_800),
    "ParallelizationFactor": (1, 10),
}
# Settings without an effect on what is delivered, or that the template's reader has used already.
_WITHOUT_EFFECT: Final = {
    "MetricsConfig",
    "LoggingConfig",
    "Tags",
    "KmsKeyArn",
    "FunctionName",
    "EventSourceArn",
    "Stream",
}
_UNDERSTOOD: Final = {
    *_LIMITS,
    "StartingPosition",
    "StartingPositionTimestamp",
    "FunctionResponseTypes",
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "FilterCriteria",
    "Enabled",
}


class MappingRefusedError(ValueError):
    """The template asks for something that AWS refuses or that this engine does not model: change the template."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSourceMapping:
    """One mapping as deployed. ``source_arn`` is the stream's or, with enhanced fan-out, the stream consumer's."""

    uuid: str
    source_arn: str
    function_arn: str
    role_arn: str
    starting_position: StartingPosition
    starting_timestamp: float = 0.0
    batch_size: int = 100
    batching_window_seconds: int = 0
    reports_item_failures: bool = False
    bisects: bool = False
    maximum_retry_attempts: int = FOREVER
    maximum_record_age_seconds: int = FOREVER
    parallelization_factor: int = 1
    on_failure_arn: str | None = None
    filters: Filters = NO_FILTERS
    enabled: bool = True

    @property
    def kind(self) -> SourceKind:
        return kind_of(self.source_arn)

    @property
    def stream_arn(self) -> str:
        """The stream itself: a consumer's ARN is ``<stream ARN>/consumer/<name>:<creation time>``."""
        return self.source_arn.partition("/consumer/")[0]

    @property
    def region(self) -> str:
        return self.source_arn.split(":")[3]


def kind_of(source_arn: str) -> SourceKind:
    match source_arn.split(":")[2:3]:
        case ["kinesis"]:
            return "kinesis"
        case ["dynamodb"]:
            return "dynamodb"
    raise MappingRefusedError(
        f"{source_arn} is neither a Kinesis nor a DynamoDB stream; other sources are not modelled"
    )


def parse_mapping(
    properties: Mapping[str, Any], *, uuid: str, source_arn: str, function_arn: str, role_arn: str
) -> EventSourceMapping:
    """Read resolved properties of a SAM Kinesis/DynamoDB event or of an AWS::Lambda::EventSourceMapping."""
    _refuse_unknown(properties)
    numbers = {name: _number(properties, name) for name in _LIMITS if properties.get(name) is not None}
    kind = kind_of(source_arn)
    return EventSourceMapping(
        uuid=uuid,
        source_arn=source_arn,
        function_arn=function_arn,
        role_arn=role_arn,
        starting_position=_starting_position(properties, kind),
        starting_timestamp=_timestamp(properties),
        batch_size=numbers.get("BatchSize", 100),
        batching_window_seconds=numbers.get("MaximumBatchingWindowInSeconds", 0),
        reports_item_failures=_reports_item_failures(properties),
        bisects=_flag(properties, "BisectBatchOnFunctionError", default=False),
        maximum_retry_attempts=numbers.get("MaximumRetryAttempts", FOREVER),
        maximum_record_age_seconds=_record_age(numbers),
        parallelization_factor=numbers.get("ParallelizationFactor", 1),
        on_failure_arn=_on_failure(properties),
        filters=Filters.parse(properties.get("FilterCriteria"), kind),
        enabled=_flag(properties, "Enabled", default=True),
    )


def _refuse_unknown(properties: Mapping[str, Any]) -> None:
    if int(properties.get("TumblingWindowInSeconds") or 0):
        raise MappingRefusedError("TumblingWindowInSeconds is not modelled: window state must not decide correctness")
    unknown = set(properties) - _UNDERSTOOD - _WITHOUT_EFFECT - {"TumblingWindowInSeconds"}
    if unknown:
        raise MappingRefusedError(f"not a property of a stream's mapping: {', '.join(sorted(unknown))}")


def _number(properties: Mapping[str, Any], name: str) -> int:
    low, high = _LIMITS[name]
    value = int(properties[name])
    if not low <= value <= high:
        raise MappingRefusedError(f"{name} is {value}, but must be between {low} and {high}")
    return value


def _record_age(numbers: Mapping[str, int]) -> int:
    # "MaximumRecordAgeInSeconds": -1 or at least 60, although the schema allows what lies between.
    age = numbers.get("MaximumRecordAgeInSeconds", FOREVER)
    if age != FOREVER and age < 60:
        raise MappingRefusedError(f"MaximumRecordAgeInSeconds is {age}, but must be -1 or at least 60")
    return age


def _starting_position(properties: Mapping[str, Any], kind: SourceKind) -> StartingPosition:
    match properties.get("StartingPosition"):
        case "LATEST":
            return "LATEST"
        case "TRIM_HORIZON":
            return "TRIM_HORIZON"
        # "CreateEventSourceMapping": AT_TIMESTAMP is not supported for DynamoDB streams.
        case "AT_TIMESTAMP" if kind == "kinesis" and properties.get("StartingPositionTimestamp") is not None:
            return "AT_TIMESTAMP"
        case other:
            raise MappingRefusedError(f"StartingPosition {other!r} is not one for a {kind} stream")


def _timestamp(properties: Mapping[str, Any]) -> float:
    match properties.get("StartingPositionTimestamp"):
        case None:
            return 0.0
        case datetime() as moment:
            return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
        case value:
            return float(value)


def _reports_item_failures(properties: Mapping[str, Any]) -> bool:
    types = properties.get("FunctionResponseTypes") or []
    if set(types) - {"ReportBatchItemFailures"}:
        raise MappingRefusedError(f"FunctionResponseTypes {types} has another member than ReportBatchItemFailures")
    return bool(types)


def _flag(properties: Mapping[str, Any], name: str, *, default: bool) -> bool:
    match properties.get(name):
        case None:
            return default
        case bool() as value:
            return value
        case "true" | "false" as word:
            return bool(word == "true")
        case other:
            raise MappingRefusedError(f"{name} is {other!r}, neither true nor false")


def _on_failure(properties: Mapping[str, Any]) -> str | None:
    on_failure = (properties.get("DestinationConfig") or {}).get("OnFailure") or {}
    destination = on_failure.get("Destination")
    if destination is None:
        return None
    if str(destination).split(":")[2:3] not in (["s3"], ["sqs"], ["sns"]):
        raise MappingRefusedError(f"{destination} is not a bucket, queue or topic; other destinations are not modelled")
    return str(destination)
