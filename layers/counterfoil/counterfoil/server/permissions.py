"""What principals of IAM may do in ledgers: entries of the registry, each for a pattern of ARNs.

An entry allows actions on ledgers and tables as a key of a keys file does (``identities.py``); all that match a principal count. IAM
has said already that a principal may call the function at all. So one without any entry may do everything, unless the stack
says ``deny``: then it may use and administer ledgers of mode ALLOW_ALL, make new ones, and do nothing to those of mode STANDARD.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from counterfoil.errors import ForbiddenError, InputError
from counterfoil.ledger.registry import PermissionsMode, RegisteredLedger
from counterfoil.protocol.hosting import Caller
from counterfoil.server.identities import Identity, Permission, permission_of

# How long an instance goes on with what it read: a permission that is taken back ends within this time.
READ_EVERY_SECONDS: Final = 10.0

_LOGGER: Final = logging.getLogger(__name__)
_EVERYTHING: Final = (Permission(("*",)),)


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A principal that nobody said anything about, where that allows nothing in ledgers of mode STANDARD."""

    name: str
    registered: Callable[[str], RegisteredLedger | None]
    unrestricted: bool = False

    def check(self, action: str, ledger_name: str, /) -> None:
        ledger = self.registered(ledger_name) if ledger_name else None
        if ledger is not None and ledger.permissions_mode is PermissionsMode.STANDARD:
            raise ForbiddenError(f"User: {self.name} is not authorized to perform: {action} on ledger: {ledger_name}")

    def check_table(self, action: str, ledger_name: str, table_id: str, table_name: str | None, /) -> None:
        raise ForbiddenError(
            f"User: {self.name} is not authorized to perform: {action} on table: {table_name or table_id} of {ledger_name}"
        )


@dataclass(slots=True)
class PrincipalPermissions:
    """``read`` gives all entries: lists of permissions by the pattern of ARNs they are for. ``seconds`` never goes back."""

    read: Callable[[], Mapping[str, Any]]
    allow_by_default: bool
    registered: Callable[[str], RegisteredLedger | None]
    seconds: Callable[[], float]
    _entries: list[tuple[str, tuple[Permission, ...]]] = field(default_factory=list)
    _read_at: float | None = None

    def caller(self, principal_arn: str) -> Caller:
        now = self.seconds()
        if self._read_at is None or now - self._read_at >= READ_EVERY_SECONDS:
            self._entries = [(pattern, _allowed(pattern, document)) for pattern, document in self.read().items()]
            self._read_at = now
        matching = [permissions for pattern, permissions in self._entries if fnmatchcase(principal_arn, pattern)]
        if matching:
            return Identity(principal_arn, "", tuple(each for permissions in matching for each in permissions))
        if self.allow_by_default:
            return Identity(principal_arn, "", _EVERYTHING, unrestricted=True)
        return Unlisted(principal_arn, self.registered)


def _allowed(pattern: str, document: Any) -> tuple[Permission, ...]:
    """What an entry allows: nothing, where somebody has written what cannot be read."""
    try:
        return parse_permissions(document)
    except InputError as error:
        _LOGGER.warning("the permissions of %s allow nothing: %s", pattern, error)
        return ()


def parse_permissions(document: Any) -> tuple[Permission, ...]:
    """A list of permissions as a keys file has them; anything else is an ``InputError``."""
    if not isinstance(document, list):
        raise InputError("the permissions of a principal are a list")
    return tuple(map(permission_of, document))
