"""The export that fuzzed proofs lie beside, made without hypothesis, which the fuzzer's environment has not."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from counterfoil.errors import LimitError
from counterfoil.journal.builder import Change, JournalBuilder, Statement, Transaction
from counterfoil.ports import ExportFiles

STRAND = "JdxjkR9bSYB5jMHWcI464T"
START = datetime(2025, 3, 1, 9, 30, tzinfo=UTC)


def _transaction(number):
    at = START + timedelta(seconds=number)
    change = Change(f"doc{number:019}", 0, "T", "BFJKdXgzt9oF4wjMbuxy4G", {"n": number})
    return Transaction(f"tx{number:020}", at, at, (Statement("INSERT INTO T ?", ({"n": number},)),), (change,))


BUILDER = JournalBuilder(STRAND)
BLOCKS = [BUILDER.append(_transaction(number)) for number in range(4)]
_KEY = f"2025/03/01/09/{STRAND}.0-3.ion"
_FILES = {
    _KEY: "\n".join(block.block_text() for block in BLOCKS).encode(),
    f"x.{STRAND}.completed.manifest": f'{{keys:["{_KEY}"]}}'.encode(),
}


@dataclass
class ProvedExport(ExportFiles):
    """The export with one file of proofs of these bytes."""

    proofs: bytes

    def __post_init__(self):
        self.files = _FILES | {"a.proofs.json": self.proofs}

    def names(self):
        return sorted(self.files)

    def size_bytes(self):
        return sum(map(len, self.files.values()))

    def chunks(self, name: str, limit_bytes: int, /) -> Iterator[bytes]:
        if len(self.files[name]) > limit_bytes:
            raise LimitError(name)
        return iter([self.files[name]])
