"""Evidence from every store: digests, proofs of blocks and revisions, and what redaction leaves of them."""

import threading
from decimal import Decimal

import pytest

from counterfoil.errors import NotFoundError, StatementError
from counterfoil.ion.codec import decode_datagram
from counterfoil.ion.value_text import render_text
from counterfoil.journal import BlockAddress, Receipt, digest_of, extend, verify_receipt
from counterfoil.journal.builder import render_proof
from counterfoil.merkle import root_of
from tests.ledgers import BALANCE, KINDS, SET, ledger_on, open_accounts, rows, verified_blocks


@pytest.fixture(params=KINDS)
def bank(request, tmp_path):
    with ledger_on(request.param, tmp_path) as ledger:
        open_accounts(ledger)
        yield ledger


# ---- evidence --------------------------------------------------------------------------------------------------------


def test_the_journal_is_a_chain_whose_digest_is_the_ledgers(bank):
    for number in range(20):
        rows(bank, SET, Decimal(number), "A")
    head = None
    blocks = verified_blocks(bank)
    for block in blocks:
        head = extend(head, block)
    assert digest_of(head) == bank.digest()
    assert bank.digest().hash == root_of([each.block_hash for each in blocks])
    assert all(each.header_bound for each in blocks)


def test_every_block_and_revision_is_proved_under_every_later_digest(bank):
    for number in range(6):
        rows(bank, SET, Decimal(number), "A")
    blocks = verified_blocks(bank)
    for tip in range(len(blocks)):
        digest = root_of([each.block_hash for each in blocks[: tip + 1]])
        for block in blocks[: tip + 1]:
            for receipt in receipts(bank, block, tip, digest):
                assert isinstance(verify_receipt(receipt), Receipt)


def receipts(ledger, block, tip, digest):
    """GetBlock's answer and, for each revision, GetRevision's, as JSON."""
    tip_address = BlockAddress(block.address.strand_id, tip)
    place = {"Digest": digest.to_base64(), "DigestTipAddress": {"IonText": address_text(tip_address)}}
    yield place | {
        "Block": {"IonText": render_text(decode_datagram(ledger.block(block.address)))},
        "Proof": {"IonText": render_proof(ledger.prove_block(block.address, tip_address))},
    }
    for revision in block.revisions:
        document_id = revision.metadata.document_id
        yield place | {
            "Revision": {"IonText": render_text(ledger.revision(block.address, document_id))},
            "Proof": {"IonText": render_proof(ledger.prove_revision(block.address, document_id, tip_address))},
        }


def address_text(address):
    return f'{{strandId:"{address.strand_id}",sequenceNo:{address.sequence_no}}}'


def test_a_block_or_revision_that_is_not_there_is_not_found(bank):
    tip = bank.digest().tip_address
    with pytest.raises(NotFoundError):
        bank.block(BlockAddress(tip.strand_id, tip.sequence_no + 1))
    with pytest.raises(NotFoundError):
        bank.block(BlockAddress("x" * 22, 0))
    with pytest.raises(NotFoundError):
        bank.revision(tip, "x" * 22)


# ---- redaction -------------------------------------------------------------------------------------------------------


def redact_first_version(ledger):
    (row,) = rows(
        ledger,
        "SELECT h.blockAddress, h.metadata.id FROM history(Accounts) AS h WHERE h.data.accountId = 'A' AND h.metadata.version = 0",
    )
    table_id = next(iter(ledger.catalogue.entries))
    return row, rows(ledger, "EXEC REDACT_REVISION ?, ?, ?", row["blockAddress"], table_id, row["id"])


def test_a_redacted_revision_keeps_its_hash_and_loses_its_data_everywhere(bank):
    rows(bank, "UPDATE Accounts AS a SET a.balance = 7.77 WHERE a.accountId = 'A'")
    before = bank.digest()
    row, (answer,) = redact_first_version(bank)
    assert answer["version"] == 0
    assert answer["documentId"] == row["id"]
    address = BlockAddress(row["blockAddress"]["strandId"], row["blockAddress"]["sequenceNo"])
    for _ in range(200):
        if "dataHash" in bank.revision(address, row["id"]):
            break
        threading.Event().wait(0.02)
    redacted = bank.revision(address, row["id"])
    assert "data" not in redacted
    assert "dataHash" in redacted
    blocks = verified_blocks(bank)
    assert root_of([each.block_hash for each in blocks[: before.tip_address.sequence_no + 1]]) == before.hash
    assert blocks[-1].redaction_info is not None
    (seen,) = [
        each
        for each in rows(bank, "SELECT VALUE h FROM history(Accounts) AS h")
        if each["metadata"]["id"] == row["id"] and each["metadata"]["version"] == 0
    ]
    assert "data" not in seen
    assert seen["dataHash"] == redacted["dataHash"]
    assert rows(bank, BALANCE, "A") == [Decimal("7.77")]


def test_a_current_revision_cannot_be_redacted(bank):
    with pytest.raises(StatementError, match="current"):
        redact_first_version(bank)
