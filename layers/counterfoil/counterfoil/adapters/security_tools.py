"""Findings for security tools, beside people's alerts and one for one with them: Security Hub, and OCSF events on the bus."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from counterfoil.adapters.alerts import EVENT_SOURCE
from counterfoil.adapters.boto_errors import translated
from counterfoil.detection.alert import Alert, Message
from counterfoil.detection.asff import batches, render_asff
from counterfoil.detection.finding import Finding
from counterfoil.detection.ocsf import render_ocsf
from counterfoil.detection.security_finding import Home
from counterfoil.errors import InputError, UnavailableError
from counterfoil.ports import AlertChannel, Clock

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_securityhub import SecurityHubClient

OCSF_DETAIL_TYPE: Final = "OCSF Detection Finding"

# Security Hub refuses single findings of a call where it is asked for too much; those alone are given to it again.
ATTEMPTS: Final = 3


def home_of(arn: str) -> Home:
    """The account and region that a resource's ARN names; another text is an ``InputError``."""
    parts = arn.split(":")
    if len(parts) < 6 or parts[0] != "arn":
        raise InputError(f"{arn[:80]!r} is no ARN with an account and a region")
    return Home(parts[4], parts[3], parts[1])


@dataclass(frozen=True, slots=True)
class SecurityHubChannel(AlertChannel):
    """Findings that people are told of, as Security Hub's; what is no finding goes by it.

    A finding that is given again changes nothing but what a provider may change, so a second delivery does no harm.
    """

    client: SecurityHubClient
    home: Home
    clock: Clock
    name: str = "securityhub"

    def send(self, alert: Message) -> None:
        if isinstance(alert, Alert):
            self.import_all([alert.finding])

    def import_all(self, findings: Sequence[Finding]) -> None:
        """Give findings to Security Hub, a hundred at a time; ``UnavailableError`` names the first that it does not take."""
        now = self.clock()
        for batch in batches(render_asff(each, self.home, now) for each in findings):
            self._import(batch)

    def _import(self, waiting: Sequence[Any]) -> None:
        refusals: Sequence[Any] = ()
        for _ in range(ATTEMPTS):
            with translated(f"importing {len(waiting)} findings into Security Hub"):
                refusals = self.client.batch_import_findings(Findings=list(waiting))["FailedFindings"]
            refused = {each["Id"] for each in refusals}
            waiting = [each for each in waiting if each["Id"] in refused]
            if not waiting:
                return
        first = refusals[0]
        raise UnavailableError(
            f"Security Hub did not take {first['Id']}: {first['ErrorCode']}: {first['ErrorMessage']}"
        )


@dataclass(frozen=True, slots=True)
class OcsfChannel(AlertChannel):
    """Findings that people are told of as OCSF events on the findings' bus, from where rules take them to a lake or a log."""

    client: EventBridgeClient
    bus_name: str
    home: Home
    name: str = "ocsf"

    def send(self, alert: Message) -> None:
        if not isinstance(alert, Alert):
            return
        detail = json.dumps(render_ocsf(alert.finding, self.home))
        entry: Any = {
            "EventBusName": self.bus_name,
            "Source": EVENT_SOURCE,
            "DetailType": OCSF_DETAIL_TYPE,
            "Detail": detail,
        }
        with translated(f"putting OCSF event {alert.alert_id}"):
            answer = self.client.put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            raise UnavailableError(f"OCSF event {alert.alert_id} was refused: {answer['Entries'][0].get('ErrorCode')}")
