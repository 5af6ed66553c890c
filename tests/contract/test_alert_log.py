"""What every AlertLog guarantees."""

from datetime import timedelta

import pytest

from counterfoil.adapters.alerts import DynamoDbAlertLog
from counterfoil.adapters.memory import MemoryAlertLog
from counterfoil.errors import UnavailableError
from tests.audit_worlds import NOW
from tests.contract.conftest import AWS, BOTH

ALERT_ID = "audit.fork@JdxjkR9bSYB5jMHWcI464T#7:" + "ab" * 32 + "/CONFIRMED/eventbridge"


@pytest.fixture(params=BOTH)
def log(request):
    if request.param == "memory":
        return MemoryAlertLog()
    make = request.getfixturevalue("make_ddb_table")
    return DynamoDbAlertLog(request.getfixturevalue("clients")("dynamodb"), make("AlertsTable"))


def test_an_alert_was_sent_once_it_was_noted(log):
    assert not log.was_sent(ALERT_ID)
    log.note_sent(ALERT_ID, NOW)
    assert log.was_sent(ALERT_ID)


def test_noting_again_changes_nothing_for_the_asker(log):
    log.note_sent(ALERT_ID, NOW)
    log.note_sent(ALERT_ID, NOW + timedelta(days=1))
    assert log.was_sent(ALERT_ID)


def test_alerts_do_not_see_each_other(log):
    log.note_sent(ALERT_ID, NOW)
    assert not log.was_sent(ALERT_ID + "x")
    assert not log.was_sent(ALERT_ID[:-1])


@pytest.mark.parametrize("_", AWS)
def test_an_alert_is_remembered_for_longer_than_a_stream_keeps_its_records(_, clients, make_ddb_table):
    log = DynamoDbAlertLog(clients("dynamodb"), make_ddb_table("AlertsTable"))
    log.note_sent(ALERT_ID, NOW)
    item = log.client.get_item(TableName=log.ddb_table, Key={"alert_id": {"S": ALERT_ID}})["Item"]
    assert int(item["expires_at"]["N"]) - NOW.timestamp() > timedelta(days=365).total_seconds()


def test_a_log_that_does_not_answer_is_unavailable(gone):
    log = DynamoDbAlertLog(gone("dynamodb"), "table")
    for call in (lambda: log.was_sent(ALERT_ID), lambda: log.note_sent(ALERT_ID, NOW)):
        with pytest.raises(UnavailableError):
            call()
