"""What is read from documents: exact amounts, and every way in which they can be wrong, said and never raised."""

import json
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.detection.money import parse_amount, plain, total
from counterfoil.detection.parameters import read_settings
from counterfoil.detection.transfer import (
    AccountShape,
    Balance,
    TransactionShape,
    Transfer,
    Unreadable,
    read_document,
)
from counterfoil.errors import InputError
from counterfoil.ion import IonTimestamp, dump_binary, read_single
from counterfoil.journal import Metadata, Revision, RevisionKind
from counterfoil.journal.builder import ion_time
from counterfoil.merkle import hash_of
from tests.fraud_court import MORNING
from tests.ion_encodings import VERSION_MARKER, var_int, wrap
from tests.ion_values import ion_values

GOOD = {
    "transactionId": "T-1",
    "fromAccountId": "A",
    "toAccountId": "B",
    "amount": Decimal("12.50"),
    "currency": "EUR",
    "timestamp": ion_time(MORNING),
    "status": "COMPLETED",
}
ACCOUNT = {"accountId": "A", "balance": Decimal("-12.50"), "currency": "EUR", "customerId": "C", "status": "ACTIVE"}
TIME = IonTimestamp((2025, 3, 1, 9, 0, 0), None, 0)


def read(data, table="Transactions", *, accounts=None, transactions=None):
    value = None if data is None else read_single(data if isinstance(data, bytes) else dump_binary(data))
    kind = RevisionKind.DELETED if data is None else RevisionKind.WRITTEN
    revision = Revision(kind, hash_of(b"x"), None, Metadata("doc1", 4, TIME, "tx1"), value)
    return read_document(table, revision, accounts or AccountShape(), transactions or TransactionShape())


def test_a_transfer_is_read_whole():
    found = read(GOOD)
    assert isinstance(found, Transfer)
    assert found[1:] == ("T-1", "A", "B", Decimal("12.50"), "EUR", True, "2025-03-01T09:00:00.000Z", "")
    assert (found.source.document_id, found.source.version, found.source.at) == ("doc1", 4, MORNING)


def test_a_balance_is_read_whole():
    found = read(ACCOUNT, "Accounts")
    assert isinstance(found, Balance)
    assert found[1:] == ("A", Decimal("-12.50"), "EUR")


def test_other_tables_and_revisions_without_data_say_nothing():
    assert read(GOOD, "AuditLog") is None
    assert read(None) is None


@pytest.mark.parametrize("amount", [1, 10**37, Decimal("1E+37"), Decimal("0." + "0" * 37 + "1"), Decimal("9" * 38)])
def test_amounts_of_up_to_38_digits_are_read_exactly(amount):
    assert read(GOOD | {"amount": amount}).amount == amount


WRONG_AMOUNTS = {
    "a float": 12.5,
    "not a number": float("nan"),
    "infinity": float("inf"),
    "nothing": Decimal("0.00"),
    "minus nothing": Decimal("-0"),
    "less than nothing": Decimal("-12.50"),
    "an int below nothing": -1,
    "39 digits": 10**38,
    "40 digits": Decimal("1234567890" * 4),
    "40 digits behind the point": Decimal("0." + "1234567890" * 4),
    "a large exponent": Decimal("1E+38"),
    "a text": "12.50",
    "null": None,
    "a truth": True,
    "a list": [Decimal("12.50")],
    "a struct": {"value": Decimal("12.50")},
    "bytes": b"12.50",
}


@pytest.mark.parametrize("amount", WRONG_AMOUNTS.values(), ids=WRONG_AMOUNTS)
def test_an_amount_that_is_none_is_said(amount):
    found = read(GOOD | {"amount": amount})
    assert isinstance(found, Unreadable)
    assert found.what == "transfer"
    assert "amount" in found.reason
    assert len(found.reason) < 200
    assert found.account_id == "A"


# Written by hand: amazon.ion writes such numbers wrongly or not at all.
HUGE = b"\x7f" * 5_000
HUGE_AMOUNTS = {
    "a huge exponent": wrap(5, var_int(10**15) + b"\x01"),
    "a tiny exponent": wrap(5, var_int(-(10**15)) + b"\x01"),
    "an exponent of 39": wrap(5, var_int(39)),
    "12,000 digits": wrap(5, var_int(-2) + HUGE),
    "an int of 12,000 digits": wrap(2, HUGE),
    "an int below nothing of 12,000 digits": wrap(3, HUGE),
}


@pytest.mark.parametrize("value", HUGE_AMOUNTS.values(), ids=HUGE_AMOUNTS)
def test_numbers_without_measure_are_refused_before_they_are_made(value):
    with pytest.raises(InputError, match="more than 38 digits"):
        parse_amount(read_single(VERSION_MARKER + value))


WRONG_FIELDS = {
    "no id": ({"transactionId": None}, "transactionId"),
    "an id that is a number": ({"transactionId": 7}, "transactionId"),
    "an empty account": ({"fromAccountId": ""}, "fromAccountId"),
    "an account of 129 bytes": ({"toAccountId": "x" * 129}, "toAccountId"),
    "an account of 33 symbols outside the first plane": ({"toAccountId": "😀" * 33}, "toAccountId"),
    "an account with a line break": ({"toAccountId": "a\nb"}, "toAccountId"),
    "an account with a NUL": ({"toAccountId": "a\0b"}, "toAccountId"),
    "a currency with a sign": ({"currency": "€"}, "currency"),
    "a currency of 13 letters": ({"currency": "E" * 13}, "currency"),
    "no currency": ({"currency": ""}, "currency"),
    "a status that is a number": ({"status": 1}, "status"),
    "the same account twice": ({"toAccountId": "A"}, "same account"),
}


@pytest.mark.parametrize(("change", "name"), WRONG_FIELDS.values(), ids=WRONG_FIELDS)
def test_a_field_that_is_wrong_is_named(change, name):
    found = read(GOOD | change)
    assert isinstance(found, Unreadable)
    assert name in found.reason


@pytest.mark.parametrize("name", [name for name in GOOD if name != "timestamp"])
def test_a_field_that_is_missing_is_named(name):
    found = read({each: value for each, value in GOOD.items() if each != name})
    assert isinstance(found, Unreadable)
    assert found.reason == f"{name} is missing"


def test_everything_that_is_wrong_is_said_at_once():
    found = read(GOOD | {"amount": 1.5, "currency": 7, "toAccountId": ""})
    assert found.reason.count(";") == 2
    assert all(name in found.reason for name in ("amount", "currency", "toAccountId"))


@pytest.mark.parametrize("document", [7, "text", [], {}, None], ids=repr)
def test_a_document_that_is_no_struct_or_an_empty_one_is_said(document):
    assert isinstance(read(dump_binary(document)), Unreadable)
    assert isinstance(read(dump_binary(document), "Accounts"), Unreadable)


def test_a_field_that_comes_twice_is_refused():
    one = dump_binary({"amount": 1, "amounz": 2})
    found = read(one.replace(b"amounz", b"amount"))
    assert "comes twice" in found.reason


@pytest.mark.parametrize("timestamp", ["2024-01-01", "x" * 5_000, 12, 1.5, None, [], {"a": 1}, b"\0"], ids=repr)
def test_the_business_timestamp_may_say_what_it_likes(timestamp):
    found = read(GOOD | {"timestamp": timestamp})
    assert isinstance(found, Transfer)
    assert len(found.business_time) <= 64


def test_ids_of_every_plane_are_taken():
    found = read(GOOD | {"fromAccountId": "Żółć-漢-😀", "toAccountId": "\U0001d538"})
    assert (found.from_account, found.to_account) == ("Żółć-漢-😀", "\U0001d538")


def test_a_status_that_is_not_effective_moves_nothing():
    assert read(GOOD | {"status": "PENDING"}).effective is False


def test_shapes_can_be_others():
    shape = read_settings(
        TransactionShape, {"table": "Moves", "amount": "value", "status": None, "timestamp": None}, "transactions"
    )
    document = {name: GOOD[name] for name in ("transactionId", "fromAccountId", "toAccountId", "currency")}
    found = read(document | {"value": 5}, "Moves", transactions=shape)
    assert (found.amount, found.effective, found.business_time) == (5, True, "")
    assert read(GOOD, "Transactions", transactions=shape) is None
    assert isinstance(read(GOOD, "Moves", transactions=shape), Unreadable)


@pytest.mark.parametrize("balance", [1.5, "100", None, Decimal("1" * 39)], ids=repr)
def test_a_balance_that_cannot_be_read_is_said(balance):
    found = read(ACCOUNT | {"balance": balance}, "Accounts")
    assert (found.what, found.account_id) == ("account", "A")
    assert "balance" in found.reason


@given(ion_values, st.sampled_from(["Transactions", "Accounts"]))
def test_no_document_whatever_raises(value, table):
    for document in (value, GOOD | {"amount": value}, ACCOUNT | {"balance": value}, GOOD | {"fromAccountId": value}):
        found = read(dump_binary(document), table)
        assert isinstance(found, (Transfer, Balance, Unreadable))


@given(st.lists(st.decimals(-(10**20), 10**20, places=17, allow_nan=False), max_size=8))
def test_totals_do_not_round(amounts):
    assert Fraction(total(amounts)) == sum(map(Fraction, amounts))


def test_amounts_are_written_plainly():
    assert [plain(Decimal(text)) for text in ("1E+3", "-0.00", "1.50", "1E-9")] == [
        "1000",
        "0.00",
        "1.50",
        "0.000000001",
    ]


def test_an_amount_of_another_shape_is_an_input_error():
    with pytest.raises(InputError, match="float"):
        parse_amount(read_single(dump_binary(1.5)))
    assert json.dumps(str(parse_amount(read_single(dump_binary(7))))) == '"7"'
