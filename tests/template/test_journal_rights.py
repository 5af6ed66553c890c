"""Who may write the journal: the template's policies evaluated together, as IAM would.

Only this says what the *policies* do. That DynamoDB fills in its condition keys as these tests do is from AWS's documentation;
test_journal_rights_tried.py tries on the emulator what it models (decision 21).
"""

import pytest

from tests.deployed_policies import ADMINISTRATOR, Deployed
from tests.iam_policies import Request, decision

ACCOUNT = "123456789012"
REGION = "eu-central-1"
JOURNAL = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/JournalTable"
REGISTRY = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/RegistryTable"
PROJECTIONS = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/ProjectionsTable"
BLOCK = {"strandId", "sequenceNo", "block", "blockHash", "transactionId", "timestampMs", "effects", "nodes"}
FORWARDER = f"arn:aws:iam::{ACCOUNT}:role/forwarder-of-the-other-region"
RESTORER = f"arn:aws:iam::{ACCOUNT}:role/restorer"
WRITES = ["BatchWriteItem", "DeleteItem", "PartiQLDelete", "PartiQLInsert", "PartiQLUpdate", "PutItem", "UpdateItem"]
ROLES = [
    "LedgerApiRole", "LedgerProjectorRole", "JournalRedactorRole", "JournalPublisherRole", "JournalExporterRole",
    "JournalForwarderRole", "JournalAuditorRole", "FraudDetectorRole", "AlertNotifierRole", "DigestSnapshotRole",
    "SchedulesRole", "ReplicationRole",
]  # fmt: skip


class Asked(Deployed):
    """Puts questions to the policies, with the journal's own policy where the journal is meant."""

    def asked(self, role: str, action: str, resource: str = JOURNAL, **keys: object) -> str:
        request = Request(self.physical(role, "Arn"), action, resource, filled(keys))
        return decision(request, self.policies_of(role), self.journal_policy() if resource == JOURNAL else ())

    def asked_by_outsider(self, principal: str, action: str, **keys: object) -> str:
        return decision(Request(principal, action, JOURNAL, filled(keys)), ADMINISTRATOR, self.journal_policy())


def with_parameters(root, **parameters):
    return Asked(root, account=ACCOUNT, region=REGION, **parameters)


def filled(keys):
    return {f"dynamodb:{name}": tuple(sorted(each) if isinstance(each, set) else each) for name, each in keys.items()}


@pytest.fixture(scope="module")
def primary(root):
    return with_parameters(root, StandbyRegion="eu-west-1", StandbyJournalTable="standby-journal")


@pytest.fixture(scope="module")
def standby(root):
    return with_parameters(root, LedgerMode="STANDBY", ForwarderRoleArn=FORWARDER)


def test_the_ledger_puts_blocks_alone_and_in_transactions(primary):
    assert primary.asked("LedgerApiRole", "dynamodb:PutItem", Attributes=BLOCK) == "allowed"
    in_transaction = primary.asked(
        "LedgerApiRole", "dynamodb:PutItem", Attributes=BLOCK, EnclosingOperation=["TransactWriteItems"]
    )
    assert in_transaction == "allowed"


@pytest.mark.parametrize("write", [each for each in WRITES if each != "PutItem"])
def test_the_ledger_never_changes_or_removes_a_block_whatever_else_is_allowed(write, primary):
    assert primary.asked("LedgerApiRole", f"dynamodb:{write}", Attributes={"block"}) == "explicitDeny"
    request = Request("LedgerApiRole", f"dynamodb:{write}", JOURNAL, filled({"Attributes": {"block"}}))
    assert decision(request, [*ADMINISTRATOR, *primary.policies_of("LedgerApiRole")]) == "explicitDeny"


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("role", ROLES)
def test_no_other_role_writes_blocks(role, write, primary):
    allowed = {("LedgerApiRole", "PutItem"), ("JournalRedactorRole", "UpdateItem")}
    answer = primary.asked(role, f"dynamodb:{write}", Attributes={"strandId", "sequenceNo", "block"})
    assert (answer == "allowed") == ((role, write) in allowed)


@pytest.mark.parametrize("write", WRITES)
def test_an_administrator_writes_no_block_before_changing_the_table_s_policy(write, primary):
    somebody = f"arn:aws:iam::{ACCOUNT}:user/administrator"
    assert primary.asked_by_outsider(somebody, f"dynamodb:{write}") == "explicitDeny"
    assert primary.asked_by_outsider(somebody, "dynamodb:PutResourcePolicy") == "allowed"


REDACTABLE = {"strandId", "sequenceNo", "blockHash", "block"}


@pytest.mark.parametrize("attribute", [*sorted(BLOCK - REDACTABLE), "anything"])
def test_the_redactor_changes_a_block_s_bytes_and_nothing_else(attribute, primary):
    assert primary.asked("JournalRedactorRole", "dynamodb:UpdateItem", Attributes=REDACTABLE) == "allowed"
    assert primary.asked("JournalRedactorRole", "dynamodb:UpdateItem", Attributes={*REDACTABLE, attribute}) != "allowed"


def test_the_redactor_is_not_shown_what_it_replaced(primary):
    answer = primary.asked(
        "JournalRedactorRole", "dynamodb:UpdateItem", Attributes=REDACTABLE, ReturnValues=["ALL_OLD"]
    )
    assert answer != "allowed"


@pytest.mark.parametrize(
    ("key", "answer"), [("W#strand", "allowed"), ("S#strand", "implicitDeny"), ("D#document", "implicitDeny")]
)
def test_the_ledger_writes_its_waiting_room_and_no_projection(key, answer, primary):
    assert primary.asked("LedgerApiRole", "dynamodb:PutItem", PROJECTIONS, LeadingKeys=[key]) == answer


@pytest.mark.parametrize("action", ["UpdateItem", "DeleteItem", "BatchWriteItem"])
def test_the_ledger_changes_no_projection(action, primary):
    assert primary.asked("LedgerApiRole", f"dynamodb:{action}", PROJECTIONS, LeadingKeys=["S#strand"]) == "implicitDeny"


JOBS = {"JournalPublisherRole": {"stream"}, "JournalExporterRole": {"export", "export-keys"}}


@pytest.mark.parametrize("role", JOBS)
def test_a_job_s_function_keeps_its_own_kind_of_job(role, primary):
    for kind in ("ledger", "permission", "tag", "stream", "export", "export-keys"):
        answer = primary.asked(role, "dynamodb:PutItem", REGISTRY, LeadingKeys=[kind])
        assert (answer == "allowed") == (kind in JOBS[role])
        forgotten = primary.asked(role, "dynamodb:DeleteItem", REGISTRY, LeadingKeys=[kind])
        assert (forgotten == "allowed") == (kind in {"stream", "export", "export-keys"})


@pytest.mark.parametrize("role", ROLES)
def test_no_role_signs_by_a_policy_of_its_own(role, primary):
    """digest_snapshot's right stands in the key's policy, where it can be seen that nobody else has it."""
    actions = [
        action
        for each in primary.policies_of(role)
        for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
    ]
    assert not [each for each in actions if each in {"kms:Sign", "kms:*", "*"}]


def test_a_standby_takes_blocks_from_the_forwarder_alone(standby):
    assert standby.asked("LedgerApiRole", "dynamodb:PutItem") == "explicitDeny"
    assert standby.asked_by_outsider(FORWARDER, "dynamodb:PutItem") == "allowed"
    assert standby.asked_by_outsider(FORWARDER, "dynamodb:UpdateItem") == "explicitDeny"
    assert standby.asked_by_outsider(RESTORER, "dynamodb:PutItem") == "explicitDeny"


def test_a_promoted_standby_takes_no_more_blocks_from_the_forwarder(root):
    promoted = with_parameters(root, LedgerMode="PRIMARY", ForwarderRoleArn=FORWARDER)
    assert promoted.asked("LedgerApiRole", "dynamodb:PutItem") == "allowed"
    assert promoted.asked_by_outsider(FORWARDER, "dynamodb:PutItem") == "explicitDeny"


def test_a_standby_without_a_forwarder_takes_blocks_from_nobody(root):
    alone = with_parameters(root, LedgerMode="STANDBY")
    for role in ROLES:
        assert alone.asked(role, "dynamodb:PutItem") == "explicitDeny"


@pytest.mark.parametrize(("mode", "answer"), [("STANDBY", "allowed"), ("PRIMARY", "explicitDeny")])
def test_a_registry_takes_registrations_from_another_region_until_it_is_promoted(mode, answer, root):
    stack = with_parameters(root, LedgerMode=mode, ForwarderRoleArn=FORWARDER)
    tags = stack.template.resolve(stack.template.resources["JournalForwarderRole"]["Properties"]["Tags"])
    [(name, value)] = [(each["Key"], each["Value"]) for each in tags]
    properties = stack.template.resolve(
        {"policy": stack.template.resources["RegistryTable"]["Properties"]["ResourcePolicy"]}
    )
    policy = properties.get("policy", {"PolicyDocument": {"Statement": []}})["PolicyDocument"]["Statement"]
    for action in ("PutItem", "DeleteItem"):
        request = Request(FORWARDER, f"dynamodb:{action}", REGISTRY, {f"aws:PrincipalTag/{name}": (value,)})
        assert decision(request, ADMINISTRATOR, policy) == answer
        own = Request(stack.physical("LedgerApiRole", "Arn"), f"dynamodb:{action}", REGISTRY)
        assert decision(own, stack.policies_of("LedgerApiRole"), policy) == "allowed"


def test_a_restorer_puts_blocks_back_only_while_it_is_named(root, primary):
    restoring = with_parameters(root, RestorerRoleArn=RESTORER)
    assert restoring.asked_by_outsider(RESTORER, "dynamodb:PutItem") == "allowed"
    assert restoring.asked_by_outsider(RESTORER, "dynamodb:DeleteItem") == "explicitDeny"
    assert primary.asked_by_outsider(RESTORER, "dynamodb:PutItem") == "explicitDeny"
