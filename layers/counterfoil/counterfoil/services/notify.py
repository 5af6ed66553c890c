"""Telling people: of each finding is decided once whether it is told, and what is told becomes one message on each channel.

The decision is written down first, with the alert and the day's tally that it changes, in one step. Then a message is sent, and
noted as sent afterwards: a crash in between sends it twice, never not at all. Whoever is given a finding again meets its decision
and sends only what was not noted, so that redelivery, a crash and a replay come to what one undisturbed run comes to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from typing import Final

from counterfoil.desk_ports import AlertBook
from counterfoil.detection.alert import Alert, Message
from counterfoil.detection.alert_digest import Digest
from counterfoil.detection.finding import Finding
from counterfoil.detection.suppression import Suppression
from counterfoil.detection.telling import Decision, Outcome, TellingPolicy, decide, group_of
from counterfoil.errors import ConflictError, UnavailableError
from counterfoil.ports import AlertChannel, AlertLog, Clock
from counterfoil.services.suppressions import Suppressions

# Another instance may be deciding about the same day; after so many rounds the batch is delivered again.
ATTEMPTS: Final = 20
# A digest that could not be sent is still sent so many days later.
DIGEST_DAYS: Final = 3


@dataclass(slots=True)
class NotifyReport:
    """Messages sent and passed over, what became of the findings, and the first finding that must be delivered again."""

    sent: int = 0
    repeated: int = 0
    below_policy: int = 0
    shadow: int = 0
    outcomes: dict[Outcome, int] = field(default_factory=dict)
    failed_index: int | None = None
    failure: str | None = None

    def count(self, outcome: str) -> int:
        return self.outcomes.get(Outcome(outcome), 0)


@dataclass(frozen=True, slots=True)
class Notifier:
    """Sends messages over every channel; stops at the first finding that a channel does not take."""

    log: AlertLog
    book: AlertBook
    suppressions: Suppressions
    channels: Sequence[AlertChannel]
    policy: TellingPolicy
    clock: Clock

    def notify(self, findings: Sequence[Finding]) -> NotifyReport:
        """The worst first: what is left of a day's budget goes to them, wherever in the batch they stand."""
        report = NotifyReport()
        waiting = [index for index, each in enumerate(findings) if self._may_be_told(each, report)]
        waiting.sort(key=lambda index: findings[index].rank, reverse=True)
        try:
            suppressions = self.suppressions.in_force(self.clock()) if waiting else ()
            while waiting:
                self._take(findings[waiting[0]], suppressions, report)
                waiting.pop(0)
        except UnavailableError as error:
            report.failed_index, report.failure = min(waiting), str(error)
        return report

    def tell_digests(self) -> NotifyReport:
        """Tell what was held back on the last days, each day once. Today is not over yet."""
        report, today = NotifyReport(), self.clock().astimezone(UTC).date()
        for ago in range(DIGEST_DAYS, 0, -1):
            digest = Digest(self.book.day(today - timedelta(days=ago)))
            if digest.is_due:
                self._tell(digest, report)
        return report

    def _may_be_told(self, finding: Finding, report: NotifyReport) -> bool:
        if finding.shadow:
            report.shadow += 1
        elif not self.policy.tells(finding):
            report.below_policy += 1
        return self.policy.tells(finding)

    def _take(self, finding: Finding, suppressions: Sequence[Suppression], report: NotifyReport) -> None:
        decision = self.book.decision(Alert(finding).alert_id)
        if decision is None:
            decision = self._decide(finding, suppressions)
            report.outcomes[decision.outcome] = report.count(decision.outcome) + 1
        if decision.outcome is Outcome.TOLD:
            self._tell(Alert(finding, decision.group_id), report)

    def _decide(self, finding: Finding, suppressions: Sequence[Suppression]) -> Decision:
        new = group_of(finding, self.policy)
        for _ in range(ATTEMPTS):
            now = self.clock()
            group, day = self.book.group(new.group_id) or new, self.book.day(now.astimezone(UTC).date())
            decided = decide(finding, group, day, suppressions, self.policy, now)
            try:
                self.book.keep(decided)
            except ConflictError:
                known = self.book.decision(decided.decision.news_id)
                if known is not None:
                    return known
            else:
                return decided.decision
        raise UnavailableError(f"others are deciding about alerts all the time: {ATTEMPTS} rounds were not enough")

    def _tell(self, message: Message, report: NotifyReport) -> None:
        for channel in self.channels:
            note = f"{message.alert_id}/{channel.name}"
            if self.log.was_sent(note):
                report.repeated += 1
            else:
                channel.send(message)
                self.log.note_sent(note, self.clock())
                report.sent += 1
