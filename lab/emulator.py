"""The AWS services of the lab: ministack, in a process and a folder of its own, on 127.0.0.1 only.

What ministack would do behind our back is switched off. It has no switch for its own stream mappings, so ``quiet``
disables every deployed mapping through the Lambda API, and every schedule and scheduled rule through theirs: its mapping
poller ignores partial failures, bisecting, retry limits and destinations, and with two pollers every record would be
delivered twice. Disabled rather than deleted: the resources stay what the template made them, to be looked at.
"""

from __future__ import annotations

import os
import socket
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import boto3
from botocore.config import Config

from lab.child_process import ChildProcess, Log
from lab.runtime.function import DUMMY_CREDENTIALS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parent.parent
REGION: Final = "us-east-1"
ACCOUNT: Final = "000000000000"
_INTERPRETER: Final = ROOT / ".tools" / "ministack" / "bin" / "python"
_PROGRAM: Final = ROOT / "lab" / "emulator_process.py"
_START_SECONDS: Final = 60.0
_PORTS_TRIED: Final = 5
_CLIENT_CONFIG: Final = Config(
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=20,
    s3={"addressing_style": "path"},
    tcp_keepalive=True,
)


class EmulatorError(RuntimeError):
    """ministack is missing, does not start, or has ended; the message has its last words."""


class Emulator:
    """A running ministack; ``folder`` takes all its state and is the caller's to remove.

    With ``authorizing`` it checks signatures and evaluates IAM policies; whoever signs with the dummy credentials is the account's
    root. Which condition keys it knows: docs/decisions/0021-who-may-write-the-journal.md.
    """

    def __init__(self, folder: Path, *, authorizing: bool = False) -> None:
        self.log = Log()
        self._clients: list[Any] = []
        self._process, self.endpoint = _start(folder, self.log, authorizing=authorizing)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    def client(self, service: str) -> Any:
        """A boto3 client of the emulator; it is closed with the emulator."""
        session = boto3.Session(
            aws_access_key_id=DUMMY_CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=DUMMY_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )
        client = session.client(service, endpoint_url=self.endpoint, config=_CLIENT_CONFIG)  # type: ignore[call-overload]
        self._clients.append(client)
        return client

    def variables(self) -> dict[str, str]:
        """What points a child process's AWS calls here."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            **DUMMY_CREDENTIALS,
        }

    def quiet(self) -> None:
        """Disable the emulator's own mappings and schedules; they are driven from outside, and only once."""
        for uuid in _mappings(client := self.client("lambda")):
            client.update_event_source_mapping(UUID=uuid, Enabled=False)
        _disable_schedules(self.client("scheduler"))
        _disable_rules(self.client("events"))

    def stop(self) -> None:
        for client in self._clients:
            client.close()
        self._clients.clear()
        self._process.stop()


def _start(folder: Path, log: Log, *, authorizing: bool) -> tuple[ChildProcess, str]:
    """Start on a free port; another process may take it in between, so a few are tried."""
    if not _INTERPRETER.exists():
        raise EmulatorError(f"{_INTERPRETER} does not exist; `make setup` makes it")
    for _ in range(_PORTS_TRIED):
        port = _free_port()
        environment = {**_environment(folder, port), **({"AUTH": "true"} if authorizing else {})}
        # -P: its own folder, which has names that ministack's modules have, is not searched for them.
        command = [str(_INTERPRETER), "-P", str(_PROGRAM)]
        process = ChildProcess(command, environment=environment, folder=folder, log=log)
        if _wait_until_healthy(process, endpoint := f"http://127.0.0.1:{port}"):
            return process, endpoint
        process.stop(grace_seconds=0)
    raise EmulatorError("ministack did not start:\n" + "\n".join(log.tail(30)))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _environment(folder: Path, port: int) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        **DUMMY_CREDENTIALS,
    }


def _wait_until_healthy(process: ChildProcess, endpoint: str) -> bool:
    limit = time.monotonic() + _START_SECONDS
    while process.running and time.monotonic() < limit:
        try:
            with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=5):  # noqa: S310  our own address
                return process.running
        except OSError:
            time.sleep(0.05)
    return False


def _mappings(client: Any) -> Iterator[str]:
    for page in client.get_paginator("list_event_source_mappings").paginate():
        for mapping in page["EventSourceMappings"]:
            yield mapping["UUID"]


def _disable_schedules(client: Any) -> None:
    for page in client.get_paginator("list_schedules").paginate():
        for found in page["Schedules"]:
            name = {"Name": found["Name"], "GroupName": found["GroupName"]}
            schedule = client.get_schedule(**name)
            kept = ("ScheduleExpression", "FlexibleTimeWindow", "Target", "ScheduleExpressionTimezone", "Description")
            settings = {key: schedule[key] for key in kept if schedule.get(key)}
            client.update_schedule(**name, **settings, State="DISABLED")


def _disable_rules(client: Any) -> None:
    """Only rules with a schedule: those with a pattern route events, which is the emulator's part."""
    for rule in client.list_rules()["Rules"]:
        if rule.get("ScheduleExpression"):
            client.disable_rule(Name=rule["Name"])
