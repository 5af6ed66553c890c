"""Transfers through QLDB's official Python driver, one for each word on standard input; how each ended, a line of JSON each.

``transfer`` moves money of ACC-1, ``other`` of an account that is not frozen; ``begin`` writes a transfer and waits for the next
word, whatever it is, before it commits. Needs ``pyqldb`` alone.
"""

import json
import sys
from itertools import count

from botocore.exceptions import ClientError
from pyqldb.config.retry_config import RetryConfig
from pyqldb.driver.qldb_driver import QldbDriver

driver = QldbDriver("bank", retry_config=RetryConfig(retry_limit=4))
numbers = count(1)


def write(transaction, payer):
    document = {
        "transactionId": f"TX-{next(numbers)}", "fromAccountId": payer, "toAccountId": "ACC-2", "amount": "1.00",
        "currency": "USD", "status": "COMPLETED",
    }  # fmt: skip
    transaction.execute_statement("INSERT INTO Transactions ?", document)


def transfer(payer, wait=lambda: None):
    attempts = 0

    def work(transaction):
        nonlocal attempts
        attempts += 1
        write(transaction, payer)
        if attempts == 1:
            wait()

    try:
        driver.execute_lambda(work)
    except ClientError as error:
        return {"error": error.response["Error"]["Code"], "says": str(error), "attempts": attempts}
    return {"error": None, "attempts": attempts}


def say(answer):
    print(json.dumps(answer), flush=True)  # noqa: T201 - what the program is for


def begun():
    say({"begun": True})
    sys.stdin.readline()


for line in sys.stdin:
    match line.strip():
        case "begin":
            say(transfer("ACC-1", begun))
        case "other":
            say(transfer("ACC-3"))
        case _:
            say(transfer("ACC-1"))
