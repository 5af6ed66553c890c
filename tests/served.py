"""A served ledger in a process of its own, and official clients pointed at it."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from counterfoil.server.client_env import client_env

ROOT = Path(__file__).parents[1]
COUNTERFOIL = Path(sys.executable).with_name("counterfoil")
DRIVER_PYTHON = ROOT / ".tools/driver/bin/python"
QLDBSHELL = ROOT / ".tools/qldbshell/bin/qldbshell"
NODE = ROOT / ".tools/node/bin/node"
NODE_DRIVER = ROOT / ".tools/node-driver"

# The machine may be busy with other tests; a server that is not there by then has failed.
PATIENCE_SECONDS = 60


class Served:
    """``counterfoil serve`` on a free port, from the beginning of a ``with`` block to its end."""

    def __init__(self, data, *options):
        self.data = data
        self.options = options

    def __enter__(self):
        command = [COUNTERFOIL, "serve", "--data", self.data, "--port", "0", *self.options]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        found = re.search(r"on http://127\.0\.0\.1:(\d+)", line)
        if found is None:
            self.process.kill()
            raise AssertionError(line + self.process.communicate()[1])
        self.port = int(found[1])
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        self.process.stdout.close()
        self.process.stderr.close()

    def stop(self, number=signal.SIGTERM):
        """End the server by a signal; what it then printed on standard error."""
        self.process.send_signal(number)
        try:
            _, said = self.process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return said

    def environment(self, **more):
        """What ``client-env`` prints, over the variables of this process without AWS's."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**inherited, **client_env(self.port), "AWS_EC2_METADATA_DISABLED": "true", **more}

    def client(self, service="qldb", key="counterfoil", secret="counterfoil-local", retries=0):
        """A botocore client of this process's own environment, with the shipped models."""
        import botocore.session
        from botocore.config import Config

        from counterfoil.server.client_env import MODELS

        session = botocore.session.Session()
        session.get_component("data_loader").search_paths.append(str(MODELS))
        config = Config(retries={"total_max_attempts": 1 + retries}, max_pool_connections=50)
        return session.create_client(
            service,
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=config,
        )


def wait_until(holds, seconds=PATIENCE_SECONDS):
    """Ask again and again; give up when it has not come true for so long that it never will."""
    for _ in range(int(seconds * 20)):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} seconds")
