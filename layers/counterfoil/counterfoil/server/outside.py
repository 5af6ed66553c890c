"""What exports and streams of a served ledger are written to: a local directory, or S3 and Kinesis at an endpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from counterfoil.adapters.outbox import Outbox
from counterfoil.adapters.system import system_clock
from counterfoil.ledger.jobs import ExportJob, StreamJob
from counterfoil.ports import ObjectStore, StreamSink


@dataclass(frozen=True, slots=True)
class Outside:
    """``bucket`` and ``sink`` give what a job writes to."""

    bucket: Callable[[ExportJob], ObjectStore]
    sink: Callable[[StreamJob], StreamSink]


def directory(root: Path) -> Outside:
    """``DIR/s3/<bucket>/…`` and ``DIR/kinesis/<stream>/…``."""
    outbox = Outbox(root, system_clock)
    return Outside(lambda job: outbox.bucket(job.bucket), lambda job: outbox.stream(job.kinesis_stream_name))


def at_endpoint(endpoint_url: str) -> Outside:
    """S3 and Kinesis of an emulator, or of anything else that speaks their protocols; credentials as botocore finds them."""
    from counterfoil.adapters.kinesis import KinesisSink
    from counterfoil.adapters.s3 import S3Bucket

    s3, kinesis = _client("s3", endpoint_url), _client("kinesis", endpoint_url)
    return Outside(
        lambda job: S3Bucket(s3, job.bucket, job.encryption), lambda job: KinesisSink(kinesis, job.kinesis_stream_name)
    )


def _client(service: str, endpoint_url: str) -> Any:
    import botocore.session
    from botocore.config import Config

    # An emulator knows buckets by path only.
    config = Config(connect_timeout=3, read_timeout=30, s3={"addressing_style": "path"})
    return botocore.session.get_session().create_client(service, endpoint_url=endpoint_url, config=config)
