"""New payees, transaction ids used twice, balances below zero: rules about one transfer or one document."""

import json

import pytest

from counterfoil.detection.account import MAX_DOCUMENTS, MAX_PAYEES
from tests.fraud_court import Court, balance, only, pay

NEW_PAYEE = only("new-payee-high-value")
DUPLICATE = only("duplicate-transaction-id")
NEGATIVE = only("negative-balance")


def with_habits(rules=NEW_PAYEE):
    court = Court(rules)
    court.block(pay("A", "shop", 5))
    return court


@pytest.mark.parametrize(("amount", "found"), [("5000", 1), ("4999.99", 0), ("4999." + "9" * 34, 0)])
def test_a_large_first_payment_to_somebody_is_found(amount, found):
    assert len(with_habits().block(pay("A", "B", amount))) == found


def test_a_second_payment_is_to_somebody_known():
    court = with_habits()
    assert len(court.block(pay("A", "B", 6_000), pay("A", "B", 6_000))) == 1
    assert court.block(pay("A", "B", 60_000)) == []


def test_each_new_payee_is_found_for_itself():
    found = with_habits().block(pay("A", "B", 6_000), pay("A", "C", 6_000))
    assert [finding.subject for finding in found] == ["A:B", "A:C"]


def test_an_account_without_habits_is_let_pass():
    assert Court(NEW_PAYEE).block(pay("A", "B", 6_000)) == []
    strict = Court(only("new-payee-high-value", known_payees=0))
    assert strict.rules_of(pay("A", "B", 6_000)) == ["new-payee-high-value"]


def test_having_been_paid_by_somebody_does_not_make_them_a_payee():
    court = with_habits()
    court.block(pay("B", "A", 1))
    assert court.rules_of(pay("A", "B", 6_000)) == ["new-payee-high-value"]


def test_a_payee_forgotten_at_the_bound_counts_as_new():
    court = with_habits()
    court.block(*(pay("A", f"P{number}", 1) for number in range(MAX_PAYEES)))
    assert court.rules_of(pay("A", "shop", 6_000)) == ["new-payee-high-value"]
    assert court.block(pay("A", "P5", 6_000)) == []


def test_a_transaction_id_in_a_second_document_is_found_once():
    court = Court(DUPLICATE)
    assert court.block(pay("A", "B", 1, transaction_id="T", document_id="d1")) == []
    (finding,) = court.block(pay("C", "D", 2, transaction_id="T", document_id="d2"))
    assert finding.evidence["first_document_id"] == "d1"
    assert (finding.account_id, finding.document_id) == ("C", "d2")
    assert court.block(pay("C", "D", 2, transaction_id="T", document_id="d2", version=1)) == []
    assert len(court.block(pay("C", "D", 2, transaction_id="T", document_id="d3"))) == 1


def test_a_document_may_carry_its_own_id_as_often_as_it_likes():
    court = Court(DUPLICATE)
    versions = (pay("A", "B", 1, transaction_id="T", document_id="d1", version=version) for version in range(5))
    assert court.block(*versions) == []


def test_an_id_that_a_later_version_takes_over_is_found():
    court = Court(DUPLICATE)
    court.block(pay("A", "B", 1, transaction_id="T1", document_id="d1"))
    court.block(pay("A", "B", 1, transaction_id="T2", document_id="d2"))
    assert len(court.block(pay("A", "B", 1, transaction_id="T1", document_id="d2", version=1))) == 1


def test_a_transfer_that_moves_no_money_uses_its_id_none_the_less():
    court = Court(DUPLICATE)
    court.block(pay("A", "B", 1, transaction_id="T", effective=False))
    assert len(court.block(pay("A", "B", 1, transaction_id="T", effective=False))) == 1


def test_duplicates_beyond_the_bound_are_still_found():
    court = Court(DUPLICATE)
    found = court.block(*(pay("A", "B", 1, transaction_id="T") for _ in range(MAX_DOCUMENTS + 10)))
    assert len(found) == MAX_DOCUMENTS + 9


@pytest.mark.parametrize(("amount", "found"), [("0", 0), ("-0.00", 0), ("-0.01", 1), ("-0." + "0" * 36 + "1", 1)])
def test_a_balance_below_nothing_is_found(amount, found):
    assert len(Court(NEGATIVE).block(balance("A", amount, 0))) == found


def test_a_balance_that_stays_below_is_found_once_and_again_after_it_was_back():
    court = Court(NEGATIVE)
    amounts = [5, -1, -7, -2, 0, -1]
    assert [len(court.block(balance("A", amount, version))) for version, amount in enumerate(amounts)] == [
        0,
        1,
        0,
        0,
        0,
        1,
    ]


def test_an_overdraft_may_be_allowed_per_currency():
    court = Court(only("negative-balance", minimum={"default": "0", "USD": "-500"}))
    assert court.block(balance("A", "-500", 0, currency="USD", document_id="usd")) == []
    assert court.rules_of(balance("A", "-500.01", 1, currency="USD", document_id="usd")) == ["negative-balance"]
    (finding,) = court.block(balance("A", "-1", 0, document_id="eur"))
    assert finding.reason == "the balance of A is -1 EUR; it may not be below 0"
    assert finding.evidence["balance"] == "-1"


def test_transfers_that_move_no_money_are_no_events():
    court = Court(json.dumps({"rules": {"velocity-count": {"threshold": "1"}}}))
    pending = [pay("A", "B", 99_999, effective=False) for _ in range(10)]
    assert court.block(*pending) == []


def test_a_transfer_counts_where_it_first_takes_effect():
    court = Court(only("velocity-count", threshold="1"))
    court.block(pay("A", "B", 1))
    court.block(pay("A", "B", 1, transaction_id="T", document_id="d", effective=False))
    assert court.rules_of(pay("A", "B", 1, transaction_id="T", document_id="d", version=1)) == ["velocity-count"]
    court.block(pay("A", "B", 1), after=10_000)
    assert court.rules_of(pay("A", "B", 1, transaction_id="T", document_id="d", version=2), after=10_000) == []
