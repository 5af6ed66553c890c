"""What a person sees while the demonstration runs: plain lines, or colour and a progress bar on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from counterfoil.detection.finding import Finding, Severity
from lab.demo.pipeline import SeenAlert

COLOURS: Final = {
    Severity.INFO: "dim",
    Severity.LOW: "cyan",
    Severity.MEDIUM: "yellow",
    Severity.HIGH: "bright_red",
    Severity.CRITICAL: "bold white on red",
}


@dataclass(slots=True)
class Screen:
    """Prints to one console; without a terminal there is no bar and every line stands for itself."""

    console: Console
    _progress: Progress | None = None
    _task: TaskID | None = None
    _findings: set[str] = field(default_factory=set)

    def heading(self, text: str) -> None:
        self.console.print(f"\n[bold]{escape(text)}[/]", soft_wrap=True)

    def line(self, text: str) -> None:
        self.console.print(f"  {escape(text)}", highlight=False, soft_wrap=True)

    def finding(self, finding: Finding) -> None:
        """A finding in a status that was not shown yet."""
        shown = f"{finding.finding_id}/{finding.status}"
        if shown in self._findings:
            return
        self._findings.add(shown)
        colour = COLOURS[finding.severity]
        about = f" {finding.account_id}" if finding.account_id else ""
        self.console.print(
            f"  [{colour}]{finding.severity.name:8}[/] {finding.rule_id:30} {finding.status:9} "
            f"{escape(_short(finding.place) + about)}",
            highlight=False,
            soft_wrap=True,
        )

    def alert(self, alert: SeenAlert) -> None:
        self.console.print(f"  [magenta]alert[/]    {escape(alert.subject)}", highlight=False, soft_wrap=True)

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[None]:
        """A bar while blocks are being verified, on a terminal."""
        if not self.console.is_terminal:
            yield
            return
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True) as progress:
            self._progress, self._task = progress, progress.add_task(what, total=total)
            try:
                yield
            finally:
                self._progress = self._task = None

    def advance(self, done: int) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=done)


def _short(place: str) -> str:
    """A block's number without its strand; every block here is on one strand."""
    _, separator, number = place.rpartition("#")
    return f"block {number}" if separator else place
