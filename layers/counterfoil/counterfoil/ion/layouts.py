"""Layouts: a struct taken apart into scalars and names in one step, and what stands in it hashed from those.

A *layout* is what structs as large as a block have in common whatever the lengths of their values: names, types and nesting. It is
learned from one such struct. From the bodies of the scalars of another, in the order in which they stand, and its names, parts of it
are hashed all at once. ``take_apart`` walks a struct for them; a *frame*, which is learned too, cuts them out of structs in which
every value has the same length as well.

Only plain structs have layouts: no annotations, nulls, symbols, padding, empty structs or repeated names.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from operator import itemgetter
from typing import Any, Final, NamedTuple

from counterfoil.errors import InputError
from counterfoil.ion.hashing import PLAIN
from counterfoil.ion.reader import IonValue
from counterfoil.ion.shapes import has_shape, scalars_of, symbols_of
from counterfoil.ion.symbols import END, SymbolTable, escape, symbol_of

# A block of QLDB has at most 40 documents; of a dozen fields each, and what is said of them, that is less.
MAX_SCALARS: Final = 2_048
MAX_STRUCT_BYTES: Final = 65_536

_BOOL: Final = 1
_STRING: Final = 8
_LIST: Final = 11
_STRUCT: Final = 13


class Node:
    """A struct or list of a layout: its scalars by their number among all of the layout's, what it holds by name, or in order.

    ``places`` gives the number of the field names among all names. ``begin`` and ``end`` are set for what is hashed: where the digests
    of a struct's scalars stand among those of all structs that are.
    """

    __slots__ = ("begin", "end", "held", "is_list", "names", "places")

    def __init__(self, *, is_list: bool) -> None:
        self.is_list = is_list
        self.names: list[str] = []
        self.places: list[int] = []
        self.held: list[Node | int] = []
        self.begin = self.end = 0

    def field(self, name: str) -> Node | int | None:
        return self.held[self.names.index(name)] if name in self.names else None

    @property
    def scalars(self) -> list[int]:
        return [each for each in self.held if not isinstance(each, Node)]

    @property
    def nodes(self) -> list[Node]:
        return [each for each in self.held if isinstance(each, Node)]


class Layout:
    """What structs of one kind have in common. ``names`` and ``kinds`` (type codes) are those of all names and scalars, in order.

    ``free`` are the numbers of names that may be others than in the struct it was learned from, ``hashed`` the structs that
    ``digests`` prepares for ``hash_of``.
    """

    def __init__(self, value: IonValue) -> None:
        scalars, symbols = list(scalars_of(value)), list(symbols_of(value))
        self.kinds = tuple(scalar.kind for scalar in scalars)
        self.names: tuple[Any, ...] = tuple(value.symbols.names[symbol] for symbol in symbols)
        self.root = _tree(value, iter(range(len(scalars))), iter(range(len(symbols))))
        self.prefixes = tuple(_prefix(scalar) for scalar in scalars)
        self._symbols = _getter(symbols)
        self._texts = _getter([index for index, kind in enumerate(self.kinds) if kind == _STRING])
        self._others: tuple[tuple[int, Callable[[bytes], bytes]], ...] = ()
        self.free: list[int] = []
        self._fixed = _getter(range(len(symbols)))
        self._fixed_names = self._fixed(self.names)
        self._words = [symbol_of(name.encode()).serialized for name in self.names]
        self._leaf_words = self._leaf_values = self._leaf_prefixes = _getter([])
        self._begins: tuple[bytes, ...] = ()

    def prepare(self, free: Sequence[int], hashed: Sequence[Node], alone: Sequence[int] = ()) -> None:
        """Say which names are free, which structs are to be hashed, and which scalars by themselves."""
        words: list[int] = []
        values: list[int] = []
        listed: list[int] = []
        for node in hashed:
            _collect(node, words, values, listed)
        self._leaf_words, self._leaf_values = _getter(words), _getter(values)
        self._begins = tuple(self.prefixes[value] for value in values)
        needed = {*values, *listed, *alone}
        self._others = tuple(
            (index, PLAIN[kind])
            for index, kind in enumerate(self.kinds)
            if index in needed and kind not in {_BOOL, _STRING}
        )
        self.free = list(free)
        others = set(free)
        self._fixed = _getter([index for index in range(len(self.names)) if index not in others])
        self._fixed_names = self._fixed(self.names)

    def free_names(self, table: SymbolTable) -> list[str] | None:
        """The free names of a struct whose names have these numbers; ``None`` where its other names are others."""
        names = self._names_under(table)
        if names is None or self._fixed(names) != self._fixed_names:
            return None
        free = [names[index] for index in self.free]
        return None if None in free else free

    def _names_under(self, table: SymbolTable) -> Sequence[Any] | None:
        try:
            return tuple(self._symbols(table.names))
        except IndexError:
            return None

    def digests(self, values: Sequence[bytes], free: Sequence[str]) -> Hashing | None:
        """What hashing its parts takes; ``None`` where a text is not plain, which the walk knows how to treat.

        What is no value of its type is an ``InputError``.
        """
        text = b"".join(self._texts(values))
        if not text.isascii() or 0x0B in text or 0x0C in text or 0x0E in text:
            return None
        represented = list(values)
        for index, represent in self._others:
            represented[index] = represent(values[index])
        words = list(self._words)
        for index, name in zip(self.free, free, strict=True):
            words[index] = symbol_of(name.encode()).serialized
        leaves = zip(self._leaf_words(words), self._begins, self._leaf_values(represented), strict=False)
        digests = [sha256(word + prefix + value + END).digest() for word, prefix, value in leaves]
        return Hashing(self, represented, words, digests)


class Hashing:
    """The digests of a struct's fields, from which any of its hashed parts is hashed."""

    __slots__ = ("_digests", "_layout", "_values", "_words")

    def __init__(self, layout: Layout, values: list[bytes], words: list[bytes], digests: list[bytes]) -> None:
        self._layout = layout
        self._values = values
        self._words = words
        self._digests = digests

    def hash_of(self, node: Node) -> bytes:
        """Ion Hash of a hashed part."""
        return sha256(self.serialized(node)).digest()

    def digest_of_field(self, name: bytes, node: Node | int) -> bytes:
        """The digest of a part, or of a scalar, as the field of a struct by this serialized name."""
        return sha256(name + (self.serialized(node) if isinstance(node, Node) else self._scalar(node))).digest()

    def serialized(self, node: Node) -> bytes:
        if node.is_list:
            items = [self.serialized(each) if isinstance(each, Node) else self._scalar(each) for each in node.held]
            return b"".join((b"\x0b\xb0", *items, END))
        digests = self._digests[node.begin : node.end]
        if len(digests) != len(node.held):
            words = self._words
            digests += [
                sha256(words[place] + self.serialized(each)).digest()
                for place, each in zip(node.places, node.held, strict=True)
                if isinstance(each, Node)
            ]
        digests.sort()
        return b"\x0b\xd0" + escape(b"".join(digests)) + END

    def _scalar(self, index: int) -> bytes:
        return self._layout.prefixes[index] + self._values[index] + END


class Frame:
    """How scalars are cut out of structs of one size, and what must stand between them: what says that they are structs, too."""

    __slots__ = ("_cut", "_skeleton")

    def __init__(self, value: IonValue, begins: Sequence[int], bodies: Sequence[bytes]) -> None:
        sizes: list[int] = []
        skeleton: list[bytes] = []
        position = value.position
        for begin, body in zip(begins, bodies, strict=True):
            sizes += (begin - position, len(body))
            skeleton.append(value.buffer[position:begin])
            position = begin + len(body)
        self._cut = struct.Struct("".join(f"{size}s" for size in (*sizes, value.end - position))).unpack_from
        self._skeleton = (*skeleton, value.buffer[position : value.end])

    def cut(self, value: IonValue) -> Sequence[bytes] | None:
        """The scalars' bodies of a value of this size, from its type on; ``None`` where it has another frame."""
        parts = self._cut(value.buffer, value.position)
        return parts[1::2] if parts[::2] == self._skeleton else None


class Taken(NamedTuple):
    """A struct taken apart: what it has in common with others of its layout, and where its scalars' bodies begin, and they."""

    signature: bytes
    begins: list[int]
    bodies: list[bytes]


def take_apart(value: IonValue) -> Taken | None:
    """A plain struct's scalars; ``None`` for every other, which may be malformed as well."""
    if value.kind != _STRUCT or value.low in {1, 15} or value.buffer[value.position] >= 0xE0:
        return None
    try:
        return _taken(value.buffer, value.body, value.end)
    except IndexError:
        return None


def _taken(buffer: bytes, position: int, end: int) -> Taken | None:  # noqa: C901, PLR0912 - one loop over all bytes, without frames
    """The signature has each name's number and each type as they come, and a zero where a container ends."""
    signature = bytearray()
    begins: list[int] = []
    bodies: list[bytes] = []
    outer: list[tuple[int, bool]] = []
    in_struct = True
    while True:
        if position >= end:
            if position > end:  # what ended here reaches beyond what holds it
                return None
            if not outer:
                return Taken(bytes(signature), begins, bodies)
            signature.append(0)
            end, in_struct = outer.pop()
            continue
        if in_struct:
            byte = buffer[position]
            position += 1
            signature.append(byte)
            if byte < 0x80:
                if byte == 0 or buffer[position] < 0x80:
                    return None
                signature.append(buffer[position])
                position += 1
        descriptor = buffer[position]
        position += 1
        kind, length = descriptor & 0xF0, descriptor & 0x0F
        if length >= 14:
            length = buffer[position]
            position += 1
            if length >= 0x80:
                length &= 0x7F
            elif buffer[position] >= 0x80:
                length = length << 7 | buffer[position] & 0x7F
                position += 1
            else:
                return None
        if descriptor in _CONTAINERS:
            signature.append(kind)
            outer.append((end, in_struct))
            end, in_struct = position + length, kind == 0xD0
        elif descriptor in _PLAIN:
            signature.append(kind)
            begins.append(position)
            bodies.append(buffer[position : position + length])
            position += length
        elif descriptor in _BOOLS:
            signature.append(descriptor)
            begins.append(position)
            bodies.append(b"")
        else:
            return None


_PLAIN: Final = frozenset(kind << 4 | low for kind in PLAIN for low in range(15))
_CONTAINERS: Final = frozenset(
    kind << 4 | low for kind in (_LIST, _STRUCT) for low in range(15) if (kind, low) != (_STRUCT, 1)
)
_BOOLS: Final = frozenset({0x10, 0x11})


def layout_of(value: IonValue) -> Layout | None:
    """The layout of a struct; ``None`` where it cannot have one."""
    if value.kind != _STRUCT or value.end - value.body > MAX_STRUCT_BYTES:
        return None
    try:
        return Layout(value) if has_shape(value, PLAIN, MAX_SCALARS) else None
    except InputError:  # whatever is wrong, the walk says it
        return None


def _tree(value: IonValue, numbers: Iterator[int], places: Iterator[int]) -> Node:
    node = Node(is_list=value.kind == _LIST)
    fields = [("", item) for item in value.items()] if node.is_list else value.each_field()
    for name, field in fields:
        if not node.is_list:
            node.names.append(name)
            node.places.append(next(places))
        node.held.append(_tree(field, numbers, places) if field.kind in {_STRUCT, _LIST} else next(numbers))
    return node


def _collect(node: Node, words: list[int], values: list[int], listed: list[int]) -> None:
    """Number the digests of a part's fields, and of the parts within it."""
    if node.is_list:
        listed += node.scalars
    else:
        node.begin = len(words)
        for place, held in zip(node.places, node.held, strict=True):
            if not isinstance(held, Node):
                words.append(place)
                values.append(held)
        node.end = len(words)
    for each in node.nodes:
        _collect(each, words, values, listed)


def _prefix(scalar: IonValue) -> bytes:
    """How its serialization begins; a bool is all in its type."""
    return bytes([0x0B, scalar.kind << 4 | (scalar.low if scalar.kind == _BOOL else 0)])


def _getter(places: Sequence[int]) -> Callable[[Any], Any]:
    """Takes what stands at these places, in order, and gives it as a tuple."""
    if not places:
        return lambda _: ()
    if len(places) == 1:
        (place,) = places
        return lambda whole: (whole[place],)
    return itemgetter(*places)
