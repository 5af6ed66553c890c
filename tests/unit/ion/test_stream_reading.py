"""Streams of Ion of any length, binary and text, are cut into their values wherever the pieces end; and refused when they lie."""

import pytest

from counterfoil.errors import InputError
from counterfoil.ion import VERSION_MARKER, hash_of_ion, load_text, read_single, streams, text_stream
from counterfoil.ion.codec import encode
from counterfoil.ion.streams import read_value_stream
from counterfoil.ion.text_stream import split_structs


def pieces(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)]


VALUES = [{"a": 1}, {"b": "x" * 300, "c": [1.5, b"blob"]}, "text", 12, [], {"a": {"b": {"c": None}}}]
ALL_SIZES = [1, 2, 3, 5, 64, 10**6]


@pytest.mark.parametrize("size", ALL_SIZES)
def test_values_come_out_wherever_the_pieces_end(size):
    data = b"".join(map(encode, VALUES))
    found = [hash_of_ion(value) for value in read_value_stream(pieces(data, size))]
    assert found == [hash_of_ion(read_single(encode(value))) for value in VALUES]


@pytest.mark.parametrize("size", ALL_SIZES)
def test_a_symbol_table_holds_until_the_next_marker_and_padding_is_passed_over(size):
    value = encode({"a": 1})
    assert value[:4] == VERSION_MARKER
    one, padding = value[4:], b"\x01\x00"
    data = VERSION_MARKER + padding + one + padding + one[-4:] + value
    found = list(read_value_stream(pieces(data, size)))
    assert [each.fields()["a"].as_int() for each in found] == [1, 1, 1]


@pytest.mark.parametrize(
    "data",
    [b"", b"\xe0", b"{a:1}", b"\xe0\x02\x00\xea", encode({"a": 1})[:-1], encode("x" * 300)[:-1], encode(1) + b"\xe0\x01",
     encode(1) + b"\xe0\x01\x00\xeb", VERSION_MARKER + b"\xbe", VERSION_MARKER + b"\xbe" + b"\x01" * 12, VERSION_MARKER + b"\xf0"],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 100])
def test_a_stream_that_is_cut_or_none_is_refused(data, size):
    with pytest.raises(InputError):
        list(read_value_stream(pieces(data, size)))


def test_a_version_marker_ends_what_the_tables_before_it_said():
    value = encode({"a": 1})
    found = read_value_stream([value + VERSION_MARKER + value[-4:]])
    assert next(found).fields()["a"].as_int() == 1
    with pytest.raises(InputError, match=r"field name \$10 is not known"):
        next(found).fields()


def test_values_before_a_damage_are_given():
    found = read_value_stream([encode(1) + b"\xbe"])
    assert next(found).as_int() == 1
    with pytest.raises(InputError):
        next(found)


def test_a_value_that_says_it_is_huge_is_refused_before_it_is_read():
    def endless():
        yield VERSION_MARKER + b"\xbe\x7f\x7f\x7f\x7f\xff" + bytes(4)
        raise AssertionError("nobody may ask for more")

    with pytest.raises(InputError, match="at most"):
        list(read_value_stream(endless()))


def test_symbol_tables_that_grow_on_each_other_are_bounded(monkeypatch):
    monkeypatch.setattr(streams, "MAX_STREAM_SYMBOLS", 100)
    grown = b"\xea\x81\x83\xd7\x86\x71\x03\x87\xb2\x81x"  # imports: $ion_symbol_table, symbols: ["x"]
    with pytest.raises(InputError, match="symbols in one stream"):
        list(read_value_stream([VERSION_MARKER + grown * 30]))
    assert len(list(read_value_stream([(VERSION_MARKER + grown + b"\x20") * 30]))) == 30


# Text ---------------------------------------------------------------------------------------------------------------

STRUCTS = [
    "{}",
    '{a:"}\\"{",b:[(1 2),{c:3}]}',
    "{'q}\\'':1,'':2,d:'''long ' '' } ''' '''more }'''}",
    "{e:{{ aGVsbG8= }},f:{{\"}} \\\" }}\"}},g:{{'''}}'''}},h:{i:{j:{}}}}",
    "{/* } */ k:1, // }\n l:2}",
    '{"größe":"\\u00e9 ","n":2024-01-25T10:00:00.000Z}',
]


@pytest.mark.parametrize("between", ["", "\n", " \t\r\n", " // a comment { \n", "/* { ' \" */", " $ion_1_0 "])
@pytest.mark.parametrize("size", ALL_SIZES)
def test_structs_come_out_wherever_the_pieces_end(size, between):
    text = between + between.join(STRUCTS) + between
    assert list(split_structs(pieces(text.encode(), size))) == STRUCTS


@pytest.mark.parametrize("struct", STRUCTS)
def test_what_is_cut_out_is_one_value(struct):
    load_text(struct)


@pytest.mark.parametrize(
    "text",
    ["{", "{a:'", '{a:"', "{a:'''", "{a:{{", "{a:{{ aGk= }", "{a:/*", "{a:1", "[1]", "1", "a", '"x"', "}", "{}]", "{} x", "a::{}",
     "{}/", "{} /* ", "$ion_1_1 {}", "$ion_symbol_table::{}", "{a:[}", "\\"],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 100])
def test_what_is_no_stream_of_structs_is_refused(text, size):
    with pytest.raises(InputError):
        [load_text(each) for each in split_structs(pieces(text.encode(), size))]


@pytest.mark.parametrize("data", [b"\xff", b"{a:\xc3", b"{}\xed\xa0\x80"])
def test_text_that_is_not_utf_8_is_refused(data):
    with pytest.raises(InputError, match="UTF-8"):
        list(split_structs([data]))


def test_an_empty_stream_has_no_structs():
    assert list(split_structs([])) == list(split_structs([b"", b"\n"])) == []


@pytest.mark.parametrize(
    "start", ["{", "{a:'", '{a:"', "{a:'''", "{a:{{ ", "{a:{{ '''", "/*", "//", "\n", "{a:(", "{a:''''"]
)
@pytest.mark.parametrize("filler", [" ", "'", "a", "\\\\", "{{ ", "'''", "/", "\n"])
def test_a_value_without_an_end_is_refused_at_the_bound(monkeypatch, start, filler):
    """However the text is made, it is read no further than the bound and each part of it is looked at a few times only."""
    monkeypatch.setattr(text_stream, "MAX_SIZE_BYTES", 20_000)
    asked = 0

    def endless():
        nonlocal asked
        yield start.encode()
        while asked < 50:
            asked += 1
            yield filler.encode() * (3_000 // len(filler))

    try:
        for each in split_structs(endless()):
            load_text(each)
    except InputError:
        pass
    if filler not in {" ", "\n"} or start != "\n":
        assert asked < 50 or start == "//"


@pytest.mark.parametrize("size", ALL_SIZES)
@pytest.mark.parametrize("text", ["{a:1}// the end", "// {\r{a:1}", "{a:1 // }\r}//", "//\r\n{a:1}//\r\n//"])
def test_a_comment_ends_with_its_line_however_that_ends_and_with_the_text(text, size):
    (found,) = split_structs(pieces(text.encode(), size))
    assert load_text(found) == {"a": 1}


@pytest.mark.parametrize("space", ["\u00a0", "\x1c", "\x85", "\u2028"])
def test_only_white_space_of_ion_stands_between_structs(space):
    with pytest.raises(InputError, match="a struct was expected"):
        list(split_structs([f"{{a:1}}{space}{{a:1}}".encode()]))
