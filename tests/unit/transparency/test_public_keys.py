"""Public keys as people hand them over, and what a key's signature is worth under another name."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from counterfoil.errors import InputError, IntegrityError
from counterfoil.transparency.note import KeyType, Verifier, VerifierKey
from counterfoil.transparency.public_key import MAX_KEY_BYTES, StatementKey
from tests.evidence_worlds import p256_key
from tests.transparency_logs import LOG_KEY, witness_key

P256 = p256_key().public_key()
ED25519 = LOG_KEY.private.public_key()


def written(key, encoding=Encoding.DER, form=PublicFormat.SubjectPublicKeyInfo):
    return key.public_bytes(encoding, form)


@pytest.mark.parametrize("key", [P256, ED25519], ids=["P-256", "Ed25519"])
def test_a_key_is_the_same_in_every_form(key):
    der = written(key)
    parsed = StatementKey.parse(der)
    assert parsed.der == der
    assert StatementKey.parse(written(key, Encoding.PEM)) == parsed
    assert StatementKey.parse(b"\n" + written(key, Encoding.PEM).replace(b"\n", b"\r\n")) == parsed
    named = VerifierKey("ledger.example/bank", parsed.type, parsed.public)
    assert StatementKey.parse(named.render().encode() + b"\n") == parsed
    assert parsed.fingerprint.startswith("sha256:")


def rsa_key(encoding):
    return written(rsa.generate_private_key(65537, 2048).public_key(), encoding)


NO_KEYS = {
    "empty": b"",
    "begun": b"\x30",
    "text": b"rubbish",
    "bytes": b"\xff\xfe",
    "no base64": b"-----BEGIN PUBLIC KEY-----\nAAA\n-----END PUBLIC KEY-----\n",
    "P-256, shorter": written(P256)[:-1],
    "P-256, longer": written(P256) + b"\0",
    "P-256, off the curve": written(P256)[:-1] + bytes([written(P256)[-1] ^ 1]),
    "P-256, compressed": written(P256, Encoding.X962, PublicFormat.CompressedPoint),
    "Ed25519, shorter": written(ED25519)[:-1],
    "P-384": written(ec.derive_private_key(5, ec.SECP384R1()).public_key()),
    "a witness's": witness_key("w").key.render().encode(),
    "too long": b"x" * (MAX_KEY_BYTES + 1),
}


@pytest.mark.parametrize("kind", NO_KEYS)
def test_what_is_no_key_of_statements_is_an_input_error(kind):
    with pytest.raises(InputError):
        StatementKey.parse(NO_KEYS[kind])


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_a_key_of_another_kind_is_an_input_error(encoding):
    with pytest.raises(InputError):
        StatementKey.parse(rsa_key(encoding))


def test_a_signature_is_checked_under_the_name_that_the_note_gives():
    text = "a text\n"
    key = StatementKey.parse(written(ED25519))
    verifier: Verifier = key.named("x.example")
    assert verifier.key == VerifierKey("x.example", KeyType.ED25519, key.public)
    verifier.verify(text, LOG_KEY.private.sign(text.encode()))
    with pytest.raises(IntegrityError, match=r"x\.example does not hold"):
        verifier.verify(text + "\n", LOG_KEY.private.sign(text.encode()))


def test_keys_of_other_kinds_do_not_pass_for_each_other():
    made = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    assert StatementKey.parse(written(made)).type is KeyType.ED25519
    assert StatementKey.parse(written(P256)).type is KeyType.ECDSA
