"""The bank on the deployed ledger: the official driver moves the money through the function's URL, the ledger's stream feeds the rest.

Where each act was committed is not known before: the day's journal is exported when it has ended, and every order's transaction
is looked for in it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from counterfoil.ion.codec import decode
from counterfoil.ion.streams import read_value_stream
from counterfoil.journal import BlockAddress
from counterfoil.journal.publication import StreamedBlock, streamed_block
from lab.bank.clerks import Clerks, Done, Wording
from lab.bank.day import BankPlan, Day, Entry, day_of
from lab.demo.bank import Activity, Bank
from lab.demo.deployed import Deployed
from lab.expectation import Expected
from lab.ledger_client import LedgerClient, driver_environment

LEDGER_NAME: Final = "financial-ledger"
EXPORT_PREFIX: Final = "journal-exports/"
_DATA_SUFFIX: Final = ".ion"

type Block = Mapping[str, Any]


@dataclass(slots=True)
class DeployedBank(Bank):
    """Tables and accounts are there when ``up`` gives it."""

    day: Day
    ledger: LedgerClient
    clerks: Clerks
    bucket: Bucket
    stream_id: str
    stream_arn: str
    name: str = "deployed behind a function's URL, used by pyqldb"
    strand_id: str = ""
    near_misses: Sequence[str] = field(init=False)
    _wording: Wording = field(init=False)
    _done: list[tuple[Entry, Done]] = field(default_factory=list)
    _blocks: list[Block] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.near_misses = self.day.near_misses
        self._wording = Wording(self.day.plan)

    @classmethod
    @contextmanager
    def up(cls, pipeline: Deployed, seed: int, transfers: int) -> Iterator[DeployedBank]:
        """Create a ledger that streams into the pipeline, call the clerks, create tables and open accounts."""
        now = datetime.now(UTC).replace(microsecond=0)
        day = day_of(BankPlan(seed, transfers, opened_at=now, own_clock=False))
        with ExitStack() as cleanup:
            folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="counterfoil-bank-")))
            variables = pipeline.ledger_variables
            ledger = cleanup.enter_context(LedgerClient.created(LEDGER_NAME, variables))
            clerks = cleanup.enter_context(Clerks(folder, driver_environment(folder, variables), LEDGER_NAME))
            stream_id, stream_arn = ledger.stream_to(pipeline.journal_stream_arn)
            bank = cls(day, ledger, clerks, Bucket(pipeline.s3, pipeline.exports_bucket), stream_id, stream_arn)
            bank._open()
            yield bank

    def _open(self) -> None:
        """Tables must be there before accounts, and accounts before transfers."""
        schema = [each for each in self.day.opening if each.series]
        self._carry_out(schema, _nothing)
        self._carry_out([each for each in self.day.opening if not each.series], _nothing)
        self.strand_id = self.ledger.digest().tip_address.strand_id

    def opening(self) -> str:
        by = f"{self.clerks.sessions} sessions of the official driver"
        return f"A bank opens: {self.day.transfers} transfers by {by}, fraud among them"

    def trade(self, watch: Callable[[], None]) -> int:
        self._carry_out(self.day.business, watch)
        return len(self.day.business)

    def blocks_due(self) -> int:
        return len(self.day.opening) + len(self.day.business)

    def digest(self) -> Mapping[str, Any]:
        return self.ledger.digest_answer()

    def end_of_day(self, watch: Callable[[], None]) -> Sequence[StreamedBlock]:
        self.ledger.cancel_stream(self.stream_id)
        self._carry_out(self.day.quiet, watch)
        self.ledger.export_to(self.bucket.name, EXPORT_PREFIX)
        self._blocks = self.bucket.blocks()
        return [streamed_block(each, self.stream_arn) for each in self._blocks[self.blocks_due() :]]

    def expected(self) -> Sequence[Expected]:
        places = self._places()
        return [
            Expected(due.rule_id, places[done.transaction_id], due.because, due.account_id)
            for entry, done in self._done
            for due in entry.due
        ]

    def acknowledged(self) -> Mapping[str, float]:
        places = self._places()
        return {places[done.transaction_id]: done.acknowledged_at for _, done in self._done}

    def receipt(self, place: str, digest: Mapping[str, Any]) -> Mapping[str, Any]:
        block = next(each for each in self._blocks if str(_address(each)) == place)
        document_id = next(
            each["metadata"]["id"] for each in block["revisions"] if "transactionId" in each.get("data", {})
        )
        answer = self.ledger.revision_answer(_address(block), document_id, digest["DigestTipAddress"])
        return {**answer, **digest}

    def activity(self) -> Activity:
        conflicts = sum(done.conflicts for _, done in self._done)
        return Activity(self.day.transfers, len(self._done), self.clerks.sessions, conflicts)

    def keep(self, folder: Path) -> None:
        self.bucket.copy_to(folder / "export")

    def _places(self) -> dict[str, str]:
        return {each["transactionId"]: str(_address(each)) for each in self._blocks}

    def _carry_out(self, entries: Sequence[Entry], watch: Callable[[], None]) -> None:
        orders = [(each.series, self._wording.requests(each)) for each in entries]
        self._done += zip(entries, self.clerks.carry_out(orders, watch), strict=True)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket that journals are exported to."""

    client: Any
    name: str

    def blocks(self) -> list[Block]:
        """The blocks of the exports in order."""
        found = [block for key in self._keys() if key.endswith(_DATA_SUFFIX) for block in _read(self._object(key))]
        return sorted(found, key=lambda each: int(each["blockAddress"]["sequenceNo"]))

    def copy_to(self, folder: Path) -> None:
        for key in self._keys():
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._object(key))

    def _keys(self) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def _object(self, key: str) -> bytes:
        data: bytes = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return data


def _read(data: bytes) -> list[Any]:
    return [decode(value) for value in read_value_stream([data])]


def _address(block: Block) -> BlockAddress:
    return BlockAddress(block["blockAddress"]["strandId"], block["blockAddress"]["sequenceNo"])


def _nothing() -> None:
    """Nobody watches while the bank opens."""
