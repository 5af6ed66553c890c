"""The clock of the machine, and its chance."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from counterfoil.ledger.ids import ID_BYTES, render_id


def system_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """An id by chance; nobody can guess it."""
    return render_id(secrets.token_bytes(ID_BYTES))
