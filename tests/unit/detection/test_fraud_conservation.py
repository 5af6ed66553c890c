"""Conservation of money: balances and transfers of one transaction add up."""

import json

import pytest

from counterfoil.detection.transfer import Unreadable
from tests.fraud_court import Court, balance, only, pay, source

RULE = only("conservation-of-money")


def court_with(**balances):
    """A court that knows these accounts, each at version 0."""
    court = Court(RULE)
    found = court.block(*(balance(account_id, amount, 0) for account_id, amount in balances.items()))
    assert found == []
    return court


def subjects(found):
    return [(finding.subject, finding.account_id) for finding in found]


def test_a_transfer_with_both_balances_adds_up():
    court = court_with(A=100, B=50)
    assert court.block(pay("A", "B", "30.00"), balance("A", "70.0", 1), balance("B", 80, 1)) == []


def test_several_transfers_in_one_block_add_up_together():
    court = court_with(A=100, B=50, C=0)
    transfers = pay("A", "B", 30), pay("B", "C", 60), pay("A", "C", 1)
    assert court.block(*transfers, balance("A", 69, 1), balance("B", 20, 1), balance("C", 61, 1)) == []


def test_a_cent_too_much_is_found_on_the_account_that_has_it():
    court = court_with(A=100, B=50)
    (finding,) = court.block(pay("A", "B", 30), balance("A", 70, 1), balance("B", "80.01", 1, document_id="of-B"))
    assert (finding.subject, finding.account_id, finding.document_id) == ("B:EUR", "B", "of-B")
    assert finding.reason == "B changed by 30.01 EUR, but its transfers here add up to 30"
    assert (finding.evidence["balance_change"], finding.evidence["sum_of_legs"]) == ("30.01", "30")


def test_a_balance_that_changes_without_a_transfer_is_found():
    (finding,) = court_with(A=100).block(balance("A", 200, 1))
    assert finding.reason == "A changed by 100 EUR, but no transfer here says so"


def test_money_moved_between_balances_without_a_transfer_is_found_on_both():
    court = court_with(A=100, B=50)
    assert subjects(court.block(balance("A", 0, 1), balance("B", 150, 1))) == [("A:EUR", "A"), ("B:EUR", "B")]


def test_a_leg_on_a_known_account_whose_balance_stays_is_found():
    court = court_with(A=100, B=50)
    assert subjects(court.block(pay("A", "B", 30), balance("B", 80, 1))) == [("A:EUR", "A")]
    assert subjects(court.block(pay("A", "B", 30))) == [("A:EUR", "A"), ("B:EUR", "B")]


def test_a_new_version_with_the_same_balance_is_no_change():
    assert court_with(A="100.00").block(balance("A", 100, 1)) == []


def test_money_from_an_account_that_nobody_opened_is_found_on_the_currency():
    court = court_with(A=100)
    (finding,) = court.block(pay("ghost", "A", 30), balance("A", 130, 1))
    assert (finding.subject, finding.account_id) == ("EUR", "A")
    assert "changed by 30 EUR together" in finding.reason
    assert finding.evidence["accounts_without_balance"] == "ghost"


def test_an_account_that_stands_for_the_outside_may_give_and_take():
    rules = json.dumps({"external_accounts": ["CASH"]} | json.loads(RULE))
    court = Court(rules)
    court.block(balance("A", 100, 0))
    assert court.block(pay("CASH", "A", 30), balance("A", 130, 1)) == []
    assert court.block(pay("A", "CASH", 30), balance("A", 100, 2)) == []
    assert subjects(court.block(pay("CASH", "A", 30), balance("A", 131, 3))) == [("A:EUR", "A")]


def test_transfers_between_accounts_that_keep_no_balances_are_let_pass():
    assert Court(RULE).block(pay("A", "B", 30)) == []


def test_opening_an_account_with_money_is_no_movement():
    assert Court(RULE).block(balance("A", 1_000, 0)) == []


def test_an_account_opened_with_its_first_transfer_holds_that_transfer():
    court = court_with(A=100)
    assert court.block(pay("A", "N", 40), balance("A", 60, 1), balance("N", 40, 0)) == []
    assert court.block(pay("A", "O", 40), balance("A", 20, 2), balance("O", 0, 0), balance("O", 40, 1)) == []


def test_money_made_while_opening_an_account_is_found():
    court = court_with(A=100)
    (finding,) = court.block(pay("A", "N", 40), balance("A", 60, 1), balance("N", 1_040, 0))
    assert finding.reason == "N was opened with 1040 EUR, but its transfers here add up to 40"


def test_an_account_opened_and_filled_in_one_block_is_one_opening():
    assert Court(RULE).block(balance("A", 0, 0), balance("A", 100, 1)) == []


def test_currencies_add_up_apart():
    court = Court(RULE)
    court.block(balance("A", 100, 0), balance("A", 100, 0, currency="USD", document_id="A-usd"), balance("B", 0, 0))
    moved = pay("A", "B", 10), balance("A", 90, 1), balance("B", 10, 1)
    assert court.block(*moved, balance("A", 100, 1, currency="USD", document_id="A-usd")) == []
    wrong = pay("A", "B", 10, currency="USD"), balance("A", 80, 2), balance("B", 20, 2)
    assert subjects(court.block(*wrong)) == [("A:EUR", "A"), ("B:EUR", "B"), ("A:USD", "A"), ("B:USD", "B")]


def test_an_account_that_changes_its_currency_is_found_in_both():
    found = court_with(A=100).block(balance("A", 100, 1, currency="USD"))
    assert subjects(found) == [("A:EUR", "A"), ("A:USD", "A")]


def test_amounts_of_38_digits_add_up_exactly():
    whole, smallest = "9" * 38, "0." + "0" * 37 + "1"
    court = court_with(A=whole, B=0, C=0)
    assert court.block(pay("A", "B", whole), balance("A", 0, 1), balance("B", whole, 1)) == []
    found = court.block(pay("B", "C", smallest), balance("B", whole, 2), balance("C", smallest, 1))
    assert subjects(found) == [("B:EUR", "B")]


@pytest.mark.parametrize("version", [2, 5])
def test_a_version_whose_predecessor_was_not_seen_is_not_judged(version):
    court = court_with(A=100, B=50)
    assert court.block(pay("A", "B", 30), balance("A", 1, version), balance("B", 80, 1)) == []
    assert court.block(pay("A", "B", 1), balance("A", 0, version + 1), balance("B", 81, 2)) == []
    assert subjects(court.block(balance("A", 7, version + 2))) == [("A:EUR", "A")]


def test_a_block_without_all_its_revisions_is_not_judged():
    assert court_with(A=100, B=50).block(pay("A", "B", 30), balance("A", 70, 1), complete=False) == []


def test_a_balance_that_cannot_be_read_clears_nobody_else():
    court = court_with(A=100, B=50, C=5)
    unreadable = Unreadable(source("of-A", 1), "account", "balance is a float", "A")
    found = court.block(balance("B", 51, 1), unreadable=[unreadable])
    assert subjects(found) == [("B:EUR", "B")]


def test_a_status_that_changes_later_moves_nothing():
    court = court_with(A=100, B=50)
    first = pay("A", "B", 30, transaction_id="T", document_id="d")
    assert court.block(first, balance("A", 70, 1), balance("B", 80, 1)) == []
    assert court.block(pay("A", "B", 30, transaction_id="T", document_id="d", version=1)) == []
    rewritten = pay("A", "B", 3_000, transaction_id="T", document_id="d", version=2)
    assert subjects(court.block(rewritten, balance("B", 3_080, 2))) == [("B:EUR", "B")]


def test_a_transfer_that_waited_moves_its_money_when_it_takes_effect():
    court = court_with(A=100, B=50)
    assert court.block(pay("A", "B", 30, transaction_id="T", document_id="d", effective=False)) == []
    later = pay("A", "B", 30, transaction_id="T", document_id="d", version=1)
    assert court.block(later, balance("A", 70, 1), balance("B", 80, 1)) == []


def test_of_a_transfer_first_seen_in_a_later_version_either_reading_will_do():
    seen_late = pay("A", "B", 30, document_id="d", version=3)
    assert court_with(A=100, B=50).block(seen_late) == []
    assert court_with(A=100, B=50).block(seen_late, balance("A", 70, 1), balance("B", 80, 1)) == []
    found = court_with(A=100, B=50).block(seen_late, balance("B", 81, 1))
    assert subjects(found) == [("B:EUR", "B")]


def test_amounts_of_as_many_digits_as_there_may_be_add_up_exactly():
    rules = json.dumps({"external_accounts": ["CASH"]} | json.loads(RULE))
    court = Court(rules)
    assert court.block(balance("A", "0.01", 0)) == []
    amount, held = "123456789012345678901234567890123456.78", "123456789012345678901234567890123456.79"
    assert court.block(pay("CASH", "A", amount), balance("A", held, 1)) == []
    (finding,) = court.block(pay("A", "CASH", held), balance("A", "0.01", 2))
    assert finding.evidence["sum_of_legs"] == f"-{held}"
