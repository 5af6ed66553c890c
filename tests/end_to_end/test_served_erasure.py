"""Sealed fields on ``counterfoil serve``: the official protocol, the command line, a server that is killed and begun again."""

import json
import signal
import subprocess

import pytest

from tests.end_to_end.test_serve import Session
from tests.sealed_ledgers import ERASED, NAME, PERSON, SECRET, TABLE
from tests.served import COUNTERFOIL, Served

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("driver")]


def command(served, *words):
    words = [COUNTERFOIL, *words, "--endpoint", served.url, "--json"]
    done = subprocess.run(words, env=served.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_document_is_erased_on_a_server_and_stays_erased(tmp_path):
    options = (tmp_path / "data", "--seals", tmp_path / "seals")
    with Served(*options) as served:
        command(served, "ledger", "create", "bank")
        session = Session(served)
        session.run(TABLE)
        (inserted,) = session.run("INSERT INTO People ?", PERSON)
        assert session.run(NAME, "NL") == [SECRET]
        served.stop(signal.SIGKILL)
    with Served(*options) as served:
        assert Session(served).run(NAME, "NL") == [SECRET]
        who = ("--author", "Ada", "--reason", "asked for")
        certificate = command(served, "erase", "bank", "People", inserted["documentId"], *who)
        assert Session(served).run(NAME, "NL") == [ERASED]
        served.stop(signal.SIGKILL)
    with Served(*options) as served:
        assert Session(served).run(NAME, "NL") == [ERASED]
        assert command(served, "erase", "bank", "People", inserted["documentId"], *who) == certificate
        place = f"{certificate['blockAddress']['strandId']}#{certificate['blockAddress']['sequenceNo']}"
        receipt = ("findings", "receipt", "bank", place, "--document", certificate["certificateId"])
        command(served, *receipt, "--to", str(tmp_path / "receipt.json"))
    done = subprocess.run(
        [COUNTERFOIL, "verify", "receipt", tmp_path / "receipt.json"], capture_output=True, check=False
    )
    assert done.returncode == 0
