"""README's commands are run, and its library example too."""

import os
import re
import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

import counterfoil
from benchmarks.journal import STRAND, transfers
from counterfoil.journal.builder import JournalBuilder
from tests.served import Served
from tests.tsa import ROOT as ROOT_CERTIFICATE
from tests.tsa import Tsa, issued, pem, serving

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()

# What each command that a test can run ends with; the others are tests of their own, or need an AWS account or Docker.
RUN = {
    ".venv/bin/counterfoil verify evidence lab/data/evidence-example.json --key lab/data/evidence-example.pem": 0,
    ".venv/bin/counterfoil verify receipt lab/data/aws-cli-example-receipt.json": 0,
    ".venv/bin/counterfoil verify events events/journal_auditor__aggregated.json": 0,
    ".venv/bin/counterfoil verify events events/journal_auditor__fork.json --json": 1,
    "make invoke EVENT=events/journal_auditor__fork.json": 0,
    "make build": 0,
}
ELSEWHERE = {"make demo", "make test", "make setup"}
# In the order of the page; the server that they need is started on a free port, and pointed at as the second says.
SERVED = (
    ".venv/bin/counterfoil serve --data ledgers",
    'eval "$(.venv/bin/counterfoil client-env)"',
    ".venv/bin/counterfoil ledger create bank",
    ".venv/bin/counterfoil shell bank",
)
# Likewise, on a server that has keys; DOCUMENT_ID is what the insertion answers.
SEALED = (
    ".venv/bin/counterfoil serve --data ledgers --seals keys",
    ".venv/bin/counterfoil shell bank -c \"CREATE TABLE People WITH (aws_tags = \\`{'counterfoil:sealed': 'name born'}\\`)\"",
    """.venv/bin/counterfoil shell bank -c "INSERT INTO People ?" -p '{"name": "Grace", "born": 1906, "country": "US"}'""",
    '.venv/bin/counterfoil erase bank People DOCUMENT_ID --author Ada --reason "asked for by the person"',
)
# The log of a ledger, in order; KEY is what the first prints, the last year's checkpoint is the one just made, and the time-stamping
# authority is one of the tests.
LOG = (
    ".venv/bin/counterfoil checkpoints key ledger.example/bank --to log.key",
    ".venv/bin/counterfoil checkpoints make bank --data ledgers --to log --key log.key",
    ".venv/bin/counterfoil checkpoints verify log --vkey KEY --old checkpoint-of-last-year",
    ".venv/bin/counterfoil checkpoints prove log --vkey KEY --block 17 --to 17.tlog-proof",
    ".venv/bin/counterfoil checkpoints timestamp log --vkey KEY --tsa URL --tsa-certificate FILE",
    ".venv/bin/counterfoil witness serve --state signed --key witness.key --log KEY",
)
NEEDS_MORE = (".tools/sam/bin/sam local invoke", ".tools/sam/bin/sam deploy --guided")


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [re.sub(r"\s+", " ", line.split("  #")[0]).strip() for line in lines if line.strip()]


def test_readme_leads_with_demo_and_test():
    assert commands()[:2] == ["make demo", "make test"]


def test_every_command_of_the_readme_is_known_here():
    unknown = [
        command
        for command in commands()
        if command not in {*RUN, *ELSEWHERE, *SERVED, *SEALED, *LOG} and not any(part in command for part in NEEDS_MORE)
    ]
    assert unknown == []


@pytest.mark.parametrize(("command", "status"), RUN.items(), ids=str)
def test_a_command_of_the_readme_does_what_it_says(command, status):
    assert command in commands()
    done = subprocess.run(shlex.split(command), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr


def test_the_commands_of_a_served_ledger_do_what_they_say(tmp_path):
    assert [command for command in commands() if command in SERVED] == list(SERVED)
    with Served(tmp_path / "ledgers") as served:
        script = "\n".join([SERVED[1].replace("client-env", f"client-env --port {served.port}"), *SERVED[2:]])
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        done = subprocess.run(
            ["bash", "-euc", script],
            cwd=ROOT,
            env=environment,
            input="CREATE TABLE Accounts; \\d\n",
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Accounts  ACTIVE" in done.stdout


def test_the_commands_of_an_erasure_do_what_they_say(tmp_path):
    assert [command for command in commands() if command in SEALED] == list(SEALED)
    _, create, insert, erase = SEALED
    read = ".venv/bin/counterfoil shell bank -c 'SELECT p.name, p.country FROM People AS p' --format json"
    with Served(tmp_path / "ledgers", "--seals", tmp_path / "keys") as served:
        environment = served.environment()

        def said(command):
            done = subprocess.run(
                ["bash", "-euc", command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        said(SERVED[2])
        said(create)
        (document_id,) = re.findall(r"\b[0-9A-Za-z]{22}\b", said(insert))
        assert "Grace" in said(read)
        assert "what remains: ciphertext" in said(erase.replace("DOCUMENT_ID", document_id))
        after = said(read)
    assert ("Grace" in after, "US" in after) == (False, True)


def test_the_commands_of_a_ledgers_log_do_what_they_say(tmp_path):
    assert [command for command in commands() if command in LOG] == list(LOG)
    with counterfoil.open(tmp_path / "ledgers/bank") as ledger:
        for number in range(20):
            ledger.execute_statement(f"CREATE TABLE T{number}")
    key, make, verify, prove, stamp, _ = (each.replace(".venv/", f"{ROOT}/.venv/") for each in LOG)
    (tmp_path / "root.pem").write_bytes(pem(ROOT_CERTIFICATE))
    tsa = Tsa(issued(begins=datetime(2020, 1, 1, tzinfo=UTC), days=36_500), at=datetime.now(UTC).replace(microsecond=0))
    with serving(tsa) as authority:
        stamp = stamp.replace("URL", authority.url).replace("FILE", "root.pem")
        checked = f"{verify}; {prove}; {stamp}".replace("KEY", '"$KEY"')
        script = f"KEY=$({key}); {make}; cp log/checkpoint checkpoint-of-last-year; {checked}"
        done = subprocess.run(["bash", "-euc", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "17.tlog-proof").read_text().startswith("c2sp.org/tlog-proof@v1\n")


def examples():
    return re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_ledger_example_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(examples()[0], "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("[{'balance': 10000}]\nDigest(")


def test_the_library_example_computes_the_digest(capsys):
    _, example = examples()
    built = list(transfers(3))
    scope = {"blocks": [block.block_text() for block in built]}
    exec(compile(example, "README.md", "exec"), scope)
    builder = JournalBuilder(STRAND, block_hashes=[block.block_hash for block in built])
    assert str(builder.digest()) in capsys.readouterr().out
