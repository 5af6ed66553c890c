"""The lab's server process: what is told where it does not come up. The server at work: tests/end_to_end."""

from pathlib import Path

import pytest

from lab import served_ledger
from lab.served_ledger import ServedLedger, ServedLedgerError, plain_environment


def test_a_server_that_does_not_start_is_told_with_its_last_words(tmp_path, monkeypatch):
    command = tmp_path / "counterfoil"
    command.write_text("#!/bin/sh\necho the port is taken\nexit 3\n")
    command.chmod(0o755)
    monkeypatch.setattr(served_ledger, "_COMMAND", command)
    with pytest.raises(ServedLedgerError, match="the port is taken"), ServedLedger.up(tmp_path, "bank", "http://x", {}):
        pass


def test_a_childs_environment_has_nothing_of_aws_but_what_keeps_it_here(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody's")
    variables = plain_environment(Path("/scratch"))
    assert [name for name in variables if name.startswith("AWS_")] == ["AWS_EC2_METADATA_DISABLED"]
    assert variables["TMPDIR"] == variables["HOME"] == "/scratch"
