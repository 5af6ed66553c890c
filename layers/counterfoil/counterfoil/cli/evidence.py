"""``counterfoil evidence`` and ``verify evidence``: a finding as a file that proves itself, and that file checked offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from counterfoil.adapters.durable_files import write_whole
from counterfoil.cli.log_options import AuthorityOption, PolicyOption, read_authority, read_policy
from counterfoil.cli.output import HOLDS, INPUT, FileArgument, JsonOption, out, print_json, printable, read_bytes
from counterfoil.cli.places import DataOption, EndpointOption
from counterfoil.detection.evidence.bundle import FORMAT, parse_bundle
from counterfoil.detection.evidence.held import HeldItem
from counterfoil.detection.evidence.statements import LogStatement, Statement
from counterfoil.detection.evidence.verification import Verdict, verify_bundle
from counterfoil.journal.anchor import describe_trust_anchor
from counterfoil.services.evidence import make_evidence
from counterfoil.transparency.policy import NOBODY, WitnessPolicy
from counterfoil.transparency.public_key import StatementKey
from counterfoil.transparency.timestamp import Timestamp

_KEY_HELP: Final = (
    "A public key whose signatures count: a file (PEM, DER, verifier key) or a verifier key. May be repeated."
)
KeysOption = Annotated[list[str] | None, typer.Option("--key", metavar="KEY", help=_KEY_HELP)]


def evidence(  # noqa: PLR0913 - one parameter for each option
    finding_id: Annotated[str, typer.Argument(metavar="FINDING", help="The finding's id.", show_default=False)],
    *,
    to: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the bundle is written, whole.")],
    stack: Annotated[
        str, typer.Option(envvar="COUNTERFOIL_STACK", metavar="NAME", help="The stack that has finding and ledger.")
    ] = "",
    findings_table: Annotated[
        str, typer.Option("--findings-table", envvar="FINDINGS_TABLE", metavar="TABLE", help="The Findings table.")
    ] = "",
    ledger: Annotated[
        str, typer.Option(metavar="LEDGER", help="The ledger; without a table its journal is judged for the finding.")
    ] = "",
    data: DataOption = None,
    endpoint: EndpointOption = None,
    log: Annotated[Path | None, typer.Option(metavar="DIR", help="The directory with the ledger's log.")] = None,
    snapshot: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="A digest snapshot; repeatable.")] = None,
    key: KeysOption = None,
    json: JsonOption = False,
) -> None:
    """Put a finding, its blocks, revisions, proofs and the signed statement above them into one file that proves itself."""
    from counterfoil.cli.evidence_sources import Places, finding_and_sources

    keys = [read_key(each) for each in key or ()]
    at = Places(stack, findings_table, ledger, data, endpoint, log, snapshot or (), keys)
    with finding_and_sources(finding_id, at) as (finding, sources):
        made = make_evidence(finding, sources)
    write_whole(to, made.data)
    complete = made.verdict.complete
    if json:
        answer = _answer(made.verdict, WitnessPolicy(), keys_given=False) | {
            "file": str(to),
            "leftOut": list(made.left_out),
        }
        print_json(answer | {"holds": True if complete else None})
        return
    out.print(f"written: counterfoil verify evidence {to} --key KEY", markup=False, soft_wrap=True)
    _list("proven ", made.verdict.proven)
    _list("claimed", made.verdict.claimed)
    _list("missing", made.verdict.missing)
    _list("left out", made.left_out)


def verify_evidence(
    file: FileArgument,
    *,
    key: KeysOption = None,
    policy: PolicyOption = None,
    tsa_certificate: AuthorityOption = None,
    json: JsonOption = False,
) -> None:
    """A bundle of evidence: recompute every hash, proof and signature, and say what is proven and what is only claimed."""
    keys, rules = [read_key(each) for each in key or ()], read_policy(policy)
    verdict = verify_bundle(parse_bundle(read_bytes(file)), keys, rules, read_authority(tsa_certificate))
    if json:
        print_json(_answer(verdict, rules, keys_given=bool(keys)))
    else:
        _show(verdict, rules, keys_given=bool(keys))
    raise typer.Exit(HOLDS if verdict.complete else INPUT)


def read_key(text: str) -> StatementKey:
    """A key as a person names it: a file that holds it, or a verifier key itself."""
    path = Path(text)
    return StatementKey.parse(text.encode() if text.count("+") > 1 and not path.exists() else read_bytes(path))


def _answer(verdict: Verdict, policy: WitnessPolicy, *, keys_given: bool) -> dict[str, Any]:
    held = verdict.held
    return {
        "holds": True if verdict.complete else None,
        "format": FORMAT,
        "findingId": verdict.finding.finding_id,
        "ruleId": str(verdict.finding.rule_id),
        "keyGiven": keys_given,
        "quorum": policy.quorum,
        "blocks": [_block_json(each) for each in held.items],
        "revisions": [
            {"blockAddress": _address_json(item), "documentId": metadata.document_id, "version": metadata.version}
            | {"hash": each.hash.to_base64(), "kind": str(each.kind)}
            for item in held.items
            for each in item.revisions.values()
            if (metadata := each.metadata) is not None
        ],
        "statements": [
            _statement_json(each, policy, stamp, trusted=trusted if keys_given else None)
            for each, trusted, stamp in zip(held.statements, verdict.trusted, verdict.stamps, strict=True)
        ],
        "proven": list(verdict.proven),
        "claimed": list(verdict.claimed),
        "missing": list(verdict.missing),
    }


def _block_json(item: HeldItem) -> dict[str, Any]:
    block = item.block
    return {
        "blockAddress": _address_json(item),
        "blockHash": item.entry.block_hash.to_base64(),
        "blockTimestamp": None if block is None else str(block.timestamp),
        "transactionId": None if block is None else block.transaction_id,
        "headerBound": None if block is None else block.header_bound,
        "provenBy": list(item.proven_by),
    }


def _address_json(item: HeldItem) -> dict[str, Any]:
    return {"strandId": item.entry.strand_id, "sequenceNo": item.entry.sequence_no}


def _statement_json(
    statement: Statement, policy: WitnessPolicy, stamp: Timestamp | None, *, trusted: bool | None
) -> dict[str, Any]:
    """``signedByGivenKey`` of ``None``: no key was given to compare with; ``stampedAt`` and its accuracy: no stamp was checked."""
    common = {"publicKey": statement.key.fingerprint, "signedByGivenKey": trusted}
    if isinstance(statement, LogStatement):
        head = statement.checkpoint.head
        origin = statement.checkpoint.checkpoint.origin
        return {
            "kind": "checkpoint",
            **common,
            "origin": origin,
            "size": head.size,
            "root": head.root.to_base64(),
            "witnesses": sorted(policy.signers(statement.checkpoint.held)),
            "quorumReached": policy.satisfied(statement.checkpoint.held),
            "stampedAt": None if stamp is None else stamp.at.isoformat(),
            "stampAccuracySeconds": None if stamp is None else stamp.accuracy_seconds,
        }
    snapshot = statement.snapshot
    anchored = {} if snapshot.anchor is None else {"trustAnchor": describe_trust_anchor(snapshot.anchor)}
    return anchored | {
        "kind": "snapshot",
        **common,
        "tipAddress": {"strandId": snapshot.tip_address.strand_id, "sequenceNo": snapshot.tip_address.sequence_no},
        "digest": None if snapshot.digest is None else snapshot.digest.to_base64(),
        "takenAt": snapshot.taken_at.isoformat(),
        "status": snapshot.status,
    }


def _show(verdict: Verdict, policy: WitnessPolicy, *, keys_given: bool) -> None:
    signatures = "the key's signature" + (
        "" if policy.quorum == NOBODY else f" and the quorum {policy.quorum} of witnesses"
    )
    if not verdict.complete:
        out.print("[bold yellow]not proven[/]: nothing contradicts, but not all is there", highlight=False)
    elif keys_given:
        said = f"[bold green]holds[/]: all that the finding rests on is under {signatures}"
        out.print(said, highlight=False, soft_wrap=True)
    else:
        signers = ", ".join(sorted({each.key.fingerprint for each in verdict.held.statements}))
        out.print("[bold green]agrees with itself[/]; no key was given: compare whose it is", highlight=False)
        out.print(f"  signed by  {signers or 'nobody'}", markup=False, highlight=False, soft_wrap=True)
    out.print(printable(f"  finding    {verdict.finding.finding_id}"), markup=False, highlight=False, soft_wrap=True)
    out.print(printable(f"  says       {verdict.finding.reason}"), markup=False, highlight=False, soft_wrap=True)
    _list("proven ", verdict.proven)
    _list("claimed", verdict.claimed)
    _list("missing", verdict.missing)


def _list(what: str, sentences: tuple[str, ...]) -> None:
    for each in sentences:
        out.print(printable(f"  {what}    {each}"), markup=False, highlight=False, soft_wrap=True)
