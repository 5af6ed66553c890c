"""How long the ledger's function takes until it can answer, beside one that does nothing.

Each start is a process of its own on this machine, with bytecode at hand as in the layer. What Lambda itself adds to a cold start
is in none of them, so it is the difference to the empty handler that the ledger is answerable for.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.function_urls import url_event

ROOT = Path(__file__).resolve().parent.parent
STARTS = 9

NAMES = (
    "JOURNAL_TABLE JOURNAL_BUCKET REGISTRY_TABLE PROJECTIONS_TABLE SESSIONS_TABLE EXPORTER_FUNCTION PUBLISHER_FUNCTION"
)
ENVIRONMENT = {
    **dict.fromkeys(NAMES.split(), "-"),
    "AWS_ACCESS_KEY_ID": "-",
    "AWS_SECRET_ACCESS_KEY": "-",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "PERMISSIONS_DEFAULT": "allow",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    "POWERTOOLS_METRICS_NAMESPACE": "counterfoil",
    "POWERTOOLS_SERVICE_NAME": "ledger_api",
    "PYTHONPATH": str(ROOT / "layers/counterfoil"),
}

EMPTY = "def handler(event, context):\n    return {}\n"

# Milliseconds: to import the door, then for each request.
PROGRAM = """
import contextlib, io, json, sys, time
began = time.perf_counter()
import app
times = [time.perf_counter() - began]
for event in json.load(sys.stdin):
    began = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        app.handler(event, None)
    times.append(time.perf_counter() - began)
print(json.dumps([1000 * each for each in times]))
"""


def starts(folder: Path, events: list[Any], **environ: str) -> list[float]:
    """The best of some starts: of the import and of each request."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    seen = []
    for _ in range(STARTS):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=folder,
            env={**clean, **ENVIRONMENT, **environ},
            input=json.dumps(events),
            capture_output=True,
            text=True,
            check=True,
        )
        seen.append(json.loads(done.stdout))
    return [min(times) for times in zip(*seen, strict=True)]


def requests() -> list[tuple[str, Any]]:
    json_headers = {"content-type": "application/json"}
    ledger = json.dumps({"Name": "bank", "PermissionsMode": "ALLOW_ALL"}).encode()
    asked = {"ledger": "bank", "statements": [{"statement": "CREATE TABLE T"}, {"statement": "INSERT INTO T {'a': 1}"}]}
    session_headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "QLDBSession.SendCommand"}
    start = b'{"StartSession": {"LedgerName": "bank"}}'
    return [
        ("GET /healthz", url_event("GET", "/healthz")),
        ("CreateLedger", url_event("POST", "/ledgers", ledger, json_headers)),
        ("StartSession", url_event("POST", "/", start, session_headers, encoded=True)),
        ("POST /transactions", url_event("POST", "/transactions", json.dumps(asked).encode(), json_headers)),
        ("the same warm", url_event("POST", "/", start, session_headers, encoded=True)),
    ]


def run() -> None:
    """Print milliseconds."""
    import tempfile

    door = ROOT / "functions/ledger_api"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "app.py").write_text(EMPTY)
        (empty,) = starts(folder, [])
    (on_aws,) = starts(door, [])
    asked = requests()
    in_memory, *firsts = starts(door, [event for _, event in asked], COUNTERFOIL_ADAPTERS="memory")
    print(f"cold start of the ledger's function, best of {STARTS}, in milliseconds")
    print(f"  import of an empty handler          {empty:8.1f}")
    print(f"  import of the door, with AWS clients{on_aws:8.1f}")
    print(f"  import of the door, over memory     {in_memory:8.1f}")
    for (title, _), first in zip(asked, firsts, strict=True):
        print(f"  {f'first {title}' if title != 'the same warm' else 'StartSession, warm':36}{first:8.1f}")


if __name__ == "__main__":
    run()
