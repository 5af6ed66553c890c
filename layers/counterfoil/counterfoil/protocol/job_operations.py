"""ExportJournalToS3 and StreamJournalToKinesis: begun, described, listed and cancelled here, carried out by a runner."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from counterfoil.journal.export_format import OutputFormat
from counterfoil.ledger.ids import NewId
from counterfoil.ledger.jobs import (
    Encryption,
    EncryptionType,
    ExportJob,
    ExportStatus,
    StreamJob,
)
from counterfoil.ledger.registry import MAX_TAGS
from counterfoil.ledger.times import milliseconds_of
from counterfoil.ports import Clock, LedgerRegistry
from counterfoil.protocol.directory import Directory
from counterfoil.protocol.faults import invalid_parameter, limit_exceeded, not_found, precondition_not_met
from counterfoil.protocol.hosting import JobRunner
from counterfoil.protocol.paging import page_of, page_request
from counterfoil.protocol.place import Place
from counterfoil.protocol.tag_operations import checked_tags

# The service's quotas.
MAX_EXPORTS: Final = 2
MAX_STREAMS: Final = 5

# Ended jobs stay listed for as long as the service listed them.
LISTED_FOR: Final = timedelta(days=7)

Parameters = Mapping[str, Any]
Answer = dict[str, Any]
Job = ExportJob | StreamJob


@dataclass(slots=True)
class JobOperations:
    directory: Directory
    registry: LedgerRegistry
    jobs: JobRunner
    place: Place
    clock: Clock
    new_id: NewId

    def export(self, parameters: Parameters) -> Answer:
        ledger = self.directory.active(parameters["Name"])
        now = self.clock()
        start, end = parameters["InclusiveStartTime"], parameters["ExclusiveEndTime"]
        if end > now:
            raise invalid_parameter("ExclusiveEndTime", "is in the future")
        running = [each for each in self._exports(ledger.name) if each.status is ExportStatus.IN_PROGRESS]
        if len(running) >= MAX_EXPORTS:
            raise limit_exceeded("JournalS3Export", MAX_EXPORTS, "exports of one ledger at a time")
        target = parameters["S3ExportConfiguration"]
        output_format = parameters.get("OutputFormat")
        job = ExportJob(
            export_id=self.new_id(),
            ledger_name=ledger.name,
            role_arn=parameters["RoleArn"],
            inclusive_start=start,
            exclusive_end=end,
            bucket=target["Bucket"],
            prefix=target["Prefix"],
            encryption=_encryption(target["EncryptionConfiguration"]),
            output_format=None if output_format is None else OutputFormat(output_format),
            created_at=now,
        )
        self.jobs.start_export(job)
        return {"ExportId": job.export_id}

    def describe_export(self, parameters: Parameters) -> Answer:
        self.directory.active(parameters["Name"])
        export_id = parameters["ExportId"]
        for job in self._exports(parameters["Name"]):
            if job.export_id == export_id:
                return {"ExportDescription": _described_export(job)}
        raise not_found("JournalS3Export", export_id)

    def list_exports(self, parameters: Parameters) -> Answer:
        return _paged(self._exports(None), parameters, _described_export, "JournalS3Exports")

    def list_exports_of_ledger(self, parameters: Parameters) -> Answer:
        name = self.directory.active(parameters["Name"]).name
        return _paged(self._exports(name), parameters, _described_export, "JournalS3Exports")

    def stream(self, parameters: Parameters) -> Answer:
        ledger = self.directory.active(parameters["LedgerName"])
        running = [each for each in self._streams(ledger.name) if each.status.running]
        if len(running) >= MAX_STREAMS:
            raise limit_exceeded("JournalKinesisStream", MAX_STREAMS, "active streams of one ledger")
        tags = checked_tags(parameters.get("Tags", {}))
        stream_id = self.new_id()
        target = parameters["KinesisConfiguration"]
        job = StreamJob(
            stream_id=stream_id,
            stream_name=parameters["StreamName"],
            arn=self.place.stream_arn(ledger.name, stream_id),
            ledger_name=ledger.name,
            role_arn=parameters["RoleArn"],
            inclusive_start=parameters["InclusiveStartTime"],
            exclusive_end=parameters.get("ExclusiveEndTime"),
            kinesis_stream_arn=target["StreamArn"],
            aggregation=target.get("AggregationEnabled", True),
            created_at=self.clock(),
        )
        self.registry.tag(job.arn, tags, MAX_TAGS)
        self.jobs.start_stream(job)
        return {"StreamId": stream_id}

    def describe_stream(self, parameters: Parameters) -> Answer:
        return {"Stream": _described_stream(self._stream(parameters))}

    def cancel_stream(self, parameters: Parameters) -> Answer:
        job = self._stream(parameters)
        if not job.status.running:
            raise precondition_not_met("JournalKinesisStream", job.stream_id, f"has ended: it is {job.status}")
        self.jobs.cancel_stream(job.stream_id)
        return {"StreamId": job.stream_id}

    def list_streams(self, parameters: Parameters) -> Answer:
        name = self.directory.active(parameters["LedgerName"]).name
        return _paged(self._streams(name), parameters, _described_stream, "Streams")

    def _stream(self, parameters: Parameters) -> StreamJob:
        name = self.directory.active(parameters["LedgerName"]).name
        for job in self._streams(name):
            if job.stream_id == parameters["StreamId"]:
                return job
        raise not_found("JournalKinesisStream", parameters["StreamId"])

    def _exports(self, ledger_name: str | None) -> list[ExportJob]:
        return [each for each in self.jobs.exports() if ledger_name in {None, each.ledger_name} and self._listed(each)]

    def _streams(self, ledger_name: str) -> list[StreamJob]:
        return [each for each in self.jobs.streams() if each.ledger_name == ledger_name and self._listed(each)]

    def _listed(self, job: Job) -> bool:
        return job.ended_at is None or self.clock() - job.ended_at < LISTED_FOR


def _paged[J: (ExportJob, StreamJob)](
    jobs: Sequence[J], parameters: Parameters, render: Callable[[J], Answer], name: str
) -> Answer:
    request = page_request(parameters)
    following = sorted((each for each in jobs if _key(each) > request.after), key=_key)
    return page_of(following, request, _key, render, name)


def _key(job: Job) -> str:
    """In the order of creation."""
    job_id = job.export_id if isinstance(job, ExportJob) else job.stream_id
    return f"{milliseconds_of(job.created_at):015}/{job_id}"


def _encryption(configuration: Mapping[str, Any]) -> Encryption:
    return Encryption(EncryptionType(configuration["ObjectEncryptionType"]), configuration.get("KmsKeyArn"))


def _described_export(job: ExportJob) -> Answer:
    encryption = {"ObjectEncryptionType": job.encryption.type.value, "KmsKeyArn": job.encryption.kms_key_arn}
    return _said(
        {
            "LedgerName": job.ledger_name,
            "ExportId": job.export_id,
            "ExportCreationTime": job.created_at,
            "Status": job.status.value,
            "InclusiveStartTime": job.inclusive_start,
            "ExclusiveEndTime": job.exclusive_end,
            "S3ExportConfiguration": {
                "Bucket": job.bucket,
                "Prefix": job.prefix,
                "EncryptionConfiguration": _said(encryption),
            },
            "RoleArn": job.role_arn,
            "OutputFormat": None if job.output_format is None else job.output_format.value,
        }
    )


def _described_stream(job: StreamJob) -> Answer:
    return _said(
        {
            "LedgerName": job.ledger_name,
            "CreationTime": job.created_at,
            "InclusiveStartTime": job.inclusive_start,
            "ExclusiveEndTime": job.exclusive_end,
            "RoleArn": job.role_arn,
            "StreamId": job.stream_id,
            "Arn": job.arn,
            "Status": job.status.value,
            "KinesisConfiguration": {"StreamArn": job.kinesis_stream_arn, "AggregationEnabled": job.aggregation},
            "ErrorCause": _cause(job),
            "StreamName": job.stream_name,
        }
    )


def _cause(job: StreamJob) -> str | None:
    return None if job.error_cause is None else job.error_cause.value


def _said(answer: Answer) -> Answer:
    """Without the members that have nothing to say."""
    return {name: value for name, value in answer.items() if value is not None}
