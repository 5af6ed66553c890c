"""The bank's day: one plan gives one ledger, ordinary traffic is ordinary, and what was injected is written down."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from counterfoil.adapters.memory import MemoryFindings, MemoryHeads, MemoryQuarantine
from counterfoil.adapters.memory.set_aside import MemorySetAside
from counterfoil.detection.strand_audit import Patience
from counterfoil.services.audit import Auditor
from counterfoil.services.batch import KinesisRecord
from lab.attacker import last_touches
from lab.bank import BankPlan, simulate
from lab.bank.patterns import stories
from lab.expectation import FindingKey, compare
from lab.producer import outer_records, streamed

PLAN = BankPlan(seed=5, transfers=300, duration=timedelta(minutes=3))
NOW = datetime(2025, 3, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def day():
    return simulate(PLAN)


@pytest.fixture(scope="module")
def transfers(day):
    """(block, Transactions document) of every transfer."""
    found = [(block, data) for block in day.blocks for data in documents(block) if "transactionId" in data]
    assert len(found) > 300
    return found


def documents(block):
    return [revision["data"] for revision in block.revisions if "data" in revision]


def test_one_plan_gives_one_ledger_and_another_seed_another(day):
    again, other = simulate(PLAN), simulate(BankPlan(seed=6, transfers=300, duration=timedelta(minutes=3)))
    assert again.ledger.builder.digest() == day.ledger.builder.digest()
    assert again.expected == day.expected
    assert other.ledger.builder.digest() != day.ledger.builder.digest()


def test_every_rule_has_a_story_with_accounts_of_its_own(day):
    seen = {each.rule_id for each in day.expected if each.rule_id.startswith("fraud.")}
    assert seen == {
        f"fraud.{name}"
        for name in (
            "velocity-count",
            "velocity-sum",
            "structuring",
            "rapid-in-out",
            "new-payee-high-value",
            "duplicate-transaction-id",
            "negative-balance",
            "conservation-of-money",
            "unreadable-transfer",
            "unreadable-account",
        )
    }
    told = Counter(account.account_id for story in stories() for account in story.accounts)
    assert set(told.values()) == {1}
    assert not set(told) & {data["fromAccountId"] for _, data in ordinary(day)}
    assert len(day.near_misses) >= len(seen) - 1


def ordinary(day):
    kinds = {"SALARY", "RENT", "DIRECT_DEBIT", "CARD", "STANDING_ORDER"}
    return [
        (block, data)
        for block in day.blocks
        for data in documents(block)
        if data.get("transactionType") in kinds and data["fromAccountId"][:4] in {"ACC-", "EMP-"}
    ]


def test_ordinary_traffic_stays_clear_of_every_limit(day):
    paid, counts, incoming = defaultdict(Decimal), Counter(), set()
    for _, data in ordinary(day):
        assert data["amount"] < 5_000
        paid[data["fromAccountId"]] += data["amount"]
        counts[data["fromAccountId"]] += 1
        incoming.add(data["toAccountId"])
    assert max(paid.values()) < 50_000
    assert max(counts.values()) <= 20
    assert len(ordinary(day)) == PLAN.transfers


def test_money_is_conserved_but_where_a_clerk_cheats(day, transfers):
    balances, skewed = {}, []
    for block in day.blocks:
        changed = [data for data in documents(block) if isinstance(data.get("balance"), Decimal)]
        drift = sum(data["balance"] - balances.get(data["accountId"], data["balance"]) for data in changed)
        if drift:
            skewed.append(str(block.address))
        balances.update((data["accountId"], data["balance"]) for data in changed)
    assert skewed == [each.place for each in day.expected if each.rule_id == "fraud.conservation-of-money"]


def test_the_clock_goes_back_once(day):
    times = [block.fields["blockTimestamp"] for block in day.blocks]
    back = [str(block.address) for block, a, b in zip(day.blocks[1:], times, times[1:], strict=False) if b < a]
    assert back == [each.place for each in day.expected if each.rule_id == "audit.clock-regression"]


def test_the_quiet_end_holds_ordinary_transfers_alone_and_places_to_attack(day):
    quiet = day.blocks[day.quiet_from :]
    places = {str(block.address) for block in quiet}
    assert not places & {each.place for each in day.expected}
    assert len(last_touches([streamed(block) for block in quiet])) >= 12


def test_the_auditor_finds_the_administrators_deeds_and_nothing_else(day):
    findings = MemoryFindings()
    patience = Patience(timedelta(seconds=60), timedelta(seconds=900))
    auditor = Auditor(MemoryHeads(), findings, MemoryQuarantine(), MemorySetAside(lambda: NOW), lambda: NOW, patience)
    records = [record for block in day.blocks for record in streamed(block).records]
    batch = [
        KinesisRecord("shardId-0", str(index), each.partition_key, each.data, NOW)
        for index, each in enumerate(outer_records(records, day.ledger.strand_id))
    ]
    report = auditor.audit(batch)
    assert report.blocks_verified == len(day.blocks)
    found = [(FindingKey(each.rule_id, each.place, None), each.status) for each in findings.findings.values()]
    comparison = compare([each for each in day.expected if each.rule_id.startswith("audit.")], found)
    assert comparison.holds, comparison
