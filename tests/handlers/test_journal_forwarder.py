"""The forwarder's real handler: which strands it forwards, what it answers, and what it leaves to be delivered again."""

import base64
from datetime import UTC, datetime

import pytest

from counterfoil.adapters.memory import MemoryJournalCopy
from counterfoil.errors import UnavailableError
from counterfoil.ledger.registry import LedgerState, PermissionsMode, RegisteredLedger
from counterfoil.merkle import Hash
from counterfoil.ports import StoredBlock
from lab.doors import Doors
from tests.journals import OTHER_STRAND, STRAND, transfers

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def stored(block):
    return StoredBlock(block.address.sequence_no, block.block_hash, block.block_binary(), {})


@pytest.fixture
def doors():
    made = Doors(NOW)
    made.journal.blocks[STRAND] = [stored(each) for each in transfers(4).blocks]
    made.registry.save(None, RegisteredLedger("bank", STRAND, NOW, LedgerState.ACTIVE, PermissionsMode.STANDARD))
    return made


def batch(*partition_keys):
    return {
        "Records": [
            {
                "eventID": f"shardId-000000000000:{number}",
                "kinesis": {
                    "partitionKey": key,
                    "sequenceNumber": str(number),
                    "data": base64.b64encode(b"not looked at").decode(),
                    "approximateArrivalTimestamp": 1,
                },
            }
            for number, key in enumerate(partition_keys)
        ]
    }


def test_a_batch_says_which_strands_went_on_and_nothing_else(doors):
    answer = doors.handle("journal_forwarder", batch("a stranger", STRAND, STRAND))
    assert answer == {"batchItemFailures": []}
    assert doors.copied_journal.blocks == doors.journal.blocks


def test_a_sweep_forwards_every_ledger(doors):
    assert doors.handle("journal_forwarder", {"sweep": True}) == {"blocksForwarded": 4, "refused": []}
    assert doors.copied_journal.blocks == doors.journal.blocks


class Away(MemoryJournalCopy):
    """Does not take one strand's blocks for now."""

    def append(self, strand_id, previous, blocks):
        if strand_id == STRAND:
            raise UnavailableError("the standby region does not answer")
        super().append(strand_id, previous, blocks)


def test_a_strand_that_could_not_be_forwarded_is_delivered_again_from_its_first_record(doors):
    doors.copied_journal = Away()
    answer = doors.handle("journal_forwarder", batch(OTHER_STRAND, STRAND, STRAND))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}


def test_a_sweep_that_could_not_forward_everything_fails(doors):
    doors.copied_journal = Away()
    with pytest.raises(RuntimeError, match="does not answer"):
        doors.handle("journal_forwarder", {"sweep": True})


def test_a_block_that_does_not_hold_is_said_and_not_tried_again_at_once(doors):
    """The alarm is on its metric; delivering the record again would change nothing."""
    doors.journal.blocks[STRAND][2] = replace_hash(doors.journal.blocks[STRAND][2])
    assert doors.handle("journal_forwarder", batch(STRAND)) == {"batchItemFailures": []}
    assert doors.handle("journal_forwarder", {"sweep": True})["refused"] == [STRAND]
    assert not doors.copied_journal.blocks


def replace_hash(block):
    return block._replace(block_hash=Hash(bytes(32)))
