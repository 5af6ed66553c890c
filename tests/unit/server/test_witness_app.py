"""A witness behind HTTP: what it answers, and that no request can be larger or slower than it allows."""

import asyncio
import json
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from counterfoil.adapters.memory.logs import MemoryLog
from counterfoil.adapters.note_keys import PrivateKey
from counterfoil.adapters.witness_client import ask_witness
from counterfoil.errors import UnavailableError
from counterfoil.server import witness as served
from counterfoil.server.witness import WitnessApp
from counterfoil.services.witness import WitnessService
from counterfoil.transparency.note import KeyType
from tests.audit_worlds import NOW
from tests.transparency_logs import LOG, LOG_KEY, ORIGIN, witness_key
from tests.unit.services.test_transparency_log import request


def app(store=None):
    return WitnessApp(WitnessService(store or MemoryLog(), {ORIGIN: LOG}, witness_key("a.example"), lambda: NOW))


async def asked(made, body=b"", path="/add-checkpoint", method="POST", pieces=None):
    """Status, content type and body of one request."""
    sent = []
    waiting = list(pieces or [{"type": "http.request", "body": body}])

    async def receive():
        if not waiting:
            await asyncio.sleep(3600)
        return waiting.pop(0)

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
    }
    await made(scope, receive, send)
    if not sent:
        return None
    return sent[0]["status"], dict(sent[0]["headers"])[b"content-type"], sent[1]["body"]


def ask(*arguments, **more):
    return asyncio.run(asked(*arguments, **more))


def test_it_answers_as_tlog_witness_says():
    made = app()
    status, kind, body = ask(made, request(0, 9))
    assert (status, kind) == (200, b"text/plain; charset=utf-8")
    assert body.decode().startswith("— a.example ")
    assert ask(made, request(0, 9)) == (409, b"text/x.tlog.size", b"9\n")
    assert ask(made, b"rubbish")[0] == 400
    assert ask(made, request(9, 12, fork=3))[0] == 422


def test_other_paths_and_methods_are_refused_and_it_says_that_it_is_well():
    assert ask(app(), path="/other")[0] == 404
    assert ask(app(), method="GET")[0] == 405
    assert ask(app(), path="/healthz", method="GET") == (200, b"text/plain; charset=utf-8", b"ok\n")


def test_what_is_too_large_or_too_slow_is_refused(monkeypatch):
    assert ask(app(), b"x" * 100_000)[0] == 413
    half = {"type": "http.request", "body": b"x" * 5_000_000, "more_body": True}
    assert ask(app(), pieces=[half, half])[0] == 413
    monkeypatch.setattr(served, "BODY_SECONDS", 0.01)
    assert ask(app(), pieces=[half | {"body": b"x"}])[0] == 408
    assert ask(app(), pieces=[{"type": "http.disconnect"}]) is None


def test_a_disk_that_fails_is_503_and_nothing_was_signed():
    class Broken(MemoryLog):
        def replace(self, *_):
            raise UnavailableError("disk full")

    assert ask(app(Broken()), request(0, 9))[0] == 503


def test_of_requests_at_once_one_is_judged_after_the_other():
    async def both():
        made = app()
        return await asyncio.gather(*(asked(made, request(0, size)) for size in (9, 12)))

    assert sorted(status for status, _, _ in asyncio.run(both())) == [200, 409]


@contextmanager
def running(tmp_path):
    key = tmp_path / "w.key"
    PrivateKey.generate("w.example", KeyType.COSIGNATURE).write(key)
    command = [sys.executable, "-c", "from counterfoil.cli import main; main()", "witness", "serve", "--json"]
    command += ["--state", tmp_path / "state", "--key", key, "--log", LOG_KEY.key.render(), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        lines = ""
        while "}" not in lines:
            lines += process.stdout.readline()
        yield json.loads(lines)["url"] + "/add-checkpoint", process
    finally:
        process.kill()
        process.wait(30)
        process.stdout.close()
        key.unlink()


def test_a_witness_that_was_killed_remembers_what_it_signed(tmp_path):
    with running(tmp_path) as (url, process):
        assert ask_witness(url, request(0, 9)).status == 200
        process.send_signal(signal.SIGKILL)
    with pytest.raises(UnavailableError):
        ask_witness(url, request(0, 9))
    with running(tmp_path) as (url, process):
        assert ask_witness(url, request(0, 9)) == (409, b"9\n")
        assert ask_witness(url, request(9, 9, fork=2)) == (409, b"9\n")
        assert ask_witness(url, request(9, 12)).status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
