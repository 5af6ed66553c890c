"""The values that the tests of Amazon's QLDB drivers write and read back; source: ../shared/vectors/partiql/driver-ion-values.ion."""

import pytest
from amazon.ion import simpleion

from counterfoil.ion import decode_datagram, encode, parse_text, parse_texts, render_text


@pytest.fixture(scope="module")
def driver_texts(shared_vectors):
    lines = (shared_vectors / "partiql" / "driver-ion-values.ion").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("//")]


def test_every_value_that_the_drivers_write_comes_back(driver_texts):
    assert len(driver_texts) == 50
    for text in driver_texts:
        data = simpleion.dumps(simpleion.loads(text), binary=True)
        value = parse_text(text)
        assert encode(value) == data, text
        assert encode(decode_datagram(data)) == data, text
        assert encode(parse_text(render_text(value))) == data, text


def test_the_whole_file_is_a_stream_of_these_values(driver_texts, shared_vectors):
    found = parse_texts((shared_vectors / "partiql" / "driver-ion-values.ion").read_text())
    assert [encode(each) for each in found] == [encode(parse_text(text)) for text in driver_texts]
