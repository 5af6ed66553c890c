"""Tags of ledgers, tables and journal streams.

A table's first tags are in the journal, with its CREATE TABLE. When they are changed here for the first time, they are copied
to the registry, and a tag that nobody else can give says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from counterfoil.ledger.catalogue import SEALED_TAG
from counterfoil.ledger.registry import MAX_TAGS, ResourceArn
from counterfoil.ports import LedgerRegistry
from counterfoil.protocol.directory import Directory
from counterfoil.protocol.faults import invalid_parameter, limit_exceeded, not_found
from counterfoil.protocol.hosting import JobRunner
from counterfoil.protocol.place import Place

# Keys that begin so are AWS's own, in every one of its services.
RESERVED_PREFIX: Final = "aws:"
_COPIED: Final = "aws:copied-from-journal"

Parameters = Mapping[str, Any]
Answer = dict[str, Any]


@dataclass(slots=True)
class TagOperations:
    directory: Directory
    registry: LedgerRegistry
    jobs: JobRunner
    place: Place

    def list(self, parameters: Parameters) -> Answer:
        arn, first = self._resource(parameters)
        kept = dict(self.registry.tags(arn))
        copied = kept.pop(_COPIED, None) is not None
        return {"Tags": kept if copied else {**first, **kept}}

    def tag(self, parameters: Parameters) -> Answer:
        tags = checked_tags(parameters["Tags"])
        _refuse_sealed(tags)
        arn = self._owned(parameters)
        self.registry.tag(arn, tags, MAX_TAGS + 1 if _COPIED in self.registry.tags(arn) else MAX_TAGS)
        return {}

    def untag(self, parameters: Parameters) -> Answer:
        _refuse_sealed(parameters["TagKeys"])
        keys = [key for key in parameters["TagKeys"] if not key.startswith(RESERVED_PREFIX)]
        self.registry.untag(self._owned(parameters), keys)
        return {}

    def _owned(self, parameters: Parameters) -> str:
        """The resource, its first tags copied to the registry."""
        arn, first = self._resource(parameters)
        if first and _COPIED not in self.registry.tags(arn):
            self.registry.tag(arn, {**first, _COPIED: ""}, MAX_TAGS + 1)
        return arn

    def _resource(self, parameters: Parameters) -> tuple[str, Mapping[str, str]]:
        """The resource's ARN in this service's own form, and the tags that the journal gave it."""
        given = parameters["ResourceArn"]
        kind, ledger_name, resource_id = ResourceArn.parse(given)
        self.directory.known(ledger_name)
        if resource_id is None:
            return self.place.ledger_arn(ledger_name), {}
        if kind == "stream":
            if not any(each.stream_id == resource_id for each in self.jobs.streams()):
                raise not_found("Stream", resource_id)
            return self.place.stream_arn(ledger_name, resource_id), {}
        table = self.directory.engine(ledger_name).catalogue.entries.get(resource_id)
        if table is None:
            raise not_found("Table", resource_id)
        return self.place.table_arn(ledger_name, resource_id), dict(table.tags)


def _refuse_sealed(keys: Iterable[str]) -> None:
    """Which fields are sealed is said once, in the journal; a tag that says otherwise would deceive whoever reads it."""
    if SEALED_TAG in keys:
        raise invalid_parameter("Tags", f"has the key {SEALED_TAG!r}, which only CREATE TABLE gives, for good")


def checked_tags(tags: Mapping[str, str]) -> dict[str, str]:
    if len(tags) > MAX_TAGS:
        raise limit_exceeded("Tag", MAX_TAGS, "tags of a resource")
    for key in tags:
        if key.lower().startswith(RESERVED_PREFIX):
            raise invalid_parameter(
                "Tags", f"has the key {key!r}; keys that begin with {RESERVED_PREFIX!r} are reserved"
            )
    return dict(tags)
