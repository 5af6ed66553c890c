"""Logs for tests: keys that are always the same, entries, checkpoints, tiles in a dictionary."""

from hashlib import sha256

from counterfoil.adapters.note_keys import PrivateKey
from counterfoil.merkle import Hash, hash_of
from counterfoil.transparency.checkpoint import Checkpoint, sign_checkpoint
from counterfoil.transparency.cosignature import Ed25519Verifier
from counterfoil.transparency.entry import LogEntry, render_entry
from counterfoil.transparency.note import KeyType
from counterfoil.transparency.policy import Witness, WitnessPolicy
from counterfoil.transparency.tiles import CHECKPOINT_PATH, TileReader, TileWriter
from counterfoil.transparency.tree import leaf_hash, node_hash

STRAND = "JdxjkR9bSYB5jMHWcI464T"
ORIGIN = f"ledger.example/{STRAND}"


def private_key(name, kind=KeyType.ED25519, salt=""):
    return PrivateKey.of_seed(name, kind, sha256(f"{name} {kind:d} {salt}".encode()).digest())


LOG_KEY = private_key(ORIGIN)
LOG = Ed25519Verifier(LOG_KEY.key)


def witness_key(name, salt=""):
    return private_key(name, KeyType.COSIGNATURE, salt)


def policy_of(*names, quorum="none", groups=()):
    return WitnessPolicy({name: Witness(witness_key(name).key, None) for name in names}, dict(groups), quorum)


def entry(number, branch=""):
    return render_entry(LogEntry(STRAND, number, hash_of(f"block {number}{branch}".encode())))


def entries(size, fork=None):
    """The entries of a log; from number ``fork`` on those of another history."""
    return [entry(number, "" if fork is None or number < fork else " forged") for number in range(size)]


def root_by_definition(leaves):
    """RFC 9162, section 2.1.1, word for word."""
    if not leaves:
        return Hash(sha256(b"").digest())
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(root_by_definition(leaves[:split]), root_by_definition(leaves[split:]))


def node_reader(made):
    """Complete nodes computed from all entries."""
    leaves = [leaf_hash(each) for each in made]
    return lambda level, position: root_by_definition(leaves[position << level : (position + 1) << level])


def signed(head, key=LOG_KEY, origin=ORIGIN):
    return sign_checkpoint(Checkpoint(origin, head), key)


def tiled(*sizes, fork=None, key=LOG_KEY):
    """The files of a log that was signed at each of these sizes, and its checkpoints."""
    files, checkpoints, writer = {}, [], TileWriter()
    made = entries(sizes[-1], fork)
    for size in sizes:
        for each in made[writer.size : size]:
            writer.append(each)
        for file in [*writer.filled(), *writer.edge()]:
            assert files.setdefault(file.path, file.data) == file.data
        checkpoints.append(signed(writer.head, key))
        files[CHECKPOINT_PATH] = checkpoints[-1].render()
        writer = TileWriter(TileReader(files.get, writer.head))
    return files, checkpoints
