"""The tree of RFC 6962 on the eight leaves that certificate-transparency's own implementations are tested with.

Source: google/certificate-transparency, cpp/merkletree/merkle_tree_test.cc; transparency-dev/merkle, testonly/constants.go.
"""

import pytest

from counterfoil.merkle import Hash
from counterfoil.transparency.tree import (
    EMPTY,
    TreeHead,
    head_of,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    root_of,
    verify_consistency,
    verify_inclusion,
)

ENTRIES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    Hash(bytes.fromhex(text))
    for text in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
A = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
B = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
C = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
D = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
E = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
F = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
G = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"

INCLUSION = {
    (0, 1): [],
    (0, 8): [A, B, C],
    (5, 8): [D, E, F],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): ["6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", B, D],
}
CONSISTENCY = {(1, 1): [], (1, 8): [A, B, C], (6, 8): [G, E, F], (2, 5): [B, D]}


def read(level, position):
    return root_of(map(leaf_hash, ENTRIES[position << level : (position + 1) << level]))


def hashes(texts):
    return tuple(Hash(bytes.fromhex(text)) for text in texts)


@pytest.mark.parametrize("size", range(9))
def test_the_roots(size):
    assert root_of(map(leaf_hash, ENTRIES[:size])) == ROOTS[size]
    assert head_of(read, size) == TreeHead(size, ROOTS[size])


def test_the_empty_tree():
    assert (0, ROOTS[0]) == EMPTY


@pytest.mark.parametrize(("place", "path"), INCLUSION.items(), ids=str)
def test_the_inclusion_proofs(place, path):
    index, size = place
    assert prove_inclusion(read, index, size) == hashes(path)
    leaf = leaf_hash(ENTRIES[index])
    assert verify_inclusion(leaf, index, hashes(path), TreeHead(size, ROOTS[size])) == leaf


@pytest.mark.parametrize(("sizes", "path"), CONSISTENCY.items(), ids=str)
def test_the_consistency_proofs(sizes, path):
    old, new = (TreeHead(size, ROOTS[size]) for size in sizes)
    assert prove_consistency(read, *sizes) == hashes(path)
    assert verify_consistency(old, new, hashes(path)) == new
