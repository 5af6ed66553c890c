"""``counterfoil checkpoints`` and ``witness cosign``: what they say, write and refuse."""

import json
import shutil
from datetime import timedelta

import pytest

import counterfoil
from counterfoil.adapters.log_directory import LogDirectory
from counterfoil.adapters.note_keys import PrivateKey, verifier_of
from counterfoil.adapters.outside_urls import check_url
from counterfoil.errors import InputError
from counterfoil.log_ports import WitnessAnswer
from counterfoil.services.witness import WitnessService
from counterfoil.transparency.note import VerifierKey
from tests.audit_worlds import NOW
from tests.transparency_logs import witness_key


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a ledger of four blocks, a log's key and nothing else."""
    monkeypatch.chdir(tmp_path)
    write("CREATE TABLE T", "INSERT INTO T {'k': 1}", "INSERT INTO T {'k': 2}", "INSERT INTO T {'k': 3}")
    return tmp_path


@pytest.fixture
def vkey(place, run):
    assert run("checkpoints", "key", "ledger.example/bank", "--to", "log.key").status == 0
    return PrivateKey.read(place / "log.key").key.render()


def write(*texts):
    with counterfoil.open("ledgers/bank") as ledger:
        for text in texts:
            ledger.execute_statement(text)


MAKE = ("checkpoints", "make", "bank", "--data", "ledgers", "--to", "log", "--key", "log.key")


def test_a_key_is_made_once_and_read_by_its_owner_alone(place, run):
    made = run("checkpoints", "key", "w.example", "--witness", "--to", "w.key", "--json")
    assert made.status == 0
    key = VerifierKey.parse(json.loads(made.out)["verifierKey"])
    assert PrivateKey.read(place / "w.key").key == key
    assert (place / "w.key").stat().st_mode & 0o777 == 0o600
    again = run("checkpoints", "key", "w.example", "--to", "w.key")
    assert (again.status, PrivateKey.read(place / "w.key").key) == (2, key)


def test_a_log_is_made_shown_verified_and_grows(place, run, vkey):
    answer = json.loads(run(*MAKE, "--json").out)
    assert (answer["origin"], answer["size"], answer["added"], answer["verifierKey"]) == (
        "ledger.example/bank",
        4,
        4,
        vkey,
    )
    shutil.copy("log/checkpoint", "old")
    shown = run("checkpoints", "show", "log", "--json")
    assert json.loads(shown.out)["checkpoint"] == (place / "log/checkpoint").read_text()
    assert run("checkpoints", "show", "old").status == 0
    write("INSERT INTO T {'k': 4}")
    assert json.loads(run(*MAKE, "--json").out)["added"] == 1
    assert "holds" in run(*MAKE).out
    verified = run(
        "checkpoints",
        "verify",
        "log",
        "--vkey",
        vkey,
        "--old",
        "old",
        "--ledger",
        "bank",
        "--data",
        "ledgers",
        "--json",
    )
    answer = json.loads(verified.out)
    assert verified.status == 0
    assert (answer["holds"], answer["entriesVerified"], answer["extends"], answer["ledgerCompared"]) == (
        True,
        5,
        4,
        True,
    )


def test_a_proof_file_is_enough_by_itself(place, run, vkey):
    run(*MAKE)
    assert run("checkpoints", "prove", "log", "--vkey", vkey, "--block", "2", "--to", "p.tlog-proof").status == 0
    answer = json.loads(run("checkpoints", "verify", "p.tlog-proof", "--vkey", vkey, "--json").out)
    assert (answer["holds"], answer["blockAddress"]["sequenceNo"], answer["size"]) == (True, 2, 4)
    text = (place / "p.tlog-proof").read_text()
    (place / "p.tlog-proof").write_text(text.replace("index 2", "index 1"))
    assert run("checkpoints", "verify", "p.tlog-proof", "--vkey", vkey).status == 1
    (place / "p.tlog-proof").write_text("rubbish")
    assert run("checkpoints", "verify", "p.tlog-proof", "--vkey", vkey).status == 2
    assert run("checkpoints", "verify", "p.tlog-proof", "--vkey", vkey, "--old", "log/checkpoint").status == 2


def test_growth_is_proved_from_any_size(run, vkey):
    run(*MAKE)
    answer = json.loads(run("checkpoints", "prove", "log", "--vkey", vkey, "--old", "3", "--json").out)
    assert (answer["oldSize"], answer["size"], answer["proofLength"]) == (3, 4, 3)
    assert run("checkpoints", "prove", "log", "--vkey", vkey, "--old", "3").out.count("\n") == 3
    assert run("checkpoints", "prove", "log", "--vkey", vkey, "--old", "5").status == 2
    assert run("checkpoints", "prove", "log", "--vkey", vkey, "--block", "4").status == 2
    assert run("checkpoints", "prove", "log", "--vkey", vkey).status == 2


def test_what_was_altered_is_an_integrity_failure(place, run, vkey):
    run(*MAKE)
    for path in ("tile/0/000.p/4", "tile/entries/000.p/4"):
        kept = (place / "log" / path).read_bytes()
        (place / "log" / path).write_bytes(kept[:-5] + bytes([kept[-5] ^ 1]) + kept[-4:])
        assert run("checkpoints", "verify", "log", "--vkey", vkey).status == 1
        (place / "log" / path).write_bytes(kept)
    other = PrivateKey.of_seed("ledger.example/bank", 1, bytes(32)).key.render()
    assert run("checkpoints", "verify", "log", "--vkey", other).status == 1
    assert run("checkpoints", "verify", "nothing", "--vkey", vkey).status == 2


def test_a_ledger_that_is_another_one_or_shorter_than_its_log_is_found(place, run, vkey):
    shutil.copytree("ledgers", "older")
    run(*MAKE)
    shutil.copy("log/checkpoint", "old")
    write("INSERT INTO T {'k': 4}")
    run(*MAKE)
    assert run(*MAKE[:3], "--data", "older", "--to", "log", "--key", "log.key").status == 1
    with counterfoil.open("older/bank") as ledger:
        ledger.execute_statement("INSERT INTO T {'k': 5}")
        ledger.execute_statement("INSERT INTO T {'k': 6}")
    assert run(*MAKE[:3], "--data", "older", "--to", "log", "--key", "log.key").status == 1
    compared = run("checkpoints", "verify", "log", "--vkey", vkey, "--ledger", "bank", "--data", "older", "--json")
    assert (compared.status, json.loads(compared.out)["error"]["type"]) == (1, "IntegrityError")
    with counterfoil.open("ledgers/other") as ledger:
        ledger.execute_statement("CREATE TABLE T")
    assert run("checkpoints", "make", "other", "--data", "ledgers", "--to", "log", "--key", "log.key").status == 2


# Witnesses ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def witness(place, vkey, monkeypatch):
    """A witness that is asked without a network; the policy names it alone."""
    key = witness_key("w.example")
    logs = {"ledger.example/bank": verifier_of(VerifierKey.parse(vkey))}
    service = WitnessService(LogDirectory(place / "state"), logs, key, lambda: NOW)
    (place / "policy").write_text(f"witness w {key.key.render()} https://w.example\nquorum w\n")
    for module in ("checkpoints", "witness"):
        monkeypatch.setattr(f"counterfoil.cli.{module}.ask_witness", lambda _, body: service.add_checkpoint(body))
    return service


def test_a_checkpoint_is_witnessed_when_made_or_afterwards(place, run, vkey, witness):
    run(*MAKE)
    verify = ("checkpoints", "verify", "log", "--vkey", vkey, "--policy", "policy")
    assert run(*verify).status == 1
    cosigned = run("witness", "cosign", "log", "--vkey", vkey, "--policy", "policy", "--json")
    assert (cosigned.status, json.loads(cosigned.out)["signedBy"]) == (0, ["w"])
    assert run(*verify).status == 0
    write("INSERT INTO T {'k': 4}")
    assert json.loads(run(*MAKE, "--policy", "policy", "--json").out)["quorumReached"] is True
    assert run("witness", "cosign", "log", "--vkey", vkey, "--policy", "policy").status == 0


def test_a_signature_of_a_time_to_come_is_said_and_counts_for_nothing(place, run, vkey, witness, monkeypatch):
    run(*MAKE, "--policy", "policy")
    verify = ("checkpoints", "verify", "log", "--vkey", vkey, "--policy", "policy")
    assert (run(*verify).status, json.loads(run(*verify, "--json").out)["signatures"][1]["datedAhead"]) == (0, False)
    monkeypatch.setattr("counterfoil.cli.log_options.system_clock", lambda: NOW - timedelta(minutes=6))
    assert "w.example" in run(*verify).out
    assert "verified, but dated later than now: it counts for nothing" in run(*verify).out
    answer = run(*verify, "--json")
    said = json.loads(answer.out)
    assert (answer.status, said["holds"], said["signatures"][1]["verified"], said["signatures"][1]["datedAhead"]) == (
        1,
        False,
        True,
        True,
    )
    assert run("witness", "cosign", "log", "--vkey", vkey, "--policy", "policy").status == 3
    monkeypatch.setattr("counterfoil.cli.log_options.system_clock", lambda: NOW - timedelta(minutes=5))
    assert run(*verify).status == 0


def test_a_witness_of_another_history_and_one_that_refuses_are_told_apart(place, run, vkey, witness, monkeypatch):
    run(*MAKE, "--policy", "policy")
    shutil.rmtree("log")
    shutil.rmtree("ledgers")
    write("CREATE TABLE T", *(f"INSERT INTO T {{'k': {number}}}" for number in range(5)))
    assert run(*MAKE, "--policy", "policy").status == 1
    assert run("witness", "cosign", "log", "--vkey", vkey, "--policy", "policy").status == 1
    monkeypatch.setattr("counterfoil.cli.witness.ask_witness", lambda *_: WitnessAnswer(500, b""))
    assert run("witness", "cosign", "log", "--vkey", vkey, "--policy", "policy").status == 3


@pytest.mark.parametrize(
    "url", ["http://w.example", "ftp://w", "https://", "https://a:b@w", "https://w?x", "https://w:x", "https://w /", ""]
)
def test_a_witness_is_asked_over_https_alone(url):
    with pytest.raises(InputError, match="no URL of a witness"):
        check_url(url, "a witness")
    check_url("https://w.example/prefix/add-checkpoint", "a witness")
    check_url("http://127.0.0.1:8601/add-checkpoint", "a witness")
