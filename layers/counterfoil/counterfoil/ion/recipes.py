"""Recipes: how parts of bytes that a stencil fits are hashed from what is in its slots.

Everything that the stencil covers was serialized when the recipe was made. What is left are *leaves*, fields of which the name or the
value varies: all of them are hashed in one go, and the digests of containers are put together from theirs.

Source: Ion Hash specification 1.0; ion/hashing.py does the same for any value, and one is held to the other
(tests/property/test_record_laws.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from counterfoil.errors import InputError
from counterfoil.ion.hashing import PLAIN, serialize
from counterfoil.ion.reader import IonValue, read_var_uint
from counterfoil.ion.stencils import NAME, Slot, picker
from counterfoil.ion.symbols import END, escape, serialize_symbol

_BOOL: Final = 1
_STRING: Final = 8
_LIST: Final = 11
_STRUCT: Final = 13

# How the serialization of a symbol begins, and with it the name of a field.
_NAME_BEGINS: Final = b"\x0b\x70"

# A field: its serialized name, or the place of its name among the values; and what is in it.
Field = tuple[bytes | int, IonValue]


class Part:
    """A container that varies. ``fixed`` are the digests of a struct's fields that do not.

    ``begin`` and ``end`` are those of its leaves among all. ``held`` are the containers in a struct that vary, by name; or
    everything in a list: bytes where it is always the same, a place among the values behind its prefix, or a container.
    """

    __slots__ = ("begin", "end", "fixed", "held", "is_list")

    def __init__(self, *, is_list: bool) -> None:
        self.is_list = is_list
        self.fixed: list[bytes] = []
        self.begin = self.end = 0
        self.held: list[tuple[bytes | int, Part | None]] = []


class Recipe:
    """Parts are added one by one; ``finish`` ends that. ``InputError`` where a part is malformed or cannot be one."""

    __slots__ = (
        "_heads",
        "_kinds",
        "_needed",
        "_others",
        "_pick_texts",
        "_pick_values",
        "_places",
        "_symbols",
        "_tails",
        "_values",
    )

    def __init__(self, slots: Sequence[Slot], symbols: dict[int, int] | None = None) -> None:
        """``slots`` are those whose bodies come first among the values; ``symbols`` has the places of names, by symbol id."""
        self._places = {slot.begin: place for place, slot in enumerate(slots) if slot.kind != NAME}
        self._kinds = [slot.kind for slot in slots]
        self._symbols = symbols or {}
        self._heads: list[bytes] = []
        self._values: list[int] = []
        self._tails: list[bytes] = []
        self._needed: set[int] = set()
        texts = [place for place, kind in enumerate(self._kinds) if kind in {NAME, _STRING}]
        self._pick_texts = picker(texts)
        self._pick_values = picker([])
        self._others: tuple[tuple[int, Callable[[bytes], bytes]], ...] = ()

    def add(self, value: IonValue) -> Part:
        """A struct that varies."""
        return self.add_struct(self._fields(value))

    def add_struct(self, fields: Iterable[Field]) -> Part:
        """A struct put together from values that stand elsewhere."""
        part = Part(is_list=False)
        inner: list[Field] = []
        part.begin = len(self._heads)
        for word, value in fields:
            if isinstance(word, bytes) and value.body in self._places:
                place = self._places[value.body]
                self._leaf(word + _begin_of(value.kind), place, END)
                self._needed.add(place)
            elif self._varies(value):
                inner.append((word, value))
            elif isinstance(word, bytes):
                part.fixed.append(sha256(word + serialize(value)).digest())
            else:
                self._leaf(_NAME_BEGINS, word, END + serialize(value))
        part.end = len(self._heads)
        for word, value in inner:
            if value.kind not in {_LIST, _STRUCT}:
                raise InputError("a field of which both the name and the value vary")
            part.held.append((word, self._list(value) if value.kind == _LIST else self.add(value)))
        return part

    def _list(self, value: IonValue) -> Part:
        part = Part(is_list=True)
        for item in value.items():
            if item.body in self._places:
                place = self._places[item.body]
                self._needed.add(place)
                part.held += ((_begin_of(item.kind), None), (place, None))
            elif not self._varies(item):
                part.held.append((serialize(item), None))
            else:
                part.held.append((b"", self._list(item) if item.kind == _LIST else self.add(item)))
        return part

    def _leaf(self, head: bytes, place: int, tail: bytes) -> None:
        self._heads.append(head)
        self._values.append(place)
        self._tails.append(tail)

    def finish(self) -> None:
        self._pick_values = picker(self._values)
        self._others = tuple(
            (place, PLAIN[self._kinds[place]])
            for place in sorted(self._needed)
            if self._kinds[place] not in {_BOOL, _STRING}
        )

    def prepare(self, values: Sequence[bytes]) -> Hashing | None:
        """What hashing the parts takes, from the values of all slots; ``None`` where a text is not plain.

        What is no value of its type is an ``InputError``.
        """
        text = b"".join(self._pick_texts(values))
        if not text.isascii() or 0x0B in text or 0x0C in text or 0x0E in text:
            return None
        return self.hashing(values)

    def hashing(self, values: Sequence[bytes]) -> Hashing:
        """As ``prepare``, where every text is known to be plain."""
        represented = list(values)
        for place, represent in self._others:
            represented[place] = represent(values[place])
        leaves = zip(self._heads, self._pick_values(represented), self._tails, strict=True)
        return Hashing(represented, [sha256(head + value + tail).digest() for head, value, tail in leaves])

    def flat(self, part: Part, values: Sequence[bytes]) -> FlatRecipe | None:
        """A recipe of the only part alone, if nothing but scalars varies in it; ``values`` are those of one such struct."""
        if part.held or part.is_list:
            return None
        represent = dict(self._others)
        leaves = zip(self._heads, self._values, strict=True)
        return FlatRecipe(part.fixed, [(head, place, represent.get(place)) for head, place in leaves], values)

    def _fields(self, value: IonValue) -> Iterable[Field]:
        position = value.body
        for name, field in value.each_field():
            symbol, begin = read_var_uint(value.buffer, position, value.end)
            if begin != field.position:
                raise InputError("a struct with padding")
            yield self._symbols.get(symbol, serialize_symbol(name)), field
            position = field.end

    def _varies(self, value: IonValue) -> bool:
        if value.body in self._places:
            return True
        if value.kind == _LIST:
            return any(map(self._varies, value.items()))
        if value.kind == _STRUCT:
            return any(isinstance(word, int) or self._varies(field) for word, field in self._fields(value))
        return False


def _begin_of(kind: int) -> bytes:
    """How a scalar's serialization begins; the value of a bool is its type, and all of it."""
    return b"\x0b" if kind == _BOOL else bytes([0x0B, kind << 4])


class Hashing:
    """The digests of leaves, from which any part is hashed."""

    __slots__ = ("_digests", "_values")

    def __init__(self, values: list[bytes], digests: list[bytes]) -> None:
        self._values = values
        self._digests = digests

    def hash_of(self, part: Part) -> bytes:
        """Ion Hash of a part."""
        return sha256(self._serialized(part)).digest()

    def _serialized(self, part: Part) -> bytes:
        values = self._values
        if part.is_list:
            return b"".join(
                (
                    b"\x0b\xb0",
                    *(
                        (word if isinstance(word, bytes) else values[word] + END)
                        if held is None
                        else self._serialized(held)
                        for word, held in part.held
                    ),
                    END,
                )
            )
        digests = part.fixed + self._digests[part.begin : part.end]
        for word, held in part.held:
            assert held is not None
            name = word if isinstance(word, bytes) else _NAME_BEGINS + values[word] + END
            digests.append(sha256(name + self._serialized(held)).digest())
        digests.sort()
        return b"\x0b\xd0" + escape(b"".join(digests)) + END


# How a leaf's serialization begins, the place of its value, and how that is brought to the form that Ion Hash wants, if it is no text.
_Leaf = tuple[bytes, int, Callable[[bytes], bytes] | None]


class _Split(NamedTuple):
    """The leaves that were the same in all structs so far, their values, and the digests of all that is; how the others are hashed."""

    same: Sequence[_Leaf]
    pick_same: Callable[[Sequence[bytes]], tuple[bytes, ...]]
    common: tuple[bytes, ...]
    digests: list[bytes]
    heads: Sequence[bytes]
    pick: Callable[[Sequence[bytes]], tuple[bytes, ...]]
    others: Sequence[tuple[int, Callable[[bytes], bytes]]]


class FlatRecipe:
    """A struct of scalars. The digests of texts that were the same in all structs so far are kept; one that changes is no more.

    Threads may share it: what belongs together is replaced together.
    """

    __slots__ = ("_fixed", "_leaves", "_split")

    def __init__(self, fixed: Sequence[bytes], leaves: Sequence[_Leaf], values: Sequence[bytes]) -> None:
        self._fixed = fixed
        self._leaves = leaves
        self._split = self._split_by([leaf for leaf in leaves if leaf[2] is None], values)

    def hash_of(self, values: Sequence[bytes]) -> bytes:
        """The struct's Ion Hash; its texts are known to be plain. What is no value of its type is an ``InputError``."""
        split = self._split
        if split.pick_same(values) != split.common:
            same = [leaf for leaf, body in zip(split.same, split.common, strict=True) if values[leaf[1]] == body]
            split = self._split = self._split_by(same, values)  # ever fewer, so this comes to an end
        _, _, _, known, heads, pick, others = split
        represented = list(values)
        for place, represent in others:
            represented[place] = represent(values[place])
        leaves = zip(heads, pick(represented), strict=True)
        digests = known + [sha256(head + value + END).digest() for head, value in leaves]
        digests.sort()
        return sha256(b"\x0b\xd0" + escape(b"".join(digests)) + END).digest()

    def _split_by(self, same: Sequence[_Leaf], values: Sequence[bytes]) -> _Split:
        rest = [leaf for leaf in self._leaves if leaf not in same]
        pick_same = picker([place for _, place, _ in same])
        digests = [sha256(head + values[place] + END).digest() for head, place, _ in same]
        return _Split(
            same,
            pick_same,
            pick_same(values),
            [*self._fixed, *digests],
            [head for head, _, _ in rest],
            picker([place for _, place, _ in rest]),
            [(place, represent) for _, place, represent in rest if represent is not None],
        )
