"""Runs exports without a process of their own: each call writes objects until its time is up and saves how far it came.

A call comes when an export is asked for, from the call before it, and by the clock for what was cut off. Two at once write the same
objects under the same keys; the one that saves second stops.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from counterfoil.errors import ConflictError, CounterfoilError, UnavailableError
from counterfoil.ledger.jobs import ExportJob, ExportStatus
from counterfoil.ports import Clock, JobStore, JournalReader, LedgerRegistry, ObjectStore
from counterfoil.services.export import Exporter
from counterfoil.services.jobs import MAX_REASON

# A call ends in time for Lambda's minute; the next one goes on.
BUDGET: Final = timedelta(seconds=40)


@dataclass(slots=True)
class ExportReport:
    """What one call did. ``unfinished`` are exports with more to write, ``failures`` say by export what was in the way."""

    objects: int = 0
    unfinished: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExportRunning:
    """``open_reader`` gives the journal of a strand, ``open_bucket`` what an export writes to."""

    jobs: JobStore
    registry: LedgerRegistry
    open_reader: Callable[[str], JournalReader]
    open_bucket: Callable[[ExportJob], ObjectStore]
    clock: Clock
    budget: timedelta = BUDGET

    def run(self, export_id: str) -> ExportReport:
        """Go on with one export; one that has ended is left alone."""
        job = self.jobs.export(export_id)
        return self._run([job] if job is not None else [])

    def run_all(self) -> ExportReport:
        """Go on with every export that was cut off."""
        return self._run(list(self.jobs.exports()))

    def _run(self, jobs: list[ExportJob]) -> ExportReport:
        report = ExportReport()
        until = self.clock() + self.budget
        for job in jobs:
            if job.status is not ExportStatus.IN_PROGRESS:
                continue
            try:
                self._run_one(job, lambda: self.clock() >= until, report)
            except ConflictError:
                pass  # another call goes on with it
            except UnavailableError as error:
                report.failures[job.export_id] = str(error)
                report.unfinished.append(job.export_id)
        return report

    def _run_one(self, job: ExportJob, running_out: Callable[[], bool], report: ExportReport) -> None:
        ledger = self.registry.ledger(job.ledger_name)
        if ledger is None:
            self.jobs.forget(job.export_id)
            return
        reached = job
        try:
            for each in Exporter(self.open_reader(ledger.ledger_id), self.open_bucket(job)).export(job, self.clock()):
                self.jobs.advance_export(reached, each)
                reached = each
                report.objects += 1
                if running_out() and reached.status is ExportStatus.IN_PROGRESS:
                    report.unfinished.append(job.export_id)
                    return
        except (ConflictError, UnavailableError):
            raise
        except CounterfoilError as error:
            reason = str(error)[:MAX_REASON]
            ended = replace(reached, status=ExportStatus.CANCELLED, ended_at=self.clock(), reason=reason)
            with suppress(ConflictError):
                self.jobs.advance_export(reached, ended)
            report.failures[job.export_id] = reason
