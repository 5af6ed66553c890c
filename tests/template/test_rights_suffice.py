"""What the adapters ask of AWS is what the roles allow: read from both."""

import ast

import pytest

ADAPTERS = "layers/counterfoil/counterfoil/adapters"

JOURNAL = "dynamodb/journal.py:DynamoDbJournal"
PROJECTIONS = "dynamodb/projections.py:Projections"
REGISTRY = "dynamodb/registry.py:RegistryItems"

# (role, what it acts on) -> the classes whose calls that is for
USES = {
    ("LedgerApiRole", "JournalTable.Arn"): f"{JOURNAL} dynamodb/committing.py:Committer",
    ("LedgerApiRole", "ProjectionsTable.Arn"): f"{PROJECTIONS} dynamodb/waiting_room.py:WaitingRoom",
    ("LedgerApiRole", "SessionsTable.Arn"): "dynamodb/session_log.py:DynamoDbSessionLog",
    ("LedgerApiRole", "RegistryTable.Arn"): REGISTRY,
    (
        "LedgerApiRole",
        "SealKeysTable.Arn",
    ): "dynamodb/document_keys.py:DynamoDbDocumentKeys dynamodb/document_keys.py:KmsLedgerKey",
    ("LedgerProjectorRole", "JournalTable.Arn"): JOURNAL,
    ("LedgerProjectorRole", "ProjectionsTable.Arn"): f"{PROJECTIONS} dynamodb/projector.py:Projector",
    ("JournalPublisherRole", "JournalTable.Arn"): JOURNAL,
    ("JournalPublisherRole", "RegistryTable.Arn"): REGISTRY,
    ("JournalExporterRole", "JournalTable.Arn"): JOURNAL,
    ("JournalExporterRole", "RegistryTable.Arn"): REGISTRY,
    ("JournalForwarderRole", "JournalTable.Arn"): "dynamodb/journal_copy.py:DynamoDbJournalSource",
    ("JournalAuditorRole", "JournalTable.Arn"): "dynamodb/anchors.py:DynamoDbAnchors",
    ("JournalAuditorRole", "HeadsTable.Arn"): "dynamodb/heads.py:DynamoDbHeads",
    ("JournalAuditorRole", "FindingsTable.Arn"): "dynamodb/findings.py:DynamoDbFindings",
    ("FraudDetectorRole", "FindingsTable.Arn"): "dynamodb/findings.py:DynamoDbFindings",
    ("FraudDetectorRole", "AccountStateTable.Arn"): "dynamodb/accounts.py:DynamoDbAccounts",
    ("FraudDetectorRole", "RulesTable.Arn"): "dynamodb/rules.py:DynamoDbRuleReader",
    ("AlertNotifierRole", "AlertsTable.Arn"): "alerts.py:DynamoDbAlertLog dynamodb/desk.py:DynamoDbAlertBook",
    ("ActionRunnerRole", "CasesTable.Arn"): "dynamodb/desk.py:DynamoDbDeskLog",
    ("ActionRunnerRole", "FindingsBus.Arn"): "alerts.py:EventBridgeChannel",
    ("LedgerComplianceRole", "JournalTable.Arn"): JOURNAL,
    ("AlertNotifierRole", "AlertsTopic"): "alerts.py:SnsChannel",
    ("AlertNotifierRole", "FindingsBus.Arn"): "alerts.py:EventBridgeChannel",
}
# A transaction needs the right to each thing in it, which its items name; the rest is named like its call.
ACTIONS = {"transact_write_items": "PutItem", "publish": "Publish", "put_events": "PutEvents"}


def calls_of_client(root, classes):
    """The names of the client methods that classes call, and their text."""
    found = [calls_of_one(root, each) for each in classes.split()]
    return set().union(*(calls for calls, _ in found)), "\n".join(text for _, text in found)


def calls_of_one(root, where):
    path, _, name = where.partition(":")
    tree = ast.parse((root / ADAPTERS / path).read_text())
    [body] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]
    functions = [node.func for node in ast.walk(body) if isinstance(node, ast.Call)]
    on_client = [
        function for function in functions if isinstance(function, ast.Attribute) and is_client(function.value)
    ]
    return {function.attr for function in on_client}, ast.unparse(body)


def is_client(node):
    return isinstance(node, ast.Attribute) and node.attr in {"client", "_client"}


def action_of(call):
    return ACTIONS.get(call, "".join(word.capitalize() for word in call.split("_")))


def allowed(resources, role, resource):
    """The actions, without their service, that a role may do to a resource."""
    found = set()
    documents = [policy["PolicyDocument"] for policy in resources[role]["Properties"]["Policies"]]
    documents += [
        body["Properties"]["PolicyDocument"]
        for body in resources.values()
        if body["Type"] == "AWS::IAM::Policy" and body["Properties"]["Roles"] == [{"Ref": role}]
    ]
    for document in documents:
        for statement in (each for each in document["Statement"] if each["Effect"] == "Allow"):
            match statement["Resource"]:
                case {"Fn::GetAtt": [name, attribute]} if f"{name}.{attribute}" == resource:
                    pass
                case {"Ref": name} if name == resource:
                    pass
                case _:
                    continue
            actions = statement["Action"]
            found |= {a.partition(":")[2] for a in ([actions] if isinstance(actions, str) else actions)}
    return found


@pytest.mark.parametrize(("role", "resource"), USES)
def test_a_role_allows_what_its_adapter_calls_and_no_more(role, resource, root, everything):
    calls, _ = calls_of_client(root, USES[role, resource])
    assert calls
    assert {action_of(call) for call in calls} == allowed(everything, role, resource)


def test_a_transaction_holds_nothing_but_puts(root):
    calls, text = calls_of_client(root, "dynamodb/heads.py:DynamoDbHeads")
    assert "transact_write_items" in calls
    assert "'Put'" in text
    assert not [kind for kind in ("Update", "Delete", "ConditionCheck") if f"'{kind}'" in text]


SIGNERS = {"SnapshotSigningKey": "kms.py:KmsSigner", "CheckpointSigningKey": "kms.py:KmsNoteKey"}


@pytest.mark.parametrize("key", SIGNERS)
def test_the_signer_asks_for_what_the_key_s_policy_grants(key, root, resources):
    calls, _ = calls_of_client(root, SIGNERS[key])
    granted = set()
    for statement in resources[key]["Properties"]["KeyPolicy"]["Statement"][1:]:
        actions = statement["Action"]
        granted |= set([actions] if isinstance(actions, str) else actions)
    assert {f"kms:{action_of(call)}" for call in calls} <= granted
