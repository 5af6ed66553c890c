"""Commits to a journal that others write as well: one caller writes for all of its instance, and instances write for each other.

The only commit point is the conditional write of the blocks behind the last one: all of them or none, where no block is. Whoever
loses follows the journal, checks again and tries again; who was told that it conflicts conflicts at every later place as well. Where
losing is frequent, proposals go to the waiting room instead, and one instance at a time leads: it commits all that it finds there in
one write, while the others look for theirs in the journal. No two commit a proposal twice, whoever believes to lead, for each checks
that its transaction is in none of the blocks in front (docs/decisions/0019).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from random import SystemRandom
from threading import Lock
from typing import Any, Final, Protocol

from botocore.exceptions import ClientError

from counterfoil.adapters.boto_errors import translated
from counterfoil.adapters.dynamodb.effects import render_effects
from counterfoil.adapters.dynamodb.following import Known
from counterfoil.adapters.dynamodb.journal import FIRST_LOOK_SECONDS, DynamoDbJournal, JournalItem
from counterfoil.adapters.dynamodb.placing import (
    Placed,
    TentativeLog,
    WaitingProposal,
    place,
    place_waiting,
    to_wait,
)
from counterfoil.adapters.dynamodb.waiting_room import WAITING_MS, WaitingRoom
from counterfoil.errors import CapacityError, ConflictError, CounterfoilError, UnavailableError, UnknownOutcomeError
from counterfoil.journal import BlockAddress
from counterfoil.ledger.proposal import Proposal
from counterfoil.ledger.times import milliseconds_of

# "TransactWriteItems" takes 100 items and 4 MB. The first of a group wait for its last, and what a block changes is not counted here.
GROUP_BLOCKS: Final = 25
GROUP_BYTES: Final = 1_500_000

# Writes of one group whose outcome is unknown before its callers are told so.
PUT_ATTEMPTS: Final = 5

# Who has not lost for so long tries once more alone. Then it takes the place for crowded, for a while.
RARE_SECONDS: Final = 3.0
CROWDED_SECONDS: Final = 2.0

# Whoever leads hands on behind this many writes once its own proposals are committed.
ROUNDS_FOR_OTHERS: Final = 1

# How often whoever waits looks for its proposals in the journal: between these.
LOOK_SECONDS: Final = (0.02, 0.04)

# Before others may not commit its proposal any more, its owner does not give up.
GIVE_UP_SECONDS: Final = WAITING_MS / 1_000 + 1


class Instance(Protocol):
    """What the committer needs of the instance that follows the journal."""

    def state(self) -> Known:
        """What is known, without a look at the journal unless nothing is."""
        ...

    def follow(self) -> Known:
        """What is known behind a look at the journal."""
        ...

    def changing(self) -> AbstractContextManager[object]:
        """While this is held, what is known does not change."""
        ...

    def committed_behind(self, known: Known, proposal: Proposal) -> int | None:
        """Where its transaction was committed; ``OccConflictError`` where a block that is not remembered any more is in its way."""
        ...

    def absorb(self, placed: Sequence[Placed]) -> None:
        """These blocks are in the journal."""
        ...


class Mine:
    """A proposal whose caller waits: for the block's address, or the error to raise."""

    __slots__ = ("_answer", "left", "proposal")

    def __init__(self, proposal: Proposal) -> None:
        self.proposal = proposal
        # Whether others may commit it as well.
        self.left = False
        self._answer: BlockAddress | CounterfoilError | None = None

    @property
    def answered(self) -> bool:
        return self._answer is not None

    def answer(self, answer: BlockAddress | CounterfoilError) -> None:
        if self._answer is None:
            self._answer = answer

    def result(self) -> BlockAddress:
        if isinstance(self._answer, CounterfoilError):
            raise self._answer
        assert self._answer is not None
        return self._answer


class Committer:
    """The commits of one instance. ``leaving`` carries out requests side by side."""

    def __init__(
        self,
        journal: DynamoDbJournal,
        room: WaitingRoom,
        instance: Instance,
        clock: Callable[[], datetime],
        leaving: Executor,
    ) -> None:
        self._journal = journal
        self._room = room
        self._instance = instance
        self._clock = clock
        self._leaving = leaving
        self._queue: deque[Mine] = deque()
        self._writing = Lock()
        self._chance = SystemRandom()
        self._lost_at = self._crowded_until = -RARE_SECONDS

    def commit(self, proposal: Proposal) -> BlockAddress:
        """See ``ledger.store.LedgerStore.commit``. ``UnknownOutcomeError`` where it may be committed, now or soon."""
        mine = Mine(proposal)
        self._queue.append(mine)
        with self._writing:
            while not mine.answered:
                self._write_group()
        return mine.result()

    def _write_group(self) -> None:
        group = [self._queue.popleft() for _ in range(min(len(self._queue), GROUP_BLOCKS))]
        try:
            self._write(group)
        except CounterfoilError as error:
            for each in group:
                each.answer(self._uncertain(each, error))
        except BaseException:
            for each in group:
                each.answer(UnknownOutcomeError("whoever wrote this transaction was interrupted"))
            raise

    def _write(self, group: Sequence[Mine]) -> None:
        """Go on until each of the group has its answer."""
        if time.monotonic() > self._crowded_until:
            self._write_alone(group)
        if any(not each.answered for each in group):
            self._write_with_others(group)

    def _write_alone(self, group: Sequence[Mine]) -> None:
        """Write until all is written or others are faster too often."""
        while waiting := [each for each in group if not each.answered]:
            if self._wrote(*self._place(waiting, ())):
                continue
            now = time.monotonic()
            is_rare, self._lost_at = now > self._lost_at + RARE_SECONDS, now
            self._instance.follow()
            if not is_rare:
                self._crowded_until = now + CROWDED_SECONDS
                return

    def _write_with_others(self, group: Sequence[Mine]) -> None:
        until = time.monotonic() + GIVE_UP_SECONDS
        tip = self._instance.state().head.sequence_no
        own, _ = self._place(group, ())
        list(self._leaving.map(lambda each: self._leave(each[0], each[1], tip), own))
        while any(not each.answered for each in group):
            if time.monotonic() > until:
                raise CapacityError("others were faster all the time")
            if self._room.leads():
                self._lead(group, until)
            else:
                self._wait_for_leader(group)
        self._crowded_until = time.monotonic() + CROWDED_SECONDS

    def _lead(self, group: Sequence[Mine], until: float) -> None:
        """Write for all that wait, until the own proposals are written and some of the others'."""
        rounds = ROUNDS_FOR_OTHERS
        while time.monotonic() < until:
            known = self._instance.follow()
            waiting = [each for each in group if not each.answered]
            own, placed = self._place(waiting, list(self._room.found(known.head.sequence_no)))
            rounds -= not waiting
            if not placed or rounds < 0 or not self._room.leads():
                break
            self._wrote(own, placed)
        self._room.hand_on()

    def _wait_for_leader(self, group: Sequence[Mine]) -> None:
        """Look for the own proposals in the journal until all are there or nobody leads."""
        while True:
            time.sleep(self._chance.uniform(*LOOK_SECONDS))
            known = self._instance.follow()
            for each in group:
                number = known.transactions.get(each.proposal.transaction_id)
                if number is not None:
                    each.answer(BlockAddress(self._journal.strand_id, number))
            if all(each.answered for each in group) or not self._room.is_led():
                return

    def _wrote(self, own: Sequence[tuple[Mine, Placed]], placed: Sequence[Placed]) -> bool:
        """Write blocks and answer the own ones; whether they were written, rather than lost to others'."""
        if not placed:
            return True
        try:
            self._put(placed)
        except ConflictError:
            return False
        for mine, block in own:
            mine.answer(BlockAddress(self._journal.strand_id, block.sequence_no))
        self._instance.absorb(placed)
        return True

    def _place(
        self, waiting: Sequence[Mine], others: Sequence[WaitingProposal]
    ) -> tuple[list[tuple[Mine, Placed]], list[Placed]]:
        """Places behind the last block that is known, the own ones first; who can have none is answered."""
        known = self._instance.state()
        own: list[tuple[Mine, Placed]] = []
        with self._instance.changing():
            group = _Group(known, milliseconds_of(self._clock()))
            for mine in waiting:
                if group.is_full or mine.proposal.transaction_id in group.ids:
                    continue
                try:
                    number = self._instance.committed_behind(known, mine.proposal)
                    if number is not None:
                        mine.answer(BlockAddress(self._journal.strand_id, number))
                        continue
                    own.append((mine, group.add(mine.proposal)))
                except CounterfoilError as error:
                    mine.answer(self._uncertain(mine, error))
            for each in others:
                if not group.is_full:
                    group.add_waiting(each)
        return own, group.placed

    @staticmethod
    def _uncertain(mine: Mine, error: CounterfoilError) -> CounterfoilError:
        """What its caller is told: where others may commit it yet, only a conflict is certain."""
        if mine.left and isinstance(error, UnavailableError) and not isinstance(error, ConflictError):
            return UnknownOutcomeError(str(error))
        return error

    def _leave(self, mine: Mine, placed: Placed, tip: int) -> None:
        """Leave a proposal for whoever leads, unless only its owner can commit it."""
        waiting = to_wait(mine.proposal, placed)
        if waiting is not None and not mine.left:
            mine.left = True
            with suppress(UnavailableError):  # then it may be there or not
                mine.left = self._room.leave(waiting, tip)

    # Writing

    def _put(self, placed: Sequence[Placed]) -> None:
        """Write the blocks; ``ConflictError`` where one is in their place, ``UnknownOutcomeError`` where nobody knows."""
        items = [self._item(each) for each in placed]
        pause = FIRST_LOOK_SECONDS
        for attempt in range(1, PUT_ATTEMPTS + 1):
            try:
                with translated(f"putting block {self._journal.strand_id}#{placed[0].sequence_no}"):
                    self._put_once(items)
            except ConflictError:
                raise
            except UnavailableError as error:
                if attempt == PUT_ATTEMPTS:
                    raise UnknownOutcomeError(str(error)) from error
                time.sleep(pause)
                pause *= 2
            else:
                return

    def _put_once(self, items: Sequence[JournalItem]) -> None:
        puts: list[Any] = [self._journal.put_request(each) for each in items]
        if len(puts) > 1:
            place = self._journal.journal_table.encode()
            token = sha256(place + b"".join(each.block_hash for each in items)).hexdigest()[:36]
            self._journal.client.transact_write_items(
                TransactItems=[{"Put": each} for each in puts], ClientRequestToken=token
            )
            return
        try:
            self._journal.client.put_item(**puts[0], ReturnValuesOnConditionCheckFailure="ALL_OLD")
        except ClientError as error:
            if not _is_there(error, items[0]):  # else it is an earlier put of ours, whose answer was lost
                raise

    def _item(self, placed: Placed) -> JournalItem:
        block, effects = self._journal.keep_outside(placed.transaction_id, placed.data, render_effects(placed.effects))
        block_hash = placed.head.block_hash
        assert block_hash is not None
        return JournalItem(
            placed.sequence_no,
            block_hash,
            placed.transaction_id,
            placed.head.timestamp_ms,
            placed.nodes,
            block,
            effects,
        )


class _Group:
    """Blocks that are to be written in one step."""

    def __init__(self, known: Known, now_ms: int) -> None:
        self.placed: list[Placed] = []
        self._known = known
        self._now_ms = now_ms
        self._head = known.head
        self._log = TentativeLog(known.log)
        self.ids: set[str] = set()
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        return len(self.placed) >= GROUP_BLOCKS or self._bytes > GROUP_BYTES

    def add(self, proposal: Proposal) -> Placed:
        # Blocks that are not remembered any more were looked at already.
        judged = replace(proposal, snapshot_no=max(proposal.snapshot_no, self._known.log.floor))
        return self._added(place(self._head, self._log, judged, self._now_ms))

    def add_waiting(self, waiting: WaitingProposal) -> None:
        """One of another instance, unless it has been committed, conflicts, or is from too long ago to be judged here."""
        if waiting.transaction_id not in self._known.transactions and waiting.transaction_id not in self.ids:
            with suppress(ConflictError):  # its owner finds that as well
                self._added(place_waiting(self._head, self._log, waiting, self._now_ms))

    def _added(self, placed: Placed) -> Placed:
        self.placed.append(placed)
        self._head = placed.head
        self.ids.add(placed.transaction_id)
        self._bytes += len(placed.data)
        return placed


def _is_there(error: ClientError, item: JournalItem) -> bool:
    """Whether the block that is in the place is this one."""
    response: Any = error.response
    there = response.get("Item", {}).get("blockHash", {}).get("B")
    return bool(there == bytes(item.block_hash))
