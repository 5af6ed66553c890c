"""What an instance remembers of registered ledgers, and for how long."""

from dataclasses import replace

from counterfoil.ledger.registry import LedgerState, PermissionsMode, RegisteredLedger
from counterfoil.protocol.directory import REMEMBERED_SECONDS, Remembered
from tests.scripted_ledgers import NOW, STRAND, Time

BANK = RegisteredLedger("bank", STRAND, NOW, LedgerState.ACTIVE, PermissionsMode.STANDARD)


class Registry:
    def __init__(self, ledger):
        self.kept = ledger
        self.asked = 0

    def ledger(self, name):
        self.asked += 1
        return self.kept if name == "bank" else None


def test_an_active_ledger_is_asked_for_again_after_some_seconds():
    registry, seconds = Registry(BANK), Time()
    remembered = Remembered(registry, seconds)
    assert [remembered.ledger("bank") for _ in range(3)] == [BANK] * 3
    assert registry.asked == 1
    registry.kept = replace(BANK, permissions_mode=PermissionsMode.ALLOW_ALL)
    seconds.now += REMEMBERED_SECONDS
    assert remembered.ledger("bank") is registry.kept


def test_what_is_not_there_or_on_its_way_is_asked_for_each_time():
    registry = Registry(None)
    remembered = Remembered(registry, Time())
    assert (remembered.ledger("bank"), remembered.ledger("shop")) == (None, None)
    registry.kept = replace(BANK, state=LedgerState.CREATING)
    assert remembered.ledger("bank").state is LedgerState.CREATING
    registry.kept = BANK
    assert remembered.ledger("bank") is BANK
    assert registry.asked == 4


def test_a_ledger_that_is_about_to_change_is_forgotten():
    registry = Registry(BANK)
    remembered = Remembered(registry, Time())
    remembered.ledger("bank")
    registry.kept = None
    remembered.forget("bank")
    assert remembered.ledger("bank") is None
    remembered.forget("shop")
