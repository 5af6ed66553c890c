"""Forgers of proof files and witnesses: whatever is not the very proof of that entry under that log's key is refused."""

from base64 import b64encode
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import InputError, IntegrityError
from counterfoil.merkle import Hash, hash_of
from counterfoil.transparency.checkpoint import Checkpoint, SignedCheckpoint
from counterfoil.transparency.cosignature import Ed25519Verifier
from counterfoil.transparency.note import Note
from counterfoil.transparency.proof_file import LogProof, parse_proof, render_proof, verify_proof
from counterfoil.transparency.tree import TreeHead, leaf_hash, prove_inclusion
from tests.journals import FEW
from tests.transparency_logs import (
    LOG,
    LOG_KEY,
    ORIGIN,
    entries,
    entry,
    node_reader,
    private_key,
    root_by_definition,
    signed,
    witness_key,
)

MOST = 70
SIZE, INDEX = 37, 21
READ = node_reader(entries(MOST))
ROOTS = {size: root_by_definition([leaf_hash(each) for each in entries(size)]) for size in range(1, MOST + 1)}
FORGED = root_by_definition([leaf_hash(each) for each in entries(SIZE, fork=INDEX + 1)])
WITNESS = witness_key("w.example")
COSIGNER = Ed25519Verifier(WITNESS.key)


def head(size):
    return TreeHead(size, ROOTS[size])


def proof_of(index, size, key=LOG_KEY, origin=ORIGIN):
    return LogProof(index, prove_inclusion(READ, index, size), signed(head(size), key, origin), entry(index))


def checked(data, wanted=None, others=()):
    """What a reader of the file comes to: the entry, in the log of that key."""
    proof = parse_proof(data)
    verify_proof(proof, proof.extra if wanted is None else wanted, LOG, others)
    return proof


HONEST = render_proof(proof_of(INDEX, SIZE))


@FEW
@given(st.data())
def test_every_entry_has_a_proof_at_every_size_and_no_other(data):
    size = data.draw(st.integers(1, MOST))
    index = data.draw(st.integers(0, size - 1))
    proof = proof_of(index, size)
    assert render_proof(checked(render_proof(proof))) == render_proof(proof)
    other = data.draw(st.integers(0, 2 * MOST).filter(lambda each: each != index))
    with pytest.raises(IntegrityError):
        checked(render_proof(replace(proof, index=other)))
    elsewhere = data.draw(st.integers(1, MOST).filter(lambda each: each != size))
    with pytest.raises(IntegrityError):  # both sizes were signed; the path is of one of them
        checked(render_proof(replace(proof, checkpoint=signed(head(elsewhere)))))
    with pytest.raises(IntegrityError):
        checked(render_proof(proof), entry(other))


@FEW
@given(st.integers(2, MOST), st.data())
def test_no_other_path_leads_there(size, data):
    proof = proof_of(data.draw(st.integers(0, size - 1)), size)
    path, place = list(proof.path), data.draw(st.integers(0, len(proof.path) - 1))
    others = [
        [*path[:place], *path[place + 1 :]],
        [*path[:place], path[place], *path[place:]],
        [*path, data.draw(st.sampled_from([*path, ROOTS[size], Hash(bytes(32))]))],
        [ROOTS[size], *path],
        [*path[:place], Hash(bytes(32)), *path[place + 1 :]],
        path[::-1],
        [],
    ]
    for other in others:
        if other != path:
            with pytest.raises(IntegrityError):
                checked(render_proof(replace(proof, path=tuple(other))))


def resigned(text, key=LOG_KEY):
    """A checkpoint of any text under a signature of any key."""
    return SignedCheckpoint(Checkpoint(ORIGIN, head(SIZE)), Note(text, (key.sign(text),)))


TEXT = signed(head(SIZE)).note.text
MADE_ANEW = {
    "another root of the size": lambda text: text.replace(ROOTS[SIZE].to_base64(), FORGED.to_base64()),
    "another size": lambda text: text.replace(f"\n{SIZE}\n", f"\n{SIZE + 1}\n"),
    "another log": lambda text: text.replace(ORIGIN, "ledger.example/other"),
    "a longer name": lambda text: text.replace(ORIGIN, f"{ORIGIN}x"),
    "a size with a zero": lambda text: text.replace(f"\n{SIZE}\n", f"\n0{SIZE}\n"),
    "an empty line": lambda text: text.replace(f"\n{SIZE}\n", f"\n\n{SIZE}\n"),
    "an empty line at its end": lambda text: f"{text}\n",
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "no root": lambda text: "\n".join(text.split("\n")[:2]) + "\n",
    "a space": lambda text: text.replace(f"\n{SIZE}\n", f"\n{SIZE} \n"),
    "another base64": lambda text: text.replace("=\n", "=\n=\n"),
    "lines in another order": lambda text: "\n".join([*reversed(text.rstrip().split("\n")), ""]),
}  # fmt: skip


# What the log's own key may sign so that it proves the entry all the same. A line more is an extension. And a root does not say over
# how many entries it is (RFC 9162): a log that signs a false size lies, which the next consistency proof shows, not this one.
LOGS_OWN_WORD = {"another size", "another base64"}


@pytest.mark.parametrize("name", MADE_ANEW)
def test_a_checkpoint_made_anew_by_another_key_proves_nothing(name):
    text = MADE_ANEW[name](TEXT)
    assert text != TEXT
    with pytest.raises((InputError, IntegrityError)):
        checked(
            render_proof(replace(proof_of(INDEX, SIZE), checkpoint=resigned(text, private_key(ORIGIN, salt="another"))))
        )


@pytest.mark.parametrize("name", sorted(MADE_ANEW.keys() - LOGS_OWN_WORD))
def test_whatever_else_the_logs_key_signs_is_no_statement_on_this_entry(name):
    with pytest.raises((InputError, IntegrityError)):
        checked(render_proof(replace(proof_of(INDEX, SIZE), checkpoint=resigned(MADE_ANEW[name](TEXT)))))


@pytest.mark.parametrize("name", sorted(LOGS_OWN_WORD))
def test_what_a_log_signs_is_its_word(name):
    text = MADE_ANEW[name](TEXT)
    assert checked(render_proof(replace(proof_of(INDEX, SIZE), checkpoint=resigned(text)))).checkpoint.note.text == text


def test_the_text_as_it_was_is_good_however_it_was_put_together():
    assert checked(render_proof(replace(proof_of(INDEX, SIZE), checkpoint=resigned(TEXT)))).index == INDEX


@pytest.mark.parametrize("size", [SIZE, SIZE + 1])
def test_a_signature_under_another_checkpoint_does_not_hold(size):
    other = LOG_KEY.sign(signed(TreeHead(size, FORGED)).note.text)
    moved = SignedCheckpoint(Checkpoint(ORIGIN, head(SIZE)), Note(TEXT, (other,)))
    with pytest.raises(IntegrityError, match="does not hold"):
        checked(render_proof(replace(proof_of(INDEX, SIZE), checkpoint=moved)))


# Lines ----------------------------------------------------------------------------------------------------------------

LINES = HONEST.decode().split("\n")
EXTRA, AT, FIRST = 1, 2, 3
EMPTY = LINES.index("")


def lines_with(change):
    lines = list(LINES)
    change(lines)
    return "\n".join(lines).encode()


def put(place, line):
    return lambda lines: lines.insert(place, line)


def become(place, line):
    return lambda lines: lines.__setitem__(place, line)


ALTERED = {
    "another version": become(0, "c2sp.org/tlog-proof@v2"),
    "no version": lambda lines: lines.pop(0),
    "a version twice": put(1, LINES[0]),
    "extra twice": put(EXTRA, LINES[EXTRA]),
    "extra behind the index": lambda lines: lines.insert(AT, lines.pop(EXTRA)),
    "an empty extra": become(EXTRA, "extra "),
    "extra without its word": become(EXTRA, LINES[EXTRA].removeprefix("extra ")),
    "index twice": put(AT, LINES[AT]),
    "no index": lambda lines: lines.pop(AT),
    "an index with a zero": become(AT, f"index 0{INDEX}"),
    "an index with a sign": become(AT, f"index +{INDEX}"),
    "a negative index": become(AT, f"index -{INDEX}"),
    "an index in other digits": become(AT, "index ٢١"),
    "an index beyond 64 bits": become(AT, f"index {2**64 + INDEX}"),
    "an index beyond the tree": become(AT, f"index {SIZE}"),
    "another word": become(AT, f"Index {INDEX}"),
    "a word behind": become(AT, f"index {INDEX} x"),
    "two spaces": become(AT, f"index  {INDEX}"),
    "a hash in hex": become(FIRST, hash_of(b"x").hex()),
    "a hash with a space": become(FIRST, f"{LINES[FIRST]} "),
    "a hash without padding": become(FIRST, LINES[FIRST].rstrip("=")),
    "a hash with other bits at its end": become(FIRST, LINES[FIRST][:-2] + chr(ord(LINES[FIRST][-2]) + 1) + "="),
    "a hash of the URL alphabet": become(FIRST, b64encode(b"\xff" * 32, b"-_").decode()),
    "a line between": put(FIRST, "x"),
    "an empty line more": put(EMPTY, ""),
    "no empty line": lambda lines: lines.pop(EMPTY),
    "a comment": put(FIRST, "# why"),
    "a line behind it all": lambda lines: lines.append("x\n"),
    "an empty line behind it all": lambda lines: lines.append(""),
    "no line end": lambda lines: lines.pop(),
    "no signature": lambda lines: lines.__delitem__(slice(-2, -1)),
    "a signature twice": lambda lines: lines.insert(-1, lines[-2]),
    "a signature with another dash": become(-2, LINES[-2].replace("\N{EM DASH}", "--")),
    "a tab": become(AT, f"index\t{INDEX}"),
    "a mark before": lambda lines: lines.__setitem__(0, "\ufeff" + lines[0]),
    "a NUL": lambda lines: lines.__setitem__(FIRST, lines[FIRST] + "\x00"),
}  # fmt: skip


@pytest.mark.parametrize("name", ALTERED)
def test_a_file_in_which_a_line_is_altered_is_refused(name):
    data = lines_with(ALTERED[name])
    assert data != HONEST
    with pytest.raises((InputError, IntegrityError)):
        checked(data)


def test_line_ends_of_other_systems_are_refused():
    for data in (
        HONEST.replace(b"\n", b"\r\n"),
        HONEST.replace(b"\n", b"\r"),
        HONEST + b"\r\n",
        HONEST + b"\n" + HONEST,
    ):
        with pytest.raises(InputError):
            checked(data)


@pytest.mark.parametrize("size", range(len(HONEST)))
def test_a_file_cut_anywhere_is_refused(size):
    with pytest.raises((InputError, IntegrityError)):
        checked(HONEST[:size])


@given(st.integers(0, 8 * len(HONEST) - 1))
def test_a_bit_changed_anywhere_is_refused_but_in_nothing_that_counts(bit):
    """Every byte of the file counts: there is none that may be another."""
    data = bytearray(HONEST)
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises((InputError, IntegrityError)):
        checked(bytes(data))


def test_a_file_without_its_entry_proves_only_the_entry_that_is_held_against_it():
    data = lines_with(lambda lines: lines.pop(EXTRA))
    assert checked(data, entry(INDEX)).extra is None
    for other in (entry(INDEX + 1), entry(INDEX, " forged"), b""):
        with pytest.raises(IntegrityError):
            checked(data, other)


# Witnesses ------------------------------------------------------------------------------------------------------------


def cosigned_proof(*lines):
    return render_proof(replace(proof_of(INDEX, SIZE), checkpoint=signed(head(SIZE)).with_signatures(lines)))


def test_a_witnesss_signature_holds_on_its_own_checkpoint_alone():
    good = WITNESS.cosign(TEXT, 1_700_000_000)
    assert checked(cosigned_proof(good), others=(COSIGNER,)).index == INDEX
    others = [
        signed(head(SIZE + 1)).note.text,
        signed(TreeHead(SIZE, FORGED)).note.text,
        TEXT.replace(ORIGIN, "x"),
        f"{TEXT}more\n",
    ]
    for text in others:
        with pytest.raises(IntegrityError, match="does not hold"):
            checked(cosigned_proof(WITNESS.cosign(text, 1_700_000_000)), others=(COSIGNER,))


def test_a_witnesss_signature_twice_is_refused_even_as_it_is():
    good, later = (WITNESS.cosign(TEXT, seconds) for seconds in (1_700_000_000, 1_700_000_001))
    whole = signed(head(SIZE))
    for pair in ((good, good), (good, later), (later, good)):
        twice = SignedCheckpoint(whole.checkpoint, Note(TEXT, (*whole.note.signatures, *pair)))
        with pytest.raises(IntegrityError, match="signed twice"):
            checked(render_proof(replace(proof_of(INDEX, SIZE), checkpoint=twice)), others=(COSIGNER,))


@given(st.integers(1, 2**63 - 1), st.integers(1, 2**63 - 1))
def test_a_signature_holds_at_its_own_time_alone(seconds, other):
    line = WITNESS.cosign(TEXT, seconds)
    moved = line._replace(value=other.to_bytes(8) + line.value[8:])
    if seconds == other:
        COSIGNER.verify(TEXT, moved.value)
    else:
        with pytest.raises(IntegrityError):
            COSIGNER.verify(TEXT, moved.value)
