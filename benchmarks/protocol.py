"""The served ledger under the official Node driver: how much of a transaction's time is the server's.

The server runs in this process, each request timed from its first byte inside the application to its last; a transaction of five
statements is seven requests. Beside it what the client waits, most of which is the driver's own work.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.ledger import open_bank
from counterfoil.server.assembly import LedgerServer, ServerSettings
from counterfoil.server.client_env import client_env
from counterfoil.server.http import Connections
from counterfoil.server.running import HttpServer

ROOT = Path(__file__).parents[1]
TRANSACTIONS = 400
WARM_UP = 50
REQUESTS_EACH = 7


def run() -> None:
    times: list[float] = []
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as place, served(Path(place), times) as port:
        waits = transfers(port)
    each = [sum(times[begin : begin + REQUESTS_EACH]) for begin in range(1, len(times) - REQUESTS_EACH, REQUESTS_EACH)]
    server, client = each[WARM_UP:], waits[WARM_UP:]
    print("A transaction of five statements through the official Node driver, one connection")
    for name, seconds in (("server", server), ("client", [wait / 1e3 for wait in client])):
        cuts = statistics.quantiles(seconds, n=100)
        wanted = "   (wanted: p50 under 2.5 ms)" if name == "server" else ""
        print(f"  {name}   p50 {cuts[49] * 1e3:6.2f} ms   p99 {cuts[98] * 1e3:6.2f} ms{wanted}")
    begun = 1 + WARM_UP * REQUESTS_EACH
    parts = [statistics.median(times[begun + place :: REQUESTS_EACH]) * 1e3 for place in range(REQUESTS_EACH)]
    print(f"  server, request by request: {' '.join(f'{part:.2f}' for part in parts)} ms")
    print(f"  the last of them syncs to the disk, which by itself takes {sync_seconds() * 1e3:.2f} ms here and now")
    print(
        f"  the server's share of what the client waits: {statistics.median(server) / statistics.median(client) * 1e3:.0%}"
    )


def sync_seconds() -> float:
    """What one sync of a few KB costs on this disk now: the floor of a commit."""
    with tempfile.NamedTemporaryFile(dir=Path.cwd()) as file:
        taken = []
        for _ in range(50):
            file.write(bytes(8192))
            file.flush()
            begun = time.perf_counter()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def transfers(port: int) -> list[float]:
    """Milliseconds that the client waited for each transaction."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        **client_env(port),
        "NODE_PATH": str(ROOT / ".tools/node-driver/node_modules"),
    }
    command = [str(ROOT / ".tools/node/bin/node"), "benchmarks/node_transfers.cjs", "bank", str(TRANSACTIONS)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    waits: list[float] = json.loads(done.stdout)
    return waits


@contextmanager
def served(place: Path, times: list[float]) -> Iterator[int]:
    """A server with a bank in it; the time of each request to a session goes into ``times``."""
    import counterfoil

    with counterfoil.open(place / "bank") as ledger:
        open_bank(ledger, 1_000)
    server = LedgerServer(ServerSettings(place))

    async def timed(scope: Any, receive: Any, send: Any) -> None:
        begun = time.perf_counter()
        await server.app(scope, receive, send)
        times.append(time.perf_counter() - begun)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        ready = threading.Event()
        http = HttpServer(timed, Connections(100), listening, lambda _: ready.set())  # type: ignore[arg-type]
        thread = threading.Thread(target=lambda: asyncio.run(http.serve(sockets=[listening])))
        thread.start()
        ready.wait()
        try:
            yield listening.getsockname()[1]
        finally:
            http.stop()
            thread.join()
            server.close()
