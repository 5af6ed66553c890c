"""A log as files: tiles of the tree's hashes, bundles of its entries, and a checkpoint.

    tile/<level>/<index>            256 hashes of the tree's level 8 * <level>
    tile/<level>/<index>.p/<width>  the first <width> of them, at the edge
    tile/entries/<index>            256 entries, each behind its length in two bytes, big-endian; at the edge likewise .p/<width>
    checkpoint                      written last

An index is written in groups of three digits, all but the last with an ``x``: 1234067 is ``x001/x234/067``.

Source: C2SP, "tlog-tiles"; docs/format.md, section "Tiles".
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Final

from counterfoil.errors import InputError, IntegrityError, NotFoundError
from counterfoil.merkle import Hash
from counterfoil.transparency.entry import MAX_ENTRY_BYTES
from counterfoil.transparency.tree import Frontier, TreeHead, leaf_hash

WIDTH: Final = 256
HEIGHT: Final = 8
SIZE: Final = 32

# Eight tiles above each other hold trees of up to 2**63 leaves.
MAX_LEVEL: Final = 7
CHECKPOINT_PATH: Final = "checkpoint"
MAX_BUNDLE_BYTES: Final = WIDTH * (2 + MAX_ENTRY_BYTES)

_PATH: Final = re.compile(r"tile/(entries|[0-7])/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True, slots=True)
class Tile:
    """Hashes ``index * 256`` to ``index * 256 + width - 1`` of level ``8 * level``; of level -1, a bundle of entries."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        groups = [f"{self.index % 1_000:03}"]
        above = self.index // 1_000
        while above:
            groups.append(f"x{above % 1_000:03}")
            above //= 1_000
        level = "entries" if self.level < 0 else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"

    @classmethod
    def parse(cls, path: str) -> Tile:
        """Read a path; one that is written in another way is an ``InputError``."""
        found = _PATH.fullmatch(path)
        if found is None:
            raise InputError(f"{path[:80]!r} is no path of a tile")
        level = -1 if found[1] == "entries" else int(found[1])
        tile = cls(level, int(found[2].replace("x", "").replace("/", "")), int(found[3] or WIDTH))
        if tile.path != path or not 1 <= tile.width <= WIDTH:
            raise InputError(f"{path!r} is no path of a tile")
        return tile


def tile_at(level: int, index: int, size: int) -> Tile:
    """The tile as wide as it is in a tree of ``size`` leaves; ``IndexError`` where it is not in it."""
    count = size >> HEIGHT * max(level, 0)
    width = min(WIDTH, count - index * WIDTH)
    if not 0 <= level + 1 <= MAX_LEVEL + 1 or index < 0 or width < 1:
        raise IndexError(f"no tile {index} of level {level} in a tree of {size} leaves")
    return Tile(level, index, width)


def edge_of(size: int) -> list[Tile]:
    """The tiles that are not full in a tree of ``size`` leaves, from level 0 on."""
    counts = [(level, size >> HEIGHT * level) for level in range(MAX_LEVEL + 1)]
    return [Tile(level, count // WIDTH, count % WIDTH) for level, count in counts if count % WIDTH]


def check_tile(tile: Tile, data: bytes) -> bytes:
    """A tile's hashes, one behind the other; other bytes than those of ``width`` hashes are an ``InputError``."""
    if len(data) != SIZE * tile.width:
        raise InputError(f"{tile.path} has {len(data)} bytes, not {SIZE * tile.width}")
    return data


def render_bundle(entries: Sequence[bytes]) -> bytes:
    return b"".join(len(each).to_bytes(2) + each for each in entries)


def parse_bundle(tile: Tile, data: bytes) -> list[bytes]:
    """A bundle's entries; anything but ``width`` of them is an ``InputError``."""
    begins = _begins(tile, data)
    return [data[begin + 2 : end] for begin, end in pairwise((*begins, len(data)))]


def _begins(tile: Tile, data: bytes) -> list[int]:
    """Where a bundle's entries begin, each with its length."""
    if len(data) > MAX_BUNDLE_BYTES:
        raise InputError(f"{tile.path} has {len(data)} bytes; at most {MAX_BUNDLE_BYTES} are read")
    begins, place, end = [], 0, len(data) - 1
    while place < end:
        begins.append(place)
        place += 2 + (data[place] << 8 | data[place + 1])
    if place != len(data) or len(begins) != tile.width:
        raise InputError(f"{tile.path} has not {tile.width} entries with their lengths")
    return begins


_pairs: Final = struct.Struct(f"{2 * SIZE}s").iter_unpack


def layers_of(hashes: bytes) -> list[bytes]:
    """The complete nodes over up to 256 hashes, from themselves upwards, those of a layer one behind the other."""
    layers = [hashes]
    while len(layers[-1]) >= 2 * SIZE:
        below = layers[-1]
        pairs = _pairs(below[: len(below) // (2 * SIZE) * (2 * SIZE)])
        # As ``node_hash``, without a frame and a hash's own type for each: proofs are mostly made of this.
        layers.append(b"".join([sha256(b"\1" + pair).digest() for (pair,) in pairs]))
    return layers


def _edge_head(rows: Sequence[Sequence[bytes]], size: int) -> TreeHead:
    """The head of a tree by the layers over its edge's tiles, from level 0 on."""
    nodes: list[Hash] = []
    for layers in reversed(rows):
        begin, width = 0, len(layers[0]) // SIZE
        for level in reversed(range(HEIGHT)):
            if width & 1 << level:
                nodes.append(_hash_in(layers[level], begin >> level))
                begin += 1 << level
    return Frontier(size, tuple(nodes)).head


def _hash_in(hashes: bytes, index: int) -> Hash:
    return Hash(hashes[SIZE * index : SIZE * (index + 1)])


# Gives what is under a path, or ``None``.
Load = Callable[[str], bytes | None]


class TileReader:
    """The nodes and entries of a log, each checked against a head that is known to be true before it is used.

    The tiles at the edge give the root together; every other tile's root stands in the tile above it. Reading a tile that is
    not there is a ``NotFoundError``, one that is another an ``IntegrityError``.
    """

    # So many tiles are kept: some 10 MB. A proof reads two of each level.
    KEPT: Final = 256

    def __init__(self, load: Load, head: TreeHead) -> None:
        self.head = head
        self._load = load
        edge = {tile: layers_of(self._hashes(tile)) for tile in edge_of(head.size)}
        levels = {tile.level: layers for tile, layers in edge.items()}
        rows = [levels.get(level, [b""]) for level in range(MAX_LEVEL + 1)]
        self.rows = [layers[0] for layers in rows]
        found = _edge_head(rows, head.size)
        if found != head:
            raise IntegrityError(
                f"the tiles at the edge give the root {found.root}, not {head.root}, of {head.size} leaves",
                expected=str(head.root),
                found=str(found.root),
            )
        self._edge = {(tile.level, tile.index): layers for tile, layers in edge.items()}
        self._kept: dict[tuple[int, int], list[bytes]] = {}

    def node(self, level: int, position: int) -> Hash:
        """A complete node of the tree."""
        above, within = divmod(level, HEIGHT)
        if (position + 1) << level > self.head.size or position < 0:
            raise IndexError(f"no node {position} of level {level} in a tree of {self.head.size} leaves")
        index, offset = divmod(position << within, WIDTH)
        return _hash_in(self._layers(above, index)[within], offset >> within)

    def entries(self, index: int) -> list[bytes]:
        """The entries of bundle ``index``, each the one that its leaf is the hash of."""
        tile = tile_at(-1, index, self.head.size)
        entries = parse_bundle(tile, self._data(tile, MAX_BUNDLE_BYTES))
        leaves = self._layers(0, index)[0]
        for offset, entry in enumerate(entries):
            _check_entry(index * WIDTH + offset, entry, _hash_in(leaves, offset))
        return entries

    def entry(self, number: int) -> bytes:
        """One entry, the one that its leaf is the hash of; of the others of its bundle only the lengths are looked at."""
        index, offset = divmod(number, WIDTH)
        tile = tile_at(-1, index, self.head.size)
        data = self._data(tile, MAX_BUNDLE_BYTES)
        begin, end = (*_begins(tile, data), len(data))[offset : offset + 2]
        entry = data[begin + 2 : end]
        _check_entry(number, entry, self.node(0, number))
        return entry

    def all_entries(self) -> Iterator[bytes]:
        """Every entry in order; after the last one every tile of level 0 was read, and every one above."""
        for index in range(-(-self.head.size // WIDTH)):
            yield from self.entries(index)

    def _layers(self, level: int, index: int) -> list[bytes]:
        place = level, index
        if place in self._edge:
            return self._edge[place]
        if place not in self._kept:
            tile = tile_at(level, index, self.head.size)
            layers = layers_of(self._hashes(tile))
            root, expected = Hash(layers[HEIGHT]), _hash_in(self._layers(level + 1, index // WIDTH)[0], index % WIDTH)
            if root != expected:
                raise IntegrityError(
                    f"{tile.path} has the root {root}, not {expected} as the tile above it says",
                    expected=str(expected),
                    found=str(root),
                )
            if len(self._kept) >= self.KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[place] = layers
        return self._kept[place]

    def _hashes(self, tile: Tile) -> bytes:
        return check_tile(tile, self._data(tile, SIZE * WIDTH))

    def _data(self, tile: Tile, limit_bytes: int) -> bytes:
        """A tile's bytes; where a partial one was removed, the beginning of what is full by now."""
        data = self._load(tile.path)
        if data is None and tile.width < WIDTH:
            full = self._load(Tile(tile.level, tile.index).path)
            if full is not None and len(full) <= limit_bytes:
                return full[: SIZE * tile.width] if tile.level >= 0 else _first_entries(tile, full)
        if data is None:
            raise NotFoundError(f"there is no {tile.path}")
        return data


def _check_entry(number: int, entry: bytes, leaf: Hash) -> None:
    if leaf_hash(entry) != leaf:
        raise IntegrityError(f"entry {number} is not what its leaf is the hash of", leaf=str(leaf))


def _first_entries(tile: Tile, full: bytes) -> bytes:
    return render_bundle(parse_bundle(Tile(-1, tile.index), full)[: tile.width])


@dataclass(frozen=True, slots=True)
class TileFile:
    path: str
    data: bytes


class TileWriter:
    """A log that grows: entries go in, the files that must be written for them come out.

    It begins where a reader's head ends. A file that is full is never another one again; one at the edge is written for each
    head that is signed. The files are to be written before the checkpoint.
    """

    def __init__(self, reader: TileReader | None = None) -> None:
        self.size = 0 if reader is None else reader.head.size
        self._rows = [b""] * (MAX_LEVEL + 1) if reader is None else list(reader.rows)
        self._entries = [] if reader is None or not self.size % WIDTH else reader.entries(self.size // WIDTH)
        self._full: list[TileFile] = []

    @property
    def head(self) -> TreeHead:
        return _edge_head([layers_of(row) for row in self._rows], self.size)

    def append(self, entry: bytes) -> None:
        self._entries.append(entry)
        if len(self._entries) == WIDTH:
            self._full.append(TileFile(Tile(-1, self.size // WIDTH).path, render_bundle(self._entries)))
            self._entries = []
        self._append(0, leaf_hash(entry))
        self.size += 1

    def _append(self, level: int, node: Hash) -> None:
        self._rows[level] += node
        row = self._rows[level]
        if len(row) == SIZE * WIDTH:
            index = (self.size >> HEIGHT * level) // WIDTH
            self._full.append(TileFile(Tile(level, index).path, row))
            self._rows[level] = b""
            self._append(level + 1, Hash(layers_of(row)[HEIGHT]))

    def filled(self) -> list[TileFile]:
        """The files that were filled since this was last asked for."""
        full, self._full = self._full, []
        return full

    def edge(self) -> list[TileFile]:
        """The files of the edge, for a head that is to be signed."""
        edge = [TileFile(tile.path, self._rows[tile.level]) for tile in edge_of(self.size)]
        if self._entries:
            bundle = Tile(-1, self.size // WIDTH, len(self._entries))
            edge.append(TileFile(bundle.path, render_bundle(self._entries)))
        return edge
