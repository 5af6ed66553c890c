"""Locks and evaluations in memory: for tests and single events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from counterfoil.compliance_ports import EvaluationSink, LockReader
from counterfoil.detection.compliance import BucketLock, Evaluation
from counterfoil.errors import NotFoundError
from counterfoil.ports import JournalReader


@dataclass(slots=True)
class MemoryLocks(LockReader):
    """Locks by bucket; one that is not here has none."""

    locks: dict[str, BucketLock] = field(default_factory=dict)

    def lock(self, bucket: str, /) -> BucketLock | None:
        return self.locks.get(bucket)


@dataclass(slots=True)
class MemoryEvaluations(EvaluationSink):
    """Evaluations by token, the last one of each."""

    evaluations: dict[str, Evaluation] = field(default_factory=dict)

    def put(self, token: str, evaluation: Evaluation, /) -> None:
        self.evaluations[token] = evaluation


@dataclass(frozen=True, slots=True)
class MemoryJournal(JournalReader):
    """The journal of a strand that is kept elsewhere: nothing of it is here."""

    strand_id: str

    def tip(self) -> int | None:
        return None

    def blocks(self, begin: int, end: int, /) -> Iterator[bytes]:
        raise NotFoundError(f"blocks {begin} to {end - 1} of {self.strand_id} are not here")

    def wait_for(self, _sequence_no: int, _timeout: float, /) -> bool:
        return False
