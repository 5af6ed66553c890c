"""Shapes of structs: what structs of one kind have in common, so that the next one is hashed without being walked.

Documents of a table differ in their values and hardly ever in their fields. A *shape* is everything of a struct's bytes but
the values of its scalars: field names, types and lengths, at the places where they stand, nested structs included. It is
learned from a struct that was walked. Another struct whose bytes agree with it at every such place has the same fields, so
its values are cut out in one step, and each is brought to the form that Ion Hash wants by the same functions as in the walk.
A struct that agrees with no shape is walked. The two ways give the same hash or the same refusal
(tests/property/test_shape_laws.py).

Structs of plain scalars and of such structs have shapes; a symbol table keeps a bounded number of them, and only once it was
met before.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from counterfoil.errors import InputError
from counterfoil.ion.symbols import END, escape, serialize_symbol

if TYPE_CHECKING:
    from counterfoil.ion.reader import IonValue

# Kept per symbol table. Documents of one table have few lengths of values, but their combinations multiply.
MAX_SHAPES: Final = 512
MAX_FIELDS: Final = 64
MAX_DEPTH: Final = 8
MAX_STRUCT_BYTES: Final = 2_048

Represent = Callable[[bytes], bytes]

_BOOL: Final = 1
_STRING: Final = 8
_STRUCT: Final = 13


class Part(NamedTuple):
    """A field of a shape that is a struct itself: its shape, which of the values are its own, and where it stands."""

    shape: Shape
    first: int
    end: int
    offset: int
    body_offset: int
    end_offset: int


class Shape:
    """The bytes between the values, how to cut the values out, and how to hash them.

    ``names`` and ``kinds`` (type codes) are those of the fields, in order; ``parts`` the nested structs by name and
    ``places`` the index of a scalar's value by name. Values are those of all scalars, nested ones included, in order.
    """

    __slots__ = ("_cut", "_others", "_prefixes", "_skeleton", "_texts", "kinds", "names", "parts", "places", "size")

    def __init__(self, value: IonValue, represent: Mapping[int, Represent]) -> None:
        fields = value.each_field()
        self.names = tuple(name for name, _ in fields)
        self.kinds = tuple(field.kind for _, field in fields)
        self.parts: dict[str, Part] = {}
        self.places: dict[str, int] = {}
        scalars = self._place(fields, value.body, represent)
        sizes, skeleton = _frame(scalars, value.body, value.end)
        self.size = len(scalars)
        self._cut = struct.Struct(sizes).unpack_from
        self._skeleton = skeleton
        self._prefixes = tuple(_prefix(name, field) for name, field in fields)
        texts = [index for index, scalar in enumerate(scalars) if scalar.kind == _STRING]
        self._texts: Callable[[Any], Any] | None = itemgetter(*texts, *texts[:1]) if texts else None
        self._others = tuple(
            (index, represent[scalar.kind])
            for index, scalar in enumerate(scalars)
            if scalar.kind not in {_BOOL, _STRING}
        )

    def _place(
        self, fields: Sequence[tuple[str, IonValue]], origin: int, represent: Mapping[int, Represent]
    ) -> list[IonValue]:
        scalars: list[IonValue] = []
        for name, field in fields:
            first = len(scalars)
            if field.kind == _STRUCT:
                shape = Shape(field, represent)
                scalars += scalars_of(field)
                offsets = (field.position - origin, field.body - origin, field.end - origin)
                self.parts[name] = Part(shape, first, len(scalars), *offsets)
            else:
                self.places[name] = first
                scalars.append(field)
        return scalars

    def cut(self, buffer: bytes, body: int) -> Sequence[bytes] | None:
        """The values of the struct whose body begins there; ``None`` where it has another shape."""
        parts = self._cut(buffer, body)
        return parts[1::2] if parts[::2] == self._skeleton else None

    def hash_of(self, values: Sequence[bytes]) -> bytes | None:
        """Ion Hash of the struct with these values; ``None`` where a text is not plain, which the walk knows how to treat."""
        if self._texts is not None:
            text = b"".join(self._texts(values))
            if not text.isascii() or 0x0B in text or 0x0C in text or 0x0E in text:
                return None
        values = list(values)
        for index, represent in self._others:
            values[index] = represent(values[index])
        return sha256(self._serialize(values)).digest()

    def _serialize(self, values: Sequence[bytes]) -> bytes:
        """The struct's serialization, from values in the form that Ion Hash wants."""
        if self.parts:
            values = [*self._fields(values)]
        digests = [sha256(prefix + value + END).digest() for prefix, value in zip(self._prefixes, values, strict=True)]
        digests.sort()
        return b"\x0b\xd0" + escape(b"".join(digests)) + END

    def _fields(self, values: Sequence[bytes]) -> Iterator[bytes]:
        """Per field, what stands between its prefix and the end marker: a value, or a nested struct's inside."""
        for name in self.names:
            part = self.parts.get(name)
            if part is None:
                yield values[self.places[name]]
            else:
                yield part.shape._serialize(values[part.first : part.end])[2:-1]  # noqa: SLF001 - its own kind


def learn(value: IonValue, represent: Mapping[int, Represent]) -> None:
    """Remember the shape of a struct that agrees with no known one, if it can have a shape."""
    symbols = value.symbols
    size = value.end - value.body
    if symbols.met < 2 or symbols.shape_count >= MAX_SHAPES or size > MAX_STRUCT_BYTES:
        return
    try:
        has_shape = _has_shape(value, represent, MAX_DEPTH)
    except InputError:  # a field of symbol zero has no name and yet a hash; whatever else is wrong, the walk says it
        return
    if has_shape:
        symbols.shapes.setdefault(size, []).append(Shape(value, represent))
        symbols.shape_count += 1


def scalars_of(value: IonValue) -> Iterator[IonValue]:
    """The scalars of a struct in order, those of nested structs among them."""
    for _, field in value.each_field():
        if field.kind == _STRUCT:
            yield from scalars_of(field)
        else:
            yield field


def _has_shape(value: IonValue, represent: Mapping[int, Represent], depth: int) -> bool:
    """Whether all of a struct is plain scalars and such structs, without annotations, nulls, repeated names or padding."""
    fields = value.each_field()
    plain = 0 < len(fields) <= MAX_FIELDS and len({name for name, _ in fields}) == len(fields) and depth > 0
    return plain and all(_is_plain(field, represent, depth) for _, field in fields)


def _is_plain(field: IonValue, represent: Mapping[int, Represent], depth: int) -> bool:
    if field.low == 15 or field.buffer[field.position] >= 0xE0:
        return False
    if field.kind == _STRUCT:
        return _has_shape(field, represent, depth - 1)
    return field.kind == _BOOL or field.kind in represent


def _frame(scalars: Sequence[IonValue], body: int, end: int) -> tuple[str, tuple[bytes, ...]]:
    """How to cut a struct's body: sizes of what stands before, in and behind each value; and what stands between them."""
    sizes: list[int] = []
    skeleton: list[bytes] = []
    position = body
    for scalar in scalars:
        sizes += (scalar.body - position, scalar.end - scalar.body)
        skeleton.append(scalar.buffer[position : scalar.body])
        position = scalar.end
    sizes.append(end - position)
    skeleton.append(scalars[0].buffer[position:end])
    return "".join(f"{size}s" for size in sizes), tuple(skeleton)


def _prefix(name: str, field: IonValue) -> bytes:
    """A field's serialization up to its value; a bool is all in its type."""
    return serialize_symbol(name) + bytes([0x0B, field.kind << 4 | (field.low if field.kind == _BOOL else 0)])
