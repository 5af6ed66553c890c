"""The integration cases of QLDB's official Python driver, written anew, for the driver's own environment (.tools/driver).

Runs every case against the endpoint that the environment names, and prints one line of JSON for each:
``{"case": name, "error": null}``. Needs ``pyqldb`` alone.
"""

import json
import sys
import time
import traceback
from queue import Queue
from threading import Thread

import boto3
from amazon.ion.core import IonType
from amazon.ion.simple_types import IonPyNull
from amazon.ion.simpleion import dumps, loads
from botocore.exceptions import ClientError
from ion_values import VALUES
from pyqldb.config.retry_config import RetryConfig
from pyqldb.driver.qldb_driver import QldbDriver
from pyqldb.errors import (
    DriverClosedError,
    SessionPoolEmptyError,
    is_bad_request_exception,
    is_occ_conflict_exception,
    is_transaction_expired_exception,
)

LEDGER = "Pytest"
TABLE = "PythonIntegrationTestTable"
NEW_TABLE = "PythonIntegrationTestCreateTable"
COLUMN = "Name"
ONE, TWO, THREE = "SingleDocumentValue", "MultipleDocumentValue1", "MultipleDocumentValue2"
TRANSACTION_SECONDS = 30
CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def run(statement, *parameters, driver=None):
    """All rows of one statement in a transaction of its own."""
    return list((driver or DRIVER).execute_lambda(lambda txn: txn.execute_statement(statement, *parameters)))


def refused(call, judge):
    """The ClientError that a call must end with."""
    try:
        call()
    except ClientError as error:
        assert judge(error), error
        return error
    raise AssertionError("nothing was raised")


def in_threads(work, count=2):
    """What each of some threads raised, all begun at once."""
    raised = Queue()

    def guarded():
        try:
            work()
        except Exception as error:  # noqa: BLE001 - handed to the case, which judges it
            raised.put(error)

    threads = [Thread(target=guarded) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return list(raised.queue)


# ---- sessions --------------------------------------------------------------------------------------


@case
def connect_to_non_existent_ledger():
    with QldbDriver("nonExistentLedger", retry_config=RetryConfig(retry_limit=0)) as driver:
        error = refused(driver.list_tables, is_bad_request_exception)
    assert "nonExistentLedger" in error.response["Error"]["Message"]


@case
def get_session_when_pool_does_not_have_session_and_has_not_hit_limit():
    with QldbDriver(LEDGER) as driver:
        assert TABLE in list(driver.list_tables())


@case
def get_session_when_pool_has_session_and_has_not_hit_limit():
    with QldbDriver(LEDGER) as driver:
        driver.list_tables()
        assert driver._pool.qsize() == 1
        driver.list_tables()
        assert driver._pool.qsize() == 1


@case
def get_session_when_pool_does_not_have_session_and_has_hit_limit():
    with QldbDriver(LEDGER, max_concurrent_transactions=1) as driver:
        raised = in_threads(lambda: driver.execute_lambda(lambda _: time.sleep(0.5)))
    assert [type(error) for error in raised] == [SessionPoolEmptyError], raised


@case
def get_session_when_pool_does_not_have_session_and_has_hit_limit_and_session_is_returned_to_pool():
    with QldbDriver(LEDGER, max_concurrent_transactions=1) as driver:
        driver._timeout = 30
        assert in_threads(driver.list_tables) == []


@case
def get_session_when_driver_is_closed():
    driver = QldbDriver(LEDGER)
    driver.close()
    try:
        driver.list_tables()
    except DriverClosedError:
        return
    raise AssertionError("a closed driver listed tables")


# ---- statements ------------------------------------------------------------------------------------


@case
def drop_an_existing_table():
    assert len(run(f"CREATE TABLE {NEW_TABLE}")) == 1
    assert NEW_TABLE in list(DRIVER.list_tables())
    assert len(run(f"DROP TABLE {NEW_TABLE}")) == 1
    assert NEW_TABLE not in list(DRIVER.list_tables())


@case
def list_tables():
    assert list(DRIVER.list_tables()) == [TABLE]


@case
def list_tables_through_a_session_that_was_used_before():
    for _ in range(3):
        assert list(DRIVER.list_tables()) == [TABLE]


@case
def create_table_that_already_exists():
    refused(lambda: run(f"CREATE TABLE {TABLE}"), is_bad_request_exception)


@case
def create_index():
    assert len(run(f"CREATE INDEX ON {TABLE} ({COLUMN})")) == 1
    query = f"SELECT VALUE indexes[0] FROM information_schema.user_tables WHERE status = 'ACTIVE' AND name = '{TABLE}'"
    (index,) = run(query)
    assert index["expr"] == f"[{COLUMN}]"


@case
def returns_empty_when_no_records_are_found():
    assert run(f"SELECT * FROM {TABLE}") == []


@case
def insert_document():
    assert len(run(f"INSERT INTO {TABLE} ?", {COLUMN: ONE})) == 1
    assert run(f"SELECT VALUE {COLUMN} FROM {TABLE} WHERE {COLUMN} = ?", ONE) == [ONE]


@case
def read_single_field():
    run(f"INSERT INTO {TABLE} ?", {COLUMN: ONE, "Other": 1})
    assert run(f"SELECT VALUE {COLUMN} FROM {TABLE} WHERE {COLUMN} = ?", ONE) == [ONE]


@case
def query_table_enclosed_in_quotes():
    run(f"INSERT INTO {TABLE} ?", {COLUMN: ONE})
    assert run(f'SELECT VALUE {COLUMN} FROM "{TABLE}" WHERE {COLUMN} = ?', ONE) == [ONE]


@case
def query_stats():
    for number in range(3):
        run(f"INSERT INTO {TABLE} ?", {COLUMN: number})
    six_way = f"SELECT * FROM {', '.join(f'{TABLE} AS {name}' for name in 'abcdef')}"

    def count_rows(txn):
        cursor = txn.execute_statement(six_way)
        rows = 0
        for _ in cursor:
            rows += 1
            assert cursor.get_consumed_ios()["ReadIOs"] > 0
            assert cursor.get_timing_information()["ProcessingTimeMilliseconds"] > 0
        return rows, cursor.get_consumed_ios()["ReadIOs"]

    rows, read_ios = DRIVER.execute_lambda(count_rows)
    assert rows == 729
    # One read for each document at each level of the nested loops.
    assert read_ios == 3 + 9 + 27 + 81 + 243 + 729, read_ios
    buffered = DRIVER.execute_lambda(lambda txn: txn.execute_statement(six_way))
    assert len(list(buffered)) == 729
    assert buffered.get_consumed_ios()["ReadIOs"] == read_ios
    assert buffered.get_timing_information()["ProcessingTimeMilliseconds"] > 0


@case
def insert_multiple_documents():
    assert len(run(f"INSERT INTO {TABLE} <<?, ?>>", {COLUMN: TWO}, {COLUMN: THREE})) == 2
    found = run(f"SELECT VALUE {COLUMN} FROM {TABLE} WHERE {COLUMN} IN (?, ?)", TWO, THREE)
    assert sorted(found) == sorted([TWO, THREE])


@case
def delete_single_document():
    run(f"INSERT INTO {TABLE} ?", {COLUMN: ONE})
    assert len(run(f"DELETE FROM {TABLE} WHERE {COLUMN} = ?", ONE)) == 1
    assert run(f"SELECT COUNT(*) FROM {TABLE}") == [{"_1": 0}]


@case
def delete_all_documents():
    run(f"INSERT INTO {TABLE} <<?, ?>>", {COLUMN: TWO}, {COLUMN: THREE})
    assert len(run(f"DELETE FROM {TABLE}")) == 2
    assert run(f"SELECT COUNT(*) FROM {TABLE}") == [{"_1": 0}]


@case
def occ_exception_is_thrown():
    run(f"INSERT INTO {TABLE} ?", {COLUMN: 0})
    with QldbDriver(LEDGER, retry_config=RetryConfig(retry_limit=0)) as other:

        def read_and_let_another_change_it(txn):
            txn.execute_statement(f"SELECT VALUE {COLUMN} FROM {TABLE}")
            run(f"UPDATE {TABLE} SET {COLUMN} = ?", 5)

        refused(lambda: other.execute_lambda(read_and_let_another_change_it), is_occ_conflict_exception)
        assert list(other.list_tables()) == [TABLE]  # the session goes on


@case
def insert_and_read_ion_types():
    for text in VALUES:
        value = loads(text)
        assert len(run(f"INSERT INTO {TABLE} ?", with_field(value))) == 1, text
        check_reads(text, value)
        assert len(run(f"DELETE FROM {TABLE}")) == 1, text


@case
def update_ion_types():
    run(f"INSERT INTO {TABLE} ?", {COLUMN: ONE})
    for text in VALUES:
        value = loads(text)
        assert len(run(f"UPDATE {TABLE} SET {COLUMN} = ?", value)) == 1, text
        check_reads(text, value)


@case
def execute_lambda_that_does_not_return_value():
    DRIVER.execute_lambda(lambda txn: txn.execute_statement(f"INSERT INTO {TABLE} ?", {COLUMN: ONE}) and None)
    assert run(f"SELECT VALUE {COLUMN} FROM {TABLE} WHERE {COLUMN} = ?", ONE) == [ONE]


@case
def delete_table_that_does_not_exist():
    refused(lambda: run("DELETE FROM NonExistentTable"), is_bad_request_exception)


@case
def error_when_transaction_expires():
    """The wait runs beside the other cases: see ``main``."""
    EXPIRING.join()
    (error,) = EXPIRED
    assert is_transaction_expired_exception(error), error
    assert list(DRIVER.list_tables()) == [TABLE]


def wait_until_it_expires(errors):
    def sleep_too_long(txn):
        txn.execute_statement("SELECT VALUE name FROM information_schema.user_tables")
        time.sleep(TRANSACTION_SECONDS + 1)

    try:
        with QldbDriver(LEDGER, retry_config=RetryConfig(retry_limit=0)) as driver:
            driver.execute_lambda(sleep_too_long)
    except ClientError as error:
        errors.append(error)


def with_field(value):
    """A struct with the value as it is, annotations and type of null included."""
    struct = loads(dumps({COLUMN: ONE}))
    struct[COLUMN] = value
    return struct


def check_reads(text, value):
    """The stored value is found by itself, and comes back as it went in."""
    if isinstance(value, IonPyNull) or value.ion_type is IonType.NULL:
        found = run(f"SELECT VALUE {COLUMN} FROM {TABLE} WHERE {COLUMN} IS NULL")
    else:
        found = run(f"SELECT VALUE {COLUMN} FROM {TABLE} WHERE {COLUMN} = ?", value)
    assert len(found) == 1, (text, found)
    assert found[0].ion_type is value.ion_type, (text, found)
    assert written(found[0]) == written(value), (text, written(found[0]))


def written(value):
    return dumps(value, binary=False, omit_version_marker=True)


def create_ledger():
    qldb = boto3.client("qldb")
    qldb.create_ledger(Name=LEDGER, PermissionsMode="ALLOW_ALL", DeletionProtection=False)
    while qldb.describe_ledger(Name=LEDGER)["State"] != "ACTIVE":
        time.sleep(0.1)


def delete_ledger():
    qldb = boto3.client("qldb")
    qldb.delete_ledger(Name=LEDGER)
    try:
        qldb.describe_ledger(Name=LEDGER)
    except qldb.exceptions.ResourceNotFoundException:
        return
    raise AssertionError("the ledger is still there")


def main():
    for name, function in CASES.items():
        try:
            function()
            run(f"DELETE FROM {TABLE}")
            error = None
        except Exception:  # noqa: BLE001 - the report is the output
            error = traceback.format_exc()
        sys.stdout.write(json.dumps({"case": name, "error": error}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    create_ledger()
    DRIVER = QldbDriver(LEDGER)
    EXPIRED = []
    EXPIRING = Thread(target=wait_until_it_expires, args=(EXPIRED,))
    EXPIRING.start()
    run(f"CREATE TABLE {TABLE}")
    main()
    DRIVER.close()
    delete_ledger()
