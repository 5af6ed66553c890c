"""Stacks that several files share, for it takes longer to deploy one than to use it."""

from pathlib import Path

import pytest

from lab.stack import Options, Stack

FIXTURE = Path(__file__).parent / "fixture" / "template.yaml"


@pytest.fixture(scope="session")
def small_stack():
    """The small template of fixture/, deployed: for the files of xdist's group ``stack_machinery``."""
    with Stack.up(options=Options(template=FIXTURE)) as running:
        yield running
