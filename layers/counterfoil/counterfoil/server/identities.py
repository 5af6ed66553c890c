"""Who may do what: access keys and what each is allowed, from a file.

A file of keys, as JSON or TOML::

    [[keys]]
    accessKeyId = "TELLER"
    secretAccessKey = "…"

    [[keys.allow]]
    actions = ["qldb:SendCommand", "qldb:PartiQLSelect", "qldb:PartiQLInsert"]
    ledgers = ["bank"]
    tables = ["Transfers"]

``*`` and ``?`` in a pattern stand for any text and any character. ``ledgers`` and ``tables`` are by default all. A table is named
by its name or its id; one that the same transaction creates has no name yet, and is matched by a pattern of all tables only.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from counterfoil.errors import ForbiddenError, InputError

# A file of keys larger than this is something else.
MAX_FILE_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Permission:
    """Patterns of the actions that are allowed on which ledgers and tables."""

    actions: tuple[str, ...]
    ledgers: tuple[str, ...] = ("*",)
    tables: tuple[str, ...] = ("*",)

    def allows(self, action: str, ledger_name: str) -> bool:
        return _matches(self.actions, action) and _matches(self.ledgers, ledger_name)

    def covers(self, table_id: str, table_name: str | None) -> bool:
        return _matches(self.tables, table_id) or (table_name is not None and _matches(self.tables, table_name))


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """An access key and what it may do. Its secret is shown nowhere."""

    name: str
    secret: str
    permissions: tuple[Permission, ...]
    unrestricted: bool = False

    def check(self, action: str, ledger_name: str, /) -> None:
        if not self.unrestricted and not any(each.allows(action, ledger_name) for each in self.permissions):
            raise ForbiddenError(
                f"User: {self.name} is not authorized to perform: {action} on ledger: {ledger_name or '*'}"
            )

    def check_table(self, action: str, ledger_name: str, table_id: str, table_name: str | None, /) -> None:
        allowing = (each for each in self.permissions if each.allows(action, ledger_name))
        if not any(each.covers(table_id, table_name) for each in allowing):
            raise ForbiddenError(
                f"User: {self.name} is not authorized to perform: {action} on table: {table_name or table_id}"
            )


# Whoever calls a server that was started without keys.
ANYBODY: Final = Identity("", "", (Permission(("*",)),), unrestricted=True)


def read_identities(path: Path) -> Mapping[str, Identity]:
    """Identities by access key id; a file that says anything else is an ``InputError``."""
    try:
        data = path.read_bytes()[: MAX_FILE_BYTES + 1]
        document = tomllib.loads(data.decode()) if path.suffix == ".toml" else json.loads(data)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no file of keys: {error}") from None
    if len(data) > MAX_FILE_BYTES:
        raise InputError(f"{path} has more than {MAX_FILE_BYTES} bytes")
    try:
        identities = [_identity(each) for each in _items(document, "keys")]
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    found = {each.name: each for each in identities}
    if not found or len(found) != len(identities):
        raise InputError(f"{path}: a file of keys has at least one key, and each accessKeyId once")
    return found


def _identity(document: Any) -> Identity:
    name, secret = _text(document, "accessKeyId"), _text(document, "secretAccessKey")
    return Identity(name, secret, tuple(permission_of(each) for each in _items(document, "allow")))


def permission_of(document: Any) -> Permission:
    """One permission as a keys file has it; anything else is an ``InputError``."""
    if not isinstance(document, dict):
        raise InputError("'actions' must be a list: a permission has actions, ledgers and tables")
    unknown = document.keys() - {"actions", "ledgers", "tables"}
    if unknown:
        raise InputError(f"{min(unknown)!r} is not known; a permission has actions, ledgers and tables")
    return Permission(*(_patterns(document, name) for name in ("actions", "ledgers", "tables")))


def _patterns(document: Any, name: str) -> tuple[str, ...]:
    patterns = _items(document, name) if name in document or name == "actions" else ["*"]
    if not patterns or not all(isinstance(each, str) and each for each in patterns):
        raise InputError(f"{name!r} must be a list of patterns")
    return tuple(patterns)


def _items(document: Any, name: str) -> list[Any]:
    items = document.get(name) if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise InputError(f"{name!r} must be a list")
    return items


def _text(document: Any, name: str) -> str:
    text = document.get(name) if isinstance(document, dict) else None
    if not isinstance(text, str) or not text:
        raise InputError(f"a key needs {name!r}")
    return text


def _matches(patterns: Iterable[str], text: str) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)
