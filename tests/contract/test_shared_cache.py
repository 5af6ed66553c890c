"""The cache that instances share, on a real Valkey server: what it keeps, and that it can cost but never mislead."""

import pytest

from counterfoil.adapters.dynamodb.cached import COST_OF_ENTRY
from counterfoil.adapters.dynamodb.ledger import DynamoDbLedger
from counterfoil.adapters.dynamodb.projector import Projector
from counterfoil.adapters.valkey import REST_SECONDS, ValkeyCache, connect
from counterfoil.embedded import EmbeddedLedger
from counterfoil.errors import UnavailableError
from tests.ledgers import Ids, ToldClock, rows
from tests.valkey_server import free_port, valkey_server

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("emulator")]
BY_K = "SELECT VALUE t.v FROM T AS t WHERE t.k = ?"


@pytest.fixture(scope="module")
def url():
    with valkey_server() as url:
        yield url


@pytest.fixture
def cache(url):
    client = connect(url)
    client.flushall()
    yield ValkeyCache(client)
    client.close()


class Bank:
    """Instances of one ledger, each with a memory of its own, and a projector that is called by hand."""

    def __init__(self):
        from tests.dynamodb_ledgers import journal_of, make_place  # the emulator starts here

        self.clock, self.ids = ToldClock(), Ids()
        self.place = make_place(self.ids())
        self.journal_of = journal_of
        self.projector = Projector(journal_of(self.place), self.place.projections, self.clock)
        first = self.instance()
        rows(first, "CREATE TABLE T")
        rows(first, "CREATE INDEX ON T (k)")
        self.projector.project()
        rows(first, "INSERT INTO T << {'k': 1, 'v': 'a'}, {'k': 2, 'v': 'b'} >>")
        self.projector.project()

    def instance(self, **options):
        store = DynamoDbLedger(self.journal_of(self.place), self.place.projections, self.clock, **options)
        return EmbeddedLedger("bank", store, self.clock, self.ids)


@pytest.fixture
def bank():
    return Bank()


def counts(ledger):
    return ledger._store.cache_counts


def test_what_is_kept_is_given_back_until_it_is_over(cache):
    assert dict(cache.get(["a", "b"])) == {}
    cache.put({"a": b"\x00one", "b": b""}, 60)
    assert dict(cache.get(["a", "none", "b"])) == {"a": b"\x00one", "b": b""}
    cache.put({"a": b"two"}, 60)
    assert dict(cache.get(["a"])) == {"a": b"two"}
    assert 0 < cache.client.ttl("a") <= 60


def test_a_cache_that_is_not_there_is_unavailable_and_then_left_alone():
    now = [100.0]
    absent = ValkeyCache(connect(f"valkey://127.0.0.1:{free_port()}"), lambda: now[0])
    with pytest.raises(UnavailableError, match="the shared cache:"):
        absent.get(["a"])
    with pytest.raises(UnavailableError, match="failed a moment ago"):
        absent.put({"a": b"1"}, 1)
    now[0] += REST_SECONDS
    with pytest.raises(UnavailableError, match="the shared cache:"):
        absent.get(["a"])


def test_what_one_instance_read_another_need_not_ask_the_table_for(bank, cache):
    first, second = bank.instance(shared_cache=cache), bank.instance(shared_cache=cache)
    assert rows(first, BY_K, 1) == ["a"]
    asked = counts(first).asked
    assert asked == 2  # the entry and its document
    assert rows(first, BY_K, 1) == ["a"]
    assert (counts(first).asked, counts(first).own) == (asked, 2)
    assert rows(second, BY_K, 1) == ["a"]
    assert (counts(second).asked, counts(second).shared) == (0, 2)


def test_an_entry_that_was_overtaken_is_not_used(bank, cache):
    reader, writer = bank.instance(shared_cache=cache), bank.instance()
    assert rows(reader, BY_K, 1) == ["a"]
    rows(writer, "UPDATE T SET v = 'c' WHERE k = 1")
    bank.projector.project()
    for instance in (reader, writer, bank.instance(shared_cache=cache)):
        assert rows(instance, BY_K, 1) == ["c"]
    rows(writer, "UPDATE T SET k = 3 WHERE k = 1")
    bank.projector.project()
    for instance in (reader, writer, bank.instance(shared_cache=cache)):
        assert rows(instance, BY_K, 1) == []
        assert rows(instance, BY_K, 3) == ["c"]


def test_what_a_stranger_puts_into_the_cache_is_as_if_it_were_not_there(bank, cache):
    first = bank.instance(shared_cache=cache)
    assert rows(first, BY_K, 2) == ["b"]
    for name in cache.client.keys("*"):
        cache.client.set(name, b"\xe0\x01\x00\xea\x84none")
    second = bank.instance(shared_cache=cache)
    assert rows(second, BY_K, 2) == ["b"]
    assert counts(second).shared == 0


def test_a_cache_that_fails_costs_requests_and_nothing_else(bank):
    absent = ValkeyCache(connect(f"valkey://127.0.0.1:{free_port()}"))
    assert rows(bank.instance(shared_cache=absent), BY_K, 1) == ["a"]


def test_an_instance_keeps_no_more_than_it_may(bank):
    small = bank.instance(cache_bytes=3 * COST_OF_ENTRY)
    for k in (1, 2, 1, 2):
        assert rows(small, BY_K, k) == [{1: "a", 2: "b"}[k]]
    projections = small._store._projections
    assert 0 < projections.cost_bytes <= 3 * COST_OF_ENTRY
    nothing = bank.instance(cache_bytes=0)
    assert rows(nothing, BY_K, 1) == rows(nothing, BY_K, 1) == ["a"]
    assert counts(nothing).own == 0
