"""Watch lists: names in a common form, near ones found without comparing with all, and none missed."""

import json
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.detection.watch_list import MAX_ENTRIES, WatchList, common_form, distance, parse_watch_list
from counterfoil.errors import InputError

names = st.text("abc", min_size=1, max_size=7)


def listed(*entries):
    return WatchList("list.x", 1, "a test", entries)


@cache
def edits_between(left, right):
    """Levenshtein's distance by its definition."""
    if not left or not right:
        return len(left) + len(right)
    return min(
        edits_between(left[1:], right) + 1,
        edits_between(left, right[1:]) + 1,
        edits_between(left[1:], right[1:]) + (left[0] != right[0]),
    )


@pytest.mark.parametrize(
    ("name", "form"),
    [("Müller, Jürgen", "jurgen muller"), ("  O'Neil-SMITH ", "neil o smith"), ("X-1", "1 x"), ("Straße", "strasse"), ("..", "")],
)  # fmt: skip
def test_names_are_compared_without_case_accents_punctuation_and_order(name, form):
    assert common_form(name) == form


def test_an_exact_name_is_found_as_it_stands_in_the_list():
    assert listed("JURGEN MULLER").find("Müller, Jürgen") == "JURGEN MULLER"
    assert listed("JURGEN MULLER").find("Mueller, Jürgen") is None


@given(st.text("ab", max_size=6), st.text("ab", max_size=6), st.integers(0, 3))
def test_the_bounded_distance_is_levenshteins_or_more_than_the_bound(left, right, most):
    real = edits_between(left, right)
    assert distance(left, right, most) == (real if real <= most else None)


@given(st.lists(names, min_size=1, max_size=5, unique=True), names, st.sampled_from([1, 2]))
def test_no_entry_within_the_edits_is_missed_and_the_nearest_is_given(entries, name, edits):
    near = sorted((edits_between(name, each), each) for each in entries if edits_between(name, each) <= edits)
    found = listed(*entries).find_near(name, edits)
    assert found == ((near[0][1], near[0][0]) if near else None)


WRONG = {
    "no object": ("[]", "a list is an object"),
    "a key too many": ({"id": "list.x", "version": 1, "owner": "o", "entries": [], "x": 1}, "'x'"),
    "an id of a rule": ({"id": "fraud.x", "version": 1, "owner": "o", "entries": []}, "does not begin"),
    "entries as a text": ({"id": "list.x", "version": 1, "owner": "o", "entries": "ab"}, "must be a list"),
    "too many": ({"id": "list.x", "version": 1, "owner": "o", "entries": ["a"] * (MAX_ENTRIES + 1)}, "at most 5000"),
    "an empty entry": ({"id": "list.x", "version": 1, "owner": "o", "entries": [""]}, "entries[0]"),
}


@pytest.mark.parametrize(("given_list", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_a_list_is_named(given_list, said):
    with pytest.raises(InputError) as caught:
        parse_watch_list(given_list)
    assert said in str(caught.value)


def test_a_list_reads_as_it_is_rendered_and_has_one_hash():
    first = parse_watch_list({"id": "list.x", "version": 1, "owner": "o", "entries": ["B", "A", "A"]})
    assert parse_watch_list(json.dumps(first.render())) == first
    assert first.entries == ("A", "B")
    assert parse_watch_list({"id": "list.x", "version": 1, "owner": "o", "entries": ["A", "B"]}).hash == first.hash
