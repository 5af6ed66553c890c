"""Whole worlds from one seed each: a bank's day over several shards, with everything that goes wrong on the way.

Whatever the schedule, the tables end as they do when the day is delivered once and in order.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import pytest

from counterfoil.errors import UnavailableError
from counterfoil.services.batch import KinesisRecord
from tests.conftest import PROVING
from tests.fraud_bank import GRACE, NOW, OTHER_STRAND, Bank, Desk, key_of
from tests.fraud_by_hand import expected
from tests.fraud_faults import CrashError, FusedAccounts, FusedFindings

SEEDS = range(400 if PROVING else 25)
AMOUNTS = "3.10", "75.00", "499.99", "5000", "5400", "8000", "9999.99", "12000"


def bank_of(chance, strand_id=None, *, transfers=30):
    bank = Bank(strand_id=strand_id) if strand_id else Bank()
    for account_id in "ABCDE":
        bank.open(account_id, chance.choice([10, 6_000, 150_000]))
    for _ in range(transfers):
        payer, payee = chance.sample("ABCDEX", 2)
        options = {"after": chance.choice([0, 1, 30, 600, 20_000])}
        match chance.randrange(12):
            case 0:
                options["skew"] = chance.choice([-1, 5])
            case 1:
                options["transaction_id"] = "T1"
            case 2:
                options["booked"] = False
            case 3:
                bank.query()
        bank.transfer(payer, payee, chance.choice(AMOUNTS), **options)
    return bank


@dataclass
class Trouble:
    """Fails a write now and then, until ``left`` failures are used up."""

    chance: Random
    left: int

    def through(self, write):
        if not self.left or self.chance.random() > 0.02:
            write()
            return
        self.left -= 1
        error = self.chance.choice([CrashError, UnavailableError])
        if self.chance.random() < 0.5:
            write()
        raise error("trouble")


@dataclass
class Shard:
    """Records in order, and how far they are done: what Lambda's mapping keeps of a shard."""

    number: int
    records: list[bytes] = field(default_factory=list)
    done: int = 0

    def batch(self, size):
        rows = enumerate(self.records[self.done : self.done + size], self.done)
        return [KinesisRecord(f"shard-{self.number}", f"{index:010}", "k", data, NOW) for index, data in rows]


@dataclass
class World:
    seed: int
    desk: Desk = field(default_factory=Desk)

    def __post_init__(self):
        self.chance = Random(f"detect {self.seed}")
        self.banks = [bank_of(self.chance), bank_of(self.chance, OTHER_STRAND, transfers=8)]
        self.trouble = Trouble(self.chance, self.chance.choice([0, 5, 40]))
        records = [data for bank in self.banks for data in bank.records()]
        if self.chance.random() < 0.5:
            self.chance.shuffle(records)
        self.shards = [Shard(number) for number in range(self.chance.choice([1, 2, 5]))]
        for data in records:
            for _ in range(self.chance.choice([1, 1, 1, 1, 2])):
                self.chance.choice(self.shards).records.append(data)
        self.reshard()

    def reshard(self):
        """The end of one shard is delivered a second time on a new one, as after a split."""
        if self.chance.random() < 0.3:
            old = self.chance.choice(self.shards)
            self.shards.append(Shard(len(self.shards), old.records[len(old.records) // 2 :]))

    def run(self):
        while waiting := [shard for shard in self.shards if shard.done < len(shard.records)]:
            self.invoke(self.chance.choice(waiting))
            if self.chance.random() < 0.05:
                self.guarded(lambda detector: detector.sweep())
            self.desk.now = min(self.desk.now + timedelta(seconds=self.chance.random()), NOW + GRACE * 0.9)
        assert self.desk.sweep().failure is None

    def invoke(self, shard):
        """One invocation: what it reports is done is done, and after a crash nothing is."""
        batch = shard.batch(self.chance.choice([1, 3, 20, 200]))
        report = self.guarded(lambda detector: detector.detect(batch))
        if report is not None:
            shard.done += len(batch) if report.failed_index is None else report.failed_index

    def guarded(self, call):
        detector = self.desk.detector_on(
            FusedAccounts(self.desk.accounts, self.trouble), FusedFindings(self.desk.findings, self.trouble)
        )
        try:
            return call(detector)
        except CrashError:
            return None

    def clean(self):
        desk = Desk()
        for bank in self.banks:
            desk.detect(*bank.records())
        return desk


@pytest.mark.parametrize("seed", SEEDS)
def test_any_schedule_ends_in_the_tables_of_the_clean_one(seed):
    world = World(seed)
    world.run()
    clean = world.clean()
    assert clean.found() == set().union(*(expected(bank.history) for bank in world.banks)) != set()
    assert world.desk.tables() == clean.tables()


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_lost_on_the_way_accuses_nobody(seed):
    """Records that never come: the strand goes on, and says nothing about balances or ids that is not so."""
    chance = Random(f"lost {seed}")
    bank, desk = bank_of(chance), Desk()
    kept = [data for data in bank.records() if chance.random() < 0.9]
    for begin in range(0, len(kept), 25):
        desk.detect(*kept[begin : begin + 25])
        desk.sweep(after=chance.choice([0, 30, 61]))
    for _ in range(len(bank.blocks)):
        desk.sweep(after=GRACE.total_seconds())
    cursor = desk.cursor()
    assert not cursor.holds
    assert desk.accounts.pieces == {}
    certain = {"conservation-of-money", "duplicate-transaction-id"}
    found = {key for key in map(key_of, desk.findings.findings.values()) if key[0] in certain}
    assert found <= expected(bank.history)


def test_the_seeds_show_fraud_of_most_rules():
    """A simulation in which nothing happens would prove nothing."""
    found = set().union(*({rule for rule, _, _ in expected(World(seed).banks[0].history)} for seed in range(10)))
    assert found >= {"conservation-of-money", "duplicate-transaction-id", "negative-balance", "new-payee-high-value"}
    assert found >= {"rapid-in-out"}
