"""Hash and dot at their edges."""

import pytest

from counterfoil.errors import InputError
from counterfoil.merkle import Hash, dot, hash_of


@pytest.mark.parametrize("length", [0, 1, 31, 33, 64])
def test_a_hash_of_another_length_does_not_exist(length):
    with pytest.raises(InputError, match=f"a hash has 32 bytes, not {length}"):
        Hash(bytes(length))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AAAA",
        "not base64!",
        "A" * 43,
        "A" * 44,
        "é" * 44,
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "A" * 300,
    ],
)
def test_what_is_not_the_base64_of_32_bytes_is_refused(text):
    with pytest.raises(InputError, match="hash"):
        Hash.from_base64(text)


def test_a_hash_is_shown_in_hex_and_travels_in_base64():
    found = hash_of(b"")
    assert str(found) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert repr(found) == f"Hash({found})"
    assert found.to_base64() == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    assert Hash.from_base64(found.to_base64()) == found


def test_dot_of_nothing_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="nothing"):
        dot(None, None)
