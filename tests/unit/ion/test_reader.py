"""The reader's edges, each by name: what is refused, and what the refusal says."""

import subprocess
import sys
import tracemalloc
from decimal import Decimal

import pytest

from counterfoil.errors import InputError
from counterfoil.ion import (
    MAX_DEPTH,
    MAX_SIZE_BYTES,
    VERSION_MARKER,
    IonType,
    dump_binary,
    hash_of_ion,
    read_single,
    read_values,
)
from counterfoil.ion.symbols import MAX_SYMBOLS
from tests.ion_encodings import var_uint, wrap


def value_of(body):
    """The one value of a stream with no symbols of its own."""
    return read_single(VERSION_MARKER + bytes(body))


def table(*symbols, imports=b""):
    """A local symbol table."""
    names = b"\x87" + wrap(11, b"".join(wrap(8, each.encode()) for each in symbols))
    return wrap(14, b"\x81\x83" + wrap(13, imports + names))


APPEND = b"\x86\x71\x03"


def shared(size):
    """An import of a shared table of ``size`` symbols."""
    count = size.to_bytes(4).lstrip(b"\0")
    return wrap(13, b"\x84\x81t\x85\x21\x01\x88" + wrap(2, count))


def sees(data):
    """Every value of a stream, hashed: what a consumer does first."""
    return [hash_of_ion(value) for value in read_values(data)]


# The stream ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [b"", b"\xe0", b"\xe0\x01\x00", b"{}", b'{"a":1}', b"\xe0\x01\x01\xea\x0f", b"\xff" * 8]
)
def test_what_does_not_begin_with_the_version_marker_is_not_ion(data):
    with pytest.raises(InputError, match=r"not binary Ion 1\.0: begins with"):
        read_single(data)


def test_a_stream_without_a_value_is_refused():
    with pytest.raises(InputError, match="without a value"):
        read_single(VERSION_MARKER + b"\x00\x01\xaa")


def test_a_stream_with_two_values_is_refused():
    with pytest.raises(InputError, match="more than one value"):
        value_of(b"\x20\x20")


def test_another_ion_version_in_the_middle_is_refused():
    with pytest.raises(InputError, match=r"an Ion version other than 1\.0"):
        sees(VERSION_MARKER + b"\x20\xe0\x01\x01\xea\x20")


def test_a_record_beyond_the_size_limit_is_refused_unread():
    with pytest.raises(InputError, match=f"at most {MAX_SIZE_BYTES} are read"):
        read_single(VERSION_MARKER + bytes(MAX_SIZE_BYTES))


def test_a_value_of_ten_mebibytes_is_read():
    blob = bytes(10 * 1024 * 1024)
    assert read_single(dump_binary(blob)).as_bytes() == blob


# Lengths that lie ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"\x8e\xff" + b"a" * 10, "a string of 127 bytes reaches beyond its container"),
        (b"\x84abc", "a string of 4 bytes"),
        (b"\xb4\x8e\x83ab", "a string of 3 bytes"),
        (b"\xae\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\xff\x00", "a blob of"),
        (b"\xae\x01\x01\x01\x01\x01\x01\x01\x01\x01\x81", "a VarUInt does not end"),
        (b"\x8e", "a VarUInt does not end"),
        (b"\x8e\x01", "a VarUInt does not end"),
        (b"\xd2\x84\x82", "reaches beyond its"),
        (b"\xb2\x83a\x82bc", "a string of 3 bytes reaches beyond its container"),
        (b"\xd3\x84\x83a\x82bc", "reaches beyond its"),
        (b"\xb2\xb3\x20\x82bc", "a list of 3 bytes reaches beyond its container"),
        (b"\xd1\x80", "a sorted struct must not be empty"),
        (b"\x05ab", "a null of 5 bytes"),
    ],
)
def test_a_length_that_reaches_beyond_its_container_is_refused(body, what):
    with pytest.raises(InputError, match=what):
        sees(VERSION_MARKER + body)


@pytest.mark.parametrize("body", [b"\xd1\x84", b"\xd2\x84\x8e", b"\xd1\x04", b"\xde\x83\x84\x20\x85"])
def test_a_field_name_without_a_value_is_refused(body):
    with pytest.raises(InputError):
        sees(VERSION_MARKER + body)
    with pytest.raises(InputError):
        value_of(body).fields()


def test_a_message_names_the_byte_at_which_it_went_wrong():
    with pytest.raises(InputError, match="at byte 7: "):
        sees(VERSION_MARKER + b"\x20\x20\x8eA")


# Types --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("descriptor", [0xF0, 0xF8, 0xFF, 0xE1, 0xE2, 0xEF])
def test_reserved_type_descriptors_are_refused(descriptor):
    with pytest.raises(InputError, match=r"is reserved|reaches beyond"):
        value_of([descriptor, 0x81, 0x84, 0x20])


@pytest.mark.parametrize("descriptor", [0x12, 0x15, 0x1E])
def test_a_bool_is_true_false_or_null(descriptor):
    with pytest.raises(InputError, match="bool of length"):
        value_of([descriptor] + [0x81] * 20)


@pytest.mark.parametrize("length", [1, 2, 3, 5, 7, 9])
def test_a_float_has_none_four_or_eight_bytes(length):
    value = value_of([0x40 | length] + [0] * length)
    with pytest.raises(InputError, match=f"float of {length} bytes"):
        value.as_float()
    with pytest.raises(InputError, match=f"float of {length} bytes"):
        hash_of_ion(value)


def test_a_negative_zero_int_has_no_hash():
    with pytest.raises(InputError, match="a negative zero int"):
        hash_of_ion(value_of(b"\x31\x00"))


def test_text_that_is_not_utf8_is_refused():
    value = value_of(b"\x83a\xff\xfe")
    with pytest.raises(InputError, match="at byte 6: a string that is not UTF-8"):
        value.as_text()
    with pytest.raises(InputError, match="not UTF-8"):
        hash_of_ion(value)


@pytest.mark.parametrize("surrogate", [b"\xed\xa0\x80", b"\xed\xbf\xbf"])
def test_half_a_surrogate_pair_is_not_utf8(surrogate):
    with pytest.raises(InputError, match="not UTF-8"):
        value_of(b"\x83" + surrogate).as_text()


ACCESSORS = {
    "as_text": IonType.STRING,
    "as_bytes": IonType.BLOB,
    "as_int": IonType.INT,
    "as_bool": IonType.BOOL,
    "as_decimal": IonType.DECIMAL,
    "as_float": IonType.FLOAT,
    "as_timestamp": IonType.TIMESTAMP,
    "fields": IonType.STRUCT,
}
SAMPLES = {
    IonType.NULL: b"\x0f",
    IonType.BOOL: b"\x11",
    IonType.INT: b"\x21\x05",
    IonType.FLOAT: b"\x40",
    IonType.DECIMAL: b"\x52\xc1\x05",
    IonType.TIMESTAMP: b"\x63\xc0\x0f\xd0",
    IonType.STRING: b"\x81a",
    IonType.BLOB: b"\xa1a",
    IonType.STRUCT: b"\xd0",
    IonType.LIST: b"\xb0",
}
TAKES_ALSO = {("as_decimal", IonType.INT)}


@pytest.mark.parametrize(
    ("accessor", "kind"),
    [
        (accessor, kind)
        for accessor, wanted in ACCESSORS.items()
        for kind in SAMPLES
        if kind is not wanted and (accessor, kind) not in TAKES_ALSO
    ],
)
def test_an_accessor_of_another_type_says_what_it_expected_and_what_it_found(accessor, kind):
    with pytest.raises(InputError, match=rf"at byte 4: expected .*, found (null )?{kind.name.lower()}"):
        getattr(value_of(SAMPLES[kind]), accessor)()


@pytest.mark.parametrize(("accessor", "kind"), ACCESSORS.items())
def test_an_accessor_refuses_the_null_of_its_own_type(accessor, kind):
    with pytest.raises(InputError, match="found null"):
        getattr(value_of([kind << 4 | 15]), accessor)()


def test_the_null_int_written_as_a_negative_one_is_an_int_and_null():
    value = value_of(b"\x3f")
    assert (value.type, value.is_null) == (IonType.INT, True)
    with pytest.raises(InputError, match="found null"):
        value.as_int()


def test_the_null_int_has_one_hash_however_it_is_written():
    assert hash_of_ion(value_of(b"\x3f")) == hash_of_ion(value_of(b"\x2f"))


def test_a_decimal_of_forty_digits_is_exact():
    number = Decimal("-1234567890123456789012345678901234567.890")
    assert value_of(dump_binary(number)[4:]).as_decimal().as_tuple() == number.as_tuple()


def test_a_decimal_of_thousands_of_digits_is_read_or_refused_as_input():
    with pytest.raises(InputError):
        value_of(wrap(5, b"\xc2" + b"\x7f" * 2000)).as_decimal()


def test_a_decimal_with_an_exponent_beyond_all_reason_is_refused_as_input():
    with pytest.raises(InputError):
        value_of(wrap(5, b"\x3f" + b"\x7f" * 7 + b"\xff\x01")).as_decimal()


def test_money_does_not_come_in_floats():
    with pytest.raises(InputError, match="expected decimal, found float"):
        value_of(b"\x48" + bytes(8)).as_decimal()


# Structs ------------------------------------------------------------------------------------------------------------


def test_a_field_that_comes_twice_is_refused_where_it_is_asked_for():
    value = read_single(VERSION_MARKER + table("a") + b"\xd6\x8a\x21\x01\x8a\x21\x02")
    with pytest.raises(InputError, match="comes twice"):
        value.fields()
    assert [name for name, _ in value.each_field()] == ["a", "a"]
    assert len(hash_of_ion(value)) == 32  # the hash covers both


def test_the_name_of_a_field_may_be_beyond_no_table():
    value = value_of(b"\xd3\x8a\x21\x01")
    with pytest.raises(InputError, match=r"field name \$10 is not known"):
        value.fields()
    with pytest.raises(InputError, match=r"reaches beyond|not known"):
        hash_of_ion(value)


# Depth --------------------------------------------------------------------------------------------------------------


def nest(depth):
    body = b"\xb0"
    for _ in range(depth):
        body = wrap(11, body)
    return body


def test_lists_nested_to_the_limit_are_hashed():
    assert len(hash_of_ion(value_of(nest(MAX_DEPTH - 1)))) == 32


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1, 3_000])
def test_deeper_lists_are_refused_and_not_followed(depth):
    with pytest.raises(InputError, match=f"nested deeper than {MAX_DEPTH} levels"):
        hash_of_ion(value_of(nest(depth)))


# Annotations --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"\xe3\x80\x21\x05",  # none
        b"\xe4\x81\x84\x20\x20",  # two values
        b"\xe3\x82\x84\x84",  # no value
        b"\xe6\x81\x84\xe3\x81\x84\x20",  # annotations of annotations
        b"\xe4\x81\x84\x01\x00",  # padding
        b"\xe3\x81\x8a\x20",  # a symbol that no table has
    ],
)
def test_an_annotation_wraps_exactly_one_value_with_known_symbols(body):
    with pytest.raises(InputError):
        sees(VERSION_MARKER + body)


@pytest.mark.parametrize("body", [b"\xe3\xff\x83\x20", b"\xe3\x00\x00\x81"])
def test_the_length_of_annotations_may_lie_at_the_top_too(body):
    with pytest.raises(InputError):
        sees(VERSION_MARKER + body)


def test_annotations_are_read_in_order():
    value = read_single(VERSION_MARKER + table("a", "b") + b"\xe5\x82\x8b\x8a\x21\x05")
    assert value.annotations == ("b", "a")
    assert value.as_int() == 5


# Symbols ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("symbol", [10, 11, 127, 16_384])
def test_a_symbol_id_beyond_the_table_is_refused(symbol):
    value = value_of(wrap(7, symbol.to_bytes(2)))
    with pytest.raises(InputError, match=rf"symbol \${symbol} is beyond the symbol table \(9 symbols\)"):
        value.as_text()
    with pytest.raises(InputError):
        hash_of_ion(value)


def test_symbol_zero_has_a_hash_but_no_text():
    value = value_of(b"\x70")
    assert len(hash_of_ion(value)) == 32
    with pytest.raises(InputError, match=r"the text of symbol \$0 is not known"):
        value.as_text()


def test_a_symbol_of_a_shared_table_that_is_not_at_hand_has_neither():
    data = VERSION_MARKER + table("mine", imports=b"\x86" + wrap(11, shared(3))) + b"\x71\x0b\x71\x0d"
    theirs, mine = read_values(data)
    assert mine.as_text() == "mine"
    with pytest.raises(InputError, match=r"symbol \$11 is not known"):
        theirs.as_text()
    with pytest.raises(InputError, match=r"symbol \$11 is not known"):
        hash_of_ion(theirs)


def test_a_table_appended_to_keeps_its_ids_and_a_version_marker_forgets_them():
    data = VERSION_MARKER + table("a") + table("b", imports=APPEND) + b"\x71\x0a\x71\x0b" + VERSION_MARKER + b"\x71\x0a"
    first, second, third = read_values(data)
    assert (first.as_text(), second.as_text()) == ("a", "b")
    with pytest.raises(InputError, match="beyond the symbol table"):
        third.as_text()


def test_a_new_table_without_imports_replaces_the_old_one():
    (value,) = read_values(VERSION_MARKER + table("a", "b") + table("c") + b"\x71\x0a")
    assert value.as_text() == "c"


def test_a_table_of_too_many_symbols_is_refused():
    with pytest.raises(InputError, match=f"at most {MAX_SYMBOLS} are read"):
        sees(VERSION_MARKER + table(*[""] * MAX_SYMBOLS) + b"\x20")


def test_imports_that_are_a_null_list_are_none():
    (value,) = read_values(VERSION_MARKER + table("a", imports=b"\x86\xbf") + b"\x71\x0a")
    assert value.as_text() == "a"


def test_an_import_of_too_many_symbols_is_refused():
    with pytest.raises(InputError, match=f"imports {MAX_SYMBOLS + 1} symbols"):
        sees(VERSION_MARKER + table(imports=b"\x86" + wrap(11, shared(MAX_SYMBOLS + 1))) + b"\x20")


def test_a_symbol_table_whose_annotation_is_written_longer_is_one_too():
    longer = wrap(14, b"\x82\x00\x83" + wrap(13, b"\x87" + wrap(11, b"\x81a")))
    (value,) = read_values(VERSION_MARKER + longer + b"\x71\x0a")
    assert value.as_text() == "a"


def test_many_imports_cost_no_more_than_the_limit_allows():
    """A kilobyte that asks for 2.6 million symbols; each further one costs another copy of all before it."""
    data = VERSION_MARKER + table(imports=b"\x86" + wrap(11, shared(MAX_SYMBOLS) * 40)) + b"\x20"
    assert len(data) < 1_024
    assert peak_bytes_of_refusing(data) < 4_000_000


def test_a_stream_of_ever_growing_tables_is_refused():
    """Seven bytes per table, each as costly as the largest: an hour of work in a record of a mebibyte."""
    data = VERSION_MARKER + table(*["x"] * 4_000) + table(imports=APPEND) * 200 + b"\x20"
    with pytest.raises(InputError):
        sees(data)


def test_remembered_tables_take_a_bounded_place():
    """32 tables of 30 bytes that reserve 60,000 symbols each; 512 may be remembered."""
    tracemalloc.start()
    try:
        for number in range(32):
            tables = table(f"n{number}", imports=b"\x86" + wrap(11, shared(60_000)))
            sees(VERSION_MARKER + tables + b"\x20")
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 8_000_000


def peak_bytes_of_refusing(data):
    tracemalloc.start()
    try:
        with pytest.raises(InputError):
            sees(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# Before amazon.ion --------------------------------------------------------------------------------------------------


def in_another_process(expression):
    """What an expression does where a crash or an endless loop hurts nobody: ``refused``, or its value."""
    program = (
        "from counterfoil.errors import InputError\nfrom counterfoil.ion import *\n"
        f"try: print({expression})\nexcept InputError: print('refused')"
    )
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True
    ).stdout


def test_text_of_a_malformed_value_is_refused_and_does_not_hang():
    """A list in a list whose padding reaches beyond it: what evidence is made from must not stop the auditor."""
    assert in_another_process("text_of(read_single(bytes.fromhex('e00100eab3b1010f')))") == "refused\n"


def test_an_int_too_long_to_write_is_refused_and_does_not_bring_the_process_down():
    assert in_another_process("dump_binary(1 << 15_000)") == "refused\n"


def test_var_uints_are_written_as_the_specification_shows():
    """The encoder that the tests above build their input with, against the specification's own examples."""
    assert (var_uint(0), var_uint(127), var_uint(128), var_uint(16_383)) == (b"\x80", b"\xff", b"\x01\x80", b"\x7f\xff")
