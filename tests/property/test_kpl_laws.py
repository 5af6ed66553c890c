"""Aggregated records: what AWS's library writes is read as it reads it; nothing damaged is taken for whole."""

from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import InputError
from counterfoil.journal import deaggregate
from tests.damage import damaged
from tests.kpl_frames import MAGIC, aggregate, deaggregate_with_aws, field, frame_of, user_record

keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10)
payloads = st.binary(max_size=80)
with_keys = st.lists(st.tuples(keys, payloads, st.none()), min_size=1, max_size=12)
with_hash_keys = st.lists(st.tuples(keys, payloads, st.integers(0, 2**128 - 1).map(str)), min_size=1, max_size=12)
frames = (with_keys | with_hash_keys).map(aggregate)


def read(data):
    """The user records as tuples, or nothing where the record is refused or is no frame."""
    try:
        frame = deaggregate(data, "outer")
    except InputError as error:
        assert str(error)
        return None
    if not frame.aggregated:
        assert frame.records == ((data, "outer", None, 0),)
        return None
    return frame


def plain(frame):
    return [(each.partition_key, each.data, each.explicit_hash_key, each.sub_sequence_number) for each in frame.records]


@given(with_keys | with_hash_keys)
def test_what_awss_library_aggregates_comes_out_again_in_order(records):
    frame = deaggregate(aggregate(records), "outer")
    assert frame.aggregated
    assert not frame.unknown_fields
    assert plain(frame) == [(key, data, hash_key, index) for index, (key, data, hash_key) in enumerate(records)]


@given(with_keys | with_hash_keys)
def test_ours_and_awss_reading_of_a_frame_agree(records):
    data = aggregate(records)
    assert plain(deaggregate(data, "outer")) == deaggregate_with_aws(data)


@given(frames, st.data())
def test_a_damaged_frame_is_refused_or_is_no_frame_at_all(frame, data):
    """Behind the magic every bit is under the checksum; with another magic the record is handed on whole, as plain data."""
    broken = data.draw(damaged(st.just(frame)))
    found = read(broken)
    assert found is None or broken == frame


@given(frames.map(lambda frame: frame[4:-16]), st.data())
def test_a_damaged_frame_with_a_right_checksum_is_refused_or_read_as_aws_reads_it(body, data):
    broken = frame_of(data.draw(damaged(st.just(body))))
    ours = read(broken)
    if ours is None or ours.unknown_fields or not ours.records:
        return
    theirs = deaggregate_with_aws(broken)
    assert theirs is not None, broken.hex()
    assert [each[:2] for each in plain(ours)] == [each[:2] for each in theirs]


@given(
    st.binary(max_size=60).map(frame_of)
    | st.binary(max_size=60)
    | st.binary(max_size=60).map(lambda data: MAGIC + data)
)
def test_any_bytes_give_records_or_an_input_error(data):
    found = read(data)
    assert found is None or [each.sub_sequence_number for each in found.records] == list(range(len(found.records)))


@given(payloads, st.integers(4, 2**28), st.binary(max_size=20) | st.integers(0, 2**64 - 1))
def test_unknown_fields_are_passed_over_and_said(data, number, value):
    body = field(1, b"key") + field(number, value) + user_record(data)
    frame = deaggregate(frame_of(body), "outer")
    assert frame.unknown_fields == {number}
    assert [each.data for each in frame.records] == [data]


@given(payloads, st.integers(5, 2**28), st.binary(max_size=20) | st.integers(0, 2**64 - 1))
def test_unknown_fields_of_a_user_record_are_passed_over_and_said(data, number, value):
    body = field(1, b"key") + user_record(data, 0, field(number, value))
    frame = deaggregate(frame_of(body), "outer")
    assert frame.unknown_fields == {number}
    assert [each.data for each in frame.records] == [data]


@given(payloads)
def test_a_record_without_the_magic_is_its_own_only_user_record(data):
    if not data.startswith(MAGIC):
        assert read(data) is None
