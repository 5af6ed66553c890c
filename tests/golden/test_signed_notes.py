"""Signatures and notes that others made."""

import pytest

from counterfoil.adapters.note_keys import PrivateKey
from counterfoil.errors import IntegrityError
from counterfoil.transparency import ed25519
from counterfoil.transparency.cosignature import Ed25519Verifier
from counterfoil.transparency.note import VerifierKey, parse_note, render_note, verify_note

# RFC 8032, section 7.1: public key, message, signature.
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]

# golang.org/x/mod/sumdb/note, the package's documentation.
KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNED = (
    f"{TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_ed25519_signatures_of_the_rfc_hold_and_no_others(public, message, signature):
    parts = [bytes.fromhex(part) for part in (public, message, signature)]
    ed25519.verify(*parts)
    for place in (0, 31, 32, 63):
        value = bytearray(parts[2])
        value[place] ^= 1
        with pytest.raises(IntegrityError):
            ed25519.verify(parts[0], parts[1], bytes(value))
    with pytest.raises(IntegrityError):
        ed25519.verify(parts[0], parts[1] + b"\0", parts[2])


def test_a_signature_whose_scalar_is_not_the_least_does_not_hold():
    public, message, signature = (bytes.fromhex(part) for part in RFC_8032[1])
    order = 2**252 + 27742317777372353535851937790883648493
    scalar = int.from_bytes(signature[32:], "little") + order
    with pytest.raises(IntegrityError):
        ed25519.verify(public, message, signature[:32] + scalar.to_bytes(32, "little"))


@pytest.mark.parametrize("public", ["02" + "00" * 31, "ff" * 32, "01" + "00" * 30 + "80", "", "00"])
def test_a_key_that_is_no_point_verifies_nothing(public):
    with pytest.raises(IntegrityError):
        ed25519.verify(bytes.fromhex(public), b"", bytes.fromhex(RFC_8032[0][2]))


def test_a_note_of_go_is_read_and_holds():
    key = VerifierKey.parse(KEY)
    assert key.render() == KEY
    note = parse_note(SIGNED)
    [held] = verify_note(note, [Ed25519Verifier(key)])
    assert (note.text, held.name, held.key_id) == (TEXT, "PeterNeumann", key.key_id)
    assert render_note(note) == SIGNED


def test_the_same_key_signs_the_same_note():
    signer = PrivateKey.parse(PRIVATE)
    assert signer.key.render() == KEY
    assert signer.sign(TEXT) == parse_note(SIGNED).signatures[0]


def test_the_key_of_go_s_checksum_database_is_read():
    text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    assert VerifierKey.parse(text).render() == text
