"""On a schedule: the auditor's digest of every strand, held against ledger and log, signed and kept under Object Lock."""

import os
from typing import Any

from counterfoil import wiring
from counterfoil.instruments import Logger, Metrics, Tracer, count, log_findings

logger, metrics, tracer = Logger(), Metrics(), Tracer()
snapshotter = wiring.snapshotter(os.environ)


@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    taken = snapshotter.take()
    findings = [finding for each in taken for finding in each.findings]
    failures = sum(each.finding is not None for each in taken)
    unwitnessed = sum(not each.compared.quorum for each in taken)
    count(metrics, {"SnapshotsTaken": len(taken), "SnapshotFailures": failures})
    count(metrics, {"HeadDisagreements": len(findings) - failures, "CheckpointsUnwitnessed": unwitnessed})
    log_findings(logger, findings)
    for each in taken:
        for name, reason in each.compared.unwitnessed.items():
            logger.warning("a witness did not sign", extra={"strand": each.name, "witness": name, "reason": reason})
    return {"snapshots": [each.name for each in taken], "findings": [finding.finding_id for finding in findings]}
