"""What every RuleStore guarantees: a log without holes, one event per revision, whoever writes at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from counterfoil.adapters.dynamodb.rules import DynamoDbRules
from counterfoil.adapters.memory.rules import MemoryRules
from counterfoil.detection.rule_log import Act, RuleEvent
from counterfoil.errors import ConflictError
from tests.audit_worlds import NOW
from tests.contract.conftest import BOTH


@pytest.fixture(params=BOTH)
def store(request):
    if request.param == "memory":
        return MemoryRules()
    make = request.getfixturevalue("make_ddb_table")
    return DynamoDbRules(request.getfixturevalue("clients")("dynamodb"), make("RulesTable"))


def event(revision, rule_id="fraud.x", text="{}"):
    return RuleEvent(revision, rule_id, Act.SUBMIT, 1, "ann", NOW, "because", text, '["flag",true]')


def test_a_new_log_is_empty(store):
    assert (store.revision(), list(store.events())) == (0, [])


def test_events_are_kept_whole_and_in_order(store):
    kept = [event(1), event(2, "fraud.b"), event(3, "list.a"), event(4)]
    for each in kept:
        store.append(each)
    assert store.revision() == 4
    assert list(store.events()) == kept


@pytest.mark.parametrize("revision", [0, 1, 3])
def test_a_writer_who_did_not_see_the_last_event_is_refused_and_changes_nothing(store, revision):
    store.append(event(1))
    with pytest.raises(ConflictError):
        store.append(event(revision, "fraud.other"))
    assert (store.revision(), list(store.events())) == (1, [event(1)])


def test_of_two_writers_at_once_one_gets_through(store):
    def write(number):
        try:
            store.append(event(1, f"fraud.r{number}"))
        except ConflictError:
            return 0
        return 1

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(write, range(4))) == 1
    assert len(store.events()) == 1


def test_a_log_of_many_large_documents_is_read_whole(store):
    for number in range(1, 13):
        store.append(event(number, f"list.l{number}", "x" * 180_000))
    assert [each.revision for each in store.events()] == list(range(1, 13))
