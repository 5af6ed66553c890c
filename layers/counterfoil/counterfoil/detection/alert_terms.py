"""Which findings of a rule are one alert: those that agree in the parts of a key and were found in the same window.

A rule's document may say so itself; what it leaves out is as for all rules: one account, and the window of the stack. Every
finding carries the terms that were in force when it was found, so that which alert it belongs to never changes afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from counterfoil.errors import InputError

DAY_SECONDS: Final = 24 * 3600

# Shorter than a minute, and what one batch of the detector brings is in several windows: nothing would be joined.
MIN_WINDOW_SECONDS: Final = 60
# Who wants to hear nothing for longer is asked for a suppression, which has an author, a reason and an end.
MAX_WINDOW_DAYS: Final = 31
# No suppression silences what is CRITICAL; nor does a window, for longer than a day.
MAX_CRITICAL_WINDOW_SECONDS: Final = DAY_SECONDS


class AlertPart(StrEnum):
    """What findings can agree in. Of the transfer at which a finding was made: ``COUNTERPARTY``, ``CURRENCY`` and ``TRANSACTION``.

    ``DOCUMENT`` is the one whose revision it was seen in, ``ENTRY`` that of a watch list, ``VERB`` that of a statement.
    """

    ACCOUNT = "account"
    COUNTERPARTY = "counterparty"
    CURRENCY = "currency"
    DOCUMENT = "document"
    ENTRY = "entry"
    STRAND = "strand"
    TRANSACTION = "transaction"
    VERB = "verb"


@dataclass(frozen=True, slots=True)
class AlertTerms:
    """``key`` are the parts, in their order above, none for the rule alone; ``window_seconds`` of ``None`` is the stack's window."""

    key: tuple[AlertPart, ...] = (AlertPart.ACCOUNT,)
    window_seconds: int | None = None

    @property
    def usual(self) -> bool:
        """Whether they are those of a rule that says nothing of its alerts."""
        return self == USUAL_TERMS

    def render(self) -> dict[str, list[str] | int]:
        """What is not as usual, as ``parse_alert_terms`` takes it: one text for equal terms."""
        key: dict[str, list[str] | int] = (
            {} if self.key == USUAL_TERMS.key else {"key": [str(each) for each in self.key]}
        )
        return key if self.window_seconds is None else {**key, "window_seconds": self.window_seconds}

    def check_severity(self, *, critical: bool, where: str) -> None:
        """Raise ``InputError`` where these terms would keep what is CRITICAL from people for too long."""
        if critical and (self.window_seconds or 0) > MAX_CRITICAL_WINDOW_SECONDS:
            raise InputError(
                f"{where}.window_seconds must be at most {MAX_CRITICAL_WINDOW_SECONDS} for a rule of severity CRITICAL, "
                f"not {self.window_seconds}: who is told of one learns of the next within a day"
            )


USUAL_TERMS: Final = AlertTerms()


def parse_alert_terms(given: object, where: str) -> AlertTerms:
    """Read terms from what JSON was read into; ``InputError`` names what is wrong, ``where`` being what they are called."""
    if not isinstance(given, Mapping):
        raise InputError(f"{where} must be an object, not {_shown(given)}")
    if unknown := sorted(set(given) - {"key", "window_seconds"}):
        raise InputError(f"{where} has no setting {_shown(unknown[0])}; it has key, window_seconds")
    key = _parse_key(given["key"], f"{where}.key") if "key" in given else USUAL_TERMS.key
    window = _parse_window(given["window_seconds"], f"{where}.window_seconds") if "window_seconds" in given else None
    return AlertTerms(key, window)


def _parse_key(given: object, where: str) -> tuple[AlertPart, ...]:
    if isinstance(given, str) or not isinstance(given, Sequence) or len(given) > len(AlertPart):
        raise InputError(f"{where} must be a list of at most {len(AlertPart)} parts, not {_shown(given)}")
    for each in given:
        if not isinstance(each, str) or each not in set(AlertPart):
            raise InputError(f"{where} must be of {', '.join(AlertPart)}, not {_shown(each)}")
    if len(set(given)) < len(given):
        raise InputError(f"{where} names a part twice: {_shown(given)}")
    return tuple(part for part in AlertPart if part in given)


def _parse_window(given: object, where: str) -> int:
    most = MAX_WINDOW_DAYS * DAY_SECONDS
    if type(given) is not int or not MIN_WINDOW_SECONDS <= given <= most:
        raise InputError(f"{where} must be a whole number from {MIN_WINDOW_SECONDS} to {most}, not {_shown(given)}")
    if DAY_SECONDS % given and given % DAY_SECONDS:
        raise InputError(f"{where} must divide a day ({DAY_SECONDS}) or be whole days, and {given} does neither")
    return given


def _shown(value: object) -> str:
    return repr(value)[:80]
