"""Structs that are like others seen before, hashed by their pattern and its recipe (patterns.py, recipes.py).

For the documents of a table, whose names stand in one symbol table. What is kept is bounded, and so is what learning costs.
"""

from __future__ import annotations

from typing import Final

from counterfoil.errors import InputError
from counterfoil.ion.hashing import hash_of_ion
from counterfoil.ion.patterns import Pattern
from counterfoil.ion.reader import IonValue
from counterfoil.ion.recipes import Recipe

# Each is tried with a struct that is none of them. Documents of one table differ in the fields that they have and in their types.
MAX_PATTERNS: Final = 8
# A longer struct is walked, and costs no more than its length asks.
MAX_BODY_BYTES: Final = 8_192
# To learn costs about what a hundred hits spare. At first it is given, but a few times only: whoever makes up tables is given it with
# each of them.
_COST: Final = 128
_AT_FIRST: Final = 4 * _COST


class _PlainStruct:
    """The structs of one pattern. ``InputError`` where a struct cannot have one."""

    def __init__(self, value: IonValue, body: bytes) -> None:
        self._pattern = Pattern(value, body_alone=True)
        found = self._pattern.read(body)
        if found is None:
            raise InputError("a struct that is not written in the shortest way, or has a text that is not plain")
        self._recipe = Recipe(self._pattern.slots)
        self._whole = self._recipe.add(value)
        self._recipe.finish()
        self._flat = self._recipe.flat(self._whole, found[0])

    def hash_of(self, body: bytes) -> bytes | None:
        found = self._pattern.read(body)
        if found is None:
            return None
        if self._flat is not None:
            return self._flat.hash_of(found[0])
        return self._recipe.hashing(found[0]).hash_of(self._whole)


class KnownStructs:
    """The patterns of structs that were seen; those met last come first. All structs are under one symbol table."""

    __slots__ = ("_credit", "_known")

    def __init__(self) -> None:
        self._known: list[_PlainStruct] = []
        self._credit = _AT_FIRST

    def hash_of(self, value: IonValue, body: bytes) -> bytes:
        """Ion Hash of a struct; ``body`` is its body. What is malformed in it is an ``InputError``."""
        known = self._known
        if len(body) > MAX_BODY_BYTES:
            return hash_of_ion(value)
        for index, struct in enumerate(known):
            digest = struct.hash_of(body)
            if digest is not None:
                if index:
                    known[0], known[index] = struct, known[0]
                if self._credit < _AT_FIRST:
                    self._credit += 1
                return digest
        digest = hash_of_ion(value)
        if self._credit >= _COST:
            self._credit -= _COST
            self._learn(value, body, digest)
        return digest

    def _learn(self, value: IonValue, body: bytes, digest: bytes) -> None:
        """Keep the struct's pattern, if it has one, by which it has this hash."""
        try:
            struct = _PlainStruct(value, body)
            if struct.hash_of(body) != digest:
                return
        except InputError:
            return
        if len(self._known) < MAX_PATTERNS:
            self._known.append(struct)
        else:
            self._known[-1] = struct
