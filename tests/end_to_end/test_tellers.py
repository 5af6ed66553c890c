"""A bank's money moved by eight official drivers at once through several instances of the deployed ledger, and what its journal says.

Every figure is held against the exported journal: nothing else is believed.
"""

from collections import Counter
from decimal import Decimal

import pytest

from counterfoil.adapters.dynamodb.findings import parse_finding
from counterfoil.adapters.dynamodb.heads import DynamoDbHeads
from counterfoil.detection.audit_rules import AuditRule
from counterfoil.journal import digest_of
from lab.stack import Options, Stack
from tests.deployed_ledger import committed, items
from tests.tellers_bank import (
    LEDGER,
    PATIENCE,
    SCHEMA,
    TellersBank,
    address_of,
    balances_behind_each,
    done,
    revisions,
    transfer_ids,
)

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("tellers")]

TELLERS, TRANSFERS, ACCOUNTS = 8, 6, 12
DOUBTS = {
    "fraud.conservation-of-money",
    "fraud.duplicate-transaction-id",
    "fraud.negative-balance",
    "fraud.unreadable-account",
    "fraud.unreadable-transfer",
}


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    with (
        Stack.up(options=Options()) as stack,
        TellersBank.open(stack, ACCOUNTS, tmp_path_factory.mktemp("bank")) as opened,
    ):
        yield opened


@pytest.fixture(scope="module")
def counts(bank):
    """What the tellers said; everything that follows from their transfers is done."""
    said = done(bank.at_work(TELLERS, TRANSFERS, seed=1))
    bank.stack.drain(PATIENCE)
    return said


@pytest.fixture(scope="module")
def blocks(bank, counts):
    return bank.blocks()


@pytest.fixture(scope="module")
def verified(bank, blocks):
    """What the auditor knows of the strand, and the ledger's own digest, before anything else is asked of the ledger."""
    heads = DynamoDbHeads(bank.stack.client("dynamodb"), bank.stack.physical_id("HeadsTable"))
    return heads.load(address_of(blocks[-1]).strand_id), bank.ledger.digest()


def test_several_instances_served_them(bank, counts):
    assert counts["transfers"] == TELLERS * TRANSFERS
    assert bank.stack.hosts["LedgerApiFunction"].environments > 2


def test_every_acknowledged_transfer_is_in_the_journal_exactly_once(blocks):
    expected = {f"TELLER-{teller}-{number}" for teller in range(TELLERS) for number in range(TRANSFERS)}
    assert Counter(transfer_ids(blocks)) == Counter(expected)


def test_behind_every_transfer_there_is_as_much_money_as_before(bank, blocks):
    totals = [sum(each.values()) for each in balances_behind_each(blocks)]
    assert len(totals) > TELLERS * TRANSFERS / 2
    assert set(totals) == {bank.money}


def test_the_auditor_has_verified_to_the_tip_and_found_nothing_but_the_routine(bank, blocks, verified):
    state, digest = verified
    (whole,) = state.segments
    assert (whole.segment.begin, whole.segment.end) == (0, len(blocks))
    assert digest_of(whole.segment) == digest
    assert str(whole.segment.last_hash) == blocks[-1]["blockHash"].hex()
    assert (len(state.awaited), len(state.early)) == (0, 0)
    found = Counter(parse_finding(item).rule_id for item in items(bank.stack, "FindingsTable"))
    audited = {rule: count for rule, count in found.items() if rule.startswith("audit.")}
    assert audited == {AuditRule.STREAM_CONTROL: 1, AuditRule.PRIVILEGED_STATEMENT: len(SCHEMA)}
    # Tellers at random may pass money on in ways that a rule looks at; but the money adds up, each time.
    assert not found.keys() & DOUBTS


def test_projections_are_written_to_the_tip(bank, blocks, verified):
    (watermark,) = [each for each in items(bank.stack, "ProjectionsTable") if each["pk"]["S"].startswith("S#")]
    assert int(watermark["n"]["N"]) >= len(blocks) - 1


def test_what_is_selected_is_what_the_journal_ends_with(bank, blocks):
    *_, balances = balances_behind_each(blocks)
    answer = committed(bank.stack, LEDGER, ["SELECT a.accountId, a.balance FROM Accounts AS a"])
    selected = {row["accountId"]: Decimal(str(row["balance"])) for row in answer["results"][0]["rows"]}
    assert selected == balances


def test_the_history_is_the_journal(bank, blocks):
    text = "SELECT h.metadata.id AS id, h.metadata.version AS version, h.data.balance AS balance FROM history(Accounts) AS h"
    (result,) = committed(bank.stack, LEDGER, [text])["results"]
    history = Counter((row["id"], row["version"], Decimal(str(row["balance"]))) for row in result["rows"])
    journal = Counter(
        (each["metadata"]["id"], each["metadata"]["version"], each["data"]["balance"])
        for each in revisions(blocks, "balance")
    )
    assert history == journal
