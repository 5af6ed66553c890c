"""No money of a frozen account moves, on whatever a ledger is kept, and no transfer slips past a freeze that is being made."""

import pytest

from counterfoil.errors import InputError, OccConflictError
from counterfoil.ion.values import Annotated, IonSymbol
from counterfoil.services.freezes import FreezeGuard, FrozenError, parse_freezes
from tests.ledgers import KINDS, ledger_on, online, rows

FREEZE = {"accountId": "ACC-1", "frozen": True, "reason": "a finding"}


@pytest.fixture(params=[(kind, indexed) for kind in KINDS for indexed in (True, False)], ids=str)
def ledger(request, tmp_path):
    kind, indexed = request.param
    with ledger_on(kind, tmp_path) as ledger:
        ledger._engine = ledger._engine._replace(guard=FreezeGuard())
        for text in ("CREATE TABLE Transactions", "CREATE TABLE Notes"):
            rows(ledger, text)
        ledger.make_freezes = lambda: [
            rows(ledger, text)
            for text in ("CREATE TABLE AccountFreezes", "CREATE INDEX ON AccountFreezes (accountId)")[: 1 + indexed]
        ]
        yield ledger


def transfer(payer="ACC-1", payee="ACC-2", status="COMPLETED"):
    return {"transactionId": "TX-1", "fromAccountId": payer, "toAccountId": payee, "status": status}


def move(ledger, **changes):
    return list(rows(ledger, "INSERT INTO Transactions ?", transfer(**changes)))


def freeze(ledger, **changes):
    if ledger.catalogue.table("AccountFreezes") is None:
        ledger.make_freezes()
        online(ledger)
    rows(ledger, "INSERT INTO AccountFreezes ?", {**FREEZE, **changes})


def test_without_a_freeze_money_moves(ledger):
    assert move(ledger)
    freeze(ledger, accountId="ACC-9")
    assert move(ledger)


@pytest.mark.parametrize("changes", [{}, {"payer": "ACC-3", "payee": "ACC-1"}, {"payer": IonSymbol("ACC-1")}])
def test_money_of_a_frozen_account_does_not_move_in_or_out(ledger, changes):
    freeze(ledger)
    with pytest.raises(FrozenError, match="account ACC-1 is frozen by document"):
        move(ledger, **changes)
    assert list(rows(ledger, "SELECT * FROM Transactions")) == []
    assert move(ledger, payer="ACC-2", payee="ACC-3")


def test_an_annotation_hides_no_account(ledger):
    freeze(ledger)
    with pytest.raises(FrozenError):
        move(ledger, payer=Annotated((IonSymbol("x"),), "ACC-1"))


def test_a_freeze_that_a_person_lifts_stops_nothing_any_more(ledger):
    freeze(ledger)
    freeze(ledger, frozen="yes")
    rows(ledger, "UPDATE AccountFreezes AS f SET f.frozen = false WHERE f.reason = 'a finding' AND f.frozen = true")
    with pytest.raises(FrozenError):
        move(ledger)
    rows(ledger, "UPDATE AccountFreezes AS f SET f.frozen = false WHERE f.accountId = 'ACC-1'")
    assert move(ledger)


def test_a_transfer_that_is_not_done_yet_may_be_noted_and_called_off_but_not_done(ledger):
    freeze(ledger)
    move(ledger, status="PENDING")
    with pytest.raises(FrozenError):
        rows(ledger, "UPDATE Transactions AS t SET t.status = 'COMPLETED' WHERE t.status = 'PENDING'")
    rows(ledger, "UPDATE Transactions AS t SET t.status = 'REJECTED' WHERE t.status = 'PENDING'")


def test_what_moved_before_may_be_remarked_on_and_removed(ledger):
    move(ledger)
    freeze(ledger)
    rows(ledger, "UPDATE Transactions AS t SET t.note = 'seen' WHERE t.transactionId = 'TX-1'")
    rows(ledger, "DELETE FROM Transactions AS t WHERE t.transactionId = 'TX-1'")


def test_documents_of_other_tables_are_no_transfers(ledger):
    freeze(ledger)
    assert list(rows(ledger, "INSERT INTO Notes ?", transfer()))


@pytest.mark.parametrize("known", [True, False], ids=["a table of freezes", "none yet"])
def test_a_freeze_that_comes_while_a_transfer_is_under_way_is_in_its_way(ledger, known):
    if known:
        freeze(ledger, accountId="ACC-9")
    transaction = ledger.begin()
    transaction.execute("INSERT INTO Transactions ?", (transfer(),))
    freeze(ledger)
    with pytest.raises(OccConflictError):
        transaction.commit()
    with pytest.raises(FrozenError):
        move(ledger)


def test_a_freeze_of_another_account_is_not_in_its_way_where_there_is_an_index(ledger):
    freeze(ledger, accountId="ACC-8")
    transaction = ledger.begin()
    transaction.execute("INSERT INTO Transactions ?", (transfer(),))
    freeze(ledger, accountId="ACC-9")
    indexed = bool(ledger.catalogue.table("AccountFreezes").indexes)
    try:
        transaction.commit()
    except OccConflictError:
        assert not indexed


def test_a_transaction_that_freezes_and_moves_is_refused(ledger):
    freeze(ledger, accountId="ACC-9")
    transaction = ledger.begin()
    transaction.execute("INSERT INTO AccountFreezes ?", (FREEZE,))
    transaction.execute("INSERT INTO Transactions ?", (transfer(),))
    with pytest.raises(FrozenError):
        transaction.commit()


def test_the_shapes_may_be_others_and_freezes_may_be_off():
    assert parse_freezes("") == parse_freezes("{}") == FreezeGuard()
    assert parse_freezes("off") is None
    given = parse_freezes('{"freezes": {"table": "Holds"}, "transactions": {"table": "Payments", "status": null}}')
    assert (given.freezes.table, given.transactions.table, given.transactions.status) == ("Holds", "Payments", None)
    for wrong in ("[]", "no", '{"freeze": {}}', '{"freezes": {"tables": "x"}}', '{"transactions": 1}'):
        with pytest.raises(InputError):
            parse_freezes(wrong)


def test_without_a_status_field_every_transfer_moves_money(tmp_path):
    with ledger_on("memory", tmp_path) as ledger:
        guard = parse_freezes('{"transactions": {"status": null}}')
        ledger._engine = ledger._engine._replace(guard=guard)
        for text in ("CREATE TABLE Transactions", "CREATE TABLE AccountFreezes"):
            rows(ledger, text)
        rows(ledger, "INSERT INTO AccountFreezes ?", FREEZE)
        with pytest.raises(FrozenError):
            rows(ledger, "INSERT INTO Transactions ?", {"fromAccountId": "ACC-1", "toAccountId": "ACC-2"})
