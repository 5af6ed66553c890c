"""What every Signer guarantees."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from counterfoil.adapters.kms import KmsSigner
from counterfoil.adapters.memory import MemorySigner
from counterfoil.detection.snapshot import Signature
from counterfoil.errors import IntegrityError, UnavailableError
from tests.contract.conftest import AWS, BOTH

MESSAGE = b"what is signed"


def kms_signer(clients):
    client = clients("kms")
    return KmsSigner(client, client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"])


@pytest.fixture(params=BOTH)
def signers(request):
    """Two signers with a key each."""
    if request.param == "memory":
        return MemorySigner(), MemorySigner(b"other")
    clients = request.getfixturevalue("clients")
    return kms_signer(clients), kms_signer(clients)


@pytest.mark.parametrize("message", [b"", MESSAGE, b"x" * 100_000], ids=len)
def test_what_was_signed_verifies(signers, message):
    signer = signers[0]
    signature = signer.sign(message)
    signer.verify(message, signature)
    signer.verify(message, signer.sign(message))


def flip(data):
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize(
    "alter",
    [
        lambda message, signature: (message + b"x", signature),
        lambda message, signature: (flip(message), signature),
        lambda message, signature: (message, flip(signature)),
        lambda message, signature: (message, b""),
        lambda message, signature: (message, b"x" * 10_000),
        lambda message, signature: (message, b"\0" * 64),
        lambda message, signature: (message, signature[:-1]),
    ],
)
def test_an_altered_message_or_signature_does_not_verify(signers, alter):
    made = signers[0].sign(MESSAGE)
    message, value = alter(MESSAGE, made.value)
    with pytest.raises(IntegrityError):
        signers[0].verify(message, Signature(made.key_id, made.algorithm, value))


def test_another_keys_signature_does_not_verify(signers):
    ours, theirs = signers
    with pytest.raises(IntegrityError):
        ours.verify(MESSAGE, theirs.sign(MESSAGE))
    with pytest.raises(IntegrityError):
        theirs.verify(MESSAGE, ours.sign(MESSAGE))


@pytest.mark.parametrize("_", AWS)
def test_anybody_can_check_a_signature_with_the_public_key_alone(_, clients):
    signer = kms_signer(clients)
    public = load_der_public_key(clients("kms").get_public_key(KeyId=signer.key_id)["PublicKey"])
    signature = signer.sign(MESSAGE)
    assert signature.algorithm == "ECDSA_SHA_256"
    public.verify(signature.value, MESSAGE, ECDSA(SHA256()))
    with pytest.raises(InvalidSignature):
        public.verify(signature.value, MESSAGE + b"x", ECDSA(SHA256()))


def test_a_key_keeper_that_does_not_answer_is_unavailable(gone):
    signer = KmsSigner(gone("kms"), "key")
    for call in (lambda: signer.sign(MESSAGE), lambda: signer.verify(MESSAGE, Signature("k", "a", b"x"))):
        with pytest.raises(UnavailableError):
            call()
