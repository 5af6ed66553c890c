"""AWS Config, which rules answer to, and S3, which they ask about locks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from counterfoil.adapters.boto_errors import translated
from counterfoil.compliance_ports import EvaluationSink, LockReader
from counterfoil.detection.compliance import BucketLock, Evaluation
from counterfoil.errors import UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_config import ConfigServiceClient
    from mypy_boto3_s3 import S3Client

# A retention in years is what S3 makes of it.
_DAYS_OF_A_YEAR = 365


@dataclass(frozen=True, slots=True)
class S3LockReader(LockReader):
    client: S3Client

    def lock(self, bucket: str, /) -> BucketLock | None:
        with translated(f"reading the lock of {bucket}"):
            try:
                answer = self.client.get_object_lock_configuration(Bucket=bucket)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "ObjectLockConfigurationNotFoundError":
                    return None
                raise
        lock: Any = answer.get("ObjectLockConfiguration", {})
        if lock.get("ObjectLockEnabled") != "Enabled":
            return None
        retention = lock.get("Rule", {}).get("DefaultRetention", {})
        years = retention.get("Years")
        return BucketLock(retention.get("Mode"), retention.get("Days") if years is None else years * _DAYS_OF_A_YEAR)


@dataclass(frozen=True, slots=True)
class ConfigEvaluations(EvaluationSink):
    client: ConfigServiceClient

    def put(self, token: str, evaluation: Evaluation, /) -> None:
        rendered: Any = {
            "ComplianceResourceType": evaluation.resource_type,
            "ComplianceResourceId": evaluation.resource_id,
            "ComplianceType": str(evaluation.verdict),
            "Annotation": evaluation.annotation,
            "OrderingTimestamp": evaluation.asked_at,
        }
        with translated("handing in an evaluation"):
            answer = self.client.put_evaluations(Evaluations=[rendered], ResultToken=token)
        if answer.get("FailedEvaluations"):
            raise UnavailableError(f"AWS Config did not take the evaluation of {evaluation.resource_id}")
