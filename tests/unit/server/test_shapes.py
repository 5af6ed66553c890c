"""Values are read by the service models' shapes, or refused with the constraint they break."""

from datetime import UTC, datetime

import pytest

from counterfoil.server.service_models import operations, shape
from counterfoil.server.shapes import ShapeError, reader_of


def read(name, value, service="qldb"):
    return reader_of(shape(service, name))(value, "it")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("LedgerName", "bank", "bank"),
        ("PermissionsMode", "STANDARD", "STANDARD"),
        ("DeletionProtection", False, False),
        ("MaxResults", 100, 100),
        ("Timestamp", 0, datetime(1970, 1, 1, tzinfo=UTC)),
        ("Timestamp", 1767323045.6789, datetime(2026, 1, 2, 3, 4, 5, 679_000, tzinfo=UTC)),
        ("Digest", "A" * 43 + "=", b"\0" * 32),
        ("Tags", {"k": "", "ключ": "v"}, {"k": "", "ключ": "v"}),
        ("TagKeyList", ["a", "b"], ["a", "b"]),
        ("S3Prefix", "", ""),
        ("ValueHolder", {"IonText": "{}", "Unknown": 1, "Other": None}, {"IonText": "{}"}),
        ("KinesisConfiguration", {"StreamArn": "a" * 20, "AggregationEnabled": None}, {"StreamArn": "a" * 20}),
    ],
)
def test_what_has_the_shape_is_read(name, value, expected):
    assert read(name, value) == expected


@pytest.mark.parametrize(
    ("name", "value", "constraint"),
    [
        ("LedgerName", None, "be a string"),
        ("LedgerName", b"x", "be a string"),
        ("LedgerName", "", "greater than or equal to 1"),
        ("LedgerName", "a" * 33, "less than or equal to 32"),
        ("LedgerName", "12", "regular expression"),
        ("LedgerName", "bank\n", "regular expression"),
        ("PermissionsMode", "standard", r"enum value set: \[ALLOW_ALL, STANDARD\]"),
        ("DeletionProtection", 1, "true or false"),
        ("DeletionProtection", "true", "true or false"),
        ("MaxResults", 0, "from 1 to 100"),
        ("MaxResults", True, "whole number"),
        ("MaxResults", 1.0, "whole number"),
        ("Timestamp", "2026-01-01", "seconds since 1970"),
        ("Timestamp", True, "seconds since 1970"),
        ("Timestamp", float("inf"), "seconds since 1970"),
        ("Timestamp", 1e18, "years 1 to 9999"),
        ("Timestamp", -1e18, "years 1 to 9999"),
        ("Digest", "AAAA", "greater than or equal to 32"),
        ("Digest", "A" * 48, "less than or equal to 32"),
        ("Digest", "A" * 42, "base64"),
        ("Digest", "é", "base64"),
        ("Digest", 1, "base64"),
        ("Tags", [], "be a map"),
        ("Tags", {"": "v"}, "greater than or equal to 1"),
        ("Tags", {"k": 1}, "be a string"),
        ("Tags", {str(number): "" for number in range(201)}, "less than or equal to 200"),
        ("TagKeyList", "a", "be a list"),
        ("TagKeyList", ["a", 1], r"it\[1\].* be a string"),
        ("ValueHolder", "{}", "be a structure"),
        ("KinesisConfiguration", {}, "'it.StreamArn' .* not be null"),
        ("S3EncryptionConfiguration", {"ObjectEncryptionType": "NONE"}, "enum"),
    ],
)
def test_what_has_another_shape_is_refused_with_the_constraint(name, value, constraint):
    with pytest.raises(ShapeError, match=constraint) as caught:
        read(name, value)
    assert caught.value.name == "it"


@pytest.mark.parametrize("name", ["IonBinary", "IonText", "Statement"])
def test_what_the_ledger_bounds_is_not_bounded_by_the_model(name):
    large = "A" * 2_000_000
    assert len(read(name, large, "qldb-session")) >= 1_500_000
    with pytest.raises(ShapeError):
        read(name, "", "qldb-session")


def test_every_shape_of_every_input_can_be_read():
    assert [len([reader_of(each.input) for each in operations(service)]) for service in ("qldb", "qldb-session")] == [
        20,
        1,
    ]


def test_botocore_reads_the_same_of_the_models():
    """Another reader of the same files: names, paths, places and constraints."""
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    from counterfoil.server.client_env import MODELS

    loader = Loader(extra_search_paths=[str(MODELS)], include_default_search_paths=False)
    for service in ("qldb", "qldb-session"):
        model = ServiceModel(loader.load_service_model(service, "service-2"))
        assert sorted(model.operation_names) == sorted(each.name for each in operations(service))
        for each in operations(service):
            theirs = model.operation_model(each.name)
            assert (each.method, each.request_uri) == (theirs.http["method"], theirs.http["requestUri"])
            assert {name for name, _, _ in each.input.members()} == set(theirs.input_shape.members)
            assert each.input.required == set(theirs.input_shape.required_members)
