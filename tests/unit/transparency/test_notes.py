"""Notes and checkpoints: known keys' signatures must hold, others' are passed over."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from counterfoil.adapters.note_keys import EcdsaVerifier, verifier_of
from counterfoil.errors import InputError, IntegrityError
from counterfoil.merkle import hash_of
from counterfoil.transparency.checkpoint import (
    Checkpoint,
    checkpoint_of,
    parse_checkpoint,
    sign_checkpoint,
    verify_checkpoint,
)
from counterfoil.transparency.cosignature import Ed25519Verifier, cosigned_at
from counterfoil.transparency.note import (
    KeyType,
    Note,
    NoteSignature,
    VerifierKey,
    parse_note,
    render_note,
    verify_note,
)
from counterfoil.transparency.tree import TreeHead
from tests.transparency_logs import LOG, LOG_KEY, ORIGIN, private_key, signed, witness_key

HEAD = TreeHead(7, hash_of(b"root"))
CHECKPOINT = signed(HEAD)
OTHER = private_key("other.example/log")
SAME_NAME = private_key(ORIGIN, salt="another key")
WITNESS = witness_key("witness.example")
COSIGNER = Ed25519Verifier(WITNESS.key)


def flip(signature, place=10):
    value = bytearray(signature.value)
    value[place] ^= 1
    return signature._replace(value=bytes(value))


def note_of(*signatures):
    return Note(CHECKPOINT.note.text, signatures)


LOGS = LOG_KEY.sign(CHECKPOINT.note.text)


def test_a_checkpoint_is_three_lines_and_a_signature():
    text = CHECKPOINT.render().decode()
    assert text.startswith(f"{ORIGIN}\n7\n{HEAD.root.to_base64()}\n\n— {ORIGIN} ")
    assert text.endswith("=\n")
    assert parse_checkpoint(text.encode()).checkpoint == Checkpoint(ORIGIN, HEAD)


def test_a_signed_checkpoint_holds_for_its_key():
    held = verify_checkpoint(parse_checkpoint(CHECKPOINT.render()), LOG)
    assert (held.head, held.held) == (HEAD, (LOGS,))


def test_signatures_of_unknown_keys_are_passed_over_even_if_they_bear_the_name_or_the_id():
    strangers = (
        OTHER.sign("something else\n"),
        SAME_NAME.sign(CHECKPOINT.note.text),
        LOGS._replace(name="somebody.else"),
        NoteSignature("short", b"\0\0\0\1", b"x"),
        NoteSignature("a.future.type", b"\0\0\0\2", b"x" * 3_000),
    )
    assert verify_note(note_of(*strangers, LOGS), [LOG]) == (LOGS,)


def test_a_note_of_unknown_keys_alone_is_held_by_nobody_and_no_checkpoint():
    note = note_of(OTHER.sign(CHECKPOINT.note.text))
    assert verify_note(note, [LOG]) == ()
    with pytest.raises(IntegrityError, match="is not signed by"):
        verify_checkpoint(parse_checkpoint(render_note(note)), LOG)


@pytest.mark.parametrize("forged", [flip(LOGS), LOGS._replace(value=b"x"), LOGS._replace(value=LOGS.value + b"\0")])
def test_a_forged_signature_of_a_known_key_makes_the_note_worthless(forged):
    for note in (note_of(forged), note_of(forged, OTHER.sign(CHECKPOINT.note.text))):
        with pytest.raises(IntegrityError, match="does not hold"):
            verify_note(note, [LOG, Ed25519Verifier(OTHER.key)])


@pytest.mark.parametrize("second", [LOGS, flip(LOGS)])
def test_a_second_signature_of_a_known_key_is_refused(second):
    with pytest.raises(IntegrityError, match="signed twice"):
        verify_note(note_of(LOGS, second), [LOG])


def test_a_signature_is_over_the_whole_text():
    for text in (CHECKPOINT.note.text.replace("\n7\n", "\n8\n"), f"{CHECKPOINT.note.text}more\n"):
        with pytest.raises(IntegrityError):
            verify_note(Note(text, (LOGS,)), [LOG])


def test_a_checkpoint_of_another_log_is_refused_though_the_key_signed_it():
    with pytest.raises(IntegrityError, match="not of"):
        verify_checkpoint(signed(HEAD, origin="ledger.example/other"), LOG)


def test_two_verifiers_that_cannot_be_told_apart_are_an_error_of_ours():
    with pytest.raises(ValueError, match="same name"):
        verify_note(CHECKPOINT.note, [LOG, LOG])


# Witnesses' signatures ----------------------------------------------------------------------------------------------


def test_a_cosignature_says_its_time_and_holds_with_it_alone():
    line = WITNESS.cosign(CHECKPOINT.note.text, 1_700_000_000)
    assert (len(line.value), cosigned_at(line.value)) == (72, 1_700_000_000)
    held = verify_checkpoint(CHECKPOINT.with_signatures((line,)), LOG, (COSIGNER,))
    assert held.held == (LOGS, line)
    for place in (7, 8, 71):
        with pytest.raises(IntegrityError):
            verify_note(note_of(LOGS, flip(line, place)), [LOG, COSIGNER])
    with pytest.raises(IntegrityError, match="72 bytes"):
        verify_note(note_of(line._replace(value=line.value[8:])), [COSIGNER])


@pytest.mark.parametrize("seconds", [0, 2**63, 2**64 - 1])
def test_a_cosignature_of_a_time_at_which_nobody_signs_does_not_hold(seconds):
    line = WITNESS.cosign(CHECKPOINT.note.text, seconds)
    with pytest.raises(IntegrityError, match="at which nobody signs"):
        Ed25519Verifier(WITNESS.key).verify(CHECKPOINT.note.text, line.value)


def test_the_order_of_signature_lines_says_nothing():
    lines = (*CHECKPOINT.note.signatures, WITNESS.cosign(CHECKPOINT.note.text, 1))
    verifiers = (LOG, Ed25519Verifier(WITNESS.key))
    for ordered in (lines, lines[::-1]):
        assert set(verify_note(Note(CHECKPOINT.note.text, ordered), verifiers)) == set(lines)


def test_a_witnesss_key_signs_nothing_else_and_a_logs_key_cosigns_nothing():
    with pytest.raises(InputError):
        WITNESS.sign(CHECKPOINT.note.text)
    with pytest.raises(InputError):
        LOG_KEY.cosign(CHECKPOINT.note.text, 1)


def test_a_plain_signature_does_not_pass_for_a_cosignature():
    plain = private_key("witness.example").private.sign(CHECKPOINT.note.text.encode())
    with pytest.raises(IntegrityError):
        verify_note(note_of(NoteSignature("witness.example", WITNESS.key.key_id, bytes(8) + plain)), [COSIGNER])


def test_a_new_signature_takes_the_place_of_the_same_keys_old_one():
    first, second = WITNESS.cosign(CHECKPOINT.note.text, 1), WITNESS.cosign(CHECKPOINT.note.text, 2)
    twice = CHECKPOINT.with_signatures((first,)).with_signatures((second,))
    assert twice.note.signatures == (LOGS, second)


# Keys ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000",
        LOG_KEY.key.render().replace("+", "+0", 1),
        LOG_KEY.key.render().upper(),
        f"other{LOG_KEY.key.render()}",
        LOG_KEY.key.render()[:-4],
        "a b+" + LOG_KEY.key.render().split("+", 1)[1],
        f"name+00000000+{'A' * 44}",
    ],
)
def test_what_is_no_key_is_refused(text):
    with pytest.raises(InputError):
        VerifierKey.parse(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\N{NO-BREAK SPACE}b", "a\tb", "a\x85b", "\ud800", "x" * 513])
def test_what_can_be_no_name_is_refused(name):
    with pytest.raises(InputError, match="no name of a key"):
        VerifierKey(name, KeyType.ED25519, bytes(32))


def ecdsa(curve=None):
    private = generate_private_key(curve or SECP256R1())
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return private, VerifierKey(ORIGIN, KeyType.ECDSA, public)


def test_an_ecdsa_signature_as_kms_makes_it_holds():
    private, key = ecdsa()
    assert VerifierKey.parse(key.render()) == key
    value = private.sign(CHECKPOINT.note.text.encode(), ECDSA(SHA256()))
    line = NoteSignature(ORIGIN, key.key_id, value)
    assert verify_checkpoint(CHECKPOINT.with_signatures((line,)), verifier_of(key)).held == (line,)
    with pytest.raises(IntegrityError):
        verify_note(note_of(flip(line)), [EcdsaVerifier(key)])


def test_an_ecdsa_key_of_another_curve_or_no_key_is_refused():
    for key in (ecdsa(SECP384R1())[1], VerifierKey(ORIGIN, KeyType.ECDSA, b"x")):
        with pytest.raises(InputError):
            verifier_of(key)
    with pytest.raises(InputError):
        Ed25519Verifier(ecdsa()[1])


# Texts --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "alter",
    [
        lambda text: text[:-1],
        lambda text: text.replace("\n\n", "\n"),
        lambda text: f"{text}\n",
        lambda text: text.replace("— ", "- "),
        lambda text: text.replace("\n— ", "\n—"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.split("\n\n")[0] + "\n\n",
        lambda text: "\n\n" + text.split("\n\n")[1],
        lambda text: text.replace("=\n", "\n"),
    ],
)
def test_what_is_no_note_is_refused(alter):
    with pytest.raises(InputError):
        parse_checkpoint(alter(CHECKPOINT.render().decode()).encode())


def test_the_last_empty_line_separates_so_a_text_may_have_others():
    note = sign_checkpoint(Checkpoint(ORIGIN, HEAD), LOG_KEY).note._replace(text="a\n\nb\n")
    assert parse_note(render_note(note)) == note


@pytest.mark.parametrize(
    "text",
    ["", "a\n", "a\n1\n", f"a\n1\n{'A' * 42}=\n", f"a\n1\n{HEAD.root.to_base64()}\n\nb\n", f"a b\n1\n{'A' * 43}=\n"],
)
def test_what_is_no_checkpoint_is_refused(text):
    with pytest.raises(InputError):
        checkpoint_of(text)


def test_extension_lines_are_kept_and_signed():
    checkpoint = Checkpoint(ORIGIN, HEAD, ("more", "and more"))
    held = verify_checkpoint(parse_checkpoint(sign_checkpoint(checkpoint, LOG_KEY).render()), LOG)
    assert held.checkpoint == checkpoint
