"""Mutants of the log: its tree, its notes and tiles, what a witness signs, and what holds three heads against each other."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

TREE = "tests/property/test_log_tree_laws.py"
TILES = "tests/property/test_log_tiles_laws.py"
NOTES = "tests/unit/transparency/test_notes.py"
SIGNING = "tests/unit/transparency/test_witness_rules.py"
GROWING = "tests/unit/services/test_transparency_log.py"
HEADS = "tests/unit/services/test_head_comparison.py"

LOG = [
    Mutant(
        "log leaves are hashed like nodes",
        "transparency/tree.py",
        'sha256(b"\\0" + entry)',
        'sha256(b"\\1" + entry)',
        ("tests/golden/test_rfc6962.py",),
    ),
    Mutant(
        "log consistency: the newer head is not compared",
        "transparency/tree.py",
        '    _expect(newer, new.root, "the consistency proof", new.size)\n',
        "",
        (TREE,),
    ),
    Mutant(
        "log consistency: the older head is not compared",
        "transparency/tree.py",
        '    _expect(older, old.root, "the consistency proof", old.size)\n',
        "",
        (TREE,),
    ),
    Mutant(
        "log notes: a second signature of one key is let through",
        "transparency/note.py",
        "            if place in held:\n",
        "            if False:\n",
        (NOTES,),
    ),
    Mutant(
        "log checkpoints: the log's own signature is not asked for",
        "transparency/checkpoint.py",
        "    if (log.key.name, log.key.key_id) not in",
        "    if () in",
        (NOTES,),
    ),
    Mutant(
        "log tiles: a tile is not held against the one above it",
        "transparency/tiles.py",
        "            if root != expected:\n",
        "            if False:\n",
        (TILES,),
    ),
    Mutant(
        "log tiles: an entry is not held against its leaf",
        "transparency/tiles.py",
        "    if leaf_hash(entry) != leaf:\n",
        "    if False:\n",
        (TILES,),
    ),
    Mutant(
        "log witness: signs another root of the same size",
        "transparency/witness.py",
        "    if last is not None and checkpoint.head.size == signed.size and checkpoint.head != signed:\n",
        "    if False:\n",
        (SIGNING,),
    ),
    Mutant(
        "log witness: remembers nothing",
        "services/witness.py",
        "            self.store.replace(",
        "            (lambda *_: None)(",
        (GROWING,),
    ),
    Mutant(
        "log: the checkpoint is written before the edge",
        "services/transparency_log.py",
        "        for file in writer.edge():\n            self.store.add(file.path, file.data)\n",
        "",
        (GROWING,),
    ),
    Mutant(
        "heads: the checkpoint in the folder need not extend the last snapshot's",
        "services/head_comparison.py",
        "            log.verify_extends(parse_checkpoint(self.bound.note.encode()), last)\n",
        "            pass\n",
        (HEADS,),
    ),
    Mutant(
        "heads: a log is signed although its blocks do not lead to the head",
        "services/head_comparison.py",
        "            if self.range != self._head.range:\n",
        "            if False:\n",
        (HEADS,),
    ),
    Mutant(
        "heads: the ledger's digest is believed",
        "services/head_comparison.py",
        "    if said is None or said == known.root:\n",
        "    if True:\n",
        (HEADS,),
    ),
    Mutant(
        "policies: one key under two names is two witnesses",
        "transparency/policy.py",
        "keys = [each.key.public for each in self.witnesses.values()]",
        "keys = [each.key for each in self.witnesses.values()]",
        ("tests/unit/transparency/test_policies.py",),
    ),
    Mutant(
        "policies: a signature of a time to come counts",
        "transparency/policy.py",
        "return cosigned_at(signature.value) > (self.as_of + MAX_AHEAD).timestamp()",
        "return cosigned_at(signature.value) < 0",
        ("tests/unit/transparency/test_policies.py", "-k", "time_to_come"),
    ),
    Mutant(
        "policies: of a file, judged by no time",
        "cli/log_options.py",
        ", as_of=system_clock())",
        ")",
        ("tests/unit/cli/test_checkpoints.py", "-k", "time_to_come"),
    ),
    Mutant(
        "policies: at a snapshot, judged by no time",
        "services/head_comparison.py",
        "replace(self.checkpoints.policy, as_of=self.now)",
        "self.checkpoints.policy",
        (HEADS, "-k", "clocks_are_ahead"),
    ),
    Mutant(
        "witnesses: one that dates ahead is not told",
        "services/witnessing.py",
        "            if policy.is_ahead(signature):\n",
        "            if signature is None:\n",
        ("tests/unit/services/test_transparency_log.py", "-k", "clock_is_ahead"),
    ),
    Mutant(
        "policies: a quorum may be forgotten",
        "transparency/policy.py",
        "    if reading.witnesses and not reading.quorum:\n",
        "    if False:\n",
        ("tests/unit/transparency/test_policies.py",),
    ),
]
