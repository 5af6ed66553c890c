"""What every AccountStore must do: keep, replace under a condition, refuse whoever is behind, forget."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.adapters.dynamodb.accounts import MAX_KEYS, DynamoDbAccounts
from counterfoil.adapters.memory.accounts import MemoryAccounts
from counterfoil.detection.account import StateKey, account_key
from counterfoil.detection.account_book import StateChange, StoredState
from counterfoil.detection.stream_cursor import cursor_key
from counterfoil.errors import ConflictError, ThrottledError, UnavailableError
from tests.conftest import ROOT

TABLE = "AccountState"
KEY, OTHER = account_key("s", "A"), account_key("s", "B")
TOMORROW = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture(scope="module")
def ddb_client(tmp_path_factory):
    from lab.emulator import Emulator

    with Emulator(tmp_path_factory.mktemp("accounts")) as emulator:
        yield emulator.client("dynamodb")


@pytest.fixture
def ddb_table(ddb_client):
    ddb_client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "key", "AttributeType": "S"},
            {"AttributeName": "item", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}, {"AttributeName": "item", "KeyType": "RANGE"}],
    )
    yield TABLE
    ddb_client.delete_table(TableName=TABLE)


@pytest.fixture(
    params=[
        "memory",
        pytest.param("dynamodb", marks=[pytest.mark.end_to_end, pytest.mark.xdist_group("account-store")]),
    ]
)
def store(request):
    if request.param == "memory":
        return MemoryAccounts()
    return DynamoDbAccounts(request.getfixturevalue("ddb_client"), request.getfixturevalue("ddb_table"))


def change(key, old_version, body, expires_at=None):
    return StateChange(key, old_version, body, expires_at)


def test_what_was_never_saved_is_not_there(store):
    assert store.load([KEY]) == {}
    assert store.held([KEY]) == {}
    assert list(store.strands()) == []


def test_a_state_is_kept_with_its_version(store):
    store.save([change(KEY, None, "one", TOMORROW)])
    assert store.load([KEY, OTHER]) == {KEY: StoredState(1, "one")}


def test_each_replacement_counts_one_more(store):
    for version, body in enumerate(("one", "two", "three")):
        store.save([change(KEY, version or None, body)])
        assert store.load([KEY]) == {KEY: StoredState(version + 1, body)}


def test_a_writer_one_step_behind_is_refused_and_changes_nothing(store):
    store.save([change(KEY, None, "one")])
    store.save([change(KEY, 1, "two")])
    for stale in (None, 1, 3):
        with pytest.raises(ConflictError):
            store.save([change(KEY, stale, "stale")])
    assert store.load([KEY]) == {KEY: StoredState(2, "two")}


def test_who_replaces_what_is_not_there_is_refused(store):
    with pytest.raises(ConflictError):
        store.save([change(KEY, 1, "two")])
    assert store.load([KEY]) == {}


def test_one_conflict_among_many_is_told_and_each_state_is_old_or_new(store):
    keys = [account_key("s", f"A{number}") for number in range(20)]
    store.save([change(keys[7], None, "before")])
    with pytest.raises(ConflictError):
        store.save([change(key, None, "after") for key in keys])
    kept = store.load(keys)
    assert kept[keys[7]] == StoredState(1, "before")
    assert {state for key, state in kept.items() if key != keys[7]} <= {StoredState(1, "after")}
    # What was written can be told from what was not, so that the same writer gets through when it begins again.
    store.save([change(key, kept[key].version if key in kept else None, "again") for key in keys])
    assert {state.body for state in store.load(keys).values()} == {"again"}


def test_of_two_writers_at_once_one_gets_through(store):
    store.save([change(KEY, None, "first")])
    outcomes = []

    def write(body):
        try:
            store.save([change(KEY, 1, body)])
            outcomes.append(body)
        except ConflictError:
            outcomes.append(None)

    writers = [threading.Thread(target=write, args=(f"writer {number}",)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    (winner,) = [body for body in outcomes if body]
    assert store.load([KEY]) == {KEY: StoredState(2, winner)}


def test_more_states_than_one_request_takes_are_kept_and_found(store):
    keys = [account_key("s", f"A{number}") for number in range(2 * MAX_KEYS + 1)]
    store.save([change(key, None, key.key) for key in keys])
    assert store.load([*keys, *keys]) == {key: StoredState(1, key.key) for key in keys}


def test_nothing_to_do_is_nothing_done(store):
    store.save([])
    store.hold({}, TOMORROW)
    store.release([])
    assert store.load([]) == {}
    assert store.held([]) == {}


@pytest.mark.parametrize("account_id", ["Żółć 漢 😀", "a#b", "x" * 128, '"\\', " "])
def test_keys_and_bodies_of_every_plane_come_back_as_they_were(store, account_id):
    key = account_key("s", account_id)
    store.save([change(key, None, account_id)])
    assert store.load([key]) == {key: StoredState(1, account_id)}


def test_a_state_of_the_largest_size_fits(store):
    body = "x" * 380_000
    store.save([change(KEY, None, body)])
    assert store.load([KEY])[KEY].body == body


def test_pieces_are_held_until_they_are_released(store):
    pieces = {StateKey("held#s", f"blob#{number}"): bytes([number]) * 350_000 for number in range(3)}
    store.hold(pieces, TOMORROW)
    store.hold(pieces, TOMORROW)
    assert store.held([*pieces, StateKey("held#s", "other")]) == pieces
    gone, *rest = pieces
    store.release([gone])
    store.release([gone])
    assert store.held(list(pieces)) == {key: pieces[key] for key in rest}


def test_strands_are_listed_in_order_and_nothing_else_is(store):
    store.save([change(KEY, None, "a state")])
    store.save([change(cursor_key(strand), None, "{}") for strand in ("b", "a", "c")])
    assert list(store.strands()) == ["a", "b", "c"]


@pytest.mark.end_to_end
@pytest.mark.xdist_group("account-store")
def test_what_may_be_forgotten_says_when(ddb_client, ddb_table):
    accounts = DynamoDbAccounts(ddb_client, ddb_table)
    accounts.save([change(KEY, None, "kept"), change(OTHER, None, "forgotten", TOMORROW)])
    accounts.hold({StateKey("held#s", "blob#0"): b"bytes"}, TOMORROW)
    items = {item["key"]["S"]: item for item in ddb_client.scan(TableName=ddb_table)["Items"]}
    assert "expires_at" not in items[KEY.key]
    assert items[OTHER.key]["expires_at"] == items["held#s"]["expires_at"] == {"N": str(int(TOMORROW.timestamp()))}


class Scripted:
    """A DynamoDB client that answers batch reads as told and nothing else."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def batch_get_item(self, RequestItems):
        self.asked.append([key["key"]["S"] for key in RequestItems[TABLE]["Keys"]])
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def item(key, body):
    return {"key": {"S": key.key}, "item": {"S": key.item}, "version": {"N": "1"}, "body": {"S": body}}


def test_keys_that_were_not_processed_are_asked_for_again():
    unread = {TABLE: {"Keys": [{"key": {"S": OTHER.key}, "item": {"S": OTHER.item}}]}}
    client = Scripted(
        {"Responses": {TABLE: [item(KEY, "one")]}, "UnprocessedKeys": unread},
        {"Responses": {TABLE: [item(OTHER, "two")]}, "UnprocessedKeys": {}},
    )
    pauses = []
    found = DynamoDbAccounts(client, TABLE, pauses.append).load([KEY, OTHER])
    assert found == {KEY: StoredState(1, "one"), OTHER: StoredState(1, "two")}
    assert client.asked == [[KEY.key, OTHER.key], [OTHER.key]]
    assert len(pauses) == 1


def test_keys_that_are_never_processed_make_the_store_unavailable():
    unread = {TABLE: {"Keys": [{"key": {"S": KEY.key}, "item": {"S": KEY.item}}]}}
    client = Scripted({"Responses": {}, "UnprocessedKeys": unread})
    pauses = []
    with pytest.raises(UnavailableError, match="unread"):
        DynamoDbAccounts(client, TABLE, pauses.append).load([KEY])
    assert pauses == sorted(pauses)
    assert len(pauses) > 3


@pytest.mark.parametrize(
    ("code", "family"),
    [
        ("ConditionalCheckFailedException", ConflictError),
        ("ProvisionedThroughputExceededException", ThrottledError),
        ("ThrottlingException", ThrottledError),
        ("InternalServerError", UnavailableError),
        ("RequestLimitExceeded", ThrottledError),
    ],
)
def test_refusals_are_told_apart(code, family):
    from botocore.exceptions import ClientError

    class Refusing:
        def put_item(self, **_):
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "PutItem")

    with pytest.raises(UnavailableError) as caught:
        DynamoDbAccounts(Refusing(), TABLE).save([change(KEY, None, "one"), change(OTHER, None, "two")])
    assert type(caught.value) is family


def test_silence_is_unavailable():
    from botocore.exceptions import EndpointConnectionError

    class Silent:
        def query(self, **_):
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")

    with pytest.raises(UnavailableError):
        DynamoDbAccounts(Silent(), TABLE).strands()


def test_the_template_has_the_table_that_the_adapter_writes():
    text = (ROOT / "template.yaml").read_text()
    table = text[text.index("  AccountStateTable:") :].split("\n\n")[0]
    assert "{AttributeName: key, KeyType: HASH}" in table
    assert "{AttributeName: item, KeyType: RANGE}" in table
    assert "AttributeName: expires_at, Enabled: true" in table
