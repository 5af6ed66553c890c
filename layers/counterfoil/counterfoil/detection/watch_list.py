"""Lists of names that rules look for: exactly, or within a few edits.

Names are compared in a common form: without case, accents, punctuation and the order of their words, so that ``Müller, Jürgen`` is
``JURGEN MULLER``. To find what is within k edits without comparing with every entry, each entry is cut into k + 1 pieces: what is
within k edits of it must hold one of them unchanged, at most k characters from its place (Li, Deng, Wang and Feng, "Pass-Join", 2011).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Final

from counterfoil.detection.parameters import Json, read_settings, refuse_unknown, text, whole
from counterfoil.detection.rule_document import canonical, parse_strict
from counterfoil.errors import InputError

# A list is one item of a table: 400 KB.
MAX_ENTRIES: Final = 5_000
MAX_LIST_CHARACTERS: Final = 200_000
MAX_ENTRY_CHARACTERS: Final = 128
MAX_EDITS: Final = 2

_PREFIX: Final = "list."


@dataclass(frozen=True)
class WatchList:
    """``id`` is ``list.<name>``. An instance keeps indexes of itself: make one per version and not per use."""

    id: str
    version: int
    owner: str
    entries: tuple[str, ...]
    _indexes: dict[int, dict[tuple[int, int, str], list[str]]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        return self.id.removeprefix(_PREFIX)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical document, in hex."""
        return sha256(canonical(self.render()).encode()).hexdigest()

    @cached_property
    def exact(self) -> Mapping[str, str]:
        """Entries by their common form."""
        return {common_form(each): each for each in self.entries}

    def render(self) -> dict[str, Json]:
        """The list as ``parse_watch_list`` takes it."""
        return {"id": self.id, "version": self.version, "owner": self.owner, "entries": list(self.entries)}

    def find(self, name: str) -> str | None:
        """The entry that has this name, in its common form."""
        return self.exact.get(common_form(name))

    def find_near(self, name: str, edits: int) -> tuple[str, int] | None:
        """The nearest entry of at most ``edits`` insertions, deletions and replacements, and how many; the first of equals."""
        wanted = common_form(name)
        if (same := self.exact.get(wanted)) is not None:
            return same, 0
        near = ((distance(wanted, each, edits), each) for each in self._candidates(wanted, edits))
        best = min(((found, each) for found, each in near if found is not None), default=None)
        return None if best is None else (self.exact[best[1]], best[0])

    def _candidates(self, wanted: str, edits: int) -> set[str]:
        index = self._index(edits)
        found: set[str] = set()
        for size in range(len(wanted) - edits, len(wanted) + edits + 1):
            for number, begin, end in _pieces(size, edits):
                for place in range(max(0, begin - edits), min(len(wanted) - (end - begin), begin + edits) + 1):
                    found.update(index.get((size, number, wanted[place : place + end - begin]), ()))
        return found

    def _index(self, edits: int) -> dict[tuple[int, int, str], list[str]]:
        """Entries by their length, and the number and text of each of their pieces."""
        if edits not in self._indexes:
            index: dict[tuple[int, int, str], list[str]] = {}
            for each in self.exact:
                for number, begin, end in _pieces(len(each), edits):
                    index.setdefault((len(each), number, each[begin:end]), []).append(each)
            self._indexes[edits] = index
        return self._indexes[edits]


@dataclass(frozen=True, slots=True)
class _Head:
    id: str = field(metadata=text(6, 80))
    version: int = field(metadata=whole(1, 1_000_000))
    owner: str = field(metadata=text(1, 120))


def parse_watch_list(given: str | Mapping[str, Json]) -> WatchList:
    """Read a list from JSON; ``InputError`` names what is wrong."""
    body = parse_strict(given, "the list", MAX_LIST_CHARACTERS) if isinstance(given, str) else given
    if not isinstance(body, Mapping):
        raise InputError(f"a list is an object, not {repr(body)[:80]}")
    refuse_unknown(body, dict.fromkeys(("id", "version", "owner", "entries")), "a list")
    missing = sorted({"id", "version", "owner", "entries"} - set(body))
    if missing:
        raise InputError(f"a list needs {', '.join(missing)}")
    head = read_settings(_Head, {name: body[name] for name in ("id", "version", "owner")}, "the list")
    if not head.id.startswith(_PREFIX):
        raise InputError(f"the list's id {head.id!r} does not begin with {_PREFIX}")
    entries = body["entries"]
    if not isinstance(entries, (list, tuple)) or len(entries) > MAX_ENTRIES:
        raise InputError(f"{head.id}: entries must be a list of at most {MAX_ENTRIES}")
    one = text(1, MAX_ENTRY_CHARACTERS)["kind"]
    read = [str(one.read(each, f"{head.id}: entries[{index}]")) for index, each in enumerate(entries)]
    empty = next((each for each in read if not common_form(each)), None)
    if empty is not None:
        raise InputError(f"{head.id}: {empty!r} has neither letters nor digits")
    return WatchList(head.id, head.version, head.owner, tuple(sorted(set(read))))


def common_form(name: str) -> str:
    """A name without case, accents and punctuation, its words in order."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    kept = "".join(each if each.isalnum() else " " for each in plain if not unicodedata.combining(each))
    return " ".join(sorted(kept.split()))


def distance(left: str, right: str, most: int) -> int | None:
    """Insertions, deletions and replacements that make one text of another; ``None`` where more than ``most`` are needed.

    Computes only the band of Levenshtein's table that can matter: len x (2 x most + 1) steps.
    """
    if abs(len(left) - len(right)) > most:
        return None
    beyond = most + 1
    row = [column if column <= most else beyond for column in range(len(right) + 1)]
    for number, letter in enumerate(left, start=1):
        first, last = max(1, number - most), min(len(right), number + most)
        new = [beyond] * (len(right) + 1)
        new[0] = number if number <= most else beyond
        for column in range(first, last + 1):
            replaced = row[column - 1] + (letter != right[column - 1])
            new[column] = min(replaced, row[column] + 1, new[column - 1] + 1, beyond)
        row = new
    return row[-1] if row[-1] <= most else None


def _pieces(size: int, edits: int) -> Iterator[tuple[int, int, int]]:
    """Number, begin and end of the ``edits`` + 1 pieces of a text of this size, the longer ones last."""
    short, longer = divmod(max(size, 0), edits + 1)
    begin = 0
    for number in range(edits + 1):
        end = begin + short + (number > edits - longer)
        yield number, begin, end
        begin = end
