"""The house: where things stand, and what must not stand in them."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# One template is what `sam deploy` takes; the limit is for code that people read from top to bottom.
LINES_AT_MOST = 450


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]


@pytest.mark.parametrize(
    "place",
    [
        "template.yaml", "standby.yaml", "qldb.yaml", "samconfig.toml", "pyproject.toml", "Makefile", "README.md",
        "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE",
        ".ci/run", ".python-version", ".pre-commit-config.yaml", "functions", "layers/counterfoil/counterfoil",
        "events", "lab", "tests", "benchmarks", "docs/decisions",
    ],
)  # fmt: skip
def test_everything_stands_where_a_newcomer_looks_for_it(place):
    assert (ROOT / place).exists()


def test_the_python_version_is_one_that_pyenv_and_uv_both_follow():
    assert (ROOT / ".python-version").read_text() == "3.13\n"


def test_ci_runs_what_the_readme_tells_a_person_to_run():
    commands = [line for line in (ROOT / ".ci/run").read_text().splitlines() if line.strip() and line[0] != "#"]
    assert commands[-1] == "make test"
    assert "make test" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize(
    "target", ["setup", "demo", "test", "check", "policy", "prove", "bench", "build", "fmt", "events", "invoke"]
)
def test_every_verb_is_a_target(target):
    assert re.search(rf"^{target}:.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("door", sorted((ROOT / "functions").glob("*/app.py")), ids=lambda path: path.parent.name)
def test_a_door_has_at_most_forty_lines_and_imports_no_adapter_of_its_own_choice(door):
    source = door.read_text()
    assert len(source.splitlines()) <= 40
    assert "botocore" not in source
    assert "boto3" not in source


def test_files_are_short_enough_to_read():
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in tracked("*.py")}
    assert {name: lines for name, lines in long.items() if lines > LINES_AT_MOST} == {}


def test_no_file_is_named_for_nothing_in_particular():
    names = {path.stem for path in tracked("*.py")} | {path.parent.name for path in tracked("*.py")}
    assert names & {"utils", "helpers", "common", "manager", "base", "data", "info"} == set()


def test_no_registry_and_no_machine_is_named():
    forbidden = re.compile(r"pypi\.o(?:rg)|pythonh(?:osted)|registry\.npm(?:js)|/(?:work|root|farm)/[A-Za-z.]")
    found = []
    for path in tracked():
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in forbidden.finditer(text)]
    assert found == []


def test_nothing_is_left_to_be_done():
    marks = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b|NotImplemented" r"Error|pytest\.mark\.skip\b")
    found = [str(path) for path in tracked("*.py", "*.yaml", "Makefile") if marks.search(path.read_text())]
    assert found == []


def test_every_dependency_is_locked_with_a_hash():
    for name in (
        "layers/counterfoil/requirements.txt",
        *(
            f"requirements/{group}.txt"
            for group in ("dev", "sam", "checkov", "emulator", "incumbent", "driver", "qldbshell", "node", "fuzz")
        ),
    ):
        entries = re.split(r"\n(?=\S)", (ROOT / name).read_text())
        pinned = [entry for entry in entries if re.match(r"[\w.\-\[\]]+==", entry)]
        assert pinned, name
        assert all("--hash=sha256:" in entry for entry in pinned), name


def test_every_declared_dependency_says_why_it_is_there():
    declared = re.findall(r'^    "[\w.\-\[\],]+[><=]=[^"]*",(.*)$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert len(declared) > 20
    assert all(re.match(r"\s+# \w", reason) for reason in declared)


def test_imports_point_one_way():
    done = subprocess.run(
        [ROOT / ".venv/bin/lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
