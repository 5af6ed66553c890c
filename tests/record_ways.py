"""Both ways of a stream record: read and verified the long way, and by what was learned from records before."""

from datetime import timedelta
from decimal import Decimal

from counterfoil.errors import CounterfoilError, InputError
from counterfoil.ion import dump_binary, hash_of_ion
from counterfoil.journal import (
    BlockSummaryRecord,
    RevisionDetailsRecord,
    parse_stream_record,
    verify_block,
    verify_revision,
)
from counterfoil.journal.builder import Change, JournalBuilder, Statement, Transaction, ion_time
from counterfoil.journal.known_records import KnownRecords
from counterfoil.journal.plain_record import VerifiedDetails, VerifiedSummary
from counterfoil.journal.publication import block_summary
from tests.forged_blocks import ALTERED
from tests.journals import START, STRAND, STREAM_ARN, TABLE_ID, made_id, transfers


def long_way(data):
    """What a record comes to: all that it says, or the error in full."""
    try:
        return plain(parse_stream_record(data))
    except CounterfoilError as error:
        return type(error), str(error), getattr(error, "evidence", None)


def plain(record):
    """All that a record says, whichever way it was read; values of Ion by their bytes and names."""
    match record:
        case BlockSummaryRecord(stream_arn=arn, block=block):
            block = verify_block(block)
        case VerifiedSummary(stream_arn=arn, block=block):
            pass
        case RevisionDetailsRecord() | VerifiedDetails():
            return plain_details(record)
        case _:
            return record
    info = block.redaction_info
    return "summary", arn, block._replace(redaction_info=None), info and info.raw()


def plain_details(record):
    revision = record.revision
    if isinstance(record, RevisionDetailsRecord):
        revision = verify_revision(revision)
    names = record.stream_arn, record.table_name, record.table_id
    data = revision.data
    said = data and (data.raw(), data.symbols.names, data.kind, hash_of_ion(data), data.end - data.body)
    return "details", names, record.address, record.metadata, revision._replace(data=None), said


def learned(*batches):
    """What is known after these records, in this order."""
    known = KnownRecords()
    for batch in batches:
        for data in batch:
            meet(known, data)
    return known


def meet(known, data, *, learn=True):
    """As a batch is read: what it comes to, and whether the short way said so."""
    found = known.read(data)
    if found is not None:
        return plain(found), True
    try:
        record = parse_stream_record(data)
    except InputError:
        return long_way(data), False
    if learn:
        known.learn(data, record)
    return long_way(data), False


def same(known, data, *, learn=True):
    """Whether the short way reads a record; what it makes of it is what the long way does."""
    found, short = meet(known, data, learn=learn)
    assert found == long_way(data)
    return short


def records_of(blocks, arn=STREAM_ARN):
    """The stream records of blocks, given as fields; whatever document a revision is of, it comes with some table."""
    found = []
    for fields in blocks:
        found.append(record(arn, "BLOCK_SUMMARY", block_summary(fields)))
        documents = fields.get("transactionInfo", {}).get("documents", {})
        tables = {name: {key: table[key] for key in ("tableName", "tableId")} for name, table in documents.items()}
        for revision in fields["revisions"]:
            if "metadata" in revision:
                table = tables.get(revision["metadata"]["id"]) or next(iter(tables.values()))
                found.append(record(arn, "REVISION_DETAILS", {"tableInfo": table, "revision": revision}))
    return found


def record(arn, kind, payload):
    return dump_binary({"qldbStreamArn": arn, "recordType": kind, "payload": payload})


def short(known, records):
    """How many of these records the short way reads; all come to what the long way makes of them."""
    return sum([same(known, data) for data in records])


AMOUNTS = [
    lambda number: Decimal(number * 1_009).scaleb(-2),
    lambda number: number,
    float,
    lambda number: ion_time(START + timedelta(seconds=number)),
    bytes,
]


def bank(sizes, *, strand=STRAND, table="Transactions", note="x", field="note", kind=0):
    """Blocks of some documents each: two tables, texts of many lengths."""
    builder = JournalBuilder(strand)
    for number, size in enumerate(sizes):
        at = START + timedelta(milliseconds=137 * number)
        changes = tuple(
            Change(
                made_id(f"d{number}x", index),
                number * 37,
                table if index else "Accounts",
                TABLE_ID,
                {
                    field: note * (number % 23),
                    "amount": AMOUNTS[kind % len(AMOUNTS)](number),
                    "open": bool(number % 2),
                    "by": {"name": "é" if number % 29 == 28 else "n" * (number % 5), "at": [number, None, {}]},
                },
                (index,),
            )
            for index in range(size)
        )
        statements = tuple(Statement(f"UPDATE {table} SET a = ?", (index,)) for index in range(size))
        yield builder.append(Transaction(made_id("tx", number), at, at, statements, changes)).fields


BLOCKS = 8
HONEST = records_of(transfers(BLOCKS).fields)
SUMMARY, DETAILS = HONEST[2 * ALTERED : 2 * ALTERED + 2]
