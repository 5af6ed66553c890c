"""Bytes as they arrive from a bad disk, a bad line or a bad person: drawn, cut, flipped, spliced."""

from hypothesis import strategies as st


def flipped(data: bytes, bit: int) -> bytes:
    """``data`` with one bit changed; bits are counted from the lowest of the first byte."""
    damaged = bytearray(data)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


@st.composite
def damaged(draw, sources, *, most: int = 4) -> bytes:
    """One of ``sources`` after 1 to ``most`` accidents."""
    data = draw(sources)
    for _ in range(draw(st.integers(1, most))):
        data = draw(st.sampled_from(ACCIDENTS))(draw, data)
    return data


def _place(draw, data):
    return draw(st.integers(0, max(0, len(data) - 1)))


def _flip(draw, data):
    return flipped(data, draw(st.integers(0, 8 * len(data) - 1))) if data else data


def _replace(draw, data):
    """A byte becomes one that means much: lengths, ends, reserved types."""
    place = _place(draw, data)
    byte = draw(
        st.sampled_from([0x00, 0x0E, 0x0F, 0x7F, 0x80, 0x8E, 0xE0, 0xEE, 0xD1, 0xDE, 0xFF]) | st.integers(0, 255)
    )
    return data[:place] + bytes([byte]) + data[place + 1 :]


def _insert(draw, data):
    place = _place(draw, data)
    return data[:place] + draw(st.binary(min_size=1, max_size=4)) + data[place:]


def _delete(draw, data):
    place = _place(draw, data)
    return data[:place] + data[place + draw(st.integers(1, 8)) :]


def _cut(draw, data):
    return data[: _place(draw, data)]


def _repeat(draw, data):
    begin = _place(draw, data)
    end = begin + draw(st.integers(1, 64))
    return data[:end] + data[begin:end] + data[end:]


ACCIDENTS = [_flip, _flip, _replace, _insert, _delete, _cut, _repeat]


def as_sorted_struct(value):
    """The same bytes as a struct that says its fields are sorted."""
    return b"\xd1" + value[1:]


def annotated(value):
    """A value of two bytes of length with the annotation ``name``."""
    inner = b"\x81\x84" + value
    return b"\xee" + bytes([len(inner) >> 7, 0x80 | len(inner) & 0x7F]) + inner


def padded(value):
    """A value with a byte of padding behind it."""
    return value + b"\x00"
