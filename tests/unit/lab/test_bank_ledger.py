"""The bank's ledger writes blocks as a QLDB application's transactions would have been written."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from counterfoil.ion import read_single
from counterfoil.journal import RevisionKind, extend, parse_block, verify_block
from lab.bank.acts import Transfer
from lab.bank.ledger import BankLedger

AT = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)


@pytest.fixture
def ledger():
    made = BankLedger(7, AT)
    made.create_tables(AT)
    made.open_account(AT + timedelta(seconds=1), "ACC-1", Decimal("100.00"), "CHECKING", "CUST-1")
    made.open_account(AT + timedelta(seconds=2), "ACC-2", Decimal("5.00"), "SAVINGS", "CUST-2")
    return made


def verified(block):
    return verify_block(parse_block(read_single(block.block_binary())))


def pay(ledger, amount="12.50", **fields):
    return ledger.transfer(AT + timedelta(minutes=1), Transfer("ACC-1", "ACC-2", Decimal(amount), **fields))


def test_every_block_follows_the_one_before(ledger):
    pay(ledger)
    head = None
    for block in ledger.blocks:
        head = extend(head, verified(block))
    assert head.range.root == ledger.builder.digest().hash


def test_a_transfer_is_one_block_with_both_accounts_and_the_transfer(ledger):
    block = pay(ledger)
    payer, payee, transfer = (revision["data"] for revision in block.revisions)
    assert (payer["accountId"], payer["balance"]) == ("ACC-1", Decimal("87.50"))
    assert (payee["accountId"], payee["balance"]) == ("ACC-2", Decimal("17.50"))
    assert (transfer["fromAccountId"], transfer["toAccountId"], transfer["amount"]) == (
        "ACC-1",
        "ACC-2",
        Decimal("12.50"),
    )
    assert [revision["metadata"]["version"] for revision in block.revisions] == [1, 1, 0]


def test_parameters_are_hashed_and_never_written(ledger):
    texts = [each["statement"] for each in pay(ledger, "12.34").fields["transactionInfo"]["statements"]]
    assert [text.split()[0] for text in texts] == ["SELECT", "UPDATE", "UPDATE", "INSERT"]
    assert not any("12.34" in text or "ACC-1" in text for text in texts)


def test_a_cheating_clerk_can_leave_fields_out_and_skew_a_balance(ledger):
    block = pay(ledger, skew=Decimal("1.00"), document={"toAccountId": None, "amount": "a lot"})
    _, payee, transfer = (revision["data"] for revision in block.revisions)
    assert payee["balance"] == Decimal("18.50")
    assert "toAccountId" not in transfer
    assert transfer["amount"] == "a lot"


def test_a_query_makes_a_block_without_revisions(ledger):
    assert verified(ledger.read_balance(AT + timedelta(minutes=2), "ACC-1")).summaries == ()


def test_a_closed_account_is_a_deleted_revision(ledger):
    (revision,) = verified(ledger.close_account(AT + timedelta(minutes=2), "ACC-2")).revisions
    assert (revision.kind, revision.metadata.version) == (RevisionKind.DELETED, 1)
    assert "ACC-2" not in ledger.accounts


def test_a_redaction_names_the_revision_it_removes(ledger):
    opened = ledger.accounts["ACC-1"].changed_in[0]
    pay(ledger)
    block = ledger.redact_first_version(AT + timedelta(minutes=2), "ACC-1")
    (named,) = block.fields["redactionInfo"]["revisions"]
    assert named["blockAddress"] == {"strandId": opened.strand_id, "sequenceNo": opened.sequence_no}
    assert verified(block).redaction_info is not None


def test_ids_are_22_characters_of_base62(ledger):
    made = {ledger.new_id() for _ in range(500)}
    assert len(made) == 500
    assert all(len(each) == 22 and each.isalnum() and each.isascii() for each in made)


def test_one_seed_gives_one_ledger_and_another_another():
    first, again, other = (BankLedger(seed, AT).create_tables(AT)[0].block_hash for seed in (1, 1, 2))
    assert first == again != other
