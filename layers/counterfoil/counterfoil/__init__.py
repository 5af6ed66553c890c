"""Counterfoil: a ledger in which every entry can be proved, and a pipeline that checks every entry as it streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from counterfoil.embedded import EmbeddedLedger


def open(path: Any, *, create: bool = True) -> EmbeddedLedger:  # noqa: A001 - counterfoil.open reads as sqlite3.connect does
    """The ledger in a folder, made if it is not there: see ``embedded.open_ledger``.

    Imported when it is called: functions that only verify need none of it.
    """
    from counterfoil.embedded import open_ledger  # noqa: PLC0415

    return open_ledger(path, create=create)
