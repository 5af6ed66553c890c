"""Journals for tests: made by the builder, drawn by hypothesis, and altered by forgers of several skills.

A block is handled as ``fields``: the plain dict that ``BuiltBlock.fields`` holds and the binary form is written from.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import reduce

from hypothesis import settings
from hypothesis import strategies as st

from counterfoil.ion import dump_binary, read_single
from counterfoil.journal import BlockAddress, extend, parse_block, verify_block
from counterfoil.journal.builder import (
    HASH_OF_NOTHING,
    BuiltBlock,
    Change,
    JournalBuilder,
    Redaction,
    Statement,
    Transaction,
    hash_of_value,
    revision_hash,
)
from counterfoil.merkle import Hash, dot, root_of

STRAND = "JdxjkR9bSYB5jMHWcI464T"
OTHER_STRAND = "1HqUNaR8u8s13eFiSzGZl9"
STREAM_ARN = "arn:aws:qldb:eu-central-1:123456789012:stream/bank/IiPT4brpZCqCq3f4MTHbYy"
TABLE_ID = "BFJKdXgzt9oF4wjMbuxy4G"
START = datetime(2025, 3, 1, 9, 30, tzinfo=UTC)


def made_id(kind: str, number: int) -> str:
    """An id of 22 characters that says what it is."""
    return f"{kind}{number:0{22 - len(kind)}}"


def transfer(number: int, amount: str = "12.50") -> Transaction:
    """The transaction of one transfer, different for each number."""
    committed_at = START + timedelta(seconds=number)
    return Transaction(
        made_id("tx", number),
        committed_at - timedelta(milliseconds=5),
        committed_at,
        (Statement("INSERT INTO Transactions ?", ({"transactionId": f"T-{number}"},)),),
        (
            Change(
                made_id("doc", number),
                0,
                "Transactions",
                TABLE_ID,
                {"transactionId": f"T-{number}", "amount": Decimal(amount), "currency": "EUR", "status": "SETTLED"},
            ),
        ),
    )


@dataclass
class Journal:
    """A builder with the blocks it made."""

    builder: JournalBuilder
    blocks: list[BuiltBlock]

    @property
    def fields(self) -> list[dict]:
        return [copy_of(block.fields) for block in self.blocks]


def journal_of(transactions, *, bind_headers: bool = True) -> Journal:
    builder = JournalBuilder(STRAND, bind_headers=bind_headers)
    return Journal(builder, [builder.append(each) for each in transactions])


def transfers(count: int, *, bind_headers: bool = True) -> Journal:
    """A journal of as many blocks with one transfer each."""
    return journal_of(map(transfer, range(count)), bind_headers=bind_headers)


def read(fields: dict):
    """The block as a consumer reads it: parsed, not yet verified."""
    return parse_block(read_single(dump_binary(fields)))


def checked(fields: dict):
    """The block after its contents were verified."""
    return verify_block(read(fields))


def head_of(blocks, head=None):
    """Where the fold over blocks (as fields) ends."""
    return reduce(extend, map(checked, blocks), head)


def copy_of(value):
    """A copy that can be altered without touching the original; scalars are shared."""
    if isinstance(value, dict):
        return {name: copy_of(each) for name, each in value.items()}
    return [copy_of(each) for each in value] if isinstance(value, list) else value


# Forgers ------------------------------------------------------------------------------------------------------------


def rehash(fields: dict, previous: bytes | None = None, *, bind_header: bool = True) -> dict:
    """What a competent forger makes of an altered block: every hash inside it is right again.

    ``previous`` is the hash of the block before, where that was forged too.
    """
    forged = copy_of(fields)
    for revision in forged["revisions"]:
        if "metadata" in revision:
            revision["hash"] = bytes(revision_hash(revision["metadata"], revision.get("data")))
    header = {name: forged[name] for name in ("blockAddress", "transactionId", "blockTimestamp")}
    entries = [Hash(each) for each in forged["entriesHashList"]]
    entries[0] = hash_of_value(header) if bind_header else entries[0]
    hashes = [Hash(each["hash"]) for each in forged["revisions"]]
    entries[1] = root_of(hashes) if hashes else HASH_OF_NOTHING
    entries[3] = hash_of_value(forged["transactionInfo"])
    forged["entriesHashList"] = [bytes(each) for each in entries]
    forged["entriesHash"] = bytes(root_of(entries))
    if previous is not None:
        forged["previousBlockHash"] = previous
    linked = forged["previousBlockHash"]
    forged["blockHash"] = bytes(dot(Hash(forged["entriesHash"]), Hash(linked) if linked else None))
    return forged


def rehash_from(blocks: list[dict], index: int) -> list[dict]:
    """The forger who re-hashes the altered block ``index`` and every block behind it."""
    forged = blocks[:index]
    for fields in blocks[index:]:
        forged.append(rehash(fields, forged[-1]["blockHash"] if forged else None))
    return forged


def first_revision(fields: dict) -> dict:
    return fields["revisions"][0]


# Strategies ---------------------------------------------------------------------------------------------------------

# A journal is many draws: fewer of them are looked at than of single values (tests/ion_values.py has those).
FEW = settings(max_examples=max(20, settings.default.max_examples // 5))

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=2) | st.just(Decimal("-0.00"))
scalars = st.one_of(texts, st.integers(-(2**70), 2**70), amounts, st.booleans(), st.none(), st.binary(max_size=20))
documents = st.builds(
    lambda amount, note: {"transactionId": "T-1", "amount": amount, "notes": [note, {"größe": note}]}, amounts, scalars
)


@st.composite
def transactions(draw, number: int, *, min_changes: int = 0) -> Transaction:
    """Transaction ``number``: written, deleted and internal revisions, statements, now and then a redaction."""
    base = transfer(number)
    changes = tuple(
        Change(
            made_id(f"d{number}x", index),
            draw(st.integers(0, 2**40)),
            "Transactions",
            TABLE_ID,
            draw(documents | st.none()),
            (0, 1, 1),
            internal=draw(st.sampled_from([False, False, False, True])),
        )
        for index in range(draw(st.integers(min_changes, 5)))
    )
    statements = draw(
        st.just(base.statements) | st.builds(lambda *each: each, st.builds(Statement, texts)) | st.just(())
    )
    redacted = Redaction(BlockAddress(STRAND, 0), TABLE_ID, made_id("doc", 0), 0)
    redactions = draw(st.sampled_from([(), (), (), (redacted,)]))
    return Transaction(base.transaction_id, base.tx_time, base.committed_at, tuple(statements), changes, redactions)


@st.composite
def journals(draw, *, min_size: int = 1, max_size: int = 5, min_changes: int = 0, bind_headers=None) -> Journal:
    """An honest journal; ``bind_headers`` of ``None`` draws that too."""
    size = draw(st.integers(min_size, max_size))
    drawn = [draw(transactions(number, min_changes=min_changes)) for number in range(size)]
    bound = draw(st.booleans()) if bind_headers is None else bind_headers
    return journal_of(drawn, bind_headers=bound)
