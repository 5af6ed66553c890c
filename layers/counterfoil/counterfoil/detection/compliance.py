"""The rules that AWS Config asks about, their parameters, and what they come to.

Each rule is asked for by the parameter ``check``:

* ``VERIFIED_RECENTLY``: no block older than ``maximumMinutes`` is unverified, and no strand has diverged;
* ``NO_OPEN_GAP``: nothing has been missing for longer than ``graceMinutes``;
* ``DIGESTS_LOCKED``: the bucket of digest snapshots has Object Lock with a default retention of at least ``minimumDays``, in the mode
  COMPLIANCE where ``mode`` says so.

AWS Config takes COMPLIANT, NON_COMPLIANT and NOT_APPLICABLE from a rule's function, and nothing for "it could not be read": then the
function fails, and Config keeps saying that there is no result.

Source: AWS Config Developer Guide, "Example AWS Lambda Functions and Events for AWS Config Rules"; API Reference, ``Evaluation``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from counterfoil.errors import InputError

MAX_ANNOTATION: Final = 256
MAX_MINUTES: Final = 366 * 24 * 60
MAX_DAYS: Final = 36_500


class Check(StrEnum):
    VERIFIED_RECENTLY = "VERIFIED_RECENTLY"
    NO_OPEN_GAP = "NO_OPEN_GAP"
    DIGESTS_LOCKED = "DIGESTS_LOCKED"


class Verdict(StrEnum):
    COMPLIANT = "COMPLIANT"
    NON_COMPLIANT = "NON_COMPLIANT"
    NOT_APPLICABLE = "NOT_APPLICABLE"


@dataclass(frozen=True, slots=True)
class RuleParameters:
    """What a rule is asked with. ``limit`` is how old or how long missing something may be, or how long a lock must last."""

    check: Check
    limit: timedelta
    compliance_mode: bool = False


@dataclass(frozen=True, slots=True)
class RuleRequest:
    """One call by AWS Config. ``token`` goes with the answer, ``asked_at`` orders answers."""

    parameters: RuleParameters
    token: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class BucketLock:
    """``mode`` and ``days`` of the default retention, which a bucket with Object Lock need not have."""

    mode: str | None
    days: int | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a rule comes to for one resource."""

    resource_type: str
    resource_id: str
    verdict: Verdict
    annotation: str
    asked_at: datetime

    @property
    def holds(self) -> bool:
        return self.verdict is not Verdict.NON_COMPLIANT


# check -> the name of its number, what one is, its greatest value
_NUMBERS: Final = {
    Check.VERIFIED_RECENTLY: ("maximumMinutes", timedelta(minutes=1), MAX_MINUTES),
    Check.NO_OPEN_GAP: ("graceMinutes", timedelta(minutes=1), MAX_MINUTES),
    Check.DIGESTS_LOCKED: ("minimumDays", timedelta(days=1), MAX_DAYS),
}
_MODES: Final = ("GOVERNANCE", "COMPLIANCE")


def parse_parameters(given: Mapping[str, object]) -> RuleParameters:
    """Read a rule's parameters, all of them texts; one that is missing, unknown or out of range is an ``InputError`` naming it."""
    if given.get("check") not in list(Check):
        raise InputError(f"the rule's parameter check is {str(given.get('check'))[:40]!r}, none of {', '.join(Check)}")
    check = Check(str(given["check"]))
    name, unit, greatest = _NUMBERS[check]
    mode = given.get("mode", _MODES[0])
    known = {"check", name} | ({"mode"} if check is Check.DIGESTS_LOCKED else set())
    if unknown := sorted(given.keys() - known):
        raise InputError(f"{check} has no parameter {unknown[0][:40]!r}")
    if mode not in _MODES:
        raise InputError(f"the rule's parameter mode is {str(mode)[:40]!r}, neither {' nor '.join(_MODES)}")
    return RuleParameters(check, _whole(name, given.get(name), greatest) * unit, mode == _MODES[1])


def judge_lock(lock: BucketLock | None, parameters: RuleParameters) -> tuple[Verdict, str]:
    """What a bucket's lock comes to, and why."""
    if lock is None:
        return Verdict.NON_COMPLIANT, "the bucket has no Object Lock"
    if lock.mode is None or lock.days is None:
        return Verdict.NON_COMPLIANT, "the bucket has Object Lock and no default retention"
    days = parameters.limit.days
    if lock.days < days:
        return Verdict.NON_COMPLIANT, f"objects are locked for {lock.days} days, not for {days}"
    if parameters.compliance_mode and lock.mode != _MODES[1]:
        return Verdict.NON_COMPLIANT, f"objects are locked in mode {lock.mode}, not {_MODES[1]}"
    return Verdict.COMPLIANT, f"objects are locked for {lock.days} days in mode {lock.mode}"


def _whole(name: str, value: object, greatest: int) -> int:
    text = str(value)
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= greatest:
        raise InputError(f"the rule's parameter {name} is {text[:40]!r}, not a whole number from 1 to {greatest}")
    return int(text)
