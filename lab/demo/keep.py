"""Evidence of a run for looking further: files that ``counterfoil verify`` and a text editor can read.

findings.json              every finding with its evidence
attack.kinesis-event.json  what the attacker delivered, as Lambda would get it
receipt.json               the revision that a clerk falsified, with its proof to the digest of the first snapshot
digest.json                that digest, as GetDigest answers
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from counterfoil.detection.finding import Finding
from counterfoil.ion import dump_text
from counterfoil.journal.builder import BuiltBlock, render_proof
from lab.attacker import Attack
from lab.bank import Simulation
from lab.events.lambda_shapes import kinesis_event
from lab.producer import outer_records

FALSIFIED = "fraud.conservation-of-money"


def keep_evidence(folder: Path, day: Simulation, attack: Attack, findings: Sequence[Finding], tip: int) -> None:
    """Write the files; ``tip`` is the last block under the digest. The folder is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    place = next(each.place for each in day.expected if each.rule_id == FALSIFIED)
    block = day.blocks[int(place.rpartition("#")[2])]
    records = [record for each in attack.blocks for record in each.records]
    digest = _digest(day, tip)
    _write(folder / "findings.json", [_finding(each) for each in findings])
    _write(folder / "attack.kinesis-event.json", kinesis_event(outer_records(records, day.ledger.strand_id)))
    _write(folder / "digest.json", digest)
    _write(folder / "receipt.json", _receipt(day, block, tip) | digest)


def _receipt(day: Simulation, block: BuiltBlock, tip: int) -> dict[str, Any]:
    """A GetRevision answer with the request's address and document beside it."""
    index = next(number for number, change in enumerate(block.changes) if change.table_name == "Transactions")
    return {
        "BlockAddress": {"IonText": dump_text(block.fields["blockAddress"])},
        "DocumentId": block.changes[index].document_id,
        "Revision": {"IonText": dump_text(block.revisions[index])},
        "Proof": {"IonText": render_proof(day.ledger.builder.prove_revision(block, index, tip))},
    }


def _digest(day: Simulation, tip: int) -> dict[str, Any]:
    digest = day.ledger.builder.digest(tip)
    strand_id, sequence_no = digest.tip_address
    return {
        "Digest": base64.b64encode(digest.hash).decode(),
        "DigestTipAddress": {"IonText": dump_text({"strandId": strand_id, "sequenceNo": sequence_no})},
    }


def _finding(finding: Finding) -> Mapping[str, Any]:
    return {
        "findingId": finding.finding_id,
        "ruleId": str(finding.rule_id),
        "severity": finding.severity.name,
        "status": str(finding.status),
        "place": finding.place,
        "accountId": finding.account_id,
        "documentId": finding.document_id,
        "reason": finding.reason,
        "foundAt": finding.found_at.isoformat(),
        "evidence": dict(finding.evidence),
    }


def _write(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
