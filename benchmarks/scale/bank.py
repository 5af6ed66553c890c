"""The bank's transfers by the ledger's own code over counted tables: how often each is asked, by how many instances and caches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate, batched
from random import Random
from typing import Any, Final

from benchmarks.journal import OPENED_AT_ONCE
from benchmarks.ledger import BALANCES, INSERT, SET, account
from benchmarks.scale.tables import Tables
from counterfoil.adapters.dynamodb.cached import DEFAULT_BYTES, CacheCounts
from counterfoil.adapters.dynamodb.journal import DynamoDbJournal
from counterfoil.adapters.dynamodb.ledger import DynamoDbLedger
from counterfoil.adapters.dynamodb.projector import Projector
from counterfoil.adapters.kinesis import aggregate
from counterfoil.embedded import EmbeddedLedger
from counterfoil.journal.stored import streamed_datagram
from counterfoil.ledger.ids import render_id
from counterfoil.ports import SharedCache
from counterfoil.services.publish import outer_records
from lab.bank.acts import SCHEMA, Transfer, transfer_document

JOURNAL: Final = "Journal"
PROJECTIONS: Final = "Projections"
KEYS: Final = {JOURNAL: ("strandId", "sequenceNo"), PROJECTIONS: ("pk", "sk")}
BEGAN: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STREAM_ARN: Final = "arn:aws:qldb:us-east-1:123456789012:stream/bank/IiPT4brpZCqCq3f4MTHbYy"

# The projector runs behind so many blocks: at 100 transfers per second, a quarter of a second late.
PROJECTED_EVERY: Final = 25
BETWEEN_TRANSFERS: Final = timedelta(milliseconds=10)


class Zipf:
    """Numbers below ``count``, the first the most often: number k has weight 1 / (k + 1)^skew; a skew of 0 makes all the same."""

    def __init__(self, count: int, skew: float) -> None:
        self._numbers = range(count)
        self._sums: list[float] = list(accumulate((number + 1) ** -skew for number in self._numbers))

    def two(self, chance: Random) -> tuple[int, int]:
        """Two different ones."""
        while True:
            one, other = chance.choices(self._numbers, cum_weights=self._sums, k=2)
            if one != other:
                return one, other

    @property
    def first(self) -> float:
        """Which part of all draws is the first number."""
        return 1 / self._sums[-1]


@dataclass(slots=True)
class CountedCache(SharedCache):
    """What Valkey would keep, without a time to leave."""

    kept: dict[str, bytes] = field(default_factory=dict)
    gets: int = 0
    puts: int = 0

    def get(self, names: Sequence[str], /) -> Mapping[str, bytes]:
        self.gets += 1
        return {name: self.kept[name] for name in names if name in self.kept}

    def put(self, entries: Mapping[str, bytes], _seconds: int, /) -> None:
        self.puts += 1
        self.kept.update(entries)


@dataclass(frozen=True, slots=True)
class Setting:
    """``cache_bytes`` is what an instance keeps; ``skew`` is Zipf's exponent over the accounts.

    So many transfers to ``warm_up`` come before those that are counted.
    """

    transfers: int = 150
    accounts: int = 400
    instances: int = 8
    skew: float = 0.0
    cache_bytes: int = DEFAULT_BYTES
    is_shared: bool = False
    warm_up: int = 0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class PerTransfer:
    """What one transfer took on average; ``block_bytes`` is its item in the journal, ``stream_bytes`` what Kinesis is given."""

    looks: float
    look_units: float
    reads: float
    read_units: float
    projector_requests: float
    projector_read_units: float
    projector_write_units: float
    stored_bytes: float
    block_units: float
    block_bytes: float
    stream_bytes: float
    stream_records: float
    cache: CacheCounts
    shared_requests: float


def measured(setting: Setting) -> PerTransfer:
    """Open the accounts, project, then carry out the transfers, each on an instance that chance picks; conflicts cannot come."""
    bank = _Bank(setting)
    bank.open()
    return bank.transfer_all()


class _Bank:
    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.now = BEGAN
        self.tables = Tables(KEYS)
        self.chance = Random(setting.seed)
        self.strand_id = self.new_id()
        self.shared = CountedCache() if setting.is_shared else None
        self.stores = [self._store() for _ in range(setting.instances)]
        self.ledgers = [EmbeddedLedger("bank", each, self.clock, self.new_id) for each in self.stores]
        self.behind = self.tables.another()
        self.projector = Projector(self._journal(self.behind), PROJECTIONS, self.clock)

    def clock(self) -> datetime:
        return self.now

    def new_id(self) -> str:
        return render_id(self.chance.randbytes(16))

    def _journal(self, client: Any) -> DynamoDbJournal:
        return DynamoDbJournal(client, JOURNAL, client, "none", self.strand_id)

    def _store(self) -> DynamoDbLedger:
        return DynamoDbLedger(
            self._journal(self.tables),
            PROJECTIONS,
            self.clock,
            cache_bytes=self.setting.cache_bytes,
            shared_cache=self.shared,
        )

    def open(self) -> None:
        first = self.ledgers[0]
        for text in SCHEMA:
            first.execute_statement(text)
        self.projector.project()
        for numbers in batched(range(self.setting.accounts), OPENED_AT_ONCE, strict=False):
            first.execute_statement("INSERT INTO Accounts ?", [account(each) for each in numbers])
        self.projector.project()
        for each in self.ledgers:
            _ = each.head

    def transfer_all(self) -> PerTransfer:
        zipf = Zipf(self.setting.accounts, self.setting.skew)
        self._transfer_some(zipf, range(self.setting.warm_up))
        begun = self.ledgers[0].head.sequence_no + 1
        self.tables.asked.clear()
        self.behind.asked.clear()
        for store in self.stores:
            store.cache_counts.own = store.cache_counts.shared = store.cache_counts.asked = 0
        shared_before = self._shared_requests()
        self._transfer_some(zipf, range(self.setting.warm_up, self.setting.warm_up + self.setting.transfers))
        return self._averages(begun, self._shared_requests() - shared_before)

    def _transfer_some(self, zipf: Zipf, numbers: range) -> None:
        for number in numbers:
            self.now += BETWEEN_TRANSFERS
            self._transfer(self.chance.choice(self.ledgers), *zipf.two(self.chance), number)
            if number % PROJECTED_EVERY == PROJECTED_EVERY - 1:
                self.projector.project()

    def _transfer(self, ledger: EmbeddedLedger, payer: int, payee: int, number: int) -> None:
        one, other = f"ACC-{payer:07}", f"ACC-{payee:07}"
        document = transfer_document(Transfer(one, other, Decimal("1.00"), description="Rent"), number, self.now)

        def work(tx: Any) -> None:
            balances = {row["accountId"]: row["balance"] for row in tx.execute(BALANCES, one, other)}
            tx.execute(SET, balances[one] - 1, one)
            tx.execute(SET, balances[other] + 1, other)
            tx.execute(INSERT, document)

        ledger.execute(work, retries=0)

    def _shared_requests(self) -> int:
        return 0 if self.shared is None else self.shared.gets + self.shared.puts

    def _averages(self, begun: int, shared_requests: int) -> PerTransfer:
        count, asked = self.setting.transfers, self.tables.asked
        blocks = self._journal(self.tables.another()).blocks(begun, begun + count)
        records = [
            record
            for group in batched(blocks, PROJECTED_EVERY, strict=False)
            for record in outer_records(
                [each for block in group for each in streamed_datagram(block, STREAM_ARN).records],
                self.strand_id,
                lambda some: aggregate(list(some)),
            )
        ]
        counts = [each.cache_counts for each in self.stores]
        return PerTransfer(
            looks=asked[JOURNAL, "read requests"] / count,
            look_units=asked[JOURNAL, "read units"] / count,
            reads=asked[PROJECTIONS, "read requests"] / count,
            read_units=asked[PROJECTIONS, "read units"] / count,
            projector_requests=self.behind.total("read requests", "write requests") / count,
            projector_read_units=self.behind.total("read units") / count,
            projector_write_units=self.behind.total("write units") / count,
            stored_bytes=(asked[JOURNAL, "bytes written"] + self.behind.total("bytes written")) / count,
            block_units=asked[JOURNAL, "write units"] / count,
            block_bytes=asked[JOURNAL, "bytes written"] / count,
            stream_bytes=sum(len(each.data) + len(each.partition_key) for each in records) / count,
            stream_records=len(records) / count,
            cache=CacheCounts(*(sum(getattr(each, name) for each in counts) for name in ("own", "shared", "asked"))),
            shared_requests=shared_requests / count,
        )
