"""What the adapters ask of AWS is what the roles allow: no emulator here checks permissions, so this does."""

import ast

import pytest

ADAPTERS = "layers/counterfoil/counterfoil/adapters"

# (role, what it acts on) -> the class whose calls that is for
USES = {
    ("JournalAuditorRole", "HeadsTable.Arn"): "dynamodb/heads.py:DynamoDbHeads",
    ("JournalAuditorRole", "FindingsTable.Arn"): "dynamodb/findings.py:DynamoDbFindings",
    ("FraudDetectorRole", "FindingsTable.Arn"): "dynamodb/findings.py:DynamoDbFindings",
    ("FraudDetectorRole", "AccountStateTable.Arn"): "dynamodb/accounts.py:DynamoDbAccounts",
    ("AlertNotifierRole", "AlertsTable.Arn"): "alerts.py:DynamoDbAlertLog",
    ("AlertNotifierRole", "AlertsTopic"): "alerts.py:SnsChannel",
    ("AlertNotifierRole", "FindingsBus.Arn"): "alerts.py:EventBridgeChannel",
}
# A transaction needs the right to each thing in it, which its items name; the rest is named like its call.
ACTIONS = {"transact_write_items": "PutItem", "publish": "Publish", "put_events": "PutEvents"}


def calls_of_client(root, where):
    """The names of the client methods that a class calls."""
    path, _, name = where.partition(":")
    tree = ast.parse((root / ADAPTERS / path).read_text())
    [body] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]
    functions = [node.func for node in ast.walk(body) if isinstance(node, ast.Call)]
    on_client = [
        function for function in functions if isinstance(function, ast.Attribute) and is_client(function.value)
    ]
    return {function.attr for function in on_client}, ast.unparse(body)


def is_client(node):
    return isinstance(node, ast.Attribute) and node.attr == "client"


def action_of(call):
    return ACTIONS.get(call, "".join(word.capitalize() for word in call.split("_")))


def allowed(resources, role, resource):
    """The actions, without their service, that a role may do to a resource."""
    found = set()
    for policy in resources[role]["Properties"]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
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
def test_a_role_allows_what_its_adapter_calls_and_no_more(role, resource, root, resources):
    calls, _ = calls_of_client(root, USES[role, resource])
    assert calls
    assert {action_of(call) for call in calls} == allowed(resources, role, resource)


def test_a_transaction_holds_nothing_but_puts(root):
    calls, text = calls_of_client(root, "dynamodb/heads.py:DynamoDbHeads")
    assert "transact_write_items" in calls
    assert "'Put'" in text
    assert not [kind for kind in ("Update", "Delete", "ConditionCheck") if f"'{kind}'" in text]


def test_the_signer_asks_for_what_the_key_s_policy_grants(root, resources):
    calls, _ = calls_of_client(root, "kms.py:KmsSigner")
    granted = set()
    for statement in resources["SnapshotSigningKey"]["Properties"]["KeyPolicy"]["Statement"][1:]:
        actions = statement["Action"]
        granted |= set([actions] if isinstance(actions, str) else actions)
    assert {f"kms:{action_of(call)}" for call in calls} <= granted
