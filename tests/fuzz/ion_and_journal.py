"""Harnesses of what a journal arrives as: Ion in both forms, frames, stream records, events, receipts, exports."""

import json
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path

from counterfoil.errors import InputError
from counterfoil.ion import (
    IonType,
    binary_of_text,
    decode_datagram,
    hash_of_ion,
    load_text,
    parse_texts,
    read_values,
    text_of,
)
from counterfoil.ion.reader import MAX_DEPTH
from counterfoil.ion.streams import read_value_stream
from counterfoil.ion.text_stream import split_structs
from counterfoil.ion.value_text import from_json, render_json, render_text
from counterfoil.journal import (
    BlockSummaryRecord,
    RevisionDetailsRecord,
    deaggregate,
    parse_digest,
    parse_stream_record,
    verify_block,
    verify_receipt,
    verify_revision,
)
from counterfoil.journal.anchor import parse_trust_anchor
from counterfoil.journal.export_format import DataName, parse_completed_manifest, parse_data_key, parse_started_manifest
from counterfoil.lambda_events import parse_config_event, parse_dynamodb_event, parse_journal_event, parse_kinesis_event
from counterfoil.services.export_contents import Task, stored_blocks, verify_object
from counterfoil.services.verification_notes import HEADER, parse_notes, render_note
from counterfoil.services.verify_export import verify_export
from tests.exports import MemoryFiles, exported
from tests.fuzz.refusals import each_of, refused
from tests.journals import transfers
from tests.record_ways import learned, same

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PROVED = exported(transfers(4))
KNOWN = learned([file.read_bytes() for file in (Path(__file__).parent / "corpus/stream-record").glob("good-*")])
CONTAINERS = {IonType.LIST, IonType.SEXP, IonType.STRUCT}


def ion_binary(data):
    """Every value in it, each walked to its leaves, hashed, and read as a value of ours; and the same bytes in small pieces."""
    each_of(
        lambda: [walk(value) for value in read_values(data)],
        lambda: render_text(decode_datagram(data)),
        lambda: list(read_value_stream(data[at : at + 7] for at in range(0, len(data), 7))),
    )


def walk(value, depth=0):
    """What a value says lies within it, and can be asked for."""
    assert value.position < value.body <= value.end <= len(value.buffer)
    for read in (value.as_text, value.as_bytes, value.as_int, value.as_decimal, value.as_float, value.as_timestamp):
        refused(read)
    if not refused(lambda: hash_of_ion(value)):
        refused(lambda: text_of(value))
    if depth < MAX_DEPTH and not value.is_null and value.type in CONTAINERS:
        children = []
        refused(
            lambda: children.extend(
                [child for _, child in value.each_field()] if value.type is IonType.STRUCT else value.items()
            )
        )
        for child in children:
            walk(child, depth + 1)


def ion_text(data):
    """Text in each of the readers; what one of ours makes of it must be written again so that it reads the same."""
    text = data.decode("utf-8", "replace")
    each_of(
        lambda: [same_again(value) for value in parse_texts(text)],
        lambda: load_text(text),
        lambda: binary_of_text(text),
        lambda: [binary_of_text(each) for each in split_structs(data[at : at + 7] for at in range(0, len(data), 7))],
    )


def same_again(value):
    written = render_text(value)
    (again,) = parse_texts(written)
    assert render_text(again) == written


def plain_json(data):
    """JSON with exact numbers, as requests and exports have it."""
    value = from_json(data.decode("utf-8", "replace"))
    render_json(value)


def kpl_frame(data):
    """A frame, with its checksum made right: without that nothing behind it would ever be read."""
    each_of(
        lambda: deaggregate(data, "outer"),
        lambda: deaggregate(b"\xf3\x89\x9a\xc2" + data + md5(data, usedforsecurity=False).digest(), "outer"),
    )


def stream_record(data):
    """The long way, and by what is known of good records, which is learned from them alone: nothing that is tried changes it."""
    same(KNOWN, data, learn=False)
    match parse_stream_record(data):
        case BlockSummaryRecord(block=block):
            verify_block(block)
        case RevisionDetailsRecord(revision=revision):
            verify_revision(revision)


def lambda_event(data):
    event = document(data)
    each_of(
        lambda: parse_kinesis_event(event),
        lambda: parse_dynamodb_event(event),
        lambda: parse_journal_event(event),
        lambda: parse_config_event(event),
    )


def receipt(data):
    given = document(data)
    if isinstance(given, dict):
        each_of(lambda: verify_receipt(given), lambda: parse_digest(given), lambda: parse_trust_anchor(given))


def proofs(data):
    """A file of proofs beside an export; one in which nothing is known as a proof is refused."""
    (verdict,) = verify_export(MemoryFiles(PROVED | {"exports/bank/all.proofs.json": data}), NOW)
    assert verdict.blocks_hold
    assert verdict.proofs.checked - verdict.proofs.good >= len(verdict.proofs.findings)
    assert bool(verdict.proofs.findings) is not verdict.holds
    if not verdict.proofs.good:
        raise InputError(f"no good proof: {verdict.proofs.told}")


def export_object(data):
    """An object as `verify export` reads it, as JSON where it begins with a brace and a quote, and as an import does."""
    extension = "json" if data[:2] == b'{"' else "ion"
    found = verify_object(Task("key", DataName("JdxjkR9bSYB5jMHWcI464T", 0, 2, extension), NOW), [data])
    each_of(
        lambda: list(stored_blocks(extension, [data])),
        lambda: parse_notes([HEADER, *(render_note("key", found) or "").splitlines(), data.decode("utf-8", "replace")]),
    )


def manifest(data):
    each_of(
        lambda: [parse_data_key(key) for key in parse_completed_manifest(data)],
        lambda: parse_started_manifest(data),
        lambda: parse_data_key(data.decode("utf-8", "replace")),
    )


def document(data):
    """JSON as Lambda's runtime and the command line give it to what is tested; other bytes never come so far."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
