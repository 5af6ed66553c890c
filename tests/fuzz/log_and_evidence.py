"""Harnesses of what is signed, and of what is shown under it: notes, proofs, tiles, keys, policies, time stamps, evidence."""

from datetime import UTC, datetime
from pathlib import Path

from counterfoil.adapters.note_keys import PrivateKey
from counterfoil.adapters.public_key import PublicKey
from counterfoil.adapters.timestamp_tokens import Authority
from counterfoil.detection.evidence.bundle import parse_bundle as parse_evidence
from counterfoil.detection.evidence.bundle import render_bundle as render_evidence
from counterfoil.detection.evidence.verification import verify_bundle
from counterfoil.detection.snapshot import parse_document, render_document
from counterfoil.transparency.checkpoint import checkpoint_of, parse_checkpoint, verify_checkpoint
from counterfoil.transparency.entry import parse_entry, render_entry
from counterfoil.transparency.note import VerifierKey, parse_note, render_note
from counterfoil.transparency.policy import Group, parse_policy
from counterfoil.transparency.proof_file import parse_proof, render_proof, verify_proof
from counterfoil.transparency.public_key import StatementKey
from counterfoil.transparency.tiles import Tile, check_tile, parse_bundle, render_bundle
from counterfoil.transparency.witness import admit, parse_request, render_request
from tests.fuzz.refusals import each_of
from tests.transparency_logs import LOG, ORIGIN, policy_of

VECTORS = Path(__file__).parents[1] / "golden" / "timestamps"
AUTHORITY = Authority.parse((VECTORS / "root.pem").read_bytes())
STAMPED = (VECTORS / "checkpoint").read_bytes()
NOW = datetime(2030, 1, 1, tzinfo=UTC)
POLICY = policy_of("a", "b", quorum="two", groups={"two": Group(2, ("a", "b"))})


def note(data):
    read = parse_note(data)
    assert render_note(read) == data


def checkpoint(data):
    read = parse_checkpoint(data)
    assert read.render() == data
    assert checkpoint_of(read.checkpoint.text) == read.checkpoint
    verify_checkpoint(read, LOG)


def proof(data):
    read = parse_proof(data)
    assert render_proof(read) == data
    verify_proof(read, read.extra or b"", LOG)


def witness_request(data):
    read = parse_request(data)
    assert render_request(read) == data
    admit(read, {ORIGIN: LOG}, None)


def log_entry(data):
    assert render_entry(parse_entry(data)) == data


def tile(data):
    """A path in the first line, which says what the rest has to be."""
    path, _, rest = data.partition(b"\n")
    place = Tile.parse(path.decode("latin-1"))
    if place.level < 0:
        assert render_bundle(parse_bundle(place, rest)) == rest
    else:
        assert check_tile(place, rest) == rest


def key(data):
    text = data.decode("utf-8", "replace")
    each_of(
        lambda: StatementKey.parse(data),
        lambda: PublicKey.parse(data),
        lambda: VerifierKey.parse(text),
        lambda: PrivateKey.parse(text),
    )


def policy(data):
    parse_policy(data.decode("utf-8", "replace"))


def snapshot(data):
    read, signature = parse_document(data)
    render_document(read, signature)


def timestamp(data):
    """An authority's answer over a checkpoint that stands beside the corpus, and a certificate of one."""
    each_of(lambda: AUTHORITY.verify(data, STAMPED, NOW), lambda: Authority.parse(data))


def evidence(data):
    read = parse_evidence(data)
    assert parse_evidence(render_evidence(read)) == read
    each_of(
        lambda: verify_bundle(read),
        lambda: verify_bundle(read, (), POLICY, lambda token, stamped: AUTHORITY.verify(token, stamped, NOW)),
    )
