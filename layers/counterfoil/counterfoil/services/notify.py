"""Telling people: each finding that the policy tells becomes one alert per status on each channel.

An alert is sent first and noted as sent afterwards: a crash between the two sends it twice, never not at all. The alert's
id goes with it, so that a receiver can notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from counterfoil.detection.alert import Alert, AlertPolicy
from counterfoil.detection.finding import Finding
from counterfoil.errors import UnavailableError
from counterfoil.ports import AlertChannel, AlertLog, Clock


@dataclass(slots=True)
class NotifyReport:
    """Alerts sent and passed over, and the first finding that must be delivered again."""

    sent: int = 0
    repeated: int = 0
    below_policy: int = 0
    failed_index: int | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Notifier:
    """Sends alerts over every channel; stops at the first finding that a channel does not take."""

    log: AlertLog
    channels: Sequence[AlertChannel]
    policy: AlertPolicy
    clock: Clock

    def notify(self, findings: Sequence[Finding]) -> NotifyReport:
        report = NotifyReport()
        for index, finding in enumerate(findings):
            if not self.policy.tells(finding):
                report.below_policy += 1
                continue
            try:
                self._tell(Alert(finding), report)
            except UnavailableError as error:
                report.failed_index, report.failure = index, str(error)
                break
        return report

    def _tell(self, alert: Alert, report: NotifyReport) -> None:
        for channel in self.channels:
            note = f"{alert.alert_id}/{channel.name}"
            if self.log.was_sent(note):
                report.repeated += 1
            else:
                channel.send(alert)
                self.log.note_sent(note, self.clock())
                report.sent += 1
