"""What happened on a session, as its log keeps it: enough to come to the same state again, anywhere.

A command is a function of the session's state, of the ledger at the transaction's snapshot, of its time, and of the ids and tokens
that it drew. The event of a command therefore holds the command with its time and what was drawn, and a fingerprint of the
answer, so that coming to another one is noticed.

Kinds: ``idle`` (no transaction is open), ``begun``, ``executed``, ``fetched``, ``committing`` (whether it came to that is in the
journal), ``nothing`` (a command that changed nothing), ``ended``. One binary Ion struct each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, NamedTuple

from counterfoil.errors import InputError, IntegrityError
from counterfoil.ion.codec import decode_datagram, encode
from counterfoil.ion.values import Value
from counterfoil.protocol.faults import ProtocolError

FINGERPRINT_BYTES: Final = 8


class Kind(StrEnum):
    IDLE = "idle"
    BEGUN = "begun"
    EXECUTED = "executed"
    FETCHED = "fetched"
    COMMITTING = "committing"
    NOTHING = "nothing"
    ENDED = "ended"

    @property
    def is_base(self) -> bool:
        """Whether nothing in front of it matters any more."""
        return self in {Kind.IDLE, Kind.BEGUN, Kind.ENDED}


class Failure(StrEnum):
    """How a statement failed that was carried out: ``UNAVAILABLE`` may not fail again, ``UNSEEN`` did so while rows were drawn."""

    REFUSED = "refused"
    FORBIDDEN = "forbidden"
    UNAVAILABLE = "unavailable"
    UNSEEN = "unseen"


class Header(NamedTuple):
    """What never changes about a session. ``strand_id`` tells its ledger from a later one of that name."""

    session_id: str
    ledger_name: str
    strand_id: str
    caller_name: str


@dataclass(frozen=True, slots=True)
class Happened:
    """One event. ``at_ms`` counts from 1970; ``command_id`` is the same where a client sends a command a second time.

    ``transaction_id`` and ``snapshot_no`` are of ``begun``; ``text`` and ``parameters`` of ``executed``; ``token`` is the page's that
    was fetched; ``digest`` the commit's. ``error`` is what an ``idle`` session's last transaction ended with, what was answered where
    something was forbidden, and how a session ended that was idle too long.
    """

    kind: Kind
    at_ms: int
    header: Header | None = None
    command_id: bytes = b""
    transaction_id: str = ""
    snapshot_no: int = -1
    text: str = ""
    parameters: tuple[Value, ...] = ()
    token: str = ""
    digest: bytes = b""
    ids: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    failure: Failure | None = None
    fingerprint: bytes = b""
    error: ProtocolError | None = None


_EMPTY: Final = Happened(Kind.NOTHING, 0)
# Short names for what every transaction writes several times.
_NAMES: Final[Mapping[str, str]] = {
    "kind": "k",
    "at_ms": "t",
    "header": "h",
    "command_id": "c",
    "transaction_id": "x",
    "snapshot_no": "s",
    "text": "q",
    "parameters": "p",
    "token": "f",
    "digest": "d",
    "ids": "i",
    "tokens": "n",
    "failure": "b",
    "fingerprint": "z",
    "error": "e",
}


def render_event(event: Happened) -> bytes:
    fields = {
        short: getattr(event, name) for name, short in _NAMES.items() if getattr(event, name) != getattr(_EMPTY, name)
    }
    fields["k"], fields["t"] = str(event.kind), event.at_ms
    if event.parameters:
        fields["p"] = [encode(each) for each in event.parameters]
    for name in "hin":
        if name in fields:
            fields[name] = list(fields[name])
    if event.failure is not None:
        fields["b"] = str(event.failure)
    if event.error is not None:
        error = event.error
        fields["e"] = [error.name, str(error), error.status, dict(error.members)]
    return encode(fields)


def parse_event(data: bytes) -> Happened:
    """Read what ``render_event`` wrote; anything else is an ``IntegrityError``: nobody but this service writes the log."""
    try:
        kept = decode_datagram(data)
        found: dict[str, Any] = {name: kept[short] for name, short in _NAMES.items() if short in kept}
        found["kind"] = Kind(found["kind"])
        if "header" in found:
            found["header"] = Header(*found["header"])
        if "parameters" in found:
            found["parameters"] = tuple(map(decode_datagram, found["parameters"]))
        for name in {"ids", "tokens"} & found.keys():
            found[name] = tuple(found[name])
        if "failure" in found:
            found["failure"] = Failure(found["failure"])
        if "error" in found:
            name, message, status, members = found["error"]
            found["error"] = ProtocolError(name, message, status, **members)
        return Happened(**found)
    except (InputError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise IntegrityError(f"an event of a session cannot be read: {error}") from None


def fingerprint_of(outcome: Mapping[str, Any] | ProtocolError) -> bytes:
    """What an answer with rows, or an error, is known again by."""
    known = sha256()
    if isinstance(outcome, ProtocolError):
        known.update(f"{outcome.name} {outcome}".encode(errors="surrogatepass"))
    else:
        page = outcome.get("FirstPage") or outcome["Page"]
        for each in page["Values"]:
            known.update(len(each["IonBinary"]).to_bytes(8))
            known.update(each["IonBinary"])
    return known.digest()[:FINGERPRINT_BYTES]
