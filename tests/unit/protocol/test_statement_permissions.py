"""qldb-session: who may use sessions, and which statements are allowed on which tables."""

import pytest

from counterfoil.ledger.catalogue import LedgerCatalogue, TableEntry
from counterfoil.ledger.registry import PermissionsMode
from counterfoil.partiql.tables import Action
from tests.scripted_ledgers import Restricted, Service, refused

pytestmark = pytest.mark.usefixtures("every_kind")

SELECT = "SELECT * FROM T"
BOTH = "SELECT * FROM T, U"
NEW = "CREATE TABLE V"


TELLER = Restricted("TELLER", frozenset({"qldb:SendCommand"}), frozenset({"T"}))


def test_a_session_belongs_to_whoever_started_it():
    service = Service()
    token = service.session(TELLER)
    other = Restricted("OTHER", frozenset({"qldb:SendCommand"}))
    refused(lambda: service.begin(token, other), "InvalidSessionException", "No such session")
    service.begin(token, TELLER)


def test_whoever_may_not_send_commands_gets_no_session():
    service = Service()
    refused(lambda: service.session(Restricted("NOBODY")), "AccessDeniedException", "NOBODY may not qldb:SendCommand")
    assert service.sessions.count == 0


def standard(mode=PermissionsMode.STANDARD):
    service = Service(mode)
    tables = {name: TableEntry(name, name.upper(), active=True) for name in ("t", "u")}
    service.engine.catalogue = LedgerCatalogue(1, tables)
    service.engine.actions = {
        SELECT: frozenset({(Action.SELECT, "t")}),
        BOTH: frozenset({(Action.SELECT, "t"), (Action.SELECT, "u")}),
        NEW: frozenset({(Action.CREATE_TABLE, "v")}),
    }
    return service


def test_in_standard_mode_each_statement_is_checked_for_each_table():
    service = standard()
    token = service.session(TELLER)
    transaction_id = service.begin(token, TELLER)
    service.execute(token, transaction_id, SELECT, caller=TELLER)
    assert ("qldb:PartiQLSelect", "bank", "t", "T") in TELLER.seen
    for text in (BOTH, NEW):
        refused(
            lambda text=text: service.execute(token, transaction_id, text, caller=TELLER),
            "BadRequestException",
            "^Access denied. Unable to run the statement due to insufficient permissions",
        )
    assert [text for text, _ in service.engine.transactions[0].executed] == [SELECT]


def test_permissions_of_statements_are_not_asked_for_where_all_is_allowed():
    service = standard(PermissionsMode.ALLOW_ALL)
    token = service.session(TELLER)
    service.execute(token, service.begin(token, TELLER), BOTH, caller=TELLER)


def test_a_change_of_the_permissions_mode_holds_for_the_next_statement():
    service = standard(PermissionsMode.ALLOW_ALL)
    token = service.session(TELLER)
    transaction_id = service.begin(token, TELLER)
    service.call("UpdateLedgerPermissionsMode", Name="bank", PermissionsMode="STANDARD")
    refused(lambda: service.execute(token, transaction_id, BOTH, caller=TELLER), "BadRequestException", "Access denied")


def test_without_keys_standard_mode_allows_all():
    service = standard()
    token = service.session()
    service.execute(token, service.begin(token), BOTH)
