"""What the demonstration needs of a bank, and the bank whose ledger is built in this process.

``deployed_bank.py`` has the other one: the deployed ledger, which the official driver's sessions move the money through.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Final, Protocol

from counterfoil.ion import dump_text
from counterfoil.journal.builder import render_proof
from lab.bank import Simulation
from lab.demo.pipeline import Pipeline
from lab.expectation import Expected
from lab.producer import STREAM_ARN, StreamedBlock, control, outer_records, streamed

FALSIFIED: Final = "fraud.conservation-of-money"


@dataclass(frozen=True, slots=True)
class Activity:
    """Transfers, and the transactions that all acts took; OCC conflicts were met by so many sessions and retried."""

    transfers: int
    transactions: int
    sessions: int = 1
    conflicts: int = 0


class Bank(Protocol):
    """A bank's day in two parts, business and the quiet end, on a ledger that is asked for its own evidence."""

    name: str
    near_misses: Sequence[str]
    strand_id: str
    stream_arn: str

    def opening(self) -> str:
        """What a person is told when business begins."""
        ...

    def trade(self, watch: Callable[[], None]) -> int:
        """Let the business of the day pass; its blocks, so many, are on their way into the pipeline then."""
        ...

    def blocks_due(self) -> int:
        """Blocks that business makes, those of the opening included."""
        ...

    def digest(self) -> Mapping[str, Any]:
        """What the ledger answers to GetDigest now."""
        ...

    def end_of_day(self, watch: Callable[[], None]) -> Sequence[StreamedBlock]:
        """Cut the stream off, let the quiet end pass, and give its blocks, which nobody has delivered."""
        ...

    def expected(self) -> Sequence[Expected]:
        """What must be found of the whole day, known once it has ended."""
        ...

    def acknowledged(self) -> Mapping[str, float]:
        """When whoever committed each block had the answer, by its place, in seconds since the epoch; known as the findings are."""
        ...

    def receipt(self, place: str, digest: Mapping[str, Any]) -> Mapping[str, Any]:
        """The transfer in a block as GetRevision answers it, with its proof to the digest, and with the digest."""
        ...

    def activity(self) -> Activity: ...

    def keep(self, folder: Path) -> None:
        """Leave what else a person may want to look at."""
        ...


def falsified_place(expected: Sequence[Expected]) -> str:
    """The block of the transfer that a clerk falsified."""
    return next(each.place for each in expected if each.rule_id == FALSIFIED)


@dataclass(slots=True)
class BuiltBank(Bank):
    """A day that was simulated in this process: its blocks are put into the pipeline by hand."""

    day: Simulation
    pipeline: Pipeline
    name: str = "built in this process"
    stream_arn: str = STREAM_ARN
    strand_id: str = field(init=False)
    near_misses: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        self.strand_id = self.day.ledger.strand_id
        self.near_misses = self.day.near_misses

    def opening(self) -> str:
        return f"A bank opens: {self.day.ledger.transfers} transfers in {len(self.day.blocks)} blocks, fraud among them"

    def trade(self, watch: Callable[[], None]) -> int:
        records = chain.from_iterable(streamed(block).records for block in self.day.blocks[: self.day.quiet_from])
        self.pipeline.put(list(outer_records(chain([control("CREATED")], records), self.strand_id)))
        watch()
        return self.day.quiet_from

    def blocks_due(self) -> int:
        return self.day.quiet_from

    def digest(self) -> Mapping[str, Any]:
        digest = self.day.ledger.builder.digest(self.day.quiet_from - 1)
        strand_id, sequence_no = digest.tip_address
        return {
            "Digest": base64.b64encode(digest.hash).decode(),
            "DigestTipAddress": {"IonText": dump_text({"strandId": strand_id, "sequenceNo": sequence_no})},
        }

    def end_of_day(self, watch: Callable[[], None]) -> Sequence[StreamedBlock]:
        watch()
        return [streamed(block) for block in self.day.blocks[self.day.quiet_from :]]

    def expected(self) -> Sequence[Expected]:
        return self.day.expected

    def acknowledged(self) -> Mapping[str, float]:
        return {}

    def receipt(self, place: str, digest: Mapping[str, Any]) -> Mapping[str, Any]:
        block = self.day.blocks[int(place.rpartition("#")[2])]
        index = next(number for number, change in enumerate(block.changes) if change.table_name == "Transactions")
        proof = self.day.ledger.builder.prove_revision(block, index, self.day.quiet_from - 1)
        return {
            "BlockAddress": {"IonText": dump_text(block.fields["blockAddress"])},
            "DocumentId": block.changes[index].document_id,
            "Revision": {"IonText": dump_text(block.revisions[index])},
            "Proof": {"IonText": render_proof(proof)},
            **digest,
        }

    def activity(self) -> Activity:
        return Activity(self.day.ledger.transfers, len(self.day.blocks))

    def keep(self, folder: Path) -> None:
        """Everything is kept by the demonstration."""
