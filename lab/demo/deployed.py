"""The deployed pipeline: the template on the embedded stack, looked at from outside as an operator would look at it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, NamedTuple

from counterfoil.adapters.dynamodb.findings import parse_finding
from counterfoil.adapters.dynamodb.heads import DynamoDbHeads
from counterfoil.adapters.public_key import PublicKey
from counterfoil.detection.finding import Finding
from counterfoil.detection.snapshot import Signature, parse_document, signed_bytes
from counterfoil.detection.strand import StrandState
from counterfoil.errors import UnavailableError
from counterfoil.server.client_env import url_env
from lab.demo.pipeline import CONFIRM_SECONDS, GRACE_SECONDS, SWEEP, KeptSnapshot, Measure, Pipeline, SeenAlert
from lab.demo.timeline import Timeline
from lab.emulator import REGION
from lab.invocation import Outcome
from lab.producer import OuterRecord, put
from lab.stack import EMBEDDED_PACE, TELLER, Options, Stack

# One ledger's strand is in one shard; others would be polled for nothing.
PARAMETERS: Final = {
    "GapGraceSeconds": str(GRACE_SECONDS),
    "GapConfirmSeconds": str(CONFIRM_SECONDS),
    "StreamMode": "PROVISIONED",
}
# Half a second is soon enough for a person, and leaves the processors to the ledger; AWS polls once per second.
DEMO_PACE: Final = replace(EMBEDDED_PACE, poll=0.5)
# How often a person is shown what is new, and how long the functions may take for what was put at a time.
LOOK_SECONDS: Final = 0.7
SETTLE_SECONDS: Final = 120.0


class Endpoint(NamedTuple):
    """Where the stack's services are, the variables that a process needs to use them, and a client of its S3."""

    url: str
    variables: Mapping[str, str]
    s3: Any


class Deployed(Pipeline):
    """The stack's functions do the work; this only puts records, invokes what a schedule would, and reads."""

    name = "the template, deployed to the embedded stack"
    asks_ledger = True

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._clients = {name: stack.client(name) for name in ("dynamodb", "kinesis", "kms", "s3", "sns", "sqs")}
        self._heads = DynamoDbHeads(self._clients["dynamodb"], stack.physical_id("HeadsTable"))
        self._inbox = self._subscribe()
        self.timeline: Timeline | None = Timeline(stack.physical_id("FindingsTable"))
        stack.gateway.listen(self.timeline)

    @classmethod
    @contextmanager
    def up(cls) -> Iterator[Deployed]:
        with Stack.up(PARAMETERS, Options(pace=DEMO_PACE)) as stack:
            yield cls(stack)

    @property
    def functions(self) -> int:
        """How many functions were deployed."""
        return len(self._stack.deployment.functions)

    @property
    def endpoint(self) -> Endpoint:
        emulator = self._stack.emulator
        return Endpoint(emulator.endpoint, emulator.variables(), self._clients["s3"])

    @property
    def s3(self) -> Any:
        return self._clients["s3"]

    @property
    def exports_bucket(self) -> str:
        return self._stack.physical_id("ExportsBucket")

    @property
    def ledger_variables(self) -> Mapping[str, str]:
        """What points AWS's clients at the ledger's URL, signing as the stack's teller."""
        return {
            **url_env(self._stack.url("LedgerApiFunction"), REGION),
            "AWS_ACCESS_KEY_ID": TELLER.access_key_id,
            "AWS_SECRET_ACCESS_KEY": TELLER.secret,
        }

    @property
    def journal_stream_arn(self) -> str:
        name = self._stack.physical_id("JournalStream")
        described = self._clients["kinesis"].describe_stream_summary(StreamName=name)
        arn: str = described["StreamDescriptionSummary"]["StreamARN"]
        return arn

    def put(self, records: Sequence[OuterRecord]) -> None:
        put(self._clients["kinesis"], self._stack.physical_id("JournalStream"), records)

    def carried(self, count: int) -> list[OuterRecord]:
        found: list[OuterRecord] = []
        for shard in self._shards():
            found += self._records_of(shard, count)
        return found[:count]

    def _shards(self) -> list[str]:
        shards = self._clients["kinesis"].list_shards(StreamName=self._stack.physical_id("JournalStream"))["Shards"]
        return [each["ShardId"] for each in shards]

    def _records_of(self, shard_id: str, count: int) -> list[OuterRecord]:
        """The first records of a shard; a strand is in one shard, and there is one strand."""
        kinesis, name = self._clients["kinesis"], self._stack.physical_id("JournalStream")
        iterator = kinesis.get_shard_iterator(StreamName=name, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON")[
            "ShardIterator"
        ]
        answer = kinesis.get_records(ShardIterator=iterator, Limit=count)
        return [OuterRecord(each["PartitionKey"], each["Data"]) for each in answer["Records"]]

    def settle(self, watch: Callable[[], None]) -> None:
        limit = time.monotonic() + SETTLE_SECONDS
        while True:
            try:
                self._stack.drain(LOOK_SECONDS)
            except TimeoutError:
                if time.monotonic() > limit:
                    raise UnavailableError(f"the functions are not done; they said: {self._last_words()}") from None
                watch()
            else:
                watch()
                return

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def sweep(self) -> int:
        self._invoke("JournalAuditorFunction", SWEEP)
        judged: int = self._invoke("FraudDetectorFunction", SWEEP)["blocksJudged"]
        return judged

    def snapshot(self) -> list[KeptSnapshot]:
        names = self._invoke("DigestSnapshotFunction", {})["snapshots"]
        return [self._read_snapshot(name) for name in names]

    def findings(self) -> list[Finding]:
        pages = self._clients["dynamodb"].get_paginator("scan")
        found = pages.paginate(TableName=self._stack.physical_id("FindingsTable"), ConsistentRead=True)
        return [parse_finding(item) for page in found for item in page["Items"]]

    def alerts(self) -> list[SeenAlert]:
        return list(self._new_alerts())

    def strand(self, strand_id: str) -> StrandState | None:
        return self._heads.load(strand_id)

    def measure(self) -> Measure | None:
        memory_mb = {name: each.memory_mb for name, each in self._stack.deployment.functions.items()}
        return Measure(self._stack.gateway.usage(), self._stack.hosts.work(), memory_mb)

    def _last_words(self) -> str:
        functions = ("JournalAuditorFunction", "FraudDetectorFunction", "AlertNotifierFunction")
        return " | ".join(line for function in functions for line in self._stack.logs(function, 3))[-2_000:]

    def _subscribe(self) -> str:
        """A queue in the place of the mail box of AlertEmail."""
        sqs = self._clients["sqs"]
        url: str = sqs.create_queue(QueueName="demo-inbox")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self._clients["sns"].subscribe(
            TopicArn=self._stack.physical_id("AlertsTopic"), Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True
        )
        return url

    def _new_alerts(self) -> Iterator[SeenAlert]:
        sqs = self._clients["sqs"]
        while messages := sqs.receive_message(QueueUrl=self._inbox, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                body = json.loads(message["Body"])
                attributes = {name: each["Value"] for name, each in body["MessageAttributes"].items()}
                yield SeenAlert(f"{attributes['finding_id']}/{attributes['status']}", body["Subject"])
            receipts = [
                {"Id": str(number), "ReceiptHandle": each["ReceiptHandle"]} for number, each in enumerate(messages)
            ]
            sqs.delete_message_batch(QueueUrl=self._inbox, Entries=receipts)

    def _invoke(self, function_id: str, event: dict[str, Any]) -> dict[str, Any]:
        result = self._stack.invoke(function_id, event)
        if result.outcome is not Outcome.ANSWERED:
            raise UnavailableError(f"{function_id} did not answer: {result.payload[:500]!r}")
        answer: dict[str, Any] = result.answer
        return answer

    def _read_snapshot(self, name: str) -> KeptSnapshot:
        bucket = self._stack.physical_id("SnapshotsBucket")
        document = self._clients["s3"].get_object(Bucket=bucket, Key=name)["Body"].read()
        snapshot, signature = parse_document(document)
        self._check_signature(signed_bytes(snapshot), signature)
        return KeptSnapshot(f"s3://{bucket}/{name}", snapshot)

    def _check_signature(self, message: bytes, signature: Signature) -> None:
        """With the public key alone, in this process: nobody has to ask the service whether to believe it."""
        key_id = self._stack.physical_id("SnapshotSigningKey")
        PublicKey.parse(self._clients["kms"].get_public_key(KeyId=key_id)["PublicKey"]).verify(message, signature)
