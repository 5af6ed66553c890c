"""What a transfer takes of AWS, counted where the functions' requests pass, and what a million of them would cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lab import prices
from lab.gateway.usage import Tally, Usage
from lab.runtime import Work

# The ledger itself; the other functions check it.
LEDGER_FUNCTIONS: Final = frozenset({"LedgerApiFunction", "LedgerProjectorFunction", "JournalPublisherFunction"})


@dataclass(frozen=True, slots=True)
class Share:
    """What functions did for one transaction on average, and what a million of them cost in USD."""

    requests: float
    read_units: float
    write_units: float
    invocations: float
    dynamodb_usd: float
    lambda_usd: float

    def as_json(self) -> dict[str, float]:
        return {
            "dynamodbRequests": round(self.requests, 1),
            "readUnits": round(self.read_units, 1),
            "writeUnits": round(self.write_units, 1),
            "invocations": round(self.invocations, 2),
            "dynamodbUsdPerMillion": round(self.dynamodb_usd, 2),
            "lambdaUsdPerMillion": round(self.lambda_usd, 2),
        }


@dataclass(frozen=True, slots=True)
class Cost:
    """``functions`` by logical id; their sums for the ledger and for all; QLDB's requests for the same, at its last prices."""

    transactions: int
    functions: Mapping[str, Share]
    ledger: Share
    everything: Share
    qldb_usd: float

    def as_json(self) -> dict[str, Any]:
        return {
            "transactions": self.transactions,
            "perTransaction": {
                "ledger": self.ledger.as_json(),
                "everything": self.everything.as_json(),
                "byFunction": {name: each.as_json() for name, each in self.functions.items()},
            },
            "qldbUsdPerMillion": round(self.qldb_usd, 2),
        }


def cost_of(transactions: int, usage: Usage, work: Mapping[str, Work], memory_mb: Mapping[str, int]) -> Cost:
    """``usage`` and ``work`` of the time in which so many transactions were committed and followed up; each list price is per million.

    Invocation times are those of this machine, whose processors are shared by all functions: they are an upper bound at best.
    """
    functions = {
        name: _share(transactions, usage.of("dynamodb", name).total, done, memory_mb[name])
        for name, done in sorted(work.items())
        if done.invocations
    }
    ledger = [each for name, each in functions.items() if name in LEDGER_FUNCTIONS]
    qldb = prices.MILLION * prices.qldb_usd(prices.QLDB_TRANSFER)
    return Cost(transactions, functions, _sum(ledger), _sum(list(functions.values())), qldb)


def _share(transactions: int, total: Tally, work: Work, memory_mb: int) -> Share:
    each = 1 / max(1, transactions)
    gb_seconds = work.seconds * memory_mb / 1024
    return Share(
        total.requests * each,
        total.read_units * each,
        total.write_units * each,
        work.invocations * each,
        prices.MILLION * each * prices.dynamodb_usd(total.read_units, total.write_units),
        prices.MILLION * each * prices.lambda_usd(work.invocations, gb_seconds),
    )


def _sum(shares: list[Share]) -> Share:
    return Share(*(sum(getattr(each, name) for each in shares) for name in Share.__slots__))


def work_between(before: Mapping[str, Work], after: Mapping[str, Work]) -> dict[str, Work]:
    """What functions did between two moments."""
    nothing = Work()
    return {
        name: Work(
            work.invocations - before.get(name, nothing).invocations, work.seconds - before.get(name, nothing).seconds
        )
        for name, work in after.items()
    }
