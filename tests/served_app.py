"""The HTTP side of the server over scripted ledgers, in this process: for what clients do wrong."""

import asyncio
import http.client
import json
import socket
import threading

from counterfoil.ledger.limits import QLDB_LIMITS
from counterfoil.protocol.one_shot import OneShot
from counterfoil.server.app import LedgerApp
from counterfoil.server.http import Connections
from counterfoil.server.running import HttpServer
from counterfoil.server.workers import Workers
from tests.scripted_ledgers import NOW, Service, no_pause

SESSION_HEADERS = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "QLDBSession.SendCommand"}


class ServedApp:
    """An application on a free port, from the beginning of a ``with`` block to its end."""

    def __init__(self, at_most=100, header_seconds=20.0, workers=4, **app):
        self.service = Service()
        self.workers = Workers(workers)
        self.ids = 0
        self.app = LedgerApp(
            sessions=self.service.sessions,
            control=self.service.control,
            transactions=OneShot(self.service.directory, lambda: NOW, self.service._id, no_pause),
            limits=QLDB_LIMITS,
            workers=self.workers,
            new_request_id=self._request_id,
            **app,
        )
        self.table = Connections(at_most, header_seconds)

    def _request_id(self):
        self.ids += 1
        return f"request-{self.ids}"

    def __enter__(self):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        begun = threading.Event()
        self.server = HttpServer(self.app, self.table, self.listening, lambda _: begun.set())
        self.thread = threading.Thread(target=lambda: asyncio.run(self.server.serve(sockets=[self.listening])))
        self.thread.start()
        assert begun.wait(30)
        return self

    def __exit__(self, *_):
        self.server.stop()
        self.server.stop()
        self.thread.join(30)
        assert not self.thread.is_alive()
        self.workers.close()
        self.listening.close()

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        connection.settimeout(30)
        return connection

    def request(self, method, path, body=None, headers=None):
        """Status, headers with names in lower case, and the body as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            data = answer.read()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, names, json.loads(data) if data else None
        finally:
            connection.close()

    def send(self, command, headers=None):
        return self.request("POST", "/", json.dumps(command), SESSION_HEADERS if headers is None else headers)


def read_all(connection):
    """What a peer sends until it closes, or breaks, the connection."""
    pieces = []
    try:
        while piece := connection.recv(65_536):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)
