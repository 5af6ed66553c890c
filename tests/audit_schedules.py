"""Worlds drawn from a seed in which auditors consume a journal's records: cut, doubled, replayed, crashing, side by side.

One seed is one story, whatever the machine does: consumers run in threads, but only one of them at a time, and which one
goes on at a store's call is drawn from the seed.
"""

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from counterfoil.adapters.memory import MemoryFindings, MemoryHeads, MemoryQuarantine
from counterfoil.adapters.memory.set_aside import MemorySetAside
from counterfoil.errors import UnavailableError
from counterfoil.services.audit import Auditor
from lab.bank.acts import Transfer
from lab.bank.ledger import BankLedger
from lab.producer import OuterRecord, aggregate, streamed
from tests.audit_worlds import NOW, PATIENCE, kinesis_record

# What a finding says of the delivery that first brought its bytes, which another schedule may bring by another way.
ABOUT_DELIVERY = {"shard_id", "shard_sequence_number", "sub_sequence_number", "partition_key"}
MOST_STEPS = 20_000


class KilledError(BaseException):
    """The function's time is over, or its machine is: nothing is answered and nothing cleaned up."""


# Journals -----------------------------------------------------------------------------------------------------------


def bank(seed, transfers=8) -> BankLedger:
    """Tables, accounts, transfers, a query, a redaction, a deletion and a dropped table, with a clock that once goes back."""
    ledger = BankLedger(seed, NOW)
    steps = [
        lambda at: ledger.execute(at, "CREATE TABLE Accounts"),
        *(_opens(ledger, number) for number in range(3)),
        *(_moves(ledger, number) for number in range(transfers)),
        lambda at: ledger.read_balance(at, "ACC-0"),
        lambda at: ledger.redact_first_version(at, "ACC-1"),
        lambda at: ledger.close_account(at, "ACC-2"),
        lambda at: ledger.execute(at, "drop  /* for good */ table AuditLog"),
        lambda at: ledger.read_balance(at - timedelta(hours=1), "ACC-1"),
    ]
    for number, step in enumerate(steps):
        step(NOW + timedelta(seconds=number))
    return ledger


def _opens(ledger, number):
    return lambda at: ledger.open_account(at, f"ACC-{number}", 1_000, "CHECKING", f"CUST-{number}")


def _moves(ledger, number):
    return lambda at: ledger.transfer(at, Transfer(f"ACC-{number % 3}", f"ACC-{(number + 1) % 3}", 10 + number))


def streamed_bank(ledger):
    return [streamed(block) for block in ledger.blocks]


# Faults -------------------------------------------------------------------------------------------------------------


class Faults:
    """Fails some calls, before they did anything or after they did everything; no more of them than the budget."""

    def __init__(self, chance: Random, rate: float, budget: int):
        self.chance, self.rate, self.budget = chance, rate, budget

    def strike(self, where: str):
        if self.budget and self.chance.random() < self.rate:
            self.budget -= 1
            raise self.chance.choice([UnavailableError(f"throttled {where}"), KilledError(where)])


class Interposed:
    """A port whose every call may fail, and before which another consumer may have its turn."""

    def __init__(self, port, faults: Faults, pause):
        self._port, self._faults, self._pause = port, faults, pause

    def __getattr__(self, name):
        method = getattr(self._port, name)

        def call(*arguments):
            self._pause()
            self._faults.strike(f"before {name}")
            answer = method(*arguments)
            self._faults.strike(f"after {name}")
            return answer

        return call


class Turns:
    """Runs jobs side by side, one at a time: each goes on until it calls ``pause``, then chance says who is next."""

    def __init__(self, chance: Random):
        self.chance = chance
        self.local = threading.local()

    def pause(self):
        turn = getattr(self.local, "turn", None)
        if turn is not None:
            turn.give_back()

    def run(self, jobs):
        if len(jobs) == 1:
            jobs[0]()
            return
        turns = [_Turn(job, self.local) for job in jobs]
        waiting = list(turns)
        while waiting:
            turn = self.chance.choice(waiting)
            if not turn.take():
                waiting.remove(turn)
        for turn in turns:
            turn.finish()


class _Turn:
    def __init__(self, job, local):
        self._job, self._local = job, local
        self._mine, self._yours = threading.Semaphore(0), threading.Semaphore(0)
        self._error, self._done = None, False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        self._local.turn = self
        self._mine.acquire()
        try:
            self._job()
        except BaseException as error:  # noqa: BLE001 - raised again by finish
            self._error = error
        self._done = True
        self._yours.release()

    def take(self) -> bool:
        """Let the job go on until it pauses or ends; whether there is more of it."""
        self._mine.release()
        self._yours.acquire()
        return not self._done

    def give_back(self):
        self._yours.release()
        self._mine.acquire()

    def finish(self):
        self._thread.join()
        if self._error is not None:
            raise self._error


# Consumers ----------------------------------------------------------------------------------------------------------


class Consumer:
    """Reads one shard from its start to its end, in batches, as Lambda does: again from the first failed record."""

    def __init__(self, shard, auditor: Auditor, chance: Random, rewinds: int):
        self.shard, self.auditor, self.chance, self.rewinds = shard, auditor, chance, rewinds
        self.position = 0

    @property
    def done(self) -> bool:
        return self.position >= len(self.shard)

    def poll(self):
        size = self.chance.choice([1, 2, 3, 5, 8, 100])
        batch = self.shard[self.position : self.position + size]
        try:
            report = self.auditor.audit(batch)
        except KilledError:
            return
        self.position += len(batch) if report.failed_index is None else report.failed_index
        if self.rewinds and self.chance.random() < 0.15:
            self.rewinds -= 1
            self.position = max(0, self.position - self.chance.randint(1, 6))


class AuditStory:
    """Everything that one seed decides about how a journal's records come to the auditors."""

    def __init__(self, seed, blocks, *, ordered, junk=()):
        self.chance = Random(f"audit {seed}")
        self.now: datetime = NOW
        self.heads, self.findings, self.quarantine = MemoryHeads(), MemoryFindings(), MemoryQuarantine()
        self.turns = Turns(self.chance)
        rate = self.chance.choice([0, 0.02, 0.1, 0.3])
        self.faults = Faults(self.chance, rate, budget=60)
        shards = self._one_shard(blocks, junk) if ordered else self._several_shards(blocks, junk)
        self.shards = [
            [
                kinesis_record(each.data, key=each.partition_key, number=place, shard=index)
                for place, each in enumerate(shard)
            ]
            for index, shard in enumerate(shards)
        ]

    def _frames(self, records):
        """User records in order, aggregated a few at a time, or alone and without a frame."""
        place = 0
        while place < len(records):
            some = records[place : place + self.chance.choice([1, 1, 2, 4, 9])]
            place += len(some)
            bare = len(some) == 1 and self.chance.random() < 0.5
            yield OuterRecord("outer", some[0].data if bare else aggregate(some))

    def _one_shard(self, blocks, junk):
        shard = list(self._frames([record for block in blocks for record in block.records]))
        self._slip_in([shard], [OuterRecord("junk", each) for each in junk])
        return [shard]

    def _several_shards(self, blocks, junk):
        """Records out of order within a window, spread over shards, some frames twice (a shard was split, a put repeated)."""
        window = self.chance.choice([1, 4, 20, 1_000])
        placed = [
            (number + self.chance.uniform(0, window), number, record)
            for number, record in enumerate(record for block in blocks for record in block.records)
        ]
        frames = list(self._frames([record for _, _, record in sorted(placed)]))
        shards = [[] for _ in range(self.chance.randint(1, 4))]
        for frame in frames:
            self.chance.choice(shards).append(frame)
        doubled = [frame for frame in frames if self.chance.random() < 0.15]
        self._slip_in(shards, [*doubled, *(OuterRecord("junk", each) for each in junk)])
        return shards

    def _slip_in(self, shards, records):
        for record in records:
            shard = self.chance.choice(shards)
            shard.insert(self.chance.randint(0, len(shard)), record)

    def _auditor(self) -> Auditor:
        heads, findings, quarantine = (
            Interposed(port, self.faults, self.turns.pause) for port in (self.heads, self.findings, self.quarantine)
        )
        return Auditor(heads, findings, quarantine, MemorySetAside(lambda: self.now), lambda: self.now, PATIENCE)

    def run(self):
        """Consume every shard to its end, then let the time pass in which what is missing could still come."""
        auditor = self._auditor()
        shards = [shard for shard in self.shards for _ in range(self.chance.choice([1, 1, 1, 2]))]
        consumers = [Consumer(shard, auditor, self.chance, rewinds=4) for shard in shards]
        for _ in range(MOST_STEPS):
            working = [each for each in consumers if not each.done]
            if not working:
                return self._rest()
            some = self.chance.sample(working, self.chance.randint(1, min(3, len(working))))
            self.turns.run([each.poll for each in some])
        raise AssertionError("the consumers do not come to an end")

    def run_clean(self):
        """Every shard in one batch, nothing fails."""
        auditor = Auditor(
            self.heads, self.findings, self.quarantine, MemorySetAside(lambda: self.now), lambda: self.now, PATIENCE
        )
        for shard in self.shards:
            assert auditor.audit(shard).failed_index is None
        return self._rest()

    def _rest(self):
        auditor = Auditor(
            self.heads, self.findings, self.quarantine, MemorySetAside(lambda: self.now), lambda: self.now, PATIENCE
        )
        for seconds in (61, 1_000):
            self.now += timedelta(seconds=seconds)
            assert auditor.sweep().failure is None
        return self

    # What came of it

    def conclusion(self):
        """Heads, runs and findings, without what depends on when and by which way things came."""
        return self.heads_concluded(), self.heads.blocks, self.findings_concluded()

    def heads_concluded(self):
        return {
            strand_id: (
                [each.segment for each in state.segments],
                {place: (each.count, each.seen) for place, each in state.awaited.items()},
                sorted((each.sequence_no, each.hash) for each in state.early),
                dict(state.explained),
            )
            for strand_id, state in self.heads.states.items()
        }

    def findings_concluded(self):
        return {
            finding_id: replace(
                each,
                found_at=NOW,
                evidence={name: value for name, value in each.evidence.items() if name not in ABOUT_DELIVERY},
            )
            for finding_id, each in self.findings.findings.items()
        }

    def found(self):
        """(rule, place, status), sorted."""
        return sorted((str(each.rule_id), each.place, str(each.status)) for each in self.findings.findings.values())
