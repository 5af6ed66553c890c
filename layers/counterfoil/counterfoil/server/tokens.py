"""Tokens of sessions and pages."""

from __future__ import annotations

import base64
import secrets


def new_token() -> str:
    """A token of 32 random bytes; nobody can guess it."""
    return base64.b64encode(secrets.token_bytes(32)).decode()
