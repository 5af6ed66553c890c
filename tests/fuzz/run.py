"""Fuzzes parsers with atheris (libFuzzer), guided by which of their branches an input reaches: `make prove` runs this.

    .tools/fuzz/bin/python -m tests.fuzz.run [NAME ...]         the harnesses of these names, or all

``COUNTERFOIL_FUZZ_SECONDS`` is the time for each (60). An input that takes 20 seconds or 2 GB, or at which anything but an error of
this library comes out, ends that harness's run: its bytes are in ``.build/fuzz/<name>/crash-…`` (or ``timeout-…``, ``oom-…``), and the
program exits with 1. When it is mended, those bytes go into ``tests/fuzz/corpus/<name>/`` under a name that says what it was.
What was learnt is kept in ``.build/fuzz/<name>/corpus`` and gone on from.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOUND = ROOT / ".build" / "fuzz"
SECONDS = int(os.environ.get("COUNTERFOIL_FUZZ_SECONDS", "60"))
UNIT_SECONDS = 20
MEMORY_MB = 2_048
WORKERS = 2

# Longer inputs are made of what shorter ones are; these need room for a whole block, document or bundle.
MAX_BYTES = 16_384


def fuzz(name: str) -> None:
    """One harness in this process, until its time is over or something is found; libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=["counterfoil", "rule_engine"]):
        from tests.fuzz.harnesses import HARNESSES
        from tests.fuzz.refusals import refused

    read = HARNESSES[name]
    kept = FOUND / name / "corpus"
    kept.mkdir(parents=True, exist_ok=True)
    options = [
        f"-max_total_time={SECONDS}", f"-timeout={UNIT_SECONDS}", f"-rss_limit_mb={MEMORY_MB}", f"-max_len={MAX_BYTES}",
        f"-artifact_prefix={FOUND / name}/", "-print_final_stats=1", "-verbosity=0",
    ]  # fmt: skip
    arguments = [sys.argv[0], *options, str(kept), str(ROOT / "tests" / "fuzz" / "corpus" / name)]
    atheris.Setup(arguments, lambda data: refused(lambda: read(data)) and None)
    atheris.Fuzz()


def run(name: str) -> bool:
    """Whether nothing was found."""
    command = [sys.executable, "-m", "tests.fuzz.run", "--one", name]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "layers" / "counterfoil")}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, errors="replace", check=False
    )
    said = done.stderr.splitlines() + done.stdout.splitlines()
    executed = next((line.split()[-1] for line in said if "number_of_executed_units" in line), "0")
    say(f"{name:<16} {executed:>10} inputs in {SECONDS} s: {'nothing' if done.returncode == 0 else 'FOUND'}")
    if done.returncode:
        say("\n".join(said[-40:]))
    return done.returncode == 0


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(names: list[str]) -> int:
    if find_spec("atheris") is None:
        say(
            "no fuzzing: atheris has wheels for Linux on x86_64 only; `make test` tries the same harnesses with hypothesis"
        )
        return 0
    known = sorted(each.name for each in (ROOT / "tests" / "fuzz" / "corpus").iterdir())
    with ThreadPoolExecutor(WORKERS) as workers:
        return 0 if all(list(workers.map(run, names or known))) else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        fuzz(sys.argv.pop())
    else:
        raise SystemExit(main(sys.argv[1:]))
