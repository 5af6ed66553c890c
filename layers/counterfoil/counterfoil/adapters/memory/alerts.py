"""Alerts in memory: sent means kept in a list."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from counterfoil.detection.alert import Message
from counterfoil.ports import AlertChannel, AlertLog


@dataclass(slots=True)
class MemoryAlertLog(AlertLog):
    sent: dict[str, datetime] = field(default_factory=dict)

    def was_sent(self, alert_id: str) -> bool:
        return alert_id in self.sent

    def note_sent(self, alert_id: str, sent_at: datetime) -> None:
        self.sent[alert_id] = sent_at


@dataclass(slots=True)
class MemoryChannel(AlertChannel):
    name: str = "memory"
    alerts: list[Message] = field(default_factory=list)

    def send(self, alert: Message) -> None:
        self.alerts.append(alert)
