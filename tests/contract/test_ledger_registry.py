"""What every LedgerRegistry guarantees."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from counterfoil.adapters.dynamodb.registry import DynamoDbLedgerRegistry
from counterfoil.adapters.memory.registry import MemoryLedgerRegistry
from counterfoil.adapters.sqlite.registry import SqliteLedgerRegistry
from counterfoil.adapters.sqlite.registry_file import RegistryFile
from counterfoil.errors import ConflictError, InputError, LimitError, UnavailableError
from counterfoil.ledger.registry import LedgerState, PermissionsMode, RegisteredLedger
from tests.contract.conftest import ON_EMULATOR

BANK = RegisteredLedger(
    "bank",
    "0123456789abcdefABCDEF",
    datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
    LedgerState.CREATING,
    PermissionsMode.STANDARD,
    deletion_protection=True,
    kms_key_arn="arn:aws:kms:us-east-1:000000000000:key/x",
)
ACTIVE = replace(BANK, state=LedgerState.ACTIVE)
ARN = "arn:aws:qldb:us-east-1:000000000000:ledger/bank"


@pytest.fixture(params=["memory", "sqlite", pytest.param("aws", marks=ON_EMULATOR)])
def registry(request, tmp_path):
    if request.param == "memory":
        yield MemoryLedgerRegistry()
        return
    if request.param == "aws":
        ddb_table = request.getfixturevalue("make_ddb_table")("RegistryTable")
        yield DynamoDbLedgerRegistry(request.getfixturevalue("clients")("dynamodb"), ddb_table)
        return
    file = RegistryFile(tmp_path / "registry.db")
    yield SqliteLedgerRegistry(file)
    file.close()


def test_a_ledger_is_kept_as_it_was_saved(registry):
    assert registry.ledger("bank") is None
    registry.save(None, BANK)
    assert registry.ledger("bank") == BANK


def test_a_name_is_taken_once(registry):
    registry.save(None, BANK)
    with pytest.raises(ConflictError):
        registry.save(None, replace(BANK, ledger_id="another"))
    assert registry.ledger("bank") == BANK


def test_a_stale_writer_is_refused(registry):
    registry.save(None, BANK)
    registry.save(BANK, ACTIVE)
    for new in (replace(BANK, deletion_protection=False), None):
        with pytest.raises(ConflictError):
            registry.save(BANK, new)
    assert registry.ledger("bank") == ACTIVE


def test_a_ledger_that_is_not_there_cannot_be_changed_or_forgotten(registry):
    for new in (ACTIVE, None):
        with pytest.raises(ConflictError):
            registry.save(BANK, new)
    assert registry.ledger("bank") is None


def test_a_forgotten_ledger_is_gone(registry):
    registry.save(None, BANK)
    registry.save(BANK, None)
    assert registry.ledger("bank") is None
    assert registry.ledgers("", 10) == []


def test_ledgers_come_by_name_page_by_page(registry):
    names = [f"ledger-{number:02}" for number in range(7)]
    for name in reversed(names):
        registry.save(None, replace(BANK, name=name))
    seen, after = [], ""
    while page := registry.ledgers(after, 3):
        assert len(page) <= 3
        seen += [each.name for each in page]
        after = page[-1].name
    assert seen == names


def test_tags_are_added_replaced_and_removed(registry):
    assert registry.tags(ARN) == {}
    registry.tag(ARN, {"a": "1", "b": ""}, 50)
    registry.tag(ARN, {"a": "2", "ключ": "значение"}, 50)
    assert registry.tags(ARN) == {"a": "2", "b": "", "ключ": "значение"}
    registry.untag(ARN, ["b", "not there"])
    assert registry.tags(ARN) == {"a": "2", "ключ": "значение"}


def test_too_many_tags_change_nothing(registry):
    registry.tag(ARN, {"a": "1", "b": "2"}, 3)
    with pytest.raises(LimitError):
        registry.tag(ARN, {"a": "9", "c": "3", "d": "4"}, 3)
    assert registry.tags(ARN) == {"a": "1", "b": "2"}
    registry.tag(ARN, {"a": "9", "c": "3"}, 3)


def test_tags_of_a_resource_go_with_those_below_it_and_no_others(registry):
    others = [f"{ARN}-2", f"{ARN}0", ARN.removesuffix("k")]
    for arn in [ARN, f"{ARN}/table/x", *others]:
        registry.tag(arn, {"a": arn}, 50)
    registry.forget_tags(ARN)
    assert registry.tags(ARN) == registry.tags(f"{ARN}/table/x") == {}
    assert [registry.tags(arn) for arn in others] == [{"a": arn} for arn in others]


def test_a_registry_outlives_its_process(tmp_path):
    file = RegistryFile(tmp_path / "registry.db")
    SqliteLedgerRegistry(file).save(None, BANK)
    SqliteLedgerRegistry(file).tag(ARN, {"a": "1"}, 50)
    file.close()
    again = RegistryFile(tmp_path / "registry.db")
    assert SqliteLedgerRegistry(again).ledger("bank") == BANK
    assert SqliteLedgerRegistry(again).tags(ARN) == {"a": "1"}
    again.close()


def test_a_file_that_is_no_registry_is_refused(tmp_path):
    (tmp_path / "registry.db").write_bytes(b"not a database, and long enough to be looked at" * 100)
    with pytest.raises(InputError, match="is no registry"):
        RegistryFile(tmp_path / "registry.db")


def test_a_registry_that_does_not_answer_is_unavailable(tmp_path):
    file = RegistryFile(tmp_path / "registry.db")
    registry = SqliteLedgerRegistry(file)
    file.close()
    for call in (lambda: registry.ledger("bank"), lambda: registry.save(None, BANK), lambda: registry.tags(ARN)):
        with pytest.raises(UnavailableError):
            call()


@pytest.mark.end_to_end
@pytest.mark.xdist_group("emulator")
def test_an_aws_that_does_not_answer_is_unavailable(gone):
    registry = DynamoDbLedgerRegistry(gone("dynamodb"), "none")
    for call in (lambda: registry.ledger("bank"), lambda: registry.save(None, BANK), lambda: registry.tags(ARN)):
        with pytest.raises(UnavailableError):
            call()
