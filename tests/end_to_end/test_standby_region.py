"""Two stacks, the second one standing by: what is committed in one is in the other, until that one is promoted.

The emulator has no regions apart and no policies of tables; the stacks have tables of their own, and each its roles. What the table's
policy adds is evaluated in tests/template/test_journal_rights.py.
"""

from contextlib import ExitStack
from pathlib import Path

import pytest

from lab.emulator import REGION, Emulator
from lab.invocation import Outcome
from lab.stack import Options, Stack
from tests.deployed_ledger import committed, created, existing, items, transact

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("standby")]

# Far beyond what it takes on two busy cores.
PATIENCE = 300
LEDGER = "bank"
# What an auditor notes of any ledger: its stream began, a table was made.
ROUTINE = {"audit.stream-control", "audit.privileged-statement"}
# And what depends on when these tests run: the table was made at night.
BY_THE_CLOCK = {"fraud.privileged-out-of-hours"}


class Regions:
    """A primary stack, and a standby that is told of it."""

    def __init__(self, primary, standby):
        self.primary, self.standby = primary, standby

    def settle(self):
        """Let everything that was committed go where it goes."""
        self.primary.drain(PATIENCE)
        forwarded = self.primary.tick("JournalForwarderFunctionSweep")
        assert forwarded.outcome is Outcome.ANSWERED, self.primary.logs("JournalForwarderFunction")
        self.standby.drain(PATIENCE)
        return forwarded.answer


def places_of(standby):
    """The primary's parameters that name a standby, by its outputs."""
    names = {
        "StandbyJournalTable": "JournalTableName",
        "StandbyRegistryTable": "RegistryTableName",
        "StandbyJournalBucket": "JournalBucketName",
        "StandbyDataKeyId": "DataKeyId",
    }
    return {"StandbyRegion": REGION} | {parameter: standby.outputs[output] for parameter, output in names.items()}


@pytest.fixture(scope="module")
def regions(tmp_path_factory):
    options = Options(under_roles=True)
    with ExitStack() as cleanup:
        folder = Path(tmp_path_factory.mktemp("regions"))
        emulator = cleanup.enter_context(Emulator(folder, authorizing=True))
        standby = cleanup.enter_context(Stack.on(emulator, "standby", {"LedgerMode": "STANDBY"}, options))
        primary = cleanup.enter_context(Stack.on(emulator, "primary", places_of(standby), options))
        yield Regions(primary, standby)


@pytest.fixture(scope="module")
def bank(regions):
    """A ledger of the first region with a large block in it, published there."""
    with created(regions.primary, LEDGER, PermissionsMode="ALLOW_ALL") as ledger:
        ledger.stream_to(regions.primary.outputs["JournalStreamArn"])
        committed(regions.primary, LEDGER, ["CREATE TABLE Notes"])
        for number in range(5):
            committed(regions.primary, LEDGER, ["INSERT INTO Notes ?", {"number": number}])
        committed(regions.primary, LEDGER, ["INSERT INTO Notes ?", {"text": "long " * 90_000}])
        regions.settle()
        yield ledger


def journal(stack):
    """The blocks of a stack's journal by number: hash, and all that stands beside it."""
    return {int(item["sequenceNo"]["N"]): item for item in items(stack, "JournalTable")}


def findings(stack):
    return {item["finding_id"]["S"].partition("@")[0] for item in items(stack, "FindingsTable")}


def test_the_standby_has_every_block_and_what_is_registered(regions, bank):
    assert len(journal(regions.primary)) == 7
    assert journal(regions.standby) == journal(regions.primary)
    objects = [
        {
            each["Key"]
            for each in stack.client("s3").list_objects_v2(Bucket=stack.outputs["JournalBucketName"])["Contents"]
        }
        for stack in (regions.primary, regions.standby)
    ]
    assert objects[0] == objects[1] != set()


def test_the_standby_answers_reads_with_the_same_digest_and_commits_nothing(regions, bank):
    with existing(regions.standby, LEDGER) as copy:
        assert copy.digest_answer() == bank.digest_answer()
    before = journal(regions.standby)
    status, refusal = transact(regions.standby, LEDGER, ["INSERT INTO Notes ?", {"number": 99}])
    assert status >= 400, refusal
    assert journal(regions.standby) == before


def test_the_standby_s_own_auditor_verifies_what_arrived(regions, bank):
    with existing(regions.standby, LEDGER) as copy:
        copy.stream_to(regions.standby.outputs["JournalStreamArn"])
    regions.standby.drain(PATIENCE)
    heads = [
        {item["strand_id"]["S"] for item in items(stack, "HeadsTable") if item["item"]["S"] == "state"}
        for stack in (regions.primary, regions.standby)
    ]
    assert heads[0] == heads[1] != set()
    assert findings(regions.standby) == findings(regions.primary)
    assert findings(regions.standby) - BY_THE_CLOCK == ROUTINE


def test_a_promoted_standby_goes_on_and_takes_nothing_more_from_the_region_it_left(regions, bank):
    """The last of these tests: afterwards there are two histories, and the copy has its own."""
    regions.standby.redeploy({"LedgerMode": "PRIMARY"})
    promoted = committed(regions.standby, LEDGER, ["INSERT INTO Notes ?", {"number": 100}])
    assert promoted["blockAddress"]["sequenceNo"] == 7
    # The first region was not fenced: it commits to its own journal, which nobody follows any more.
    late = committed(regions.primary, LEDGER, ["INSERT INTO Notes ?", {"number": 200}])
    assert late["blockAddress"]["sequenceNo"] == 7
    own = journal(regions.standby)
    assert regions.settle()["refused"] == [promoted["blockAddress"]["strandId"]]
    assert journal(regions.standby) == own
    committed(regions.standby, LEDGER, ["INSERT INTO Notes ?", {"number": 101}])
    regions.standby.drain(PATIENCE)
    assert findings(regions.standby) - BY_THE_CLOCK == ROUTINE
    with existing(regions.standby, LEDGER) as copy:
        assert copy.digest_answer() != bank.digest_answer()
