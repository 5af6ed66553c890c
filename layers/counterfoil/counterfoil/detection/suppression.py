"""A suppression: for a while, people are not told what a rule sees, or what is seen of an account. It is all kept none the less."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from counterfoil.detection.finding import Finding
from counterfoil.errors import InputError

# Whoever wants silence for longer says so again.
MAX_LENGTH: Final = timedelta(days=90)
MAX_REASON_CHARACTERS: Final = 500
MAX_AUTHOR_CHARACTERS: Final = 100


@dataclass(frozen=True, slots=True)
class Suppression:
    """By rule, by account, or by both at once: then only where both are met. It begins when it is made.

    ``lifted_at`` ends it before its time. ``suppression_id`` follows from all the rest: making it twice is making it once.
    """

    rule_id: str | None
    account_id: str | None
    author: str
    reason: str
    created_at: datetime
    expires_at: datetime
    lifted_at: datetime | None = None

    @property
    def suppression_id(self) -> str:
        said = (self.rule_id, self.account_id, self.author, self.reason, self.created_at, self.expires_at)
        return (
            f"{self.created_at:%Y%m%dT%H%M%S.%fZ}-{sha256(repr([str(each) for each in said]).encode()).hexdigest()[:8]}"
        )

    def is_in_force(self, now: datetime) -> bool:
        return self.created_at <= now < (self.expires_at if self.lifted_at is None else self.lifted_at)

    def holds(self, finding: Finding, now: datetime) -> bool:
        """Whether nobody is to be told of the finding now."""
        return (
            self.is_in_force(now)
            and self.rule_id in {None, finding.rule_id}
            and self.account_id in {None, finding.account_id}
        )


def check_words(what: str, text: str, at_most: int) -> str:
    """A text that a person gave, without spaces around it; ``InputError`` where it is empty, too long or not printable."""
    words = text.strip()
    if not words or len(words) > at_most or not words.isprintable():
        raise InputError(f"{what} must be a printable text of 1 to {at_most} characters")
    return words


def suppress(
    rule_id: str | None, account_id: str | None, author: str, reason: str, now: datetime, length: timedelta
) -> Suppression:
    """A new suppression; ``InputError`` names what is missing or too much."""
    if rule_id is None and account_id is None:
        raise InputError("a suppression names a rule, an account, or both")
    if rule_id is not None and rule_id.startswith(("audit.", "export.")):
        raise InputError(f"{rule_id} is about the journal itself, which is always told")
    if not timedelta(0) < length <= MAX_LENGTH:
        raise InputError(f"a suppression lasts more than nothing and at most {MAX_LENGTH.days} days")
    return Suppression(
        rule_id,
        account_id,
        check_words("the author", author, MAX_AUTHOR_CHARACTERS),
        check_words("the reason", reason, MAX_REASON_CHARACTERS),
        now,
        now + length,
    )
