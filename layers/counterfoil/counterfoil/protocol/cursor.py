"""The rows of one statement, handed out page by page as they are asked for."""

from __future__ import annotations

from typing import Final, NamedTuple

from counterfoil.ion.codec import encode
from counterfoil.protocol.hosting import Results

# QLDB's own page size is not known (docs/protocol.md, "Pages"). A page is what a client holds at once: few round trips for
# rows of a usual size, and bounded memory on both sides for large ones.
PAGE_VALUES: Final = 200
PAGE_BYTES: Final = 1024 * 1024


class Page(NamedTuple):
    """Rows as binary Ion. ``read_ios`` and ``write_ios`` count documents for this page, ``more`` says whether another follows."""

    values: tuple[bytes, ...]
    read_ios: int
    write_ios: int
    more: bool


class Cursor:
    """Draws one row ahead, so that a page which is the last says so and none is empty but the only one.

    ``changes`` of statements that change something answer one row for each document or table that they changed.
    """

    def __init__(self, results: Results, *, changes: bool) -> None:
        self._results = results
        self._changes = changes
        self._ahead: bytes | None = None
        self._begun = False
        self._counted_ios = 0

    def page(self) -> Page:
        """The next page: at least one row if there is one, however large."""
        values: list[bytes] = []
        size = 0
        row = self._ahead if self._begun else self._draw()
        self._begun = True
        while row is not None and (not values or (len(values) < PAGE_VALUES and size + len(row) <= PAGE_BYTES)):
            values.append(row)
            size += len(row)
            row = self._draw()
        self._ahead = row
        read_ios, self._counted_ios = self._results.read_ios - self._counted_ios, self._results.read_ios
        return Page(tuple(values), read_ios, len(values) if self._changes else 0, row is not None)

    def _draw(self) -> bytes | None:
        for value in self._results:
            return encode(value)
        return None
