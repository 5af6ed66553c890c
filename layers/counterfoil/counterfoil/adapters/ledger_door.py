"""Documents into a stack's own ledgers through their function's URL, as any other caller: signed, and subject to its permissions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session

from counterfoil.desk_ports import LedgerDoor
from counterfoil.errors import InputError, UnavailableError
from counterfoil.ledger.registry import LedgerState
from counterfoil.ports import LedgerRegistry

# What a function's URL is signed for.
SERVICE: Final = "lambda"
PATH: Final = "/transactions"
PAGE: Final = 100

# The key was used for another document: what was to be written follows from the key, so this is for a person to look at.
_KEY_TAKEN: Final = 422


@dataclass(frozen=True, slots=True)
class UrlLedgerDoor(LedgerDoor):
    """``url`` is the ledger's, as the stack's output LedgerUrl; ``http`` sends requests."""

    registry: LedgerRegistry
    url: str
    region: str
    credentials: Credentials
    http: URLLib3Session

    def ledger_of(self, strand_id: str, /) -> str | None:
        after = ""
        while page := self.registry.ledgers(after, PAGE):
            for each in page:
                if each.ledger_id == strand_id and each.state is LedgerState.ACTIVE:
                    return each.name
            after = page[-1].name
        return None

    def insert(self, ledger_name: str, table: str, document: Mapping[str, Any], key: str, /) -> str:
        statement = {"statement": f'INSERT INTO "{table}" ?', "parameters": [dict(document)]}
        body = {"ledger": ledger_name, "statements": [statement], "idempotencyKey": key}
        status, answer = self._post(json.dumps(body).encode())
        if status == 200:
            return str(answer["transactionId"])
        what = f"{ledger_name} did not take a document of {table}: {status} {str(answer.get('detail', ''))[:300]}"
        if status == _KEY_TAKEN:
            raise InputError(what)
        raise UnavailableError(what)

    def _post(self, body: bytes) -> tuple[int, Mapping[str, Any]]:
        url = self.url.rstrip("/") + PATH
        headers = {"content-type": "application/json", "host": urlsplit(url).netloc}
        request = AWSRequest("POST", url, headers=headers, data=body)
        SigV4Auth(self.credentials, SERVICE, self.region).add_auth(request)
        try:
            answer = self.http.send(request.prepare())
            document = json.loads(answer.content)
        except (BotoCoreError, ValueError) as error:
            raise UnavailableError(f"the ledger at {self.url} did not answer: {error}"[:500]) from error
        return answer.status_code, document if isinstance(document, Mapping) else {}


def url_ledger_door(registry: LedgerRegistry, url: str, region: str) -> UrlLedgerDoor:
    """With the credentials of this process."""
    import botocore.session  # noqa: PLC0415 - it finds credentials, which tests bring themselves

    credentials = botocore.session.get_session().get_credentials()
    if credentials is None:
        raise UnavailableError("there are no credentials to sign requests to the ledger with")
    return UrlLedgerDoor(registry, url, region, credentials, URLLib3Session(timeout=20))
