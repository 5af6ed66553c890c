"""The sample events as files."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

from lab.events.auditor_cases import auditor_cases
from lab.events.case import Case
from lab.events.compliance_cases import compliance_cases
from lab.events.ledger_cases import ledger_cases
from lab.events.other_cases import detector_cases, notifier_cases, runner_cases, snapshot_cases

EVENTS: Final = Path(__file__).resolve().parent.parent.parent / "events"


def all_cases() -> Iterator[Case]:
    return chain(
        auditor_cases(),
        detector_cases(),
        notifier_cases(),
        runner_cases(),
        snapshot_cases(),
        compliance_cases(),
        ledger_cases(),
    )


def rendered_files() -> dict[str, str]:
    """Contents by file name. The same code gives the same bytes."""
    files: dict[str, str] = {}
    for case in all_cases():
        if case.file_name in files:
            raise ValueError(f"two cases are called {case.file_name}")
        files[case.file_name] = case.render_event()
        files[case.expected_file_name] = case.render_expected()
    return files
