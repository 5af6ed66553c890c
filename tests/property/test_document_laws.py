"""Laws of the short way through a document: whatever it says, the rules read the same from it."""

from decimal import Decimal
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from counterfoil.detection import transfer as reading
from counterfoil.detection.money import parse_amount, short_amount
from counterfoil.detection.transfer import AccountShape, Balance, TransactionShape, Transfer, Unreadable, read_document
from counterfoil.errors import InputError
from counterfoil.ion import IonTimestamp, dump_binary, hash_of_ion, hashing, read_single
from counterfoil.ion.shapes import Shapes
from counterfoil.journal import BlockAddress, Metadata, Revision, RevisionKind
from counterfoil.merkle import hash_of

AT = IonTimestamp((2025, 3, 1, 9, 30, 4), Decimal("0.995"), 0)
ADDRESS = BlockAddress("strand", 5)
ACCOUNTS = AccountShape()
SHAPES = [
    TransactionShape(),
    TransactionShape(status=None, timestamp=None),
    TransactionShape(payee_name="payee", effective=("DONE", "COMPLETED")),
    TransactionShape(amount="status", status="amount", timestamp="currency"),
]

texts = st.sampled_from(
    ["A", "B", "COMPLETED", "USD", "", "é", "A\x0b", "\x7f", "x" * 12, "x" * 13, "x" * 128, "x" * 129]
)
amounts = st.decimals(-(10**6), 10**6, places=2) | st.sampled_from(
    [
        Decimal("0.00"),
        Decimal("-0.0"),
        Decimal("1E+30"),
        Decimal("1E-30"),
        Decimal(10**38),
        Decimal("12345678901234567.89"),
    ]
)
odd = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.just({"a": 1}), st.just(["a"]), texts, amounts, st.just(AT)
)


def fields(usual):
    return st.one_of(usual, usual, usual, odd)


transfers = st.fixed_dictionaries(
    {"transactionId": fields(texts), "fromAccountId": fields(texts), "toAccountId": fields(texts)},
    optional={
        "amount": fields(amounts), "currency": fields(st.just("USD") | texts), "status": fields(texts),
        "timestamp": fields(st.just(AT)), "payee": fields(texts), "more": odd,
    },
)  # fmt: skip
balances = st.fixed_dictionaries(
    {"accountId": fields(texts), "balance": fields(amounts), "currency": fields(st.just("USD") | texts)},
    optional={"more": odd},
)
HONEST = {
    "transactionId": "T-1", "fromAccountId": "A", "toAccountId": "B", "amount": Decimal("12.50"), "currency": "USD",
    "timestamp": AT, "status": "COMPLETED",
}  # fmt: skip


def revision(document):
    data = read_single(dump_binary(document))
    return Revision(RevisionKind.WRITTEN, hash_of(b""), ADDRESS, Metadata("doc", 1, AT, "tx"), data)


def both_ways(table, found, shape):
    """What both ways read, the short one of a document whose shape is known."""
    with patch.object(hashing, "_SHAPES", Shapes()):
        hash_of_ion(found.data)
        read = read_document(table, found, ACCOUNTS, shape)
    with patch.object(reading, "plain_fields", lambda *_: None):
        assert repr(read_document(table, found, ACCOUNTS, shape)) == repr(read)
    return read


@given(transfers, st.sampled_from(SHAPES))
@example(HONEST, SHAPES[0])
@example(HONEST | {"payee": "x" * 100}, SHAPES[2])
@example(HONEST | {"amount": Decimal("-1.00")}, SHAPES[0])
@example(HONEST | {"toAccountId": "A"}, SHAPES[0])
def test_a_transfer_reads_the_same(document, shape):
    both_ways("Transactions", revision(document), shape)


@given(balances)
def test_a_balance_reads_the_same(document):
    both_ways("Accounts", revision(document), SHAPES[0])


@pytest.mark.parametrize(
    ("table", "document", "kind"),
    [
        ("Transactions", HONEST, Transfer),
        ("Accounts", {"accountId": "A", "balance": Decimal("5.00"), "currency": "USD"}, Balance),
    ],
)
def test_a_plain_document_goes_the_short_way(table, document, kind):
    found = revision(document)
    assert isinstance(both_ways(table, found, SHAPES[0]), kind)
    with patch.object(reading, "_Document", None), patch.object(hashing, "_SHAPES", Shapes()):
        hash_of_ion(found.data)
        assert isinstance(read_document(table, found, ACCOUNTS, SHAPES[0]), kind)


def test_an_amount_of_nothing_in_other_bytes_is_none():
    cent = revision(HONEST | {"amount": Decimal("0.01")})
    buffer = cent.data.buffer.replace(b"\x52\xc2\x01", b"\x52\xc2\x00")
    assert buffer != cent.data.buffer
    read = both_ways("Transactions", cent._replace(data=cent.data._replace(buffer=buffer)), SHAPES[0])
    assert isinstance(read, Unreadable)


@given(st.binary(max_size=12))
@example(b"")
@example(b"\xc2")
@example(b"\xc2\x00")
@example(b"\xc0\x80")
@example(b"\xd2\x7f" + b"\xff" * 7)
@example(b"\xd3\x01")
def test_an_amount_reads_the_same(body):
    value = read_single(b"\xe0\x01\x00\xea" + bytes([0x50 | len(body)]) + body)
    found = short_amount(body)
    if found is not None:
        with patch("counterfoil.detection.money.short_amount", lambda _: None):
            assert repr(parse_amount(value)) == repr(found)
    else:
        assert not 1 < len(body) < 10 or not 0xC0 <= body[0] <= 0xD2 or body[1] >= 0x80
        try:
            parse_amount(value)
        except InputError as error:
            assert str(error)
