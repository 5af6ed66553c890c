"""Harnesses of what people and programs ask: rules, statements, requests of both protocols, and whole sessions of a driver."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import NamedTemporaryFile

from counterfoil.adapters.labelled_transfers import read_labelled, read_labels
from counterfoil.adapters.memory.ledger import MemoryLedger
from counterfoil.adapters.memory.registry import MemoryLedgerRegistry
from counterfoil.detection.rule import bind
from counterfoil.detection.rule_config import parse_rule_config
from counterfoil.detection.rule_document import parse_rule_document
from counterfoil.detection.rule_trial import try_rule
from counterfoil.detection.watch_list import parse_watch_list
from counterfoil.errors import CounterfoilError
from counterfoil.ledger.limits import QLDB_LIMITS
from counterfoil.ledger.registry import LedgerState, PermissionsMode, RegisteredLedger
from counterfoil.partiql.parser import parse_anew, parse_expression
from counterfoil.protocol.directory import Directory
from counterfoil.protocol.sessions import Sessions
from counterfoil.server.dispatch import (
    check_control_request,
    check_session_request,
    find_operation,
    read_session_command,
)
from counterfoil.server.function_url import read_event
from counterfoil.server.identities import ANYBODY, Identity, read_identities
from counterfoil.server.requests import Request
from counterfoil.server.sigv4 import Verifier
from counterfoil.server.transactions import read_request
from counterfoil.services.ledger import Ledger
from tests.fuzz.refusals import each_of

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STRAND = "0123456789abcdefABCDEF"
VERIFIER = Verifier({"TELLER": Identity("TELLER", "secret-of-teller", ())}, lambda: NOW)

# So many commands of one input are carried out: a driver's transaction has four or five.
MAX_COMMANDS = 20


def rule(data):
    """A rule as a document, with its tests; whatever else is configured in the same way."""
    text = data.decode("utf-8", "replace")
    each_of(
        lambda: try_rule(bind(parse_rule_document(text))),
        lambda: parse_rule_config(text),
        lambda: parse_watch_list(text),
    )


def partiql(data):
    text = data.decode("utf-8", "surrogateescape")
    each_of(lambda: parse_anew(text), lambda: parse_expression(text))


def transfers(data):
    """Transfers and labels as CSV, and the compressed form."""
    each_of(
        lambda: through_file(data, ".csv", lambda file: list(read_labelled(file))),
        lambda: through_file(data, ".csv", read_labels),
        lambda: through_file(data, ".xz", lambda file: list(read_labelled(file))),
    )


def identities(data):
    each_of(lambda: through_file(data, ".json", read_identities), lambda: through_file(data, ".toml", read_identities))


def through_file(data, suffix, read):
    with NamedTemporaryFile(suffix=suffix) as file:
        file.write(data)
        file.flush()
        return read(Path(file.name))


def http_request(data):
    """A request as a socket brings it: who signed it, and what it asks for."""
    request = request_of(data)
    each_of(
        lambda: VERIFIER.verify(request),
        lambda: check_session_request(request),
        lambda: check_control_request(request),
        lambda: find_operation(request),
        lambda: read_session_command(request),
    )


def request_of(data):
    """Method, path and query, and headers, a line each; then, behind an empty line, the body."""
    head, _, body = data.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    method, path, query = [*first.decode("latin-1").split(" ", 2), "", ""][:3]
    pairs = (line.partition(b":") for line in lines)
    return Request(method, path, query, [(name.lower(), value.strip()) for name, _, value in pairs], body)


def transaction(data):
    """A body of POST /transactions, and the same bytes as an event of a function URL."""
    each_of(lambda: read_request(data, QLDB_LIMITS), lambda: of_event(data))


def of_event(data):
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(event, dict):
        about = event.get("requestContext")
        read_event(event, about if isinstance(about, dict) else {})


@dataclass
class OneLedger:
    engine: Ledger

    def open(self, _):
        return self.engine


def session(data):
    """A driver's commands, a body of SendCommand in each line, to a server with one ledger: an answer or an error for each."""
    clock, numbers = lambda: NOW, count(1)
    ledger = Ledger("bank", MemoryLedger(STRAND, clock), clock, lambda: f"{next(numbers):022}", QLDB_LIMITS)
    registry = MemoryLedgerRegistry()
    registry.save(None, RegisteredLedger("bank", STRAND, NOW, LedgerState.ACTIVE, PermissionsMode.STANDARD))
    sessions = Sessions(
        Directory(registry, OneLedger(ledger)), QLDB_LIMITS, lambda: 0.0, lambda: f"token-{next(numbers)}"
    )
    for number, line in enumerate(data.split(b"\n")[:MAX_COMMANDS]):
        try:
            sessions.send(read_session_command(Request("POST", "/", "", (), line)), ANYBODY, f"request-{number}")
        except CounterfoilError as error:
            assert str(error)
            failed = error
        else:
            failed = None
    if failed is not None:
        raise failed
