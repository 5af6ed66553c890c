"""Whatever bytes come as a note, checkpoint, proof, request, policy or tile: a value or a typed error, within the bounds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.adapters.note_keys import PrivateKey
from counterfoil.errors import CounterfoilError, InputError, LimitError
from counterfoil.transparency.checkpoint import parse_checkpoint
from counterfoil.transparency.entry import parse_entry, render_entry
from counterfoil.transparency.note import VerifierKey, parse_note, render_note
from counterfoil.transparency.policy import parse_policy
from counterfoil.transparency.proof_file import LogProof, parse_proof, render_proof
from counterfoil.transparency.tiles import Tile, check_tile, parse_bundle, render_bundle
from counterfoil.transparency.tree import EMPTY, prove_consistency, prove_inclusion
from counterfoil.transparency.witness import AddCheckpoint, parse_request, render_request
from tests.transparency_logs import LOG_KEY, entries, entry, node_reader, signed, tiled, witness_key

_, CHECKPOINTS = tiled(5, 9)
READ = node_reader(entries(9))
CHECKPOINT = CHECKPOINTS[-1]
PROOF = LogProof(3, prove_inclusion(READ, 3, 9), CHECKPOINT, entry(3))
REQUEST = AddCheckpoint(5, prove_consistency(READ, 5, 9), CHECKPOINT)
POLICY = f"witness a {witness_key('a').key.render()} https://a\n# two\ngroup g 1 a\nquorum g\n"

# A reader of bytes, what it reads and how that is written again.
READERS = {
    "note": (parse_note, CHECKPOINT.render(), render_note),
    "checkpoint": (parse_checkpoint, CHECKPOINT.render(), lambda read: read.render()),
    "proof": (parse_proof, render_proof(PROOF), render_proof),
    "request": (parse_request, render_request(REQUEST), render_request),
    "entry": (parse_entry, entry(7), render_entry),
    "bundle": (lambda data: parse_bundle(Tile(-1, 0, 3), data), render_bundle(entries(3)), render_bundle),
    "tile": (lambda data: check_tile(Tile(0, 0, 2), data), bytes(64), bytes),
}
TEXTS = {
    "key": (VerifierKey.parse, LOG_KEY.key.render()),
    "private": (PrivateKey.parse, "PRIVATE+KEY+x+00000000+AQ=="),
    "policy": (parse_policy, POLICY),
    "path": (Tile.parse, "tile/0/x001/234.p/5"),
}


@pytest.mark.parametrize("kind", READERS)
def test_what_is_written_is_read(kind):
    read, data, render = READERS[kind]
    assert render(read(data)) == data


def alterations(data):
    """Bytes that are nearly the right ones: one replaced, some removed, some repeated, some put in."""
    places = st.integers(0, len(data))
    return st.one_of(
        st.builds(lambda place, byte: data[:place] + bytes([byte]) + data[place + 1 :], places, st.integers(0, 255)),
        st.builds(lambda begin, end: data[:begin] + data[end:], places, places),
        st.builds(lambda place, more: data[:place] + more + data[place:], places, st.binary(max_size=80)),
        st.builds(
            lambda place, more: data[:place] + more + data[place:],
            places,
            st.sampled_from(
                [b"\n", b"\n\n", b" ", b"+", b"0", b"-1", "— ".encode(), b"\r\n", b"\xc2\xa0", b"=", b"\x7f"]
            ),
        ),
    )


@pytest.mark.parametrize("kind", READERS)
@given(data=st.data())
@settings(max_examples=60)
def test_other_bytes_are_another_value_or_refused(kind, data):
    read, good, render = READERS[kind]
    altered = data.draw(st.one_of(st.binary(max_size=300), alterations(good)))
    try:
        found = read(altered)
    except InputError:
        return
    assert render(found) == altered


@pytest.mark.parametrize("kind", TEXTS)
@given(data=st.data())
@settings(max_examples=60)
def test_other_texts_are_refused_in_the_same_way(kind, data):
    read, good = TEXTS[kind]
    shorter = st.builds(
        lambda begin, end: good[:begin] + good[end:], st.integers(0, len(good)), st.integers(0, len(good))
    )
    longer = st.builds(
        lambda place, more: good[:place] + more + good[place:], st.integers(0, len(good)), st.text(max_size=9)
    )
    try:
        read(data.draw(st.one_of(st.text(max_size=200), shorter, longer)))
    except CounterfoilError as error:
        assert isinstance(error, InputError)


@pytest.mark.parametrize("kind", ["note", "checkpoint", "proof", "request", "entry", "bundle"])
@pytest.mark.parametrize("more", [b"x" * 200_000, b"\n" * 200_000, "— a AAAAAAA=\n".encode() * 20_000])
def test_what_is_too_long_is_refused_unread(kind, more):
    read, good, _ = READERS[kind]
    with pytest.raises(InputError, match=r"at most \d+ are read"):
        read(good + more)


def test_too_many_signatures_are_refused():
    note = CHECKPOINT.note
    crowded = note._replace(signatures=tuple(note.signatures[0]._replace(name=f"k{n}") for n in range(101)))
    with pytest.raises(LimitError, match="101 signatures"):
        parse_note(render_note(crowded))


@pytest.mark.parametrize(("kind", "hashes"), [("proof", PROOF.path), ("request", REQUEST.path)])
def test_more_hashes_than_any_tree_has_are_refused(kind, hashes):
    read, good, _ = READERS[kind]
    line = f"{hashes[0].to_base64()}\n".encode()
    with pytest.raises(InputError, match="at most 63 hashes"):
        read(good.replace(line, line * 64, 1))


@pytest.mark.parametrize(
    "number", ["01", "-1", "+1", "1.0", "", " 1", "9223372036854775808", "1" * 20, "\N{SUPERSCRIPT TWO}", "0x1"]
)
def test_a_number_has_one_way_to_be_written(number):
    text = signed(EMPTY).render().replace(b"\n0\n", f"\n{number}\n".encode())
    with pytest.raises(InputError):
        parse_checkpoint(text)


@pytest.mark.parametrize("path", ["tile/0/1", "tile/0/0001", "tile/8/000", "tile/0/x000/001", "tile/0/000.p/256", "tile/0/000.p/0",
    "tile/0/000.p/01", "tile/entries/000/001", "/tile/0/000", "tile/0/../0/000", "tile/-1/000", "checkpoint", ""])  # fmt: skip
def test_a_path_has_one_way_to_be_written(path):
    with pytest.raises(InputError):
        Tile.parse(path)
