"""The ledgers that a service keeps, as its control plane describes them, and the names of its resources.

Source: the service model of ``qldb`` (2019-01-02) and docs/protocol.md, "Control plane".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple, Self

from counterfoil.errors import InputError

LEDGER_NAME: Final = re.compile(r"(?!.*--)(?![0-9]+\Z)(?!-)(?!.*-\Z)[A-Za-z0-9-]{1,32}")

# The quota of the service; more labels than that describe nothing.
MAX_TAGS: Final = 50


class LedgerState(StrEnum):
    """``CREATING`` and ``DELETING`` are left by themselves; what was cut off in one of them is finished at the next start."""

    CREATING = "CREATING"
    ACTIVE = "ACTIVE"
    DELETING = "DELETING"


class PermissionsMode(StrEnum):
    """``STANDARD`` checks each statement's actions on each table; ``ALLOW_ALL`` checks who may use the ledger at all."""

    ALLOW_ALL = "ALLOW_ALL"
    STANDARD = "STANDARD"


@dataclass(frozen=True, slots=True)
class RegisteredLedger:
    """A ledger as it is registered. ``ledger_id`` tells two ledgers apart that had one name after each other."""

    name: str
    ledger_id: str
    created_at: datetime
    state: LedgerState
    permissions_mode: PermissionsMode
    deletion_protection: bool = True
    kms_key_arn: str | None = None

    def __post_init__(self) -> None:
        check_ledger_name(self.name)


def check_ledger_name(name: str) -> str:
    """1 to 32 letters, digits and hyphens; not digits alone, no hyphen at an end, no two in a row."""
    if not LEDGER_NAME.fullmatch(name):
        raise InputError(f"{name[:80]!r} is not a name of a ledger: {check_ledger_name.__doc__}")
    return name


class ResourceArn(NamedTuple):
    """``arn:aws:qldb:<region>:<account>:ledger/<name>``, ``…:ledger/<name>/table/<id>`` or ``…:stream/<name>/<id>``.

    ``kind`` is ``ledger``, ``table`` or ``stream``; a ledger has no ``resource_id``.
    """

    kind: str
    ledger_name: str
    resource_id: str | None

    @classmethod
    def parse(cls, arn: str) -> Self:
        """Region and account are not compared: this service is in one place and belongs to whoever runs it."""
        found = re.fullmatch(
            r"arn:[\w-]+:qldb:[\w-]*:\d*:(?:ledger/([\w-]+)(?:/table/([\w-]+))?|stream/([\w-]+)/([\w-]+))", arn
        )
        if found is None:
            raise InputError(f"{arn[:200]!r} is not the ARN of a ledger, of a table or of a journal stream")
        ledger, table_id, streamed, stream_id = found.groups()
        if stream_id is not None:
            return cls("stream", streamed, stream_id)
        return cls("ledger" if table_id is None else "table", ledger, table_id)
