"""Hashes and the trees over them."""

from counterfoil.merkle.hashes import Hash, dot, hash_of
from counterfoil.merkle.tree import CompactRange, fold, path_length, prove_inclusion, root_of, verify_inclusion

__all__ = [
    "CompactRange",
    "Hash",
    "dot",
    "fold",
    "hash_of",
    "path_length",
    "prove_inclusion",
    "root_of",
    "verify_inclusion",
]
