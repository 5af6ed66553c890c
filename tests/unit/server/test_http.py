"""The socket: one write for an answer, limits in time, size and number, and whatever a client may do wrong."""

import json
import socket
import threading

import pytest

from counterfoil.server import requests
from counterfoil.server.http import MAX_HEADER_BYTES, OneWrite
from counterfoil.server.requests import MAX_BODY_BYTES
from tests.served_app import SESSION_HEADERS, ServedApp, read_all

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def served():
    with ServedApp() as app:
        yield app


def is_well(served):
    status, _, body = served.request("GET", "/healthz")
    return status == 200 and body["status"] == "ok"


class Transport:
    """Notes each write."""

    def __init__(self):
        self.writes = []
        self.closed = False

    def write(self, data):
        self.writes.append(data)

    def close(self):
        self.closed = True

    def is_closing(self):
        return self.closed


class Loop:
    def __init__(self):
        self.soon = []

    def call_soon(self, call):
        self.soon.append(call)


def test_what_is_written_in_one_step_is_sent_at_once():
    inner, loop = Transport(), Loop()
    transport = OneWrite(inner, loop)
    transport.write(b"headers ")
    transport.write(b"body")
    assert inner.writes == []
    (flush,) = loop.soon
    flush()
    assert inner.writes == [b"headers body"]
    transport.write(b"next")
    assert len(loop.soon) == 2


def test_closing_sends_what_was_written_and_nothing_twice():
    inner, loop = Transport(), Loop()
    transport = OneWrite(inner, loop)
    transport.write(b"last")
    transport.close()
    loop.soon[0]()
    assert inner.writes == [b"last"]
    assert inner.closed


def test_answers_leave_at_once_however_small():
    """TCP_NODELAY is set on what the server accepts; without it a small answer waits for an acknowledgement."""
    seen = []

    async def note(scope, receive, send):
        await original(scope, receive, send)
        for connection in list(app.table.open):
            sock = connection.transport.get_extra_info("socket")
            seen.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    app = ServedApp()
    original = app.app.__call__
    app.app = note
    with app:
        app.request("GET", "/healthz")
    assert seen == [1]


def test_requests_follow_each_other_on_one_connection(served):
    with served.connect() as connection:
        for _ in range(3):
            connection.sendall(HEALTH)
            answer = connection.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 200 OK")
            assert answer.endswith(b"}")


def test_requests_that_were_sent_ahead_are_answered_in_order(served):
    with served.connect() as connection:
        connection.sendall(HEALTH * 3 + HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        answers = read_all(connection)
    assert answers.count(b"HTTP/1.1 200 OK") == 4
    ids = [int(each.split(b"\r\n")[0].rpartition(b"-")[2]) for each in answers.split(b"x-amzn-requestid: ")[1:]]
    assert ids == sorted(ids)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nna me: x\r\n\r\n",
    ],
)
def test_what_is_no_http_ends_its_connection_alone(served, garbage):
    with served.connect() as connection:
        connection.sendall(garbage)
        answer = read_all(connection)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert is_well(served)


def test_a_body_that_is_cut_short_changes_nothing(served):
    begun = served.service.sessions.count
    body = json.dumps({"StartSession": {"LedgerName": "bank"}}).encode()
    head = "".join(f"{name}: {value}\r\n" for name, value in SESSION_HEADERS.items())
    with served.connect() as connection:
        connection.sendall(
            f"POST / HTTP/1.1\r\nHost: x\r\n{head}Content-Length: {len(body) + 1}\r\n\r\n".encode() + body
        )
        connection.shutdown(socket.SHUT_WR)
        read_all(connection)
    assert is_well(served)
    assert served.service.sessions.count == begun


def test_a_client_that_never_ends_its_headers_is_told_and_left():
    with ServedApp(header_seconds=0.2) as served, served.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: ")
        assert read_all(connection).startswith(b"HTTP/1.1 408 ")
        assert is_well(served)


def test_a_connection_that_says_nothing_is_left():
    with ServedApp(header_seconds=0.2) as served, served.connect() as connection:
        assert read_all(connection).startswith(b"HTTP/1.1 408 ")


def test_the_time_for_headers_begins_anew_with_each_request():
    with ServedApp(header_seconds=0.2) as served, served.connect() as connection:
        connection.sendall(HEALTH)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK")
        connection.sendall(b"GET /healthz HTTP/1.1\r\n")
        assert read_all(connection).startswith(b"HTTP/1.1 408 ")


def test_headers_are_bounded(served):
    with served.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
        for _ in range(MAX_HEADER_BYTES // 1024 + 1):
            try:
                connection.sendall(b"x" * 1024)
            except OSError:
                break
        answer = read_all(connection)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")
    assert is_well(served)


@pytest.mark.parametrize("declared", [MAX_BODY_BYTES + 1, 10**30])
def test_a_body_that_is_declared_too_large_is_not_read(served, declared):
    with served.connect() as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {declared}\r\n\r\n".encode())
        answer = read_all(connection)
    assert answer == b"" or b" 413 " in answer or b" 400 " in answer
    assert b"ServiceUnavailable" not in answer
    assert is_well(served)


def test_a_body_in_pieces_is_bounded_too(served):
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with served.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(MAX_BODY_BYTES // 0x10000 + 2):
                connection.sendall(chunk)
        except OSError:
            pass
        answer = read_all(connection)
    assert answer == b"" or b" 413 " in answer
    assert is_well(served)


def test_a_body_that_comes_too_slowly_is_told_and_left(served, monkeypatch):
    monkeypatch.setattr(requests.read_request, "__defaults__", (0.2,))
    with served.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer
    assert b"RequestTimeoutException" in answer


def test_idle_connections_make_room_the_oldest_first():
    with ServedApp(at_most=5) as served:
        idle = [served.connect() for _ in range(5)]
        for connection in idle:
            connection.sendall(HEALTH)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK")
        for _ in range(2):
            assert is_well(served)
        assert read_all(idle[0]) == b""
        idle[4].sendall(HEALTH)
        assert idle[4].recv(65_536).startswith(b"HTTP/1.1 200 OK")
        for connection in idle:
            connection.close()


def test_where_none_is_idle_the_new_connection_is_closed():
    with ServedApp(at_most=2) as served:
        busy = [served.connect() for _ in range(2)]
        for connection in busy:
            connection.sendall(b"GET /healthz HTTP/1.1\r\n")
        while len(served.table.open) < 2:
            threading.Event().wait(0.01)
        with served.connect() as third:
            assert read_all(third) == b""
        for connection in busy:
            connection.sendall(b"Host: x\r\n\r\n")
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK")
            connection.close()


def test_a_slow_statement_holds_up_its_own_session_and_nobody_else():
    with ServedApp(workers=2) as served:
        service = served.service
        token = service.session()
        transaction_id = service.begin(token)
        service.engine.pause = threading.Event()
        command = {"TransactionId": transaction_id, "Statement": "SELECT * FROM T"}
        request = {"SessionToken": token, "ExecuteStatement": command}
        answers = []
        waiting = [threading.Thread(target=lambda: answers.append(served.send(request)[0])) for _ in range(10)]
        for thread in waiting:
            thread.start()
        assert service.engine.entered.wait(30)
        # Ten requests wait for one session, and there are two threads: the others still have one.
        for _ in range(20):
            assert served.send({"StartSession": {"LedgerName": "bank"}})[0] == 200
        service.engine.pause.set()
        for thread in waiting:
            thread.join(30)
        assert answers == [200] * 10
        assert not service.engine.overlapped
