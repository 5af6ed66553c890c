"""Both ways of a stream record: read and verified the long way, and by what was learned from records before."""

from counterfoil.errors import CounterfoilError, InputError
from counterfoil.ion import hash_of_ion
from counterfoil.journal import (
    BlockSummaryRecord,
    RevisionDetailsRecord,
    parse_stream_record,
    verify_block,
    verify_revision,
)
from counterfoil.journal.known_records import KnownRecords
from counterfoil.journal.plain_record import VerifiedDetails, VerifiedSummary


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
