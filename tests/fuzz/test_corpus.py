"""The corpus of every harness: what fuzzing found once stays found, and what is good is taken, so that no harness sleeps.

Files called ``good-…`` are taken by their parser; all others are taken or refused, as long as nothing else happens.
"""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import CounterfoilError
from tests.damage import damaged
from tests.fuzz.harnesses import HARNESSES
from tests.fuzz.refusals import refused

CORPUS = Path(__file__).parent / "corpus"
FILES = sorted(file for file in CORPUS.glob("*/*") if file.is_file())
GOOD = {name: [file.read_bytes() for file in sorted((CORPUS / name).glob("good-*"))] for name in HARNESSES}


def test_every_harness_has_a_good_file_and_every_folder_a_harness():
    assert {file.parent.name for file in FILES} == set(HARNESSES)
    assert all(GOOD.values())
    assert max(file.stat().st_size for file in FILES) <= 65_536


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_a_file_is_taken_or_refused(file):
    was_refused = refused(lambda: HARNESSES[file.parent.name](file.read_bytes()))
    assert not (was_refused and file.name.startswith("good-"))


@pytest.mark.parametrize("name", HARNESSES)
@given(data=st.data())
@settings(max_examples=25)
def test_what_is_damaged_is_taken_or_refused(name, data):
    refused(lambda: HARNESSES[name](data.draw(damaged(st.sampled_from(GOOD[name])) | st.binary(max_size=200))))


def test_another_exception_is_a_finding():
    def confused():
        raise KeyError("a name that nobody expected")

    with pytest.raises(KeyError):
        refused(confused)


def test_an_error_without_words_is_a_finding():
    def silent():
        raise CounterfoilError

    with pytest.raises(AssertionError):
        refused(silent)
