"""Each attack is delivered to a real auditor, which must find what the attack says and nothing else."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from counterfoil.adapters.memory import MemoryFindings, MemoryHeads, MemoryQuarantine
from counterfoil.adapters.memory.set_aside import MemorySetAside
from counterfoil.detection.strand_audit import Patience
from counterfoil.ion import read_single
from counterfoil.journal import check_link, parse_stream_record, segment_of, verify_block
from counterfoil.services.audit import Auditor
from counterfoil.services.batch import KinesisRecord
from lab import attacker
from lab.bank.acts import Transfer
from lab.bank.ledger import BankLedger
from lab.expectation import FindingKey, compare
from lab.producer import OuterRecord, outer_records, streamed

AT = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)
PATIENCE = Patience(timedelta(seconds=2), timedelta(seconds=5))


@dataclass
class World:
    """An auditor with a clock that tests move."""

    now: datetime = AT + timedelta(hours=1)

    def __post_init__(self):
        self.findings, self.heads = MemoryFindings(), MemoryHeads()
        self.auditor = Auditor(
            self.heads, self.findings, MemoryQuarantine(), MemorySetAside(lambda: self.now), lambda: self.now, PATIENCE
        )

    def deliver(self, blocks, size=4_000):
        records = [record for block in blocks for record in block.records]
        return self.deliver_outer(outer_records(records, blocks[0].address.strand_id, max_bytes=size))

    def deliver_outer(self, records):
        batch = [
            KinesisRecord("shardId-0", str(index), each.partition_key, each.data, self.now)
            for index, each in enumerate(records)
        ]
        return self.auditor.audit(batch)

    def wait(self):
        for _ in range(2):
            self.now += timedelta(seconds=10)
            self.auditor.sweep()

    @property
    def found(self):
        return [
            (FindingKey(each.rule_id, each.place, each.account_id), each.status)
            for each in self.findings.findings.values()
        ]


@pytest.fixture(scope="module")
def blocks():
    ledger = BankLedger(3, AT)
    names = [f"ACC-{number}" for number in range(24)]
    for index, name in enumerate(names):
        ledger.open_account(AT + timedelta(seconds=index), name, Decimal("500.00"), "CHECKING", name)
    for index in range(12):
        payer, payee = names[2 * index], names[2 * index + 1]
        ledger.transfer(AT + timedelta(minutes=1, seconds=index), Transfer(payer, payee, Decimal("20.00")))
    return [streamed(block) for block in ledger.blocks]


@pytest.fixture
def world():
    return World()


PLACE = 28  # a transfer with others before and behind it

ATTACKS = {
    "alter_amount": lambda blocks: attacker.alter_amount(blocks, PLACE, Decimal("9.99")),
    "rehash_block": lambda blocks: attacker.rehash_block(blocks, PLACE, Decimal("25.00")),
    "drop_block": lambda blocks: attacker.drop_block(blocks, PLACE),
    "fork": lambda blocks: attacker.fork(blocks, PLACE, Decimal("25.00")),
    "add_orphan": lambda blocks: attacker.add_orphan(blocks, PLACE, Decimal("77.00")),
    "redirect_table": lambda blocks: attacker.redirect_table(blocks, PLACE, "Archive"),
    "spoil_revision_hash": lambda blocks: attacker.spoil_revision_hash(blocks, PLACE),
    **{
        f"spoil {field}": lambda blocks, field=field: attacker.spoil_hash(blocks, PLACE, field)
        for field in attacker.HASH_FIELDS
    },
}


def assert_found(world, expected):
    comparison = compare(expected, world.found)
    assert comparison.holds, comparison


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("size", [1, 4_000, 51_200])
def test_the_auditor_finds_what_the_attack_says_and_nothing_else(world, blocks, name, size):
    attack = ATTACKS[name](blocks)
    world.deliver(attack.blocks, size)
    world.wait()
    assert attack.expected
    assert_found(world, attack.expected)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_touches_one_block_alone(blocks, name):
    attack = ATTACKS[name](blocks)
    assert set(attack.blocks) - set(blocks) <= {each for each in attack.blocks if each.address == blocks[PLACE].address}
    assert len(set(blocks) - set(attack.blocks)) <= 1
    assert str(blocks[PLACE].address.sequence_no) in attack.title


def test_a_replay_is_no_finding_and_no_second_block(world, blocks):
    world.deliver(blocks)
    again = attacker.replay(blocks[5:15])
    report = world.deliver(again.blocks)
    assert report.blocks_new == 0
    assert_found(world, again.expected)


def test_a_competent_forgery_verifies_by_itself_and_only_the_next_block_gives_it_away(blocks):
    attack = attacker.rehash_block(blocks, PLACE, Decimal("25.00"))
    before, forged, after = (parse(attack.blocks[PLACE + step]) for step in (-1, 0, 1))
    check_link(segment_of(before), segment_of(forged))
    assert forged.header_bound
    assert forged.block_hash != after.previous_block_hash


def test_a_competent_forgery_moves_the_money_whole(blocks):
    honest, forged = blocks[PLACE], attacker.rehash_block(blocks, PLACE, Decimal("25.00")).blocks[PLACE]
    assert [balance_of(each) for each in honest.details] == [Decimal("480.00"), Decimal("520.00"), Decimal("20.00")]
    assert [balance_of(each) for each in forged.details] == [Decimal("455.00"), Decimal("545.00"), Decimal("45.00")]


def parse(block):
    return verify_block(parse_stream_record(block.summary.data).block)


def balance_of(record):
    data = read_single(record.data).fields()["payload"].fields()["revision"].fields()["data"].fields()
    return (data.get("balance") or data["amount"]).as_decimal()


@pytest.mark.parametrize("size", [4, 20, 21, 200])
def test_a_truncated_frame_is_unreadable(world, blocks, size):
    (outer,) = outer_records(blocks[0].records, blocks[0].address.strand_id)
    record, expected = attacker.truncate(outer, size)
    world.deliver_outer([record])
    assert_found(world, [expected])


def test_a_frame_with_a_wrong_checksum_is_unreadable(world, blocks):
    (outer,) = outer_records(blocks[0].records, blocks[0].address.strand_id)
    record, expected = attacker.spoil_checksum(outer)
    world.deliver_outer([record])
    assert_found(world, [expected])


def test_bytes_that_are_no_record_are_unreadable(world):
    world.deliver_outer([OuterRecord("key", b"hello")])
    assert_found(world, [attacker.unreadable(b"hello", "plain text")])


def test_last_touches_are_transfers_whose_accounts_rest_afterwards():
    ledger = BankLedger(4, AT)
    for name in ("A", "B", "C", "D"):
        ledger.open_account(AT, name, Decimal(100), "CHECKING", name)
    for second, (payer, payee) in enumerate([("A", "B"), ("C", "D"), ("B", "A"), ("A", "C")]):
        ledger.transfer(AT + timedelta(minutes=1, seconds=second), Transfer(payer, payee, Decimal(1)))
    ledger.read_balance(AT + timedelta(minutes=2), "A")
    assert attacker.last_touches([streamed(block) for block in ledger.blocks]) == [7]


def test_an_attack_on_a_block_without_a_transfer_is_refused(blocks):
    with pytest.raises(ValueError, match="holds no transfer"):
        attacker.alter_amount(blocks, 0, Decimal(1))
