"""A time stamp that OpenSSL 3.0.19 made (`openssl ts -reply`, RSA, with its root in the answer).

The files in ``timestamps`` are its answer over a checkpoint and the root, valid to 2126. OpenSSL does not sort the certificates of an
answer, as DER would have them.
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from counterfoil.adapters.timestamp_tokens import Authority
from counterfoil.errors import IntegrityError

VECTORS = Path(__file__).parent / "timestamps"
ANSWER, CHECKPOINT = (VECTORS / "answer.tsr").read_bytes(), (VECTORS / "checkpoint").read_bytes()
AUTHORITY = Authority.parse((VECTORS / "root.pem").read_bytes())
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def test_what_openssl_stamped_is_read_and_holds():
    found = AUTHORITY.verify(ANSWER, CHECKPOINT, NOW)
    assert found.at == datetime(2026, 11, 26, 20, 24, 19, tzinfo=UTC)
    assert (found.authority, found.policy) == ("CN=Clockmaker TSA,O=Clockmaker", "1.3.6.1.4.1.32473.1")


def test_it_is_over_these_bytes_alone():
    with pytest.raises(IntegrityError, match="over other bytes"):
        AUTHORITY.verify(ANSWER, CHECKPOINT + b"\n", NOW)
