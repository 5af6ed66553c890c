"""What DynamoDB is given to keep, and what is refused when it is read back."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.adapters.dynamodb.findings import parse_finding, render_finding
from counterfoil.adapters.dynamodb.strand_item import parse_blocks, parse_state, render_blocks, render_state
from counterfoil.detection.finding import Finding, Severity, Status
from counterfoil.detection.strand import STANDARD, Awaited, EarlyRevision, Hole, SegmentState, StrandState, weight_of
from counterfoil.detection.strand_audit import check_bounds
from counterfoil.errors import InputError, UnavailableError
from counterfoil.journal import Segment, segment_of
from counterfoil.merkle import CompactRange, Hash
from counterfoil.merkle.tree import subtree_sizes
from tests.audit_worlds import NOW, made_block, verified
from tests.journals import STRAND, head_of, transfers

# "Constraints in Amazon DynamoDB", item size.
ITEM_BYTES = 400 * 1024


# States -------------------------------------------------------------------------------------------------------------


def state():
    made = transfers(4)
    early = EarlyRevision(9, b"\1" * 32, b"\2" * 8, "doc", "tx", NOW)
    return StrandState(
        STRAND, 7, (SegmentState(head_of(made.fields), NOW, 0),), {3: Awaited(NOW, 4, 5)}, (early,), {2: "audit.fork"}
    )


def test_a_state_reads_back_as_it_was():
    assert parse_state(STRAND, 7, render_state(state())) == state()
    assert parse_state(STRAND, 0, render_state(StrandState(STRAND))) == StrandState(STRAND)


@pytest.mark.parametrize("hole", Hole)
@pytest.mark.parametrize("flags", [(True, False, False), (False, True, False), (False, False, True)])
def test_what_a_state_says_of_what_is_missing_reads_back_to_the_microsecond(hole, flags):
    since = NOW + timedelta(microseconds=1)
    island = SegmentState(segment_of(verified(transfers(6).blocks[5])), since, 4, hole)
    early = EarlyRevision(9, b"\1" * 32, b"\2" * 8, "doc", "tx", since, *flags)
    awaited = {5: Awaited(since, 70, 1 << 69 | 5, reported=flags[0])}
    rich = replace(state(), segments=(*state().segments, island), early=(early,), awaited=awaited)
    assert parse_state(STRAND, 7, render_state(rich)) == rich


@pytest.mark.parametrize(
    "change",
    [
        {"format": 0},
        {"format": 2},
        {"format": "1"},
        {"segments": None},
        {"segments": [{}]},
        {"awaited": {"x": []}},
        {"awaited": {"1": ["yesterday", 1, "0", False]}},
        {"early": [[1]]},
        {"explained": {"x": "audit.fork"}},
    ],
    ids=repr,
)
def test_a_state_with_a_damaged_part_is_an_input_error(change):
    document = json.loads(render_state(state())) | change
    with pytest.raises(InputError):
        parse_state(STRAND, 7, json.dumps(document))


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "{", '{"format":1}', "7"])
def test_what_is_no_state_is_an_input_error(text):
    with pytest.raises(InputError):
        parse_state(STRAND, 7, text)


def full_state(blocks_per_segment):
    """A state at every bound, with ids and times as QLDB makes them."""
    time = verified(transfers(1).blocks[0]).timestamp

    def segment(begin):
        end = begin + blocks_per_segment
        nodes = tuple(Hash(b"\1" * 32) for _ in subtree_sizes(begin, end))
        digest = Hash(b"\1" * 32)
        made = Segment(STRAND, CompactRange(begin, end, nodes), digest, digest, time, time, True, True)  # noqa: FBT003
        return SegmentState(made, NOW.replace(microsecond=123_456), begin, Hole.CONFIRMED)

    early = EarlyRevision(10**6, b"\1" * 32, b"\2" * 8, "d" * 22, "t" * 22, NOW.replace(microsecond=123_456))
    return StrandState(
        STRAND,
        10**6,
        tuple(segment(10**6 + number * (blocks_per_segment + 1)) for number in range(STANDARD.segments)),
        {10**6 + number: Awaited(early.since, 5, 3, reported=True) for number in range(STANDARD.awaited)},
        tuple(replace(early, sequence_no=10**6 + number) for number in range(STANDARD.early)),
        {},
    )


@pytest.mark.parametrize("blocks_per_segment", [1, 2, 1_000, 2**40])
@pytest.mark.parametrize("share", [1.0, 0.7, 0.4])
def test_a_state_within_its_bounds_fits_one_item(blocks_per_segment, share):
    full = full_state(blocks_per_segment)
    state = replace(full, segments=full.segments[: int(share * len(full.segments))])
    size = len(render_state(state))
    assert size <= weight_of(state)
    try:
        check_bounds(state, STANDARD)
    except UnavailableError:
        assert weight_of(state) > STANDARD.size_bytes
    else:
        assert size < ITEM_BYTES * 0.95


# Runs ---------------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 6), max_size=8), st.integers(0, 2**63 - 10))
def test_blocks_read_back_as_they_were(counts, first):
    blocks = tuple(made_block(first + index, count) for index, count in enumerate(counts))
    assert parse_blocks(first, render_blocks(blocks)) == blocks


@given(st.data())
def test_a_run_cut_anywhere_is_an_input_error_or_ends_at_a_block(data):
    blocks = tuple(made_block(number, number) for number in range(4))
    blob = render_blocks(blocks)
    cut = data.draw(st.integers(0, len(blob) - 1))
    whole = [len(render_blocks(blocks[:count])) for count in range(5)]
    if cut in whole:
        assert parse_blocks(0, blob[:cut]) == blocks[: whole.index(cut)]
    else:
        with pytest.raises(InputError):
            parse_blocks(0, blob[:cut])


# Findings -----------------------------------------------------------------------------------------------------------

texts = st.text(max_size=20)
findings = st.builds(
    Finding,
    rule_id=st.sampled_from(["audit.fork", "fraud.velocity"]),
    severity=st.sampled_from(Severity),
    place=st.text(min_size=1, max_size=20),
    reason=st.text(min_size=1, max_size=20),
    found_at=st.just(NOW),
    subject=texts,
    evidence=st.dictionaries(texts, texts, max_size=4),
    status=st.sampled_from(Status),
    account_id=st.none() | st.text(min_size=1, max_size=20),
    document_id=st.none() | st.text(min_size=1, max_size=20),
)


@given(findings)
def test_a_finding_reads_back_as_it_was(made):
    assert parse_finding(render_finding(made)) == made


@given(findings)
def test_an_item_has_no_empty_key(made):
    item = render_finding(made)
    keys = ("finding_id", "status", "severity_time", "account_id", "document_id", "found_at")
    assert all(item[key]["S"] for key in keys if key in item)


jsons = st.recursive(
    st.none() | st.booleans() | st.text(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(texts, each, max_size=3),
)


@given(findings, st.data())
def test_an_item_with_a_damaged_attribute_is_read_or_refused(made, data):
    item = render_finding(made)
    item[data.draw(st.sampled_from(sorted(item)))] = data.draw(jsons)
    try:
        found = parse_finding(item)
    except InputError:
        return
    assert isinstance(found, Finding)


@pytest.mark.parametrize("name", ["rule_id", "severity", "place", "reason", "found_at", "status"])
def test_an_item_without_a_part_is_an_input_error(name):
    item = render_finding(Finding("r", Severity.LOW, "p", "why", NOW))
    del item[name]
    with pytest.raises(InputError):
        parse_finding(item)


@pytest.mark.parametrize(
    "terms",
    [
        {"S": '{"key": ["account", "of-later-code"]}'},
        {"S": '{"window_seconds": 31536000}'},
        {"S": '{"share": 1}'},
        {"S": "[]"},
        {"S": "{"},
        {"S": ""},
        {"N": "1"},
        [],
        None,
    ],
)
def test_a_finding_whose_alerts_terms_cannot_be_read_is_one_as_usual(terms):
    """What is no finding is passed over by the notifier: after a roll back nobody would be told of it."""
    made = Finding("r", Severity.CRITICAL, "p", "why", NOW, account_id="ACC-1")
    assert parse_finding({**render_finding(made), "alert": terms}) == made
