"""``counterfoil serve`` in a process of its own, and its control plane as a person with the AWS clients uses it.

Journals stream into Kinesis, and are exported to S3, at the endpoint that it is given.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

import botocore.session
from botocore.config import Config

from counterfoil.journal import BlockAddress, Digest, parse_digest
from counterfoil.server.client_env import LOCAL_KEY_ID, LOCAL_SECRET, MODELS, client_env
from lab.child_process import ChildProcess, Log

ROLE_ARN: Final = "arn:aws:iam::000000000000:role/journal"
_COMMAND: Final = Path(sys.executable).with_name("counterfoil")
# A busy machine takes its time; what is not there by then has failed.
_PATIENCE_SECONDS: Final = 60.0


class ServedLedgerError(RuntimeError):
    """The server does not start, or a job does not come to its end; the message has the server's last words."""


class ServedLedger:
    """One ledger of a running server; ``ServedLedger.up`` makes both and ends the server."""

    def __init__(self, name: str, port: int, control: Any) -> None:
        self.name, self.port = name, port
        self._control = control

    @classmethod
    @contextmanager
    def up(cls, folder: Path, name: str, aws_endpoint: str, aws_variables: Mapping[str, str]) -> Iterator[Self]:
        """Serve from ``folder``, which is the caller's to remove, and create the ledger."""
        with ExitStack() as cleanup:
            log = Log()
            options = ["--data", str(folder / "ledgers"), "--port", "0", "--aws-endpoint", aws_endpoint, "--json"]
            environment = {**plain_environment(folder), **aws_variables}
            process = ChildProcess([str(_COMMAND), "serve", *options], environment=environment, folder=folder, log=log)
            cleanup.callback(process.stop)
            port = _port_of(process, log)
            control = _control_plane(port)
            cleanup.callback(control.close)
            control.create_ledger(Name=name, PermissionsMode="ALLOW_ALL", DeletionProtection=False)
            _wait_until(lambda: control.describe_ledger(Name=name)["State"] == "ACTIVE", f"ledger {name}")
            yield cls(name, port, control)

    def digest_answer(self) -> dict[str, Any]:
        """What GetDigest answers, as JSON has it."""
        answer = self._control.get_digest(Name=self.name)
        return {
            "Digest": base64.b64encode(answer["Digest"]).decode(),
            "DigestTipAddress": dict(answer["DigestTipAddress"]),
        }

    def digest(self) -> Digest:
        return parse_digest(self.digest_answer())

    def revision_answer(self, address: BlockAddress, document_id: str, tip: Mapping[str, str]) -> dict[str, Any]:
        """What GetRevision answers with a proof, and beside it what was asked for."""
        asked = {"BlockAddress": _ion(address), "DocumentId": document_id}
        answer = self._control.get_revision(Name=self.name, DigestTipAddress=dict(tip), **asked)
        return {**asked, "Revision": dict(answer["Revision"]), "Proof": dict(answer["Proof"])}

    def stream_to(self, kinesis_stream_arn: str) -> tuple[str, str]:
        """Let the journal stream into Kinesis, from its beginning on; the stream's id and ARN."""
        stream_id = self._control.stream_journal_to_kinesis(
            LedgerName=self.name,
            RoleArn=ROLE_ARN,
            InclusiveStartTime=datetime(2020, 1, 1, tzinfo=UTC),
            KinesisConfiguration={"StreamArn": kinesis_stream_arn, "AggregationEnabled": True},
            StreamName=f"{self.name}-journal",
        )["StreamId"]
        described = self._control.describe_journal_kinesis_stream(LedgerName=self.name, StreamId=stream_id)
        return stream_id, described["Stream"]["Arn"]

    def cancel_stream(self, stream_id: str) -> None:
        self._control.cancel_journal_kinesis_stream(LedgerName=self.name, StreamId=stream_id)

    def export_to(self, bucket: str) -> None:
        """Export the whole journal to S3 in binary Ion, and wait until it is there."""
        time.sleep(0.01)  # the end is exclusive, and the last block's time is whole milliseconds
        export_id = self._control.export_journal_to_s3(
            Name=self.name,
            InclusiveStartTime=datetime(2020, 1, 1, tzinfo=UTC),
            ExclusiveEndTime=datetime.now(UTC),
            RoleArn=ROLE_ARN,
            S3ExportConfiguration={
                "Bucket": bucket,
                "Prefix": "",
                "EncryptionConfiguration": {"ObjectEncryptionType": "NO_ENCRYPTION"},
            },
            OutputFormat="ION_BINARY",
        )["ExportId"]

        def done() -> bool:
            described = self._control.describe_journal_s3_export(Name=self.name, ExportId=export_id)
            return bool(described["ExportDescription"]["Status"] == "COMPLETED")

        _wait_until(done, f"export {export_id}")


def plain_environment(folder: Path) -> dict[str, str]:
    """The environment of a child whose files all go below ``folder``; nothing of AWS is inherited."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def driver_environment(folder: Path, port: int) -> dict[str, str]:
    """The environment that points an official driver at a server."""
    return {**plain_environment(folder), **client_env(port)}


def _port_of(process: ChildProcess, log: Log) -> int:
    limit = time.monotonic() + _PATIENCE_SECONDS
    while process.running and time.monotonic() < limit:
        if (port := _said_port(log)) is not None:
            return port
        time.sleep(0.05)
    raise ServedLedgerError("the ledger is not served:\n" + "\n".join(log.tail(30)))


def _said_port(log: Log) -> int | None:
    """The port in the JSON that the server prints once it takes connections."""
    lines = log.tail()
    ends = [number for number, line in enumerate(lines) if line == "}"]
    if not ends or "{" not in lines:
        return None
    port: int = json.loads("\n".join(lines[lines.index("{") : ends[0] + 1]))["port"]
    return port


def _control_plane(port: int) -> Any:
    session = botocore.session.Session()
    session.get_component("data_loader").search_paths.append(str(MODELS))
    return session.create_client(
        "qldb",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=LOCAL_KEY_ID,
        aws_secret_access_key=LOCAL_SECRET,
        config=Config(retries={"total_max_attempts": 2}),
    )


def _wait_until(holds: Callable[[], bool], what: str) -> None:
    limit = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > limit:
            raise ServedLedgerError(f"{what} is not ready after {_PATIENCE_SECONDS:.0f} seconds")
        time.sleep(0.05)


def _ion(address: BlockAddress) -> dict[str, str]:
    return {"IonText": f'{{strandId:"{address.strand_id}",sequenceNo:{address.sequence_no}}}'}
