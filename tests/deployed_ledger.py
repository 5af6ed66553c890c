"""A deployed ledger as these tests use it: its control plane by AWS's client, transactions as JSON, both signed."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from contextlib import contextmanager

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from counterfoil.server.client_env import url_env
from lab.emulator import REGION
from lab.ledger_client import LedgerClient, control_plane
from lab.stack import TELLER

API = "LedgerApiFunction"


def variables(stack):
    """What points AWS's clients at a stack's ledger, as the teller."""
    keys = {"AWS_ACCESS_KEY_ID": TELLER.access_key_id, "AWS_SECRET_ACCESS_KEY": TELLER.secret}
    return {**url_env(stack.url(API), REGION), **keys}


@contextmanager
def created(stack, name, **settings):
    with LedgerClient.created(name, variables(stack), **settings) as ledger:
        yield ledger


@contextmanager
def existing(stack, name):
    """A ledger that is there already, as in a copied registry."""
    control = control_plane(variables(stack))
    try:
        yield LedgerClient(name, control, variables(stack))
    finally:
        control.close()


def transact(stack, ledger, *statements):
    """Run statements, each with its parameters, as one transaction; status and answer."""
    document = {
        "ledger": ledger,
        "statements": [{"statement": text, "parameters": list(given)} for text, *given in statements],
    }
    data, url = json.dumps(document).encode(), f"{stack.url(API)}/transactions"
    request = AWSRequest("POST", url, data=data, headers={"content-type": "application/json"})
    SigV4Auth(Credentials(TELLER.access_key_id, TELLER.secret), "lambda", REGION).add_auth(request)
    plain = urllib.request.Request(url, data, dict(request.headers), method="POST")
    try:
        with urllib.request.urlopen(plain, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())


def committed(stack, ledger, *statements):
    """The answer to a transaction that must be committed."""
    status, answer = transact(stack, ledger, *statements)
    assert status == 200, answer
    return answer


def items(stack, table):
    """Everything in a table, by the template's name for it."""
    pages = (
        stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.physical_id(table), ConsistentRead=True)
    )
    return [item for page in pages for item in page["Items"]]
