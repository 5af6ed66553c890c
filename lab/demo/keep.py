"""Evidence of a run for looking further: files that ``counterfoil verify`` and a text editor can read.

findings.json              every finding with its evidence
attack.kinesis-event.json  what the attacker delivered, as Lambda would get it
receipt.json               the revision that a clerk falsified, with its proof to the digest of the first snapshot
digest.json                that digest, as GetDigest answers
export/                    the journal as a served ledger exported it (not where the ledger is built in this process)
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from counterfoil.detection.evidence.finding_fields import finding_fields
from counterfoil.detection.finding import Finding
from lab.attacker import Attack
from lab.demo.bank import Bank
from lab.events.lambda_shapes import kinesis_event
from lab.producer import outer_records


def keep_evidence(
    folder: Path, bank: Bank, attack: Attack, findings: Sequence[Finding], receipt: Mapping[str, Any]
) -> None:
    """Write the files; ``receipt`` holds its digest. The folder is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    records = [record for each in attack.blocks for record in each.records]
    _write(folder / "findings.json", [finding_fields(each) for each in findings])
    _write(folder / "attack.kinesis-event.json", kinesis_event(outer_records(records, bank.strand_id)))
    _write(folder / "digest.json", {name: receipt[name] for name in ("Digest", "DigestTipAddress")})
    _write(folder / "receipt.json", receipt)
    bank.keep(folder)


def _write(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
