"""``counterfoil checkpoints timestamp``, and ``verify`` of what it kept: authorities honest and hostile, and OpenSSL's."""

import json
import shutil
import socket
import subprocess
from datetime import UTC, datetime
from threading import Thread

import pytest

from counterfoil.adapters.timestamp_client import ask_authority
from counterfoil.errors import InputError, LimitError, UnavailableError
from counterfoil.transparency.proof_file import LogProof, render_proof
from counterfoil.transparency.timestamp import stamped_path, timestamp_path
from counterfoil.transparency.tree import prove_inclusion
from tests.transparency_logs import LOG_KEY, entries, entry, node_reader, signed, tiled
from tests.tsa import REPLY, ROOT, STRANGER, Server, Tsa, issued, pem, serving

VKEY = LOG_KEY.key.render()
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def log(tmp_path):
    """A log of nine entries in a folder, beside the certificates of an authority and of a stranger."""
    write(tmp_path / "log", 9)
    (tmp_path / "root.pem").write_bytes(pem(ROOT))
    (tmp_path / "stranger.pem").write_bytes(pem(STRANGER))
    return tmp_path / "log"


def write(folder, *sizes, **more):
    for path, data in tiled(*sizes, **more)[0].items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def of_today(**more):
    """An authority whose clock is right, with a certificate of now."""
    return Tsa(issued(begins=LONG_AGO, days=36_500), at=datetime.now(UTC).replace(microsecond=0), **more)


def ask(run, log, url, *more, certificate="root.pem"):
    given = ("--tsa-certificate", str(log.parent / certificate), "--json", *more)
    return run("checkpoints", "timestamp", str(log), "--vkey", VKEY, "--tsa", url, *given)


def check(run, log, *more, certificate="root.pem"):
    given = ("--tsa-certificate", str(log.parent / certificate), *more)
    return run("checkpoints", "verify", str(log), "--vkey", VKEY, *given)


def stamp(run, log, **more):
    with serving(of_today(**more)) as server:
        assert ask(run, log, server.url).status == 0
    return log / timestamp_path((log / "checkpoint").read_bytes())


def test_a_checkpoint_is_stamped_kept_and_checked_again(run, log):
    tsa = of_today()
    with serving(tsa) as server:
        done = ask(run, log, server.url + "?policy=1", "--out", str(log.parent / "kept.tsr"))
        assert server.asked[0][:2] == ("/tsr?policy=1", "application/timestamp-query")
    answer = json.loads(done.out)
    stamped = (log / "checkpoint").read_bytes()
    file = log / timestamp_path(stamped)
    assert (done.status, answer["holds"], answer["file"], answer["size"]) == (0, True, str(file), 9)
    assert (answer["at"], answer["authority"]) == (tsa.at.isoformat(), "CN=TSA")
    assert (log / stamped_path(stamped)).read_bytes() == stamped
    assert (log.parent / "kept.tsr").read_bytes() == file.read_bytes()
    verified = json.loads(check(run, log, "--json").out)
    assert (verified["holds"], [each["at"] for each in verified["timestamps"]]) == (True, [tsa.at.isoformat()])
    assert "stamped 9 entries at" in check(run, log).out


def test_a_checkpoint_is_stamped_once(run, log):
    file = stamp(run, log)
    kept = file.read_bytes()
    with serving(of_today()) as server:
        assert ask(run, log, server.url).status == 2
        assert (server.asked, file.read_bytes()) == ([], kept)


def test_a_log_that_grew_still_extends_what_was_stamped(run, log):
    stamp(run, log)
    write(log, 9, 300)
    stamp(run, log)
    done = check(run, log, "--json")
    assert (done.status, [each["size"] for each in json.loads(done.out)["timestamps"]]) == (0, [9, 300])


def test_a_log_that_was_written_anew_contradicts_its_time_stamp(run, log):
    stamp(run, log)
    write(log.parent / "forged", 9, 12, fork=4)
    shutil.copytree(log / "timestamp", log.parent / "forged" / "timestamp")
    assert run("checkpoints", "verify", str(log.parent / "forged"), "--vkey", VKEY).status == 0
    assert check(run, log.parent / "forged").status == 1


def test_a_checkpoint_of_another_key_is_not_stamped(run, log):
    with serving(of_today()) as server:
        other = VKEY.replace("ledger.example", "other.example")
        given = ("--vkey", other, "--tsa", server.url, "--tsa-certificate", str(log.parent / "root.pem"))
        assert run("checkpoints", "timestamp", str(log), *given).status == 2
        shutil.rmtree(log)
        assert ask(run, log, server.url).status == 2
        assert server.asked == []


@pytest.mark.parametrize(
    ("forgery", "status"),
    [({"imprint": bytes(32)}, 1), ({"nonce": 5}, 1), ({"ess": ()}, 1), ({"status": 2}, 2), ({"signatures": 2}, 1)],
)
def test_an_answer_that_does_not_hold_is_not_kept(run, log, forgery, status):
    with serving(of_today(**forgery)) as server:
        assert ask(run, log, server.url).status == status
    assert not (log / "timestamp").exists()


def test_an_answer_of_a_stranger_is_not_kept(run, log):
    with serving(of_today()) as server:
        assert ask(run, log, server.url, certificate="stranger.pem").status == 1
    assert not (log / "timestamp").exists()


@pytest.mark.parametrize(
    ("damage", "status"),
    [
        (lambda data: data[:-1], 2),
        (lambda _: b"rubbish", 2),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), 1),
        (lambda _: of_today().answer(b"something else"), 1),
        (lambda data: data + bytes(65_536), 2),
    ],
)
def test_a_time_stamp_that_was_altered_is_found(run, log, damage, status):
    file = stamp(run, log)
    file.write_bytes(damage(file.read_bytes()))
    done = check(run, log)
    assert (done.status, str(file.name) in done.err) == (status, True)


def test_the_checkpoint_beside_it_must_be_the_one_that_was_stamped(run, log):
    file = stamp(run, log)
    beside = file.with_suffix(".checkpoint")
    beside.write_bytes(signed(tiled(5)[1][0].head).render())
    assert check(run, log).status == 1
    beside.unlink()
    assert check(run, log).status == 2


def test_another_certificate_refuses_it_and_none_says_nothing_of_it(run, log):
    assert check(run, log).status == 2
    stamp(run, log)
    assert check(run, log, certificate="stranger.pem").status == 1
    assert check(run, log, certificate="log/checkpoint").status == 2
    assert "timestamps" not in json.loads(run("checkpoints", "verify", str(log), "--vkey", VKEY, "--json").out)


def test_a_time_stamp_kept_elsewhere_goes_with_a_proof(run, log):
    (_, checkpoints), made = tiled(9), entries(9)
    proof = LogProof(3, prove_inclusion(node_reader(made), 3, 9), checkpoints[0], entry(3))
    file, kept = log.parent / "3.tlog-proof", log.parent / "kept.tsr"
    file.write_bytes(render_proof(proof))
    kept.write_bytes(of_today().answer((log / "checkpoint").read_bytes()))
    certificate = ("--tsa-certificate", str(log.parent / "root.pem"))
    prove = ("checkpoints", "verify", str(file), "--vkey", VKEY)
    assert run(*prove, *certificate, "--timestamp", str(kept)).status == 0
    assert run(*prove, *certificate).status == 2
    assert run(*prove, "--timestamp", str(kept)).status == 2
    kept.write_bytes(of_today().answer(b"something else"))
    assert run(*prove, *certificate, "--timestamp", str(kept)).status == 1
    assert run(*prove, *certificate, "--timestamp", str(log.parent / "nothing")).status == 2


# The server


@pytest.mark.parametrize(
    ("answer", "error", "why"),
    [
        ((302, {"Location": "file:///etc/passwd"}, b""), UnavailableError, "status 302"),
        ((302, {"Location": "https://elsewhere.example/"}, b""), UnavailableError, "status 302"),
        ((500, REPLY, b""), UnavailableError, "status 500"),
        ((200, {"Content-Type": "text/html"}, b"<html>"), InputError, "text/html"),
        ((200, REPLY, bytes(65_537)), LimitError, "more than 65536"),
        ((200, REPLY | {"Content-Length": "999999999"}, b"\x30"), UnavailableError, "broke off"),
    ],
)
def test_what_else_a_server_answers_is_refused(answer, error, why):
    with Server(lambda _: answer) as server, pytest.raises(error, match=why):
        ask_authority(server.url, b"query")


def test_who_answers_drop_by_drop_is_cut_off():
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip():
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-")
                connection.recv(1)  # waits for the other side to give up

        dripping = Thread(target=drip, daemon=True)
        dripping.start()
        with pytest.raises(UnavailableError, match="does not answer"):
            ask_authority(f"http://127.0.0.1:{listening.getsockname()[1]}/", b"query", whole_seconds=0.2)
        dripping.join()


def test_who_is_not_there_is_unavailable(run, log):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert ask(run, log, f"http://127.0.0.1:{port}/").status == 3


@pytest.mark.parametrize(
    "url",
    ["http://tsa.example", "ftp://tsa.example", "file:///etc/passwd", "https://a@tsa.example", "https://t/#x", "tsa"],
)
def test_an_authority_is_asked_over_https_alone(url):
    with pytest.raises(InputError, match="no URL of a time-stamping authority"):
        ask_authority(url, b"query")


def test_http_to_another_machine_is_for_who_says_so(monkeypatch):
    def refused(self):
        raise OSError(f"to {self.host}")

    monkeypatch.setattr("http.client.HTTPConnection.connect", refused)
    with pytest.raises(UnavailableError, match=r"to tsa\.example"):
        ask_authority("http://tsa.example", b"query", plain=True)
    with pytest.raises(InputError, match="no URL"):
        ask_authority("ftp://tsa.example", b"query", plain=True)


# OpenSSL as the authority

SECTIONS = """
[root]
basicConstraints = critical, CA:TRUE
[tsa]
extendedKeyUsage = critical, timeStamping
[req]
distinguished_name = dn
[dn]
[authority]
serial = serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.3.6.1.4.1.32473.1
digests = sha256
ess_cert_id_alg = sha256
"""


@pytest.fixture
def openssl(tmp_path):
    """An authority of OpenSSL's in a folder; the tests with a forger's authority need no program."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here: this test asks an authority of its making")
    (tmp_path / "sections").write_text(SECTIONS)
    for command in (
        "req -x509 -newkey rsa:2048 -nodes -keyout root.key -subj /CN=Root -days 9 -config sections -extensions root -out root.pem",
        "req -new -newkey rsa:2048 -nodes -keyout tsa.key -subj /CN=TSA -config sections -out tsa.csr",
        "x509 -req -in tsa.csr -CA root.pem -CAkey root.key -set_serial 5 -days 9 -extfile sections -extensions tsa -out tsa.pem",
    ):
        called(tmp_path, command)
    return tmp_path


def called(folder, command, **more):
    return subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True, **more)


def test_an_authority_of_openssl_is_asked_and_both_verify_what_it_says(openssl, run):
    write(openssl / "log", 9)

    def answer(body):
        (openssl / "query.tsq").write_bytes(body)
        called(
            openssl,
            "ts -reply -config sections -section authority -queryfile query.tsq -signer tsa.pem -inkey tsa.key -out a.tsr",
        )
        return 200, REPLY, (openssl / "a.tsr").read_bytes()

    log, root = str(openssl / "log"), str(openssl / "root.pem")
    with Server(answer) as server:
        asked = ("checkpoints", "timestamp", log, "--vkey", VKEY, "--tsa", server.url, "--tsa-certificate", root)
        assert run(*asked, "--out", str(openssl / "kept.tsr")).status == 0
    verified = run("checkpoints", "verify", log, "--vkey", VKEY, "--tsa-certificate", root, "--json")
    (stamp,) = json.loads(verified.out)["timestamps"]
    assert (verified.status, stamp["size"], stamp["authority"]) == (0, 9, "CN=TSA")
    theirs = called(openssl, "ts -verify -data log/checkpoint -in kept.tsr -CAfile root.pem", text=True)
    assert "Verification: OK" in theirs.stdout
