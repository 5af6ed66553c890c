"""The command line as a person calls it: arguments in; exit status, standard output and standard error out."""

import json
import sys
from dataclasses import dataclass

import pytest

from counterfoil import cli


@dataclass
class Answer:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def document(self):
        """Standard output as the one JSON document that ``--json`` promises."""
        return json.loads(self.out)


@pytest.fixture
def run(monkeypatch, capfd):
    """Runs ``counterfoil`` with these arguments in this process."""

    def call(*arguments) -> Answer:
        monkeypatch.setattr(sys, "argv", ["counterfoil", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capfd.readouterr()
        return Answer(ended.value.code or 0, captured.out, captured.err)

    return call


@pytest.fixture
def write(tmp_path):
    """Writes a file (bytes as they are, anything else as JSON) and gives its path."""

    def make(contents, name="input.json"):
        path = tmp_path / name
        path.write_bytes(contents if isinstance(contents, bytes) else json.dumps(contents).encode())
        return path

    return make


@pytest.fixture
def copied(tmp_path):
    """Writes the files of an export into a directory."""

    def write(files):
        for key, data in files.items():
            path = tmp_path / "export" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return tmp_path / "export"

    return write
