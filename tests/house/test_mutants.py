"""The deliberate bugs of tests/mutations can be planted: the piece of source that each changes is there, once."""

import pytest

from tests.mutants import MUTANTS, PACKAGES, ROOT


def base_of(mutant):
    return ROOT if mutant.package == "lab" else PACKAGES["counterfoil"]


@pytest.mark.parametrize("file", sorted({(base_of(each), each.file) for each in MUTANTS}), ids=lambda each: each[1])
def test_what_a_mutant_changes_is_there_once(file):
    base, name = file
    source = (base / name).read_text("utf-8")
    assert [each.breaks for each in MUTANTS if each.file == name and source.count(each.old) != 1] == []


def test_a_mutant_is_told_from_others_by_what_it_breaks():
    told = [each.breaks for each in MUTANTS]
    assert len(set(told)) == len(told) > 700
