"""Deliberate bugs, every one of which some test must catch: `make prove` runs this behind the long properties.

    .venv/bin/python tests/mutants.py [WORD ...]      only the mutants whose line has one of the words

Each mutant changes one piece of source in a copy of the library that stands first on the import path, and runs the few tests
that should notice. A mutant that no test notices is a hole in the suite: the program then exits with 1, and so it does where
a piece of source is no longer there exactly once (the mutant needs a new one) or where the tests fail without any mutant.

To add one: a line in the list of its room, with the smallest selection of tests that must catch it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIBRARY = ROOT / "layers" / "counterfoil" / "counterfoil"
TIME_LIMIT_S = 180
WORKERS = 2

GOLDEN_TREE = "tests/golden/test_hash_tree_table.py"
GOLDEN_BLOCK = "tests/golden/test_aws_cli_example.py"
ION_LAWS = "tests/property/test_ion_laws.py"
ION_EDGES = "tests/unit/ion"
TREE_LAWS = "tests/property/test_merkle_laws.py"
CHAIN_LAWS = "tests/property/test_chain_laws.py"
FORGERS = "tests/property/test_forgers.py"
RECEIPTS = "tests/property/test_receipt_laws.py"
JOURNAL_EDGES = "tests/unit/journal"


@dataclass(frozen=True)
class Mutant:
    """``old`` in ``file`` becomes ``new``; ``breaks`` says what that means; ``tests`` must notice."""

    breaks: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


HASHES = [
    Mutant(
        "hash order unsigned (last byte alone)",
        "merkle/hashes.py",
        "last_left ^ 0x80 < last_right ^ 0x80",
        "last_left < last_right",
        (GOLDEN_TREE,),
    ),
    Mutant(
        "hash order unsigned behind equal last bytes",
        "merkle/hashes.py",
        'int.from_bytes(left, "little") ^ _SIGNS < int.from_bytes(right, "little") ^ _SIGNS',
        'int.from_bytes(left, "little") < int.from_bytes(right, "little")',
        (GOLDEN_TREE,),
    ),
    Mutant(
        "hash order first byte first",
        "merkle/hashes.py",
        "last_left, last_right = left[31], right[31]",
        "last_left, last_right = left[0], right[0]",
        (GOLDEN_TREE,),
    ),
    Mutant(
        "dot(a, None) hashes again",
        "merkle/hashes.py",
        "        return one\n",
        "        return hash_of(one)\n",
        (GOLDEN_TREE,),
    ),
    Mutant(
        "dot in the order of its arguments",
        "merkle/hashes.py",
        "sha256(left + right if lesser_first else right + left)",
        "sha256(left + right)",
        (TREE_LAWS,),
    ),
    Mutant(
        "a hash may have any length",
        "merkle/hashes.py",
        "if len(data) != HASH_SIZE:",
        "if len(data) > HASH_SIZE:",
        (TREE_LAWS,),
    ),
]

TREES = [
    Mutant(
        "odd leaf paired with itself",
        "merkle/tree.py",
        "dot(*pair) if len(pair) == 2 else pair[0]",
        "dot(*pair) if len(pair) == 2 else dot(pair[0], pair[0])",
        (TREE_LAWS,),
    ),
    Mutant(
        "subtrees joined where they are not aligned",
        "merkle/tree.py",
        "stack[-1][1] == size and stack[-1][0] % (2 * size) == 0",
        "stack[-1][1] == size",
        (TREE_LAWS,),
    ),
    Mutant(
        "peaks folded from the largest down",
        "merkle/tree.py",
        "reduce(lambda right, left: dot(left, right), reversed(self.nodes[:-1]), self.nodes[-1])",
        "reduce(dot, self.nodes)",
        (TREE_LAWS,),
    ),
    Mutant(
        "a range from the middle has a root",
        "merkle/tree.py",
        "        if self.begin:\n            return None\n",
        "",
        (TREE_LAWS, "tests/unit/journal/test_chain.py"),
    ),
    Mutant(
        "ranges joined across a hole",
        "merkle/tree.py",
        "if other.begin != self.end:",
        "if other.begin < self.end:",
        (TREE_LAWS,),
    ),
    Mutant(
        "a missing sibling counted in the length of a path",
        "merkle/tree.py",
        "length += (index ^ 1) <= last",
        "length += 1",
        (TREE_LAWS,),
    ),
    Mutant(
        "a proof is never compared with its root",
        "merkle/tree.py",
        "if reached != root:",
        "if reached == leaf and reached != root:",
        (TREE_LAWS,),
    ),
]

ION = [
    Mutant(
        "fields of a struct hashed in the order written",
        "ion/hashing.py",
        "        position = end\n    digests.sort()\n",
        "        position = end\n",
        (ION_LAWS,),
    ),
    Mutant(
        "nothing escaped",
        "ion/symbols.py",
        "if BEGIN in representation:",
        "if False:",
        (ION_LAWS,),
    ),
    Mutant(
        "the escape itself is not escaped",
        "ion/symbols.py",
        "if ESCAPE in representation:",
        "if False:",
        (ION_LAWS,),
    ),
    Mutant(
        "scale of zero lost",
        "ion/hashing.py",
        "if exponent == 0 and coefficient == 0 and not negative:",
        "if coefficient == 0 and not negative:",
        (ION_LAWS,),
    ),
    Mutant(
        "sign of a negative zero decimal lost",
        "ion/hashing.py",
        'return encoded + (b"\\x80" if negative else b"")',
        "return encoded",
        (ION_LAWS,),
    ),
    Mutant(
        "leading zeros of an int hashed",
        "ion/hashing.py",
        'return escape(body.lstrip(b"\\0"))',
        "return escape(body)",
        (ION_LAWS,),
    ),
    Mutant(
        "four-byte floats hashed as written",
        "ion/hashing.py",
        "    if len(body) == 4:\n",
        "    if len(body) == 5:\n",
        (ION_LAWS,),
    ),
    Mutant(
        "annotations not hashed",
        "ion/hashing.py",
        'return b"".join((*parts, value, END))',
        "return value",
        (ION_LAWS,),
    ),
    Mutant(
        "the thirtieth of February",
        "ion/timestamps.py",
        "if body[4] > 0x9C:",
        "if body[4] > 0x9F:",
        ("tests/unit/ion/test_timestamps.py",),
    ),
    Mutant(
        "unknown offset taken for UTC",
        "ion/timestamps.py",
        'encoded = b"\\xc0" if offset is None else encode_var_int(offset)',
        "encoded = encode_var_int(offset or 0)",
        (ION_LAWS, ION_EDGES),
    ),
    Mutant(
        "no limit of depth",
        "ion/hashing.py",
        "if depth >= MAX_DEPTH:",
        "if depth >= 10 * MAX_DEPTH:",
        ("tests/unit/ion/test_reader.py", "-k", "deeper"),
    ),
    Mutant(
        "a body may reach beyond its container",
        "ion/reader.py",
        "    if end > limit:\n        raise malformed(\n",
        "    if end > len(buffer):\n        raise malformed(\n",
        ("tests/unit/ion/test_reader.py", "-k", "length or field_name"),
    ),
    Mutant(
        "a field that comes twice is taken",
        "ion/reader.py",
        "if len(fields) != len(found):",
        "if len(fields) > len(found):",
        (ION_LAWS, ION_EDGES),
    ),
    Mutant(
        "an appended table begins anew",
        "ion/streams.py",
        'value.as_text() == "$ion_symbol_table":',
        'value.as_text() == "never":',
        (ION_LAWS,),
    ),
]

BLOCKS = [
    Mutant(
        "no contents check: entriesHash",
        "journal/block.py",
        '_equal("entriesHash", unverified, unverified.entries_hash, root_of(entries))',
        "pass",
        (JOURNAL_EDGES, FORGERS),
    ),
    Mutant(
        "no contents check: blockHash",
        "journal/block.py",
        '_equal("blockHash", unverified, unverified.block_hash, dot(unverified.entries_hash, unverified.previous_block_hash))',
        "pass",
        (JOURNAL_EDGES, FORGERS),
    ),
    Mutant(
        "no contents check: membership in the list",
        "journal/block.py",
        "if computed not in block.entries_hash_list:",
        "if not block.entries_hash_list:",
        (GOLDEN_BLOCK,),
    ),
    Mutant(
        "revisions not compared with the list",
        "journal/block.py",
        "    if unverified.summaries:\n",
        "    if False:\n",
        (FORGERS,),
    ),
    Mutant(
        "revision hash believed",
        "journal/revision.py",
        "if computed != claimed:",
        "if computed == claimed and data is None:",
        (GOLDEN_BLOCK,),
    ),
    Mutant(
        "a deleted revision's data is an empty hash",
        "journal/revision.py",
        'HASH_OF_DELETED_DATA: Final = hash_of(b"")',
        'HASH_OF_DELETED_DATA: Final = hash_of(b"\\0")',
        (JOURNAL_EDGES,),
    ),
    Mutant(
        "revisions of other blocks accepted",
        "journal/block.py",
        "if revision.address is not None and revision.address != address:",
        "if revision.address is None and address is None:",
        (FORGERS,),
    ),
    Mutant(
        "revisions of other transactions accepted",
        "journal/block.py",
        "if revision.metadata is not None and revision.metadata.tx_id != transaction_id:",
        "if revision.metadata is None and transaction_id is None:",
        (FORGERS,),
    ),
    Mutant(
        "every header counts as bound",
        "journal/block.py",
        "header_bound = entries[0] == hash_of_header(*unverified.header)",
        "header_bound = bool(entries)",
        (GOLDEN_BLOCK,),
    ),
    Mutant(
        "parts may be left out of a block that binds its header",
        "journal/block.py",
        "if not present and len(entries) > place and entries[place] != HASH_OF_NOTHING:",
        "if not present and len(entries) < place:",
        (FORGERS,),
    ),
    Mutant(
        "a summary may name other documents than the transaction",
        "journal/block.py",
        "if sorted(named) != sorted(document.document_id for document in block.documents):",
        "if len(named) != len(block.documents):",
        (FORGERS,),
    ),
    Mutant(
        "the time is not part of the bound header",
        "journal/block.py",
        'fields = {"blockAddress": address, "transactionId": transaction_id, "blockTimestamp": timestamp}',
        'fields = {"blockAddress": address, "transactionId": transaction_id}',
        (JOURNAL_EDGES,),
    ),
]

CHAIN = [
    Mutant(
        "no position check",
        "journal/chain.py",
        "if (left.strand_id, left.end) != (right.strand_id, right.begin):",
        "if left.strand_id != right.strand_id:",
        (CHAIN_LAWS, "tests/unit/journal/test_chain.py"),
    ),
    Mutant(
        "no strand check",
        "journal/chain.py",
        "if (left.strand_id, left.end) != (right.strand_id, right.begin):",
        "if left.end != right.begin:",
        ("tests/unit/journal/test_chain.py",),
    ),
    Mutant(
        "no link check",
        "journal/chain.py",
        "if right.previous_hash != left.last_hash:",
        "if right.previous_hash is None:",
        (FORGERS,),
    ),
    Mutant(
        "a chain may stop binding its headers",
        "journal/chain.py",
        "if left.last_bound and not right.first_bound:",
        "if left.first_bound is None:",
        (FORGERS,),
    ),
    Mutant(
        "joined segments keep the left tip",
        "journal/chain.py",
        "            other.last_hash,\n",
        "            self.last_hash,\n",
        (CHAIN_LAWS,),
    ),
    Mutant(
        "a receipt's place not checked",
        "journal/receipt.py",
        'if (kind == "block" and len(path) != needed) or len(path) < needed:',
        "if len(path) < 0:",
        ("tests/unit/journal/test_receipt.py",),
    ),
    Mutant(
        "a receipt's digest of any strand and age",
        "journal/receipt.py",
        "if tip.strand_id != address.strand_id or tip.sequence_no < address.sequence_no:",
        "if tip.sequence_no < 0:",
        ("tests/unit/journal/test_receipt.py",),
    ),
    Mutant(
        "a receipt's proof not folded",
        "journal/receipt.py",
        "    verify_inclusion(leaf, path, digest.hash)\n",
        "",
        (RECEIPTS,),
    ),
]

FRAMES = [
    Mutant(
        "checksum not compared",
        "journal/kpl.py",
        "if found != checksum:",
        "if not found:",
        ("tests/unit/journal/test_kpl.py",),
    ),
    Mutant(
        "a length may lie inside a frame",
        "journal/kpl.py",
        "if length > end - position:",
        "if length > len(body):",
        ("tests/unit/journal/test_kpl.py",),
    ),
    Mutant(
        "records beyond the key table get the last key",
        "journal/kpl.py",
        "if position >= len(table):",
        "if not table:",
        ("tests/unit/journal/test_kpl.py",),
    ),
    Mutant(
        "unknown fields pass in silence",
        "journal/kpl.py",
        "        if number not in tables:\n            unknown.add(number)\n",
        "        if number not in tables:\n            continue\n",
        ("tests/property/test_kpl_laws.py",),
    ),
]

BUILDER = [
    Mutant(
        "parameters of a statement not hashed",
        "journal/builder.py",
        "digest = dot(digest, hash_of_value(parameter))",
        "digest = dot(digest, None)",
        ("tests/unit/journal/test_builder.py",),
    ),
    Mutant(
        "a revision's proof without the hash of the block before",
        "journal/builder.py",
        "previous = () if block.previous_block_hash is None else (block.previous_block_hash,)",
        "previous = ()",
        (RECEIPTS,),
    ),
]

MUTANTS = [*HASHES, *TREES, *ION, *BLOCKS, *CHAIN, *FRAMES, *BUILDER]


@dataclass(frozen=True)
class Verdict:
    """What came of one mutant: ``caught`` or the reason why it was not."""

    mutant: Mutant
    outcome: str
    seconds: float

    @property
    def caught(self) -> bool:
        return self.outcome.startswith("caught")


def main(words: list[str]) -> int:
    chosen = [each for each in MUTANTS if not words or any(word in f"{each.file} {each.breaks}" for word in words)]
    if not healthy(sorted({test for each in chosen for test in each.tests if test.startswith("tests/")})):
        say("the tests fail without any mutant: nothing can be learned from them")
        return 1
    with ThreadPoolExecutor(WORKERS) as pool:
        verdicts = list(pool.map(judge, chosen))
    say_table(verdicts)
    return 0 if all(verdict.caught for verdict in verdicts) else 1


def healthy(tests: list[str]) -> bool:
    """Whether the tests pass on an unchanged copy of the library, found at the same place as the mutants'."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy_library(Path(folder))
        place = run(folder, [sys.executable, "-c", "import counterfoil; print(counterfoil.__file__)"]).stdout
        assert place.startswith(folder), f"tests would import {place.strip()}, not the copy"
        done = run(folder, pytest_command(tests))
    if done.returncode:
        say(done.stdout[-3000:])
    return done.returncode == 0


def judge(mutant: Mutant) -> Verdict:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        source = copy_library(Path(folder)) / mutant.file
        text = source.read_text()
        if text.count(mutant.old) != 1:
            return Verdict(mutant, f"STALE: source found {text.count(mutant.old)} times", 0)
        source.write_text(text.replace(mutant.old, mutant.new))
        outcome = outcome_of(folder, mutant)
    say(f"{outcome:30} {mutant.breaks}")
    return Verdict(mutant, outcome, time.monotonic() - started)


def outcome_of(folder: str, mutant: Mutant) -> str:
    try:
        done = run(folder, pytest_command(mutant.tests))
    except subprocess.TimeoutExpired:
        return "caught (time limit)"
    match done.returncode:
        case 0:
            return "SURVIVED"
        case 1:
            return "caught"
        case code:
            return f"BROKEN: pytest ended with {code}"


def pytest_command(tests: Iterable[str]) -> list[str]:
    return [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]


def run(folder: str, command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "COUNTERFOIL_PROVE"}
    environment |= {"PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False
    )


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def copy_library(folder: Path) -> Path:
    return Path(shutil.copytree(LIBRARY, folder / "counterfoil", ignore=shutil.ignore_patterns("__pycache__")))


def say_table(verdicts: list[Verdict]) -> None:
    width = max(len(verdict.mutant.breaks) for verdict in verdicts)
    say(f"\n{'mutant':{width}}  {'file':22} {'seconds':>7}  outcome")
    for verdict in verdicts:
        say(f"{verdict.mutant.breaks:{width}}  {verdict.mutant.file:22} {verdict.seconds:7.1f}  {verdict.outcome}")
    say(f"\n{sum(verdict.caught for verdict in verdicts)} of {len(verdicts)} mutants caught")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
