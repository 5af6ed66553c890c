"""What points a process at a ledger. The client at work: tests/end_to_end."""

from pathlib import Path

from lab.ledger_client import plain_environment


def test_a_childs_environment_has_nothing_of_aws_but_what_keeps_it_here(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody's")
    variables = plain_environment(Path("/scratch"))
    assert [name for name in variables if name.startswith("AWS_")] == ["AWS_EC2_METADATA_DISABLED"]
    assert variables["TMPDIR"] == variables["HOME"] == "/scratch"
