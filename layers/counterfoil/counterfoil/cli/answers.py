"""Answers of the control plane as commands print them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from counterfoil.cli.output import out, printable
from counterfoil.ion.values import IonTimestamp
from counterfoil.journal import Digest, parse_digest


def plain(answer: Any) -> Any:
    """An answer as JSON has it: bytes in base64, times in ISO 8601."""
    if isinstance(answer, IonTimestamp):
        answer = answer.to_datetime()
    if isinstance(answer, Mapping):
        return {name: plain(value) for name, value in answer.items()}
    if isinstance(answer, list | tuple):
        return [plain(value) for value in answer]
    if isinstance(answer, bytes):
        return base64.b64encode(answer).decode()
    if isinstance(answer, datetime):
        return answer.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return answer


def digest_of(answer: Mapping[str, Any]) -> Digest:
    """What GetDigest answered."""
    return parse_digest(plain(answer))


def show_members(members: Mapping[str, Any]) -> None:
    """A line for each member."""
    width = max(map(len, members), default=0)
    for name, value in members.items():
        text = ", ".join(f"{key}={each}" for key, each in value.items()) if isinstance(value, Mapping) else value
        out.print(printable(f"{name:{width}}  {text}"), markup=False, highlight=False, soft_wrap=True)
