"""Amazon's Ion Hash test suite: what each value's serialization is (identity) and some MD5 digests."""

import hashlib

import pytest
from amazon.ion import simpleion

from counterfoil.ion import VERSION_MARKER, hash_of_ion, read_values


class Identity:
    """The suite's first algorithm: the "digest" of bytes is the bytes."""

    def __init__(self, data):
        self._data = data

    def digest(self):
        return self._data


HASHERS = {"identity": Identity, "md5": hashlib.md5}


@pytest.fixture(scope="module")
def suite(shared_vectors):
    """The cases, read in pure Python: the C reader refuses values with more annotations than it has room for."""
    source = (shared_vectors / "ionhash" / "ion_hash_tests.ion").read_text()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simpleion, "c_ext", False)
        cases = simpleion.loads(source, single_value=False)
        return [(_name(case), _binary(case), case["expect"]) for case in cases]


def _name(case):
    return case.ion_annotations[0].text if case.ion_annotations else str(case.get("ion"))


def _binary(case):
    if "10n" not in case:
        return simpleion.dumps(case["ion"], binary=True)
    data = _octets(case["10n"])
    return data if data.startswith(VERSION_MARKER) else VERSION_MARKER + data


def _octets(sexp):
    return bytes(int(each) for each in sexp)


def _final(expected):
    """The last ``digest`` or ``final_digest`` of a case: that of the whole value."""
    return [_octets(each) for each in expected if each.ion_annotations[0].text in {"digest", "final_digest"}][-1]


@pytest.mark.parametrize(("algorithm", "count"), [("identity", 166), ("md5", 5)])
def test_every_case_of_the_suite_hashes_as_amazon_says(suite, algorithm, count):
    cases = [(name, data, expect[algorithm]) for name, data, expect in suite if algorithm in expect]
    wrong = [
        name
        for name, data, expected in cases
        if hash_of_ion(next(read_values(data)), HASHERS[algorithm]) != _final(expected)
    ]
    assert len(cases) == count
    assert wrong == []
