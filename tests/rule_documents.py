"""A rule document to change in tests."""


def pay(amount, payer="A", payee="B", **more):
    return {"from": payer, "to": payee, "amount": amount, **more}


DOCUMENT = {
    "id": "fraud.round-amounts",
    "version": 1,
    "kind": "aggregate",
    "title": "Round amounts",
    "typology": "structuring",
    "when": "trailing_zeros >= 3",
    "parameters": {"aggregate": "count", "threshold": "3", "window_seconds": 3600},
    "severity": "LOW",
    "score": {"on": "value", "bands": [{"from": "3", "score": 30}, {"from": "10", "score": 60}]},
    "reason": "{account} sent {value} round amounts within {window}",
    "owner": "fraud-operations",
    "status": "active",
    "actions": ["open_case"],
    "tests": [
        {"title": "four", "expect": "found", "blocks": [{"times": 4, "transfers": [pay("5000")]}]},
        {"title": "three", "expect": "nothing", "blocks": [{"times": 3, "transfers": [pay("5000")]}]},
    ],
}


def changed(**fields):
    return {**DOCUMENT, **fields}
