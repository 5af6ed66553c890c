"""Deliberate bugs, every one of which some test must catch: `make prove` runs this behind the long properties.

    .venv/bin/python tests/mutants.py [WORD ...]      only the mutants whose line has one of the words

Each mutant (``tests/mutations``, a list per room) changes one piece of source in a copy of its package that stands first on
the import path, and runs the few tests that should notice. A mutant that no test notices is a hole in the suite: the
program then exits with 1, and so it does where a piece of source is no longer there exactly once (the mutant needs a new
one) or where the tests fail without any mutant.

To add one: a line in the list of its room, with the smallest selection of tests that must catch it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.mutations.anchored import ANCHORED
from tests.mutations.audit import AUDIT
from tests.mutations.brief import IN_BRIEF
from tests.mutations.compliance import COMPLIANCE
from tests.mutations.desk import DESK
from tests.mutations.detector import DETECTOR
from tests.mutations.dynamodb import DYNAMODB_LEDGER
from tests.mutations.evidence import EVIDENCE
from tests.mutations.exports import EXPORTS
from tests.mutations.forward import ALTERATIONS, FORWARDING
from tests.mutations.fraud_rules import FRAUD_RULES
from tests.mutations.ion import ION
from tests.mutations.isolation import ISOLATION
from tests.mutations.journal import JOURNAL
from tests.mutations.ledger import LEDGER
from tests.mutations.mapping import MAPPING
from tests.mutations.merkle import MERKLE
from tests.mutations.mutant import Mutant
from tests.mutations.outside import OUTSIDE
from tests.mutations.partiql import PARTIQL
from tests.mutations.partiql_values import PARTIQL_VALUES
from tests.mutations.plain import PLAIN
from tests.mutations.plain_blocks import PLAIN_BLOCKS
from tests.mutations.plain_records import PLAIN_RECORDS
from tests.mutations.proofs import PROOFS
from tests.mutations.protocol import PROTOCOL
from tests.mutations.publishing import EXPORTS_BY_CALLS, JOBS_ASKED_FOR, SET_ASIDE, STREAMS_BY_CALLS
from tests.mutations.rules import RULES
from tests.mutations.sealing import SEALING
from tests.mutations.security_tools import SECURITY_TOOLS
from tests.mutations.sessions_in_a_log import SESSIONS_IN_A_LOG
from tests.mutations.sqlite import SQLITE_STORE
from tests.mutations.stores import STORES
from tests.mutations.strand import STRAND
from tests.mutations.telling import TELLING
from tests.mutations.timestamps import TIMESTAMPS
from tests.mutations.transparency import LOG

ROOT = Path(__file__).parent.parent
PACKAGES = {"counterfoil": ROOT / "layers" / "counterfoil" / "counterfoil", "lab": ROOT / "lab"}
TIME_LIMIT_S = 180
HEALTH_LIMIT_S = 900
WORKERS = 2

MUTANTS = [
    *MERKLE,
    *EVIDENCE,
    *LOG,
    *TIMESTAMPS,
    *ION,
    *EXPORTS,
    *PLAIN_BLOCKS,
    *PROOFS,
    *PLAIN_RECORDS,
    *JOURNAL,
    *PLAIN,
    *STRAND,
    *AUDIT,
    *ANCHORED,
    *STORES,
    *FORWARDING,
    *ALTERATIONS,
    *TELLING,
    *DESK,
    *COMPLIANCE,
    *SECURITY_TOOLS,
    *FRAUD_RULES,
    *RULES,
    *DETECTOR,
    *MAPPING,
    *OUTSIDE,
    *STREAMS_BY_CALLS,
    *EXPORTS_BY_CALLS,
    *JOBS_ASKED_FOR,
    *SET_ASIDE,
    *ISOLATION,
    *LEDGER,
    *IN_BRIEF,
    *SQLITE_STORE,
    *DYNAMODB_LEDGER,
    *PARTIQL,
    *PARTIQL_VALUES,
    *PROTOCOL,
    *SESSIONS_IN_A_LOG,
    *SEALING,
]


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
    if not chosen:
        say("no mutant has any of these words")
        return 1
    if not all(healthy(package, [each for each in chosen if each.package == package]) for package in PACKAGES):
        say("the tests fail without any mutant: nothing can be learned from them")
        return 1
    with ThreadPoolExecutor(WORKERS) as pool:
        verdicts = list(pool.map(judge, chosen))
    say_table(verdicts)
    return 0 if all(verdict.caught for verdict in verdicts) else 1


def healthy(package: str, mutants: Sequence[Mutant]) -> bool:
    """Whether the tests pass on an unchanged copy of the package, found at the same place as the mutants'."""
    tests = sorted({test for each in mutants for test in each.tests if test.startswith("tests/")})
    if not tests:
        return True
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy_package(package, Path(folder))
        place = run(folder, [sys.executable, "-c", f"import {package}; print({package}.__file__)"]).stdout
        assert place.startswith(folder), f"tests would import {place.strip()}, not the copy"
        done = run(folder, pytest_command(["-n", str(WORKERS), *tests]), HEALTH_LIMIT_S)
    if done.returncode:
        say(done.stdout[-3000:])
    return done.returncode == 0


def judge(mutant: Mutant) -> Verdict:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = copy_package(mutant.package, Path(folder))
        source = copy / mutant.file.removeprefix("lab/")
        text = source.read_text()
        if text.count(mutant.old) != 1:
            outcome = f"STALE: source found {text.count(mutant.old)} times"
        else:
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
    plugins = ["-p", "no:cacheprovider", "-p", "tests.mutations.unshrunk"]
    return [sys.executable, "-m", "pytest", "-x", "-q", *plugins, "-m", "not end_to_end", *tests]


def run(folder: str, command: list[str], limit_s: float = TIME_LIMIT_S) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "COUNTERFOIL_PROVE"}
    # Without PYTHONSAFEPATH the working directory, and its lab, would come before the copy.
    environment |= {"PYTHONPATH": folder, "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=limit_s, check=False
    )


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def copy_package(package: str, folder: Path) -> Path:
    return Path(shutil.copytree(PACKAGES[package], folder / package, ignore=shutil.ignore_patterns("__pycache__")))


def say_table(verdicts: list[Verdict]) -> None:
    width = max(len(verdict.mutant.breaks) for verdict in verdicts)
    say(f"\n{'mutant':{width}}  {'file':22} {'seconds':>7}  outcome")
    for verdict in verdicts:
        say(f"{verdict.mutant.breaks:{width}}  {verdict.mutant.file:22} {verdict.seconds:7.1f}  {verdict.outcome}")
    say(f"\n{sum(verdict.caught for verdict in verdicts)} of {len(verdicts)} mutants caught")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
