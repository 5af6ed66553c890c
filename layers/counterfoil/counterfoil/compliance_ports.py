"""What the rules of AWS Config need from outside, each port described as in ``ports``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from counterfoil.detection.compliance import BucketLock, Evaluation


class LockReader(Protocol):
    """Says how a bucket is locked. TRUSTED as far as AWS is."""

    def lock(self, bucket: str, /) -> BucketLock | None:
        """The bucket's Object Lock; ``None`` where S3 answers that it has none, an ``UnavailableError`` where it does not answer."""
        ...


class EvaluationSink(Protocol):
    """Takes evaluations for the caller that gave the token."""

    def put(self, token: str, evaluation: Evaluation, /) -> None:
        """Hand in an evaluation; ``UnavailableError`` where it was not taken."""
        ...
