"""Findings as the two formats must take them, and the formats' own rules: botocore's model of Security Hub, OCSF's schema."""

from datetime import UTC, datetime
from functools import cache

import botocore.session
from botocore.validate import ParamValidator
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from counterfoil.detection.finding import Finding, Severity, Status
from counterfoil.detection.ocsf import VERSION
from counterfoil.detection.security_finding import Home

HOME = Home("123456789012", "eu-west-1")
FOUND_AT = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)


def a_finding(rule_id="audit.gap", severity=Severity.HIGH, place="JdxjkR9bSYB5jMHWcI464T#8", **more):
    more.setdefault("evidence", {"first_missing": "7", "last_missing": "7"})
    return Finding(rule_id, severity, place, "block 7 has not arrived", FOUND_AT, **more)


TEXTS = st.text(st.characters(codec="utf-8"), max_size=1_200)
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=600)

# Whatever a rule, and whoever writes the stream, may make of a finding.
FINDINGS = st.builds(
    Finding,
    NAMES,
    st.sampled_from(Severity),
    NAMES,
    TEXTS,
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    TEXTS,
    st.dictionaries(TEXTS, TEXTS, max_size=60),
    st.sampled_from(Status),
    st.none() | NAMES,
    st.none() | NAMES,
    st.none() | st.integers(0, 100),
    st.booleans(),
)


@cache
def _import_shape():
    model = botocore.session.get_session().get_service_model("securityhub")
    return model.operation_model("BatchImportFindings").input_shape


def asff_problems(rendered):
    """What botocore's model of BatchImportFindings says against findings; nothing if they hold."""
    return ParamValidator().validate({"Findings": list(rendered)}, _import_shape()).generate_report()


@cache
def _ocsf(profiles):
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(VERSION)).get_class_schema("detection_finding", list(profiles))
    return Draft202012Validator(schema)


def ocsf_problems(event):
    """What OCSF's schema says against an event; nothing if it holds."""
    profiles = tuple(event["metadata"].get("profiles", ()))
    return [f"{list(each.path)}: {each.message[:200]}" for each in _ocsf(profiles).iter_errors(event)]
