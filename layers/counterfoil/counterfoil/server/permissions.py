"""What principals of IAM may do in ledgers: entries of the registry, each for a pattern of ARNs.

An entry allows actions on ledgers and tables as a key of a keys file does (``identities.py``); all that match a principal count.
A principal without an entry may use ledgers of mode ALLOW_ALL and the control plane, which IAM lets it reach; in a ledger of mode
STANDARD it may do nothing, or everything where the stack says ``allow``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from counterfoil.errors import InputError
from counterfoil.server.identities import Identity, Permission, permission_of

# How long an instance goes on with what it read: a permission that is taken back ends within this time.
READ_EVERY_SECONDS: Final = 30.0

_EVERYTHING: Final = (Permission(("*",)),)
# Without an entry: whatever is not a statement on a table.
_NO_STATEMENTS: Final = (Permission(("*",), ("*",), ()),)


@dataclass(slots=True)
class PrincipalPermissions:
    """``read`` gives all entries: lists of permissions by the pattern of ARNs they are for. ``seconds`` never goes back."""

    read: Callable[[], Mapping[str, Any]]
    allow_by_default: bool
    seconds: Callable[[], float] = time.monotonic
    _entries: list[tuple[str, tuple[Permission, ...]]] = field(default_factory=list)
    _read_at: float | None = None

    def identity(self, principal_arn: str) -> Identity:
        now = self.seconds()
        if self._read_at is None or now - self._read_at >= READ_EVERY_SECONDS:
            self._entries = [(pattern, parse_permissions(document)) for pattern, document in self.read().items()]
            self._read_at = now
        matching = [permissions for pattern, permissions in self._entries if fnmatchcase(principal_arn, pattern)]
        if matching:
            return Identity(principal_arn, "", tuple(each for permissions in matching for each in permissions))
        default = _EVERYTHING if self.allow_by_default else _NO_STATEMENTS
        return Identity(principal_arn, "", default)


def parse_permissions(document: Any) -> tuple[Permission, ...]:
    """A list of permissions as a keys file has them; anything else is an ``InputError``."""
    if not isinstance(document, list):
        raise InputError("the permissions of a principal are a list")
    return tuple(map(permission_of, document))
