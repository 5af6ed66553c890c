"""What every store of documents' keys guarantees."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from counterfoil.adapters.dynamodb.document_keys import DynamoDbDocumentKeys, KmsLedgerKey, seals_of
from counterfoil.adapters.memory.document_keys import MemoryDocumentKeys
from counterfoil.adapters.sqlite.document_keys import DocumentKeysFile
from counterfoil.errors import NotFoundError, UnavailableError
from counterfoil.ledger.document_keys import DocumentKey
from tests.contract.conftest import ON_EMULATOR
from tests.sealed_ledgers import STRAND

KEY = DocumentKey("d" * 22, "k" * 22, b"wrapped")
OTHER = DocumentKey("d" * 22, "o" * 22, b"another")


@pytest.fixture(params=["memory", "sqlite", pytest.param("aws", marks=ON_EMULATOR)])
def keys(request, tmp_path):
    if request.param == "memory":
        yield MemoryDocumentKeys()
    elif request.param == "sqlite":
        file = DocumentKeysFile(tmp_path / "keys.db")
        yield file.of(STRAND)
        file.close()
    else:
        make = request.getfixturevalue("make_ddb_table")
        yield DynamoDbDocumentKeys(request.getfixturevalue("clients")("dynamodb"), make("SealKeysTable"), STRAND)


def test_a_key_is_there_once_it_was_added(keys):
    assert keys.load([KEY.document_id]) == {}
    assert keys.add(KEY) == KEY
    assert keys.load([KEY.document_id, "x" * 22]) == {KEY.document_id: KEY}


def test_a_document_has_the_first_key_for_good(keys):
    keys.add(KEY)
    assert keys.add(OTHER) == KEY
    assert keys.add(KEY) == KEY
    assert keys.load([KEY.document_id]) == {KEY.document_id: KEY}


def test_a_destroyed_key_leaves_when_and_no_key_comes_in_its_place(keys):
    keys.add(KEY)
    destroyed = DocumentKey(KEY.document_id, KEY.key_id, None, 1_000)
    assert keys.destroy(KEY.document_id, 1_000) == destroyed
    assert keys.destroy(KEY.document_id, 2_000) == destroyed
    assert keys.add(OTHER) == destroyed
    assert keys.load([KEY.document_id]) == {KEY.document_id: destroyed}


def test_what_never_was_cannot_be_destroyed(keys):
    with pytest.raises(NotFoundError):
        keys.destroy(KEY.document_id, 1_000)
    assert keys.load([KEY.document_id]) == {}


def test_many_are_read_at_once(keys):
    many = [DocumentKey(f"{number:022}", "k" * 22, bytes([number % 251])) for number in range(230)]
    for each in many:
        keys.add(each)
    assert keys.load([each.document_id for each in many]) == {each.document_id: each for each in many}
    assert keys.load([]) == {}


def test_of_many_who_add_at_once_all_are_told_of_one(keys):
    offered = [DocumentKey("d" * 22, f"{number:022}", b"wrapped") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        kept = set(pool.map(keys.add, offered))
    assert len(kept) == 1
    assert keys.load(["d" * 22]) == {"d" * 22: kept.pop()}


@pytest.mark.parametrize("which", ["sqlite", pytest.param("aws", marks=ON_EMULATOR)])
def test_ledgers_have_keys_of_their_own(which, request, tmp_path):
    if which == "sqlite":
        file = DocumentKeysFile(tmp_path / "keys.db")
        one, other = file.of(STRAND), file.of("x" * 22)
        request.addfinalizer(file.close)
    else:
        name = request.getfixturevalue("make_ddb_table")("SealKeysTable")
        client = request.getfixturevalue("clients")("dynamodb")
        one, other = DynamoDbDocumentKeys(client, name, STRAND), DynamoDbDocumentKeys(client, name, "x" * 22)
    one.add(KEY)
    assert other.load([KEY.document_id]) == {}
    assert other.add(OTHER) == OTHER
    one.destroy(KEY.document_id, 1)
    assert other.load([KEY.document_id]) == {KEY.document_id: OTHER}


def test_an_aws_that_does_not_answer_is_unavailable(gone):
    keys = DynamoDbDocumentKeys(gone("dynamodb"), "nowhere", STRAND)
    for call in (lambda: keys.load(["d"]), lambda: keys.add(KEY), lambda: keys.destroy("d", 1)):
        with pytest.raises(UnavailableError):
            call()
    with pytest.raises(UnavailableError):
        KmsLedgerKey(gone("dynamodb"), gone("kms"), "nowhere", "key", STRAND)()


# ---- the ledger's own key ------------------------------------------------------------------------------------------


@pytest.fixture
def kms_key(clients):
    return clients("kms").create_key()["KeyMetadata"]["KeyId"]


@pytest.mark.end_to_end
@pytest.mark.xdist_group("emulator")
def test_a_ledger_s_key_is_the_same_for_every_instance_and_another_for_another_ledger(clients, make_ddb_table, kms_key):
    name = make_ddb_table("SealKeysTable")

    def key(strand_id):
        return KmsLedgerKey(clients("dynamodb"), clients("kms"), name, kms_key, strand_id)

    with ThreadPoolExecutor(4) as pool:
        (one,) = set(pool.map(lambda each: each(), [key(STRAND) for _ in range(4)]))
    assert len(one) == 32
    assert key(STRAND)() == one
    assert key("x" * 22)() != one


@pytest.mark.end_to_end
@pytest.mark.xdist_group("emulator")
def test_another_instance_opens_what_one_sealed(clients, make_ddb_table, kms_key):
    name = make_ddb_table("SealKeysTable")

    def cipher():
        return seals_of(clients("dynamodb"), clients("kms"), name, kms_key, STRAND)._cipher

    unwrapped, kept = cipher().new_key("d" * 22)
    assert cipher().unwrap(kept) == unwrapped
