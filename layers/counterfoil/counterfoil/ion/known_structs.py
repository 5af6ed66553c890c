"""Structs that are like others seen before, hashed from what is in the slots of a stencil (recipes.py).

For the documents of a table: their bodies have one length here, and one symbol table. What is kept is bounded, and so is what learning
costs.
"""

from __future__ import annotations

from typing import Final

from counterfoil.errors import InputError
from counterfoil.ion.hashing import PLAIN, hash_of_ion
from counterfoil.ion.reader import IonValue
from counterfoil.ion.recipes import Recipe
from counterfoil.ion.shapes import has_shape, scalars_of
from counterfoil.ion.stencils import Role, Slot, Stencil

# Each is tried with a struct that is none of them. Texts that share one length out among themselves in many ways make many.
MAX_STENCILS: Final = 4
# What is learned at first, and after how many more that fit one is learned again.
_AT_FIRST: Final = 8
_COST: Final = 16

_BOOL: Final = 1
_STRING: Final = 8
_STRUCT: Final = 13


class _PlainStruct:
    """The structs that one stencil fits. ``InputError`` where a struct cannot have one."""

    def __init__(self, value: IonValue, body: bytes, varying: frozenset[Role]) -> None:
        if not has_shape(value, PLAIN):
            raise InputError("a struct of more than plain scalars")
        alone = IonValue(body, 0, 0, len(body), _STRUCT, value.low, value.symbols)
        scalars = (scalar for scalar in scalars_of(alone) if scalar.kind != _BOOL)
        slots = [Slot(("at", index), each.body, each.end, each.kind) for index, each in enumerate(scalars)]
        # Of texts some are always the same, a status or a currency; which ones turns out.
        numbers = frozenset(slot.role for slot in slots if slot.kind != _STRING)
        self.stencil = Stencil(body, slots, numbers | varying)
        self._recipe = Recipe(self.stencil, {})
        self._whole = self._recipe.add(alone)
        self._recipe.finish()

    def hash_of(self, values: tuple[bytes, ...]) -> bytes | None:
        hashing = self._recipe.prepare(values)
        return None if hashing is None else hashing.hash_of(self._whole)


class KnownStructs:
    """The stencils of structs that were seen; those met last come first."""

    __slots__ = ("_credit", "_known")

    def __init__(self) -> None:
        self._known: list[_PlainStruct] = []
        self._credit = _AT_FIRST * _COST

    def hash_of(self, value: IonValue, body: bytes) -> bytes:
        """Ion Hash of a struct; ``body`` is its body. What is malformed in it is an ``InputError``."""
        known = self._known
        for index, struct in enumerate(known):
            values = struct.stencil.cut(body)
            if values is not None:
                if index:
                    known[0], known[index] = struct, known[0]
                if self._credit < _AT_FIRST * _COST:
                    self._credit += 1
                return struct.hash_of(values) or hash_of_ion(value)
        found = hash_of_ion(value)
        if self._credit >= _COST:
            self._credit -= _COST
            self._learn(value, body)
        return found

    def _learn(self, value: IonValue, body: bytes) -> None:
        try:
            struct = _PlainStruct(value, body, frozenset())
        except InputError:
            return
        for index, each in enumerate(self._known):
            if each.stencil.is_like(struct.stencil):
                self._known[index] = _PlainStruct(value, body, each.stencil.varying_with(body))
                return
        if len(self._known) < MAX_STENCILS:
            self._known.append(struct)
        else:
            self._known[-1] = struct
