"""Keys of logs: KMS's and those in files make notes that anybody checks."""

import pytest

from counterfoil.adapters.kms import KmsNoteKey
from counterfoil.adapters.note_keys import verifier_of
from counterfoil.errors import InputError, IntegrityError, UnavailableError
from counterfoil.transparency.note import KeyType, NoteSignature, VerifierKey
from tests.contract.conftest import AWS, ON_EMULATOR
from tests.transparency_logs import LOG, LOG_KEY, ORIGIN

TEXT = f"{ORIGIN}\n5\nroot\n"
KINDS = {"ECC_NIST_EDWARDS25519": KeyType.ED25519, "ECC_NIST_P256": KeyType.ECDSA}


def made(clients, spec):
    client = clients("kms")
    key_id = client.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    return KmsNoteKey.load(client, key_id, ORIGIN)


@pytest.fixture(params=["file", *(pytest.param(spec, marks=ON_EMULATOR) for spec in KINDS)])
def pair(request):
    """What signs, and what it checks with itself."""
    if request.param == "file":
        return LOG_KEY, LOG
    key = made(request.getfixturevalue("clients"), request.param)
    assert key.key.type is KINDS[request.param]
    return key, key


def test_what_was_signed_holds_here_and_with_the_verifier_key_alone(pair):
    signer, verifier = pair
    signature = signer.sign(TEXT)
    assert (signature.name, signature.key_id) == (ORIGIN, signer.key.key_id)
    for each in (verifier, verifier_of(VerifierKey.parse(signer.key.render()))):
        each.verify(TEXT, signature.value)
        for text, value in (
            (TEXT + "x", signature.value),
            (TEXT, signature.value[:-1]),
            (TEXT, b""),
            (TEXT, b"x" * 9_000),
        ):
            with pytest.raises(IntegrityError):
                each.verify(text, value)
        with pytest.raises(IntegrityError):
            each.verify(TEXT, LOG_KEY.sign("another\n").value)


@pytest.mark.parametrize("_", AWS)
def test_another_kind_of_key_signs_no_checkpoints(_, clients):
    with pytest.raises(InputError, match="ECC_NIST_P384"):
        made(clients, "ECC_NIST_P384")
    with pytest.raises(InputError, match="at most"):
        made(clients, "ECC_NIST_EDWARDS25519").sign("x" * 5_000)


def test_a_key_keeper_that_does_not_answer_is_unavailable(gone):
    key = KmsNoteKey(gone("kms"), "key", LOG_KEY.key)
    for call in (lambda: key.sign(TEXT), lambda: KmsNoteKey.load(gone("kms"), "key", ORIGIN)):
        with pytest.raises(UnavailableError):
            call()
    assert isinstance(LOG_KEY.sign(TEXT), NoteSignature)
