"""A ledger as a person with the AWS clients uses it: its control plane, and what points the official driver at it."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

import botocore.session
from botocore.config import Config

from counterfoil.ion import dump_text
from counterfoil.journal import BlockAddress, Digest, parse_digest
from lab.emulator import ACCOUNT

ROLE_ARN: Final = f"arn:aws:iam::{ACCOUNT}:role/journal"
LONG_AGO: Final = datetime(2020, 1, 1, tzinfo=UTC)
# A busy machine takes its time; what is not there by then has failed.
PATIENCE_SECONDS: Final = 60.0


class LedgerClientError(RuntimeError):
    """Something asked of a ledger does not come to its end."""


class LedgerClient:
    """One ledger; ``variables`` are what points AWS's clients at it."""

    def __init__(self, name: str, control: Any, variables: Mapping[str, str]) -> None:
        self.name = name
        self.control = control
        self.variables = variables

    @classmethod
    @contextmanager
    def created(cls, name: str, variables: Mapping[str, str], **settings: Any) -> Iterator[Self]:
        """Create a ledger and wait until it is active."""
        control = control_plane(variables)
        try:
            control.create_ledger(
                Name=name, **{"PermissionsMode": "ALLOW_ALL", "DeletionProtection": False, **settings}
            )
            wait_until(lambda: control.describe_ledger(Name=name)["State"] == "ACTIVE", f"ledger {name}")
            yield cls(name, control, variables)
        finally:
            control.close()

    def digest_answer(self) -> dict[str, Any]:
        """What GetDigest answers, as JSON has it."""
        answer = self.control.get_digest(Name=self.name)
        return {
            "Digest": base64.b64encode(answer["Digest"]).decode(),
            "DigestTipAddress": dict(answer["DigestTipAddress"]),
        }

    def digest(self) -> Digest:
        return parse_digest(self.digest_answer())

    def revision_answer(self, address: BlockAddress, document_id: str, tip: Mapping[str, str]) -> dict[str, Any]:
        """What GetRevision answers with a proof, and beside it what was asked for."""
        asked = {"BlockAddress": ion_address(address), "DocumentId": document_id}
        answer = self.control.get_revision(Name=self.name, DigestTipAddress=dict(tip), **asked)
        return {**asked, "Revision": dict(answer["Revision"]), "Proof": dict(answer["Proof"])}

    def stream_to(
        self, kinesis_stream_arn: str, since: datetime = LONG_AGO, *, role_arn: str = ROLE_ARN
    ) -> tuple[str, str]:
        """Let the journal stream into Kinesis, from its beginning on or later; the stream's id and ARN."""
        stream_id = self.control.stream_journal_to_kinesis(
            LedgerName=self.name,
            RoleArn=role_arn,
            InclusiveStartTime=since,
            KinesisConfiguration={"StreamArn": kinesis_stream_arn, "AggregationEnabled": True},
            StreamName=f"{self.name}-journal",
        )["StreamId"]
        return stream_id, self.stream(stream_id)["Arn"]

    def stream(self, stream_id: str) -> dict[str, Any]:
        """What DescribeJournalKinesisStream says of it."""
        described = self.control.describe_journal_kinesis_stream(LedgerName=self.name, StreamId=stream_id)
        stream: dict[str, Any] = described["Stream"]
        return stream

    def cancel_stream(self, stream_id: str) -> None:
        self.control.cancel_journal_kinesis_stream(LedgerName=self.name, StreamId=stream_id)

    def export_to(
        self, bucket: str, prefix: str = "", since: datetime = LONG_AGO, *, role_arn: str = ROLE_ARN, **encryption: str
    ) -> dict[str, Any]:
        """Export the journal to S3 in binary Ion, and wait until it is there; what it is described as then."""
        time.sleep(0.01)  # the end is exclusive, and the last block's time is whole milliseconds
        export_id = self.control.export_journal_to_s3(
            Name=self.name,
            InclusiveStartTime=since,
            ExclusiveEndTime=datetime.now(UTC),
            RoleArn=role_arn,
            S3ExportConfiguration={
                "Bucket": bucket,
                "Prefix": prefix,
                "EncryptionConfiguration": {"ObjectEncryptionType": "NO_ENCRYPTION", **encryption},
            },
            OutputFormat="ION_BINARY",
        )["ExportId"]
        wait_until(lambda: self.export(export_id)["Status"] == "COMPLETED", f"export {export_id}")
        return self.export(export_id)

    def export(self, export_id: str) -> dict[str, Any]:
        """What DescribeJournalS3Export says of it."""
        described = self.control.describe_journal_s3_export(Name=self.name, ExportId=export_id)
        export: dict[str, Any] = described["ExportDescription"]
        return export


def client(service: str, variables: Mapping[str, str]) -> Any:
    """A client of one of QLDB's two services where ``variables`` say; the caller's own AWS settings are not looked at."""
    session = botocore.session.Session()
    session.get_component("data_loader").search_paths.append(variables["AWS_DATA_PATH"])
    return session.create_client(
        service,
        region_name=variables["AWS_REGION"],
        endpoint_url=variables[f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 4, "mode": "standard"}),
    )


def control_plane(variables: Mapping[str, str]) -> Any:
    return client("qldb", variables)


def plain_environment(folder: Path) -> dict[str, str]:
    """The environment of a child whose files all go below ``folder``; nothing of AWS is inherited."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def driver_environment(folder: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """The environment that points an official driver where ``variables`` say."""
    return {**plain_environment(folder), **variables}


def wait_until(holds: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    limit = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > limit:
            raise LedgerClientError(f"{what} is not ready after {seconds:.0f} seconds")
        time.sleep(0.05)


def ion_address(address: BlockAddress) -> dict[str, str]:
    """An address as the control plane takes it."""
    return {"IonText": dump_text({"strandId": address.strand_id, "sequenceNo": address.sequence_no})}
