"""The life of ledgers.

Creating registers a ledger as CREATING, makes its data, and registers it as ACTIVE; deleting registers it as DELETING, ends
whatever uses it, removes its data, and forgets it. Each step may be repeated, and ``finish`` repeats what a crash cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from counterfoil.errors import ConflictError
from counterfoil.ledger.ids import NewId
from counterfoil.ledger.registry import MAX_TAGS, LedgerState, PermissionsMode, RegisteredLedger
from counterfoil.ledger.times import milliseconds_of, moment_of
from counterfoil.ports import Clock, LedgerRegistry
from counterfoil.protocol.directory import Directory
from counterfoil.protocol.faults import (
    ProtocolError,
    limit_exceeded,
    precondition_not_met,
)
from counterfoil.protocol.hosting import JobRunner, Ledgers
from counterfoil.protocol.paging import page_of, page_request
from counterfoil.protocol.place import Place
from counterfoil.protocol.tag_operations import checked_tags

AWS_OWNED_KEY: Final = "AWS_OWNED_KMS_KEY"

Parameters = Mapping[str, Any]
Answer = dict[str, Any]


@dataclass(slots=True)
class LedgerOperations:
    """``end_sessions`` ends those of a ledger that is deleted; ``max_ledgers`` bounds the ledgers of this service."""

    directory: Directory
    registry: LedgerRegistry
    ledgers: Ledgers
    jobs: JobRunner
    place: Place
    clock: Clock
    new_id: NewId
    end_sessions: Callable[[str], None]
    max_ledgers: int

    def finish(self) -> None:
        """Complete what was cut off: ledgers that were being created or deleted when the service stopped."""
        for ledger in self.registry.ledgers("", self.max_ledgers + 1):
            if ledger.state is LedgerState.CREATING:
                self._make(ledger)
            elif ledger.state is LedgerState.DELETING:
                self._remove(ledger)

    def create(self, parameters: Parameters) -> Answer:
        ledger = RegisteredLedger(
            parameters["Name"],
            self.new_id(),
            moment_of(milliseconds_of(self.clock())),  # what is described later is what was answered now
            LedgerState.CREATING,
            PermissionsMode(parameters["PermissionsMode"]),
            parameters.get("DeletionProtection", True),
            _kms_key(parameters),
        )
        tags = checked_tags(parameters.get("Tags", {}))
        if len(self.registry.ledgers("", self.max_ledgers)) >= self.max_ledgers:
            raise limit_exceeded("Ledger", self.max_ledgers, "ledgers")
        try:
            self.registry.save(None, ledger)
        except ConflictError:
            raise _exists(ledger.name) from None
        self.registry.tag(self.place.ledger_arn(ledger.name), tags, MAX_TAGS)
        self._make(ledger)
        return self._described(ledger) | {
            "PermissionsMode": ledger.permissions_mode.value,
            "KmsKeyArn": ledger.kms_key_arn or AWS_OWNED_KEY,
        }

    def describe(self, parameters: Parameters) -> Answer:
        ledger = self.directory.known(parameters["Name"])
        return self._described(ledger) | {
            "PermissionsMode": ledger.permissions_mode.value,
            "EncryptionDescription": _encryption(ledger),
        }

    def update(self, parameters: Parameters) -> Answer:
        old = self.directory.active(parameters["Name"])
        protection = parameters.get("DeletionProtection", old.deletion_protection)
        key = _kms_key(parameters) if "KmsKey" in parameters else old.kms_key_arn
        new = replace(old, deletion_protection=protection, kms_key_arn=key)
        self.registry.save(old, new)
        return self._described(new) | {"EncryptionDescription": _encryption(new)}

    def update_permissions_mode(self, parameters: Parameters) -> Answer:
        old = self.directory.active(parameters["Name"])
        new = replace(old, permissions_mode=PermissionsMode(parameters["PermissionsMode"]))
        self.registry.save(old, new)
        return {
            "Name": new.name,
            "Arn": self.place.ledger_arn(new.name),
            "PermissionsMode": new.permissions_mode.value,
        }

    def delete(self, parameters: Parameters) -> Answer:
        ledger = self.directory.active(parameters["Name"])
        if ledger.deletion_protection:
            raise precondition_not_met(
                "Ledger", ledger.name, "is protected from deletion: switch DeletionProtection off"
            )
        deleting = replace(ledger, state=LedgerState.DELETING)
        self.registry.save(ledger, deleting)
        self._remove(deleting)
        return {}

    def list(self, parameters: Parameters) -> Answer:
        request = page_request(parameters)
        found = self.registry.ledgers(request.after, request.size + 1)
        return page_of(found, request, lambda each: each.name, _summary, "Ledgers")

    def _make(self, ledger: RegisteredLedger) -> None:
        self.ledgers.create(ledger)
        self.registry.save(ledger, replace(ledger, state=LedgerState.ACTIVE))

    def _remove(self, ledger: RegisteredLedger) -> None:
        self.end_sessions(ledger.name)
        self.jobs.forget_ledger(ledger.name)
        self.ledgers.delete(ledger)
        for arn in (self.place.ledger_arn(ledger.name), self.place.streams_arn(ledger.name)):
            self.registry.forget_tags(arn)
        self.registry.save(ledger, None)

    def _described(self, ledger: RegisteredLedger) -> Answer:
        return {
            "Name": ledger.name,
            "Arn": self.place.ledger_arn(ledger.name),
            "State": ledger.state.value,
            "CreationDateTime": ledger.created_at,
            "DeletionProtection": ledger.deletion_protection,
        }


def _summary(ledger: RegisteredLedger) -> Answer:
    return {"Name": ledger.name, "State": ledger.state.value, "CreationDateTime": ledger.created_at}


def _encryption(ledger: RegisteredLedger) -> Answer:
    """The key is kept and described; what this service stores is encrypted by whoever owns its disk (docs/protocol.md, "Keys")."""
    return {"KmsKeyArn": ledger.kms_key_arn or AWS_OWNED_KEY, "EncryptionStatus": "ENABLED"}


def _kms_key(parameters: Parameters) -> str | None:
    key = parameters.get("KmsKey")
    return None if key in {None, "", AWS_OWNED_KEY} else str(key)


def _exists(name: str) -> ProtocolError:
    return ProtocolError(
        "ResourceAlreadyExistsException",
        f"The Ledger with name {name} already exists",
        409,
        ResourceType="Ledger",
        ResourceName=name,
    )
