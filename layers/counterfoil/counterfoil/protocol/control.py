"""``qldb``, the control plane: its twenty operations by name.

Source: the service model of 2019-01-02; what the embedded service decides is in docs/protocol.md, "Control plane".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from counterfoil.errors import CounterfoilError
from counterfoil.ledger.registry import ResourceArn
from counterfoil.protocol.faults import control_error
from counterfoil.protocol.hosting import Caller
from counterfoil.protocol.job_operations import JobOperations
from counterfoil.protocol.ledger_operations import LedgerOperations
from counterfoil.protocol.proof_operations import ProofOperations
from counterfoil.protocol.tag_operations import TagOperations

Operation = Callable[[Mapping[str, Any]], dict[str, Any]]

# Ledgers of one service. QLDB's quota was 5 for a region; an embedded ledger is a file and some threads.
MAX_LEDGERS: Final = 100
QLDB_MAX_LEDGERS: Final = 5


class ControlPlane:
    """Errors come out as ``ProtocolError``."""

    def __init__(
        self, ledgers: LedgerOperations, proofs: ProofOperations, jobs: JobOperations, tags: TagOperations
    ) -> None:
        self.operations: Mapping[str, Operation] = {
            "CreateLedger": ledgers.create,
            "DescribeLedger": ledgers.describe,
            "UpdateLedger": ledgers.update,
            "UpdateLedgerPermissionsMode": ledgers.update_permissions_mode,
            "DeleteLedger": ledgers.delete,
            "ListLedgers": ledgers.list,
            "GetDigest": proofs.digest,
            "GetBlock": proofs.block,
            "GetRevision": proofs.revision,
            "ExportJournalToS3": jobs.export,
            "DescribeJournalS3Export": jobs.describe_export,
            "ListJournalS3Exports": jobs.list_exports,
            "ListJournalS3ExportsForLedger": jobs.list_exports_of_ledger,
            "StreamJournalToKinesis": jobs.stream,
            "DescribeJournalKinesisStream": jobs.describe_stream,
            "CancelJournalKinesisStream": jobs.cancel_stream,
            "ListJournalKinesisStreamsForLedger": jobs.list_streams,
            "TagResource": tags.tag,
            "UntagResource": tags.untag,
            "ListTagsForResource": tags.list,
        }

    def call(self, operation: str, parameters: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """Carry out an operation of the service model; its parameters have the shapes of the model."""
        try:
            caller.check(f"qldb:{operation}", _ledger_name(parameters))
            return self.operations[operation](parameters)
        except CounterfoilError as error:
            raise control_error(error) from error


def _ledger_name(parameters: Mapping[str, Any]) -> str:
    """The ledger that an operation is about; ``""`` for the lists of all."""
    if "ResourceArn" in parameters:
        return ResourceArn.parse(parameters["ResourceArn"]).ledger_name
    return str(parameters.get("Name") or parameters.get("LedgerName") or "")
