"""A ledger as its users meet it: transactions, digests, blocks and revisions with their proofs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import takewhile
from threading import Lock
from typing import Final

from counterfoil.errors import InputError, NotFoundError
from counterfoil.ion import IonValue, read_single
from counterfoil.ion.codec import decode
from counterfoil.ion.values import Value
from counterfoil.journal import BlockAddress, Digest, parse_block
from counterfoil.journal.anchor import TrustAnchor
from counterfoil.journal.builder import Statement, digest_of_statement
from counterfoil.ledger.catalogue import LedgerCatalogue
from counterfoil.ledger.ids import NewId
from counterfoil.ledger.limits import DEFAULT_LIMITS, Limits
from counterfoil.ledger.plans import Compilable, Plans, parse
from counterfoil.ledger.sealing import Seals, sealed_documents, veiled
from counterfoil.ledger.sequencing import LedgerHead
from counterfoil.ledger.store import LedgerStore
from counterfoil.ledger.transaction import Engine, Givens, Guard, OpenTransaction
from counterfoil.merkle import Hash, prove_inclusion, root_of
from counterfoil.merkle.nodes import prove_leaf
from counterfoil.ports import Clock, JournalReader

# An expired transaction is let go of at the latest this long after its time.
_SLACK: Final = timedelta(seconds=1)


class Ledger(JournalReader):
    """One ledger over its store. Every call may come from any thread; a transaction is one thread's at a time."""

    def __init__(
        self,
        name: str,
        store: LedgerStore,
        clock: Clock,
        new_id: NewId,
        limits: Limits = DEFAULT_LIMITS,
        guard: Guard | None = None,
        seals: Seals | None = None,
    ) -> None:
        """``seals`` has the keys of documents with sealed fields; without it no table can have any."""
        self.name = name
        self.limits = limits
        self.plans = Plans()
        self._store = store
        self._strand_id: str | None = None
        self._clock = clock
        self._new_id = new_id
        self._seals = seals
        self._engine = Engine(self.plans, limits, Givens(clock, clock, new_id), store.commit, self._ended, guard, seals)
        self._open: dict[str, OpenTransaction] = {}
        self._lock = Lock()

    @property
    def strand_id(self) -> str:
        """It never changes: a store need be asked once."""
        if self._strand_id is None:
            self._strand_id = self.head.strand_id
        return self._strand_id

    @property
    def head(self) -> LedgerHead:
        return self._store.head()

    @property
    def catalogue(self) -> LedgerCatalogue:
        return self.head.catalogue

    def begin(self, transaction_id: str | None = None, givens: Givens | None = None) -> OpenTransaction:
        """A new transaction on everything that was committed until now."""
        engine = self._engine if givens is None else self._engine._replace(givens=givens)
        transaction = OpenTransaction(transaction_id or self._new_id(), self._store.snapshot(), engine)
        with self._lock:
            self._open[transaction.transaction_id] = transaction
            over = self._over()
        for each in over:
            each.abort()
        return transaction

    def resume(self, transaction_id: str, snapshot_no: int, givens: Givens) -> OpenTransaction:
        """A transaction that began elsewhere, as it was before its first statement; ``ClosedError`` where that cannot be known.

        It is for its caller to let go of, whatever the time.
        """
        engine = self._engine._replace(givens=givens)
        return OpenTransaction(transaction_id, self._store.snapshot_at(snapshot_no), engine)

    def _over(self) -> list[OpenTransaction]:
        """Transactions whose clients are gone: their time is up and nobody ended them. The oldest come first.

        Those that began later than now are of a time before the clock went back, and over as well.
        """
        now = self._clock()
        return list(
            takewhile(lambda each: each.expires_at + _SLACK < now or now + _SLACK < each.began_at, self._open.values())
        )

    def _ended(self, transaction_id: str) -> None:
        with self._lock:
            self._open.pop(transaction_id, None)

    def committed(self, transaction_id: str) -> BlockAddress | None:
        """Where a transaction was committed, if it was: for whoever lost the answer to a commit."""
        return self._store.committed(transaction_id)

    def is_of(self, block: Mapping[str, Value], statements: Sequence[Statement]) -> bool:
        """Whether a committed block is of these statements, with these parameters.

        Where a digest is hidden behind keys of which one was destroyed, and where there was none, only the text can be compared.
        """
        journaled = block["transactionInfo"]["statements"]
        return len(journaled) == len(statements) and all(
            self._is_of(block, there, asked) for there, asked in zip(journaled, statements, strict=True)
        )

    def _is_of(self, block: Mapping[str, Value], there: Mapping[str, Value], asked: Statement) -> bool:
        digest = digest_of_statement(asked)
        if there["statementDigest"] == bytes(digest):
            return True
        if there["statement"] != asked.text or self._seals is None or not self._uses_sealed(asked.text):
            return False
        if any("dataHash" in each for each in block["revisions"]):  # which keys were used cannot be seen any more
            return True
        veil = self._seals.veil_of(block["transactionId"], sealed_documents(block["revisions"]))
        return veil is None or there["statementDigest"] == bytes(veiled(digest, veil))

    def _uses_sealed(self, text: str) -> bool:
        statement, catalogue = parse(text).statement, self.catalogue
        if not isinstance(statement, Compilable):
            return False
        return any(catalogue.sealed_in(table_id) for _, table_id in self.plans.plan(text, statement, catalogue).actions)

    # Evidence

    def digest(self) -> Digest:
        """The digest over all blocks; ``NotFoundError`` while there is none."""
        digest = self.head.digest
        if digest is None:
            raise NotFoundError(f"ledger {self.name} has no block yet, and so no digest")
        return digest

    @property
    def anchor(self) -> TrustAnchor | None:
        """Where the ledger begins, if that is not block 0: what is not proved of the blocks before."""
        return self._store.anchor

    def block(self, address: BlockAddress) -> bytes:
        """A block as binary Ion."""
        self._check_strand(address)
        return self._store.block(address.sequence_no)

    def prove_block(self, address: BlockAddress, tip: BlockAddress) -> tuple[Hash, ...]:
        """What GetBlock proves with: siblings from the block's hash to the digest at ``tip``."""
        self._check_tip(address, tip)
        return prove_leaf(self._store.node, address.sequence_no, tip.sequence_no + 1)

    def revision(self, address: BlockAddress, document_id: str) -> Value:
        """The revision of a document that a block holds, as GetRevision gives it."""
        return decode(self._revision_in(self.block(address), document_id)[1])

    def prove_revision(self, address: BlockAddress, document_id: str, tip: BlockAddress) -> tuple[Hash, ...]:
        """What GetRevision proves with: siblings among the revisions, among the entries, previous block's hash, the block's proof."""
        self._check_tip(address, tip)
        data = self.block(address)
        index, _ = self._revision_in(data, document_id)
        block = parse_block(read_single(data))
        hashes = [summary.hash for summary in block.summaries]
        previous = () if block.previous_block_hash is None else (block.previous_block_hash,)
        return (
            *prove_inclusion(hashes, index),
            # Always entry 1 of a block made here; an imported one may have it elsewhere.
            *prove_inclusion(block.entries_hash_list, block.entries_hash_list.index(root_of(hashes))),
            *previous,
            *self.prove_block(address, tip),
        )

    @staticmethod
    def _revision_in(data: bytes, document_id: str) -> tuple[int, IonValue]:
        for index, revision in enumerate(read_single(data).fields()["revisions"].items()):
            metadata = revision.fields().get("metadata")
            if metadata is not None and metadata.fields()["id"].as_text() == document_id:
                return index, revision
        raise NotFoundError(f"the block holds no revision of document {document_id[:80]}")

    def _check_strand(self, address: BlockAddress) -> None:
        if address.strand_id != self.strand_id or not 0 <= address.sequence_no <= self.head.sequence_no:
            raise NotFoundError(f"ledger {self.name} has no block {address}")
        if address.sequence_no < self.first():
            raise NotFoundError(f"ledger {self.name} does not have block {address}: {self.anchor}")

    def _check_tip(self, address: BlockAddress, tip: BlockAddress) -> None:
        self._check_strand(address)
        self._check_strand(tip)
        if tip.sequence_no < address.sequence_no:
            raise InputError(f"block {address} comes behind the tip {tip} of the digest")

    # The journal, for those who follow it

    def tip(self) -> int | None:
        """The number of the last block."""
        number = self.head.sequence_no
        return None if number < 0 else number

    def blocks(self, begin: int, end: int, /) -> Iterator[bytes]:
        """Blocks from ``begin`` (included) to ``end`` (excluded) as binary Ion."""
        return self._store.blocks(begin, end)

    def wait_for(self, sequence_no: int, timeout: float, /) -> bool:
        """Wait for a block, at most ``timeout`` seconds; whether it is there."""
        return self._store.wait_for(sequence_no, timeout) >= sequence_no

    def user_tables(self) -> Iterable[Mapping[str, Value]]:
        """The rows of ``information_schema.user_tables``."""
        return self.catalogue.rows()

    def close(self) -> None:
        self._store.close()
