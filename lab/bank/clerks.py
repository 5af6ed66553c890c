"""The bank's clerks at a served ledger: acts become orders, and processes with the official driver carry them out in parallel."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple, Self

from counterfoil.ion.values import IonTimestamp
from lab.bank.acts import (
    DELETE_ACCOUNT,
    Balance,
    CloseAccount,
    Execute,
    Found,
    OpenAccounts,
    RedactFirstVersion,
    Request,
    SetClockBack,
    Transfer,
    account_document,
    requests_to_open,
    requests_to_redact,
    requests_to_transfer,
    transfer_document,
)
from lab.bank.day import BankPlan, Entry
from lab.child_process import ChildProcess, Log
from lab.emulator import ROOT

DRIVER_PYTHON: Final = ROOT / ".tools" / "driver" / "bin" / "python"
CLIENT: Final = ROOT / "lab" / "bank" / "driver_client.py"
PROCESSES, SESSIONS_EACH = 2, 2
# How often whoever watches is called, and how long no order may be answered, on the busiest machine, before it is given up.
WATCH_SECONDS: Final = 0.7
PATIENCE_SECONDS: Final = 120.0


class ClerkError(RuntimeError):
    """An order was refused, or a client ended; the message has its last words."""


class Done(NamedTuple):
    """A committed order: its transaction, how many conflicts were met on the way, and when the driver knew (seconds, epoch)."""

    transaction_id: str
    conflicts: int
    acknowledged_at: float


@dataclass(slots=True)
class Wording:
    """Says to a ledger what the day's acts are. ``transfers`` counts those that were put into words."""

    plan: BankPlan
    transfers: int = 0
    _chance: Random = field(init=False)

    def __post_init__(self) -> None:
        self._chance = Random(f"account numbers {self.plan.seed}")

    def requests(self, entry: Entry) -> tuple[Request, ...]:
        match entry.act:
            case Execute(text, parameters):
                return (Request(text, parameters),)
            case OpenAccounts(accounts):
                numbers = [self._chance.randrange(10**10) for _ in accounts]
                opened = zip(accounts, numbers, strict=True)
                return requests_to_open([account_document(*each, self.plan.opened_at) for each in opened])
            case Transfer():
                self.transfers += 1
                return requests_to_transfer(entry.act, transfer_document(entry.act, self.transfers, entry.at))
            case CloseAccount(account_id):
                return (Request(DELETE_ACCOUNT, (account_id,)),)
            case RedactFirstVersion(account_id):
                return requests_to_redact(account_id)
            case SetClockBack():
                raise ValueError("the clock of a served ledger cannot be set back")


class Clerks:
    """Processes of the official driver with some sessions each, until they are dismissed at the end of a ``with`` block."""

    def __init__(self, folder: Path, environment: Mapping[str, str], ledger_name: str) -> None:
        self._folder, self._environment, self._ledger_name = folder, environment, ledger_name
        self._answers = _Answers()
        self._cleanup = ExitStack()
        self.sessions = PROCESSES * SESSIONS_EACH

    def __enter__(self) -> Self:
        if not DRIVER_PYTHON.exists():
            raise ClerkError(f"{DRIVER_PYTHON} does not exist; `make setup` makes it")
        command = [str(DRIVER_PYTHON), str(CLIENT), self._ledger_name, str(SESSIONS_EACH)]
        with ExitStack() as starting:
            self._processes = []
            for _ in range(PROCESSES):
                process = ChildProcess(
                    command,
                    environment=self._environment,
                    folder=self._folder,
                    log=self._answers,
                    takes_input=True,
                )
                starting.callback(process.stop, grace_seconds=0)
                self._processes.append(process)
            self._cleanup = starting.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._cleanup.close()

    def carry_out(self, orders: Sequence[tuple[str, Sequence[Request]]], watch: Callable[[], None]) -> list[Done]:
        """Carry out orders, each with its series; return when all are committed, each order's outcome in its place.

        Orders of one series come one after the other. ``watch`` is called now and then.
        """
        self._answers.expect(len(orders))
        sessions = spread([series for series, _ in orders], self.sessions)
        for number, ((_, requests), session) in enumerate(zip(orders, sessions, strict=True)):
            line = {"order": number, "session": session // PROCESSES, "requests": render_requests(requests)}
            self._processes[session % PROCESSES].send(json.dumps(line) + "\n")
        self._wait(watch)
        return self._answers.done()

    def _wait(self, watch: Callable[[], None]) -> None:
        limit, before = time.monotonic() + PATIENCE_SECONDS, 0
        while (answered := self._answers.count) < self._answers.expected:
            if answered > before:
                limit, before = time.monotonic() + PATIENCE_SECONDS, answered
            if self._answers.error or time.monotonic() > limit or not all(each.running for each in self._processes):
                raise ClerkError(
                    self._answers.error or "the clients do not answer: " + "\n".join(self._answers.tail(20))
                )
            time.sleep(WATCH_SECONDS)
            watch()


class _Answers(Log):
    """The clients' output: answers are kept by their orders' numbers, anything else as lines."""

    def __init__(self) -> None:
        super().__init__()
        self.expect(0)

    def expect(self, orders: int) -> None:
        self.expected = orders
        self.error = ""
        self._done: dict[int, Done] = {}

    @property
    def count(self) -> int:
        return len(self._done)

    def done(self) -> list[Done]:
        return [self._done[number] for number in range(self.expected)]

    def write(self, line: str) -> None:
        if not line.startswith('{"order": '):
            super().write(line)
            return
        answer = json.loads(line)
        if "error" in answer:
            self.error = answer["error"]
        else:
            self._done[answer["order"]] = Done(answer["transaction"], answer["conflicts"], answer["at"])


def spread(series: Iterable[str], sessions: int) -> Iterator[int]:
    """A session for each order: one series stays in one session, an order of none goes where the fewest were sent."""
    sent, chosen = [0] * sessions, dict[str, int]()
    for name in series:
        fewest = sent.index(min(sent))
        session = chosen.setdefault(name, fewest) if name else fewest
        sent[session] += 1
        yield session


def render_requests(requests: Iterable[Request]) -> list[Any]:
    """As lab/bank/driver_client.py takes them."""
    return [[each.text, [_rendered(parameter) for parameter in each.parameters]] for each in requests]


def _rendered(value: Any) -> Any:
    match value:
        case Balance(account_id, change):
            return {"$balance": [account_id, str(change)]}
        case Found(statement, name):
            return {"$found": [statement, name]}
        case Decimal():
            return {"$decimal": str(value)}
        case IonTimestamp():
            return {"$timestamp": value.to_datetime().isoformat()}
        case Mapping():
            return {name: _rendered(each) for name, each in value.items()}
        case list() | tuple():
            return [_rendered(each) for each in value]
    return value
