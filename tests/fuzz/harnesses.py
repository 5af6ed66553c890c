"""Every parser that reads bytes from outside, by the name of its corpus.

A harness takes any bytes. It returns, or raises an error of this library's families; whatever else it does is a finding, and so is
time or memory beyond what ``run.py`` allows. One that has several readers refuses what none of them takes.
"""

from tests.fuzz import ion_and_journal, log_and_evidence, rules_and_requests

HARNESSES = {
    "ion-binary": ion_and_journal.ion_binary,
    "ion-text": ion_and_journal.ion_text,
    "json": ion_and_journal.plain_json,
    "kpl-frame": ion_and_journal.kpl_frame,
    "stream-record": ion_and_journal.stream_record,
    "lambda-event": ion_and_journal.lambda_event,
    "receipt": ion_and_journal.receipt,
    "proofs": ion_and_journal.proofs,
    "export-object": ion_and_journal.export_object,
    "manifest": ion_and_journal.manifest,
    "note": log_and_evidence.note,
    "checkpoint": log_and_evidence.checkpoint,
    "proof": log_and_evidence.proof,
    "witness-request": log_and_evidence.witness_request,
    "log-entry": log_and_evidence.log_entry,
    "tile": log_and_evidence.tile,
    "key": log_and_evidence.key,
    "policy": log_and_evidence.policy,
    "snapshot": log_and_evidence.snapshot,
    "timestamp": log_and_evidence.timestamp,
    "evidence": log_and_evidence.evidence,
    "rule": rules_and_requests.rule,
    "partiql": rules_and_requests.partiql,
    "transfers": rules_and_requests.transfers,
    "identities": rules_and_requests.identities,
    "http-request": rules_and_requests.http_request,
    "transaction": rules_and_requests.transaction,
    "session": rules_and_requests.session,
}
