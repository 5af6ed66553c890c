"""Shapes of structs: what structs of one kind have in common, so that the next one is hashed without being walked.

Documents of a table differ in their values and hardly ever in their fields. A *shape* is everything of a struct's bytes but
the values of its scalars: field names, types and lengths, at the places where they stand, nested structs included. It is
learned from a struct that was walked. Another struct whose bytes agree with it at every such place has the same fields, so
its values are cut out in one step, and each is brought to the form that Ion Hash wants by the same functions as in the walk.
A struct that agrees with no shape is walked. The two ways give the same hash or the same refusal
(tests/property/test_shape_laws.py).

Structs of plain scalars, and of such structs and lists, have shapes. They are kept by length, for all symbol tables together: every
block brings a table of its own, in which the names of a kind of struct mostly have the same numbers. For the hash each number's name
is looked up in the struct's own table; whoever goes by the names of a shape asks first whether they are the same there.

What is kept is bounded, and so is what learning costs: it is paid from what known shapes have spared, so that structs of which no two
are alike, or a hostile stream, soon cost nothing but their walk.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from counterfoil.errors import InputError
from counterfoil.ion.reader import read_var_uint
from counterfoil.ion.symbols import END, SymbolTable, escape

if TYPE_CHECKING:
    from counterfoil.ion.reader import IonValue

# Documents of one table have few lengths of values, but their combinations multiply. When there are too many, all are forgotten.
MAX_SHAPES: Final = 4_096
MAX_SHAPES_OF_A_LENGTH: Final = 16
MAX_SCALARS: Final = 128
MAX_DEPTH: Final = 8
MAX_STRUCT_BYTES: Final = 2_048

# Learning a shape costs about as much as a dozen hits spare; without hits, one miss in ``_COST`` is still learned from.
_COST: Final = 48
_PER_HIT: Final = 4
_MOST_CREDIT: Final = 512 * _COST

Represent = Callable[[bytes], bytes]

_BOOL: Final = 1
_STRING: Final = 8
_LIST: Final = 11
_STRUCT: Final = 13


class Part(NamedTuple):
    """A field of a shape that is a struct itself: its shape, which of the values are its own, and where it stands."""

    shape: Shape
    first: int
    end: int
    offset: int
    body_offset: int
    end_offset: int


class _Child(NamedTuple):
    """What a container holds: a scalar, at one place among the values, or a container (``shape``), at several.

    ``words`` are the places of its names among those of the whole, its own field name not counted, which is the one before.
    """

    prefix: bytes
    shape: Shape | None
    values: slice[int, int, None]
    words: slice[int, int, None]


class Shape:
    """The bytes between the values, how to cut the values out, and how to hash them.

    ``names`` and ``kinds`` (type codes) are those of the fields, in order; ``parts`` the nested structs by name and
    ``places`` the index of a scalar's value by name. Values are those of all scalars, nested ones included, in order. A list
    has a shape only inside a struct's.
    """

    __slots__ = (
        "_children", "_cut", "_flat", "_is_list", "_others", "_prefixes", "_skeleton", "_symbols", "_table", "_texts", "_words",
        "kinds", "names", "parts", "places",
    )  # fmt: skip

    def __init__(self, value: IonValue, represent: Mapping[int, Represent]) -> None:
        self._is_list = value.kind == _LIST
        fields = [("", item) for item in value.items()] if self._is_list else value.each_field()
        self.names = tuple(name for name, _ in fields)
        self.kinds = tuple(field.kind for _, field in fields)
        self.parts: dict[str, Part] = {}
        self.places: dict[str, int] = {}
        scalars, symbols = list(scalars_of(value)), list(symbols_of(value))
        self._children = self._place(fields, value.body, represent)
        self._flat = not self._is_list and all(child.shape is None for child in self._children)
        self._prefixes = tuple(child.prefix for child in self._children)
        sizes, self._skeleton = _frame(scalars, value)
        self._cut = struct.Struct(sizes).unpack_from
        # One more than there are, so that it gives a tuple always.
        self._symbols: Callable[[Any], Any] | None = itemgetter(*symbols, symbols[0]) if symbols else None
        self._table = value.symbols
        self._words = () if self._symbols is None else self._symbols(value.symbols.names)
        texts = [index for index, scalar in enumerate(scalars) if scalar.kind == _STRING]
        self._texts: Callable[[Any], Any] | None = itemgetter(*texts, *texts[:1]) if texts else None
        self._others = tuple(
            (index, represent[scalar.kind])
            for index, scalar in enumerate(scalars)
            if scalar.kind not in {_BOOL, _STRING}
        )

    def _place(
        self, fields: Sequence[tuple[str, IonValue]], origin: int, represent: Mapping[int, Represent]
    ) -> tuple[_Child, ...]:
        children, values, words = [], 0, 0
        for name, field in fields:
            words += not self._is_list
            if field.kind in {_STRUCT, _LIST}:
                shape = Shape(field, represent)
                own = slice(values, values + len(list(scalars_of(field))))
                own_words = slice(words, words + len(list(symbols_of(field))))
                children.append(_Child(b"", shape, own, own_words))
                if field.kind == _STRUCT:
                    offsets = (field.position - origin, field.body - origin, field.end - origin)
                    self.parts[name] = Part(shape, own.start, own.stop, *offsets)
                values, words = own.stop, own_words.stop
            else:
                self.places[name] = values
                children.append(_Child(_prefix(field), None, slice(values, values + 1), slice(words, words)))
                values += 1
        return tuple(children)

    def cut(self, buffer: bytes, body: int) -> Sequence[bytes] | None:
        """The values of the struct whose body begins there; ``None`` where it has another shape."""
        parts = self._cut(buffer, body)
        return parts[1::2] if parts[::2] == self._skeleton else None

    def has_names_under(self, symbols: SymbolTable) -> bool:
        """Whether the numbers in the bytes stand for the same names under this table as where the shape was learned."""
        if symbols is not self._table:
            try:
                if self._symbols is not None and self._symbols(symbols.names) != self._words:
                    return False
            except IndexError:
                return False
            self._table = symbols
        return True

    def hash_of(self, values: Sequence[bytes], symbols: SymbolTable) -> bytes | None:
        """Ion Hash of the struct with these values, its names being those of the table; the names need not be the known ones.

        ``None`` where a text is not plain or a name is not known, which the walk knows how to treat.
        """
        if self._texts is not None:
            text = b"".join(self._texts(values))
            if not text.isascii() or 0x0B in text or 0x0C in text or 0x0E in text:
                return None
        try:
            words = () if self._symbols is None else self._symbols(symbols.serialized)
        except IndexError:
            return None
        if b"" in words:
            return None
        values = list(values)
        for index, represent in self._others:
            values[index] = represent(values[index])
        return sha256(self._serialize(values, words)).digest()

    def _serialize(self, values: Sequence[bytes], words: Sequence[bytes]) -> bytes:
        """The serialization, from values in the form that Ion Hash wants."""
        if self._is_list:
            return b"".join((b"\x0b\xb0", *(_of_child(child, values, words) for child in self._children), END))
        if self._flat:
            fields = zip(words, self._prefixes, values, strict=False)
            digests = [sha256(word + prefix + value + END).digest() for word, prefix, value in fields]
        else:
            digests = [
                sha256(words[child.words.start - 1] + _of_child(child, values, words)).digest()
                for child in self._children
            ]
        digests.sort()
        return b"".join((b"\x0b\xd0", escape(b"".join(digests)), END))


def _of_child(child: _Child, values: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    if child.shape is None:
        return child.prefix + values[child.values.start] + END
    return child.shape._serialize(values[child.values], words[child.words])  # noqa: SLF001 - its own kind


class Shapes:
    """The shapes that were learned, by the length of a struct's body; those met often come first.

    Threads may share it: a list never gets shorter, and what one of them loses is learned again.
    """

    __slots__ = ("_by_length", "_count", "_credit")

    def __init__(self) -> None:
        self._by_length: dict[int, list[Shape]] = {}
        self._count = 0
        self._credit = _MOST_CREDIT

    def cut(self, buffer: bytes, body: int, end: int) -> tuple[Shape, Sequence[bytes]] | None:
        """The shape of the struct with this body, and its values; ``None`` where none is known."""
        known = self._by_length.get(end - body)
        if known is not None:
            for index, shape in enumerate(known):
                values = shape.cut(buffer, body)
                if values is not None:
                    if index:
                        known[0], known[index] = shape, known[0]
                    if self._credit < _MOST_CREDIT:
                        self._credit += _PER_HIT
                    return shape, values
        return None

    def learn(self, value: IonValue, represent: Mapping[int, Represent]) -> None:
        """Remember the shape of a struct that agrees with no known one, if it can have a shape and there is credit."""
        self._credit += 1
        size = value.end - value.body
        if self._credit < _COST or size > MAX_STRUCT_BYTES:
            return
        self._credit -= _COST
        try:
            plain = has_shape(value, represent)
        except (
            InputError
        ):  # a field of symbol zero has no name and yet a hash; whatever else is wrong, the walk says it
            return
        if plain:
            self._keep(size, Shape(value, represent))

    def _keep(self, size: int, shape: Shape) -> None:
        if self._count >= MAX_SHAPES:
            self._by_length, self._count = {}, 0
        known = self._by_length.setdefault(size, [])
        if len(known) < MAX_SHAPES_OF_A_LENGTH:
            known.append(shape)
            self._count += 1
        else:
            known[-1] = shape


def symbols_of(value: IonValue) -> Iterator[int]:
    """The numbers of a container's field names in order, those of nested containers behind the name of their field."""
    position = value.body
    for field in _held_by(value):
        if value.kind == _STRUCT:
            yield read_var_uint(value.buffer, position, value.end)[0]
        if field.kind in {_STRUCT, _LIST}:
            yield from symbols_of(field)
        position = field.end


def scalars_of(value: IonValue) -> Iterator[IonValue]:
    """The scalars of a container in order, those of nested containers among them."""
    for field in _held_by(value):
        if field.kind in {_STRUCT, _LIST}:
            yield from scalars_of(field)
        else:
            yield field


def _held_by(value: IonValue) -> Iterator[IonValue]:
    return value.items() if value.kind == _LIST else (field for _, field in value.each_field())


def has_shape(value: IonValue, represent: Mapping[int, Represent], at_most: int = MAX_SCALARS) -> bool:
    """Whether a struct is all plain scalars, and not more than that, in structs and lists; see ``_is_plain``."""
    return _is_plain(value, represent, MAX_DEPTH) and 0 < sum(1 for _ in scalars_of(value)) <= at_most


def _is_plain(value: IonValue, represent: Mapping[int, Represent], depth: int) -> bool:
    """Whether a value is without annotations, nulls, repeated names, padding and structs without fields."""
    if value.low == 15 or value.buffer[value.position] >= 0xE0:
        return False
    if value.kind not in {_STRUCT, _LIST}:
        return value.kind == _BOOL or value.kind in represent
    if value.kind == _STRUCT:
        names = [name for name, _ in value.each_field()]
        if not names or len(set(names)) != len(names):
            return False
    held = list(_held_by(value))
    return depth > 0 and not _is_padded(value, held) and all(_is_plain(each, represent, depth - 1) for each in held)


def _is_padded(value: IonValue, held: Sequence[IonValue]) -> bool:
    """Whether anything but what it holds stands in a container."""
    position = value.body
    for each in held:
        if value.kind == _STRUCT:
            position = read_var_uint(value.buffer, position, value.end)[1]
        if position != each.position:
            return True
        position = each.end
    return position != value.end


def _frame(scalars: Sequence[IonValue], container: IonValue) -> tuple[str, tuple[bytes, ...]]:
    """How to cut a container's body: sizes of what stands before, in and behind each value; and what stands between them."""
    sizes: list[int] = []
    skeleton: list[bytes] = []
    buffer, position = container.buffer, container.body
    for scalar in scalars:
        sizes += (scalar.body - position, scalar.end - scalar.body)
        skeleton.append(buffer[position : scalar.body])
        position = scalar.end
    sizes.append(container.end - position)
    skeleton.append(buffer[position : container.end])
    return "".join(f"{size}s" for size in sizes), tuple(skeleton)


def _prefix(field: IonValue) -> bytes:
    """How a scalar's serialization begins; a bool is all in its type."""
    return bytes([0x0B, field.kind << 4 | (field.low if field.kind == _BOOL else 0)])
