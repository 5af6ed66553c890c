"""Suppressions over the desk's log: each is noted once, and so is its end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from counterfoil.desk_ports import DeskLog, Entry
from counterfoil.detection.suppression import (
    MAX_AUTHOR_CHARACTERS,
    MAX_REASON_CHARACTERS,
    Suppression,
    check_words,
)
from counterfoil.errors import ConflictError, NotFoundError

TOPIC: Final = "suppressions"

# Behind every id: an end comes directly after its beginning.
_LIFTED: Final = "/lifted"


@dataclass(frozen=True, slots=True)
class Suppressions:
    log: DeskLog

    def all(self) -> Sequence[Suppression]:
        """Every suppression that was ever made, lifted or not, the oldest first."""
        made: dict[str, Suppression] = {}
        for entry in self.log.entries(TOPIC):
            body = json.loads(entry.text)
            suppression_id, lifted, _ = entry.name.partition(_LIFTED)
            if not lifted:
                made[suppression_id] = _parse(body)
            else:
                made[suppression_id] = replace(
                    made[suppression_id], lifted_at=datetime.fromisoformat(body["lifted_at"])
                )
        return list(made.values())

    def in_force(self, now: datetime) -> Sequence[Suppression]:
        return [each for each in self.all() if each.is_in_force(now)]

    def add(self, suppression: Suppression) -> None:
        """Note it; noting it again changes nothing."""
        text = json.dumps(
            {
                "rule_id": suppression.rule_id,
                "account_id": suppression.account_id,
                "author": suppression.author,
                "reason": suppression.reason,
                "created_at": suppression.created_at.isoformat(),
                "expires_at": suppression.expires_at.isoformat(),
            }
        )
        try:
            self.log.append([Entry(TOPIC, suppression.suppression_id, text)])
        except ConflictError:
            return  # its id follows from all that it says

    def lift(self, suppression_id: str, author: str, reason: str, at: datetime) -> None:
        """Note that it ends now. ``NotFoundError`` if there is none; ``ConflictError`` if it was lifted before."""
        body = {
            "author": check_words("the author", author, MAX_AUTHOR_CHARACTERS),
            "reason": check_words("the reason", reason, MAX_REASON_CHARACTERS),
            "lifted_at": at.isoformat(),
        }
        if suppression_id not in {each.suppression_id for each in self.all()}:
            raise NotFoundError(f"there is no suppression {suppression_id[:80]}")
        self.log.append([Entry(TOPIC, suppression_id + _LIFTED, json.dumps(body))])


def _parse(body: dict[str, Any]) -> Suppression:
    return Suppression(
        body["rule_id"],
        body["account_id"],
        body["author"],
        body["reason"],
        datetime.fromisoformat(body["created_at"]),
        datetime.fromisoformat(body["expires_at"]),
    )
