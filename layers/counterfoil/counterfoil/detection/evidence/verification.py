"""A bundle checked with nothing but itself and public keys: what it proves, what it only says, and what it lacks.

1. Every part by itself: signatures of statements by the keys that the bundle gives, hashes of blocks and revisions, proofs (``held``).
2. What is there is what the finding rests on: no block, revision, record or statement of another matter.
3. The finding against it: by its rule again where that is possible, by what its revisions say where it is not.
4. Every block is under a statement that counts: where keys are given, one that is signed by one of them; where a policy asks for
   witnesses, a checkpoint that is signed by its quorum of them.
5. What a time-stamping authority swears of a checkpoint, where there is somebody to check it.

Whatever contradicts is an ``IntegrityError``. What is merely not there, as before the first checkpoint, makes the verdict incomplete.

Source: docs/format.md, section "Evidence bundles".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from counterfoil.detection.evidence.audit_claim import judge_audit
from counterfoil.detection.evidence.bundle import Bundle
from counterfoil.detection.evidence.claim import Citation, Claim, claim_of
from counterfoil.detection.evidence.fraud_claim import judge_fraud, written
from counterfoil.detection.evidence.held import Held, HeldItem, hold
from counterfoil.detection.evidence.judging import Judgement
from counterfoil.detection.evidence.statements import LogStatement, SnapshotStatement, Statement
from counterfoil.detection.finding import Finding
from counterfoil.errors import ContentsMismatchError, InputError, IntegrityError
from counterfoil.transparency.policy import NOBODY, WitnessPolicy
from counterfoil.transparency.public_key import StatementKey
from counterfoil.transparency.timestamp import CheckTimestamp, Timestamp


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a bundle comes to, in which nothing contradicts anything.

    ``proven`` follows from hashes and signatures, ``claimed`` is the word of whoever made the finding, ``missing`` is what would have
    to be there for the finding's blocks to be proven. ``trusted`` says of each statement whether a key that was given signed it,
    ``stamps`` what its time stamp says; ``None`` where it has none that was checked.
    """

    finding: Finding
    held: Held
    proven: tuple[str, ...]
    claimed: tuple[str, ...]
    missing: tuple[str, ...]
    trusted: tuple[bool, ...]
    stamps: tuple[Timestamp | None, ...]

    @property
    def complete(self) -> bool:
        return not self.missing


def verify_bundle(
    bundle: Bundle,
    keys: Sequence[StatementKey] = (),
    policy: WitnessPolicy | None = None,
    check_timestamp: CheckTimestamp | None = None,
) -> Verdict:
    """Check a bundle; without keys, as far as it agrees with itself. ``InputError`` and ``IntegrityError`` as in the module's text.

    ``policy`` says whose cosignatures a checkpoint needs to count, nobody's where it is ``None``. Without ``check_timestamp`` time
    stamps are only said to be there.
    """
    policy = policy or WitnessPolicy()
    claim = claim_of(bundle.finding)
    held = hold(bundle, policy)
    trusted = tuple(each.key in keys for each in held.statements)
    if keys and held.statements and not any(trusted):
        raise IntegrityError(
            f"nothing in the bundle is signed by a key that was given; signed by {_signers(held.statements)}",
            expected=" ".join(each.fingerprint for each in keys),
            found=_signers(held.statements),
        )
    _check_relevance(claim, held)
    judgement = Judgement(bundle.finding, claim, held)
    for citation in claim.citations:
        _check_citation(judgement, citation)
    if str(bundle.finding.rule_id).startswith("audit."):
        judge_audit(judgement)
    else:
        judge_fraud(judgement)
    judgement.said.append(_words(judgement))
    _check_witnesses(judgement, policy)
    _check_coverage(judgement, lambda each: (not keys or each.key in keys) and _witnessed(each, policy))
    if keys and not held.statements:
        judgement.missing.append("there is nothing signed in the bundle")
    stamps = tuple(_stamp(judgement, each, check_timestamp) for each in held.statements)
    return Verdict(
        bundle.finding,
        held,
        tuple(judgement.shown),
        tuple(judgement.said),
        tuple(judgement.missing),
        trusted,
        stamps,
    )


def _witnessed(statement: Statement, policy: WitnessPolicy) -> bool:
    """Whether a statement has the signatures that the policy asks for; a snapshot has no witnesses."""
    if policy.quorum == NOBODY:
        return True
    return isinstance(statement, LogStatement) and policy.satisfied(statement.checkpoint.held)


def _check_witnesses(judgement: Judgement, policy: WitnessPolicy) -> None:
    """Who of the policy has signed which checkpoint; one without its quorum counts for nothing, and that is said."""
    for statement in judgement.held.statements if policy.quorum != NOBODY else ():
        if isinstance(statement, LogStatement):
            names = ", ".join(sorted(policy.signers(statement.checkpoint.held))) or "none of its witnesses"
            if _witnessed(statement, policy):
                judgement.shown.append(f"{statement}, is signed by {names}: the quorum {policy.quorum}")
            else:
                judgement.missing.append(f"the quorum {policy.quorum} on {statement}: signed by {names}")
            if ahead := sorted(policy.dated_ahead(statement.checkpoint.held)):
                judgement.said.append(
                    f"the signature of {', '.join(ahead)} on {statement}: dated later than now, it counts for none"
                )


def _stamp(judgement: Judgement, statement: Statement, check: CheckTimestamp | None) -> Timestamp | None:
    """What the authority says of a checkpoint's bytes, which is proof against who trusts it."""
    if not isinstance(statement, LogStatement) or statement.timestamp is None:
        return None
    if check is None:
        judgement.said.append(f"when {statement}, existed: its time stamp was not checked, for want of a certificate")
        return None
    stamp = check(statement.timestamp, statement.text.encode())
    judgement.shown.append(f"{statement}, existed at {stamp.time}, says {stamp.authority}")
    return stamp


def _signers(statements: Sequence[Statement]) -> str:
    return " ".join(sorted({each.key.fingerprint for each in statements}))


def _check_relevance(claim: Claim, held: Held) -> None:
    """Nothing is in a bundle that the finding does not rest on."""
    for item in held.items:
        if item.address not in claim.blocks:
            raise InputError(f"the finding does not rest on block {item.address}, which is in the bundle")
        cited = {each.revision_hash for each in claim.citations if each.address == item.address}
        if strangers := item.revisions.keys() - cited:
            raise InputError(f"the finding does not name revision {min(strangers)} of block {item.address}")
    if not claim.disputed and len({each.address for each in held.items}) != len(held.items):
        raise InputError("the finding is not about two blocks of one place, and the bundle has two")
    if unnamed := held.records.keys() - {claim.record, claim.record_before}:
        raise InputError(f"the finding does not name record {min(unnamed)[:200]}")
    used = {number for item in held.items for number in item.proven_by}
    if not claim.of_statements and len(used) != len(held.statements):
        raise InputError("a statement is in the bundle that no block is proven by")


def _check_citation(judgement: Judgement, citation: Citation) -> None:
    """A revision that the finding names, if it is there, is of the document that it names."""
    item = judgement.held.block(citation.address)
    revision = None if item is None else item.revisions.get(citation.revision_hash)
    if item is None or item.block is None:
        judgement.missing.append(f"block {citation.address} is not there whole")
        return
    if revision is None:
        if all(each.hash != citation.revision_hash for each in item.block.summaries):
            raise ContentsMismatchError(
                f"block {citation.address} lists no revision {citation.revision_hash}, which the finding names"
            )
        judgement.missing.append(f"revision {citation.revision_hash} is not there with block {citation.address}")
        return
    named = None if revision.metadata is None else revision.metadata.document_id
    if citation.document_id is not None and named != citation.document_id:
        raise ContentsMismatchError(
            f"revision {citation.revision_hash} is of document {named}, not of {citation.document_id[:64]}"
        )
    judgement.shown.append(
        f"block {citation.address} has the {written(revision)} that the finding names, hash {revision.hash}"
    )


# What the places and hashes of a finding's revisions are called in its evidence; claim.py reads them.
_OF_CITATIONS: Final = frozenset({"revision_hash", "revision_hashes", "document_ids", "blocks"})


def _words(judgement: Judgement) -> str:
    """What of the finding nothing in the bundle says too."""
    bound = judgement.bound | (_OF_CITATIONS if judgement.claim.citations else frozenset())
    unbound = sorted(judgement.finding.evidence.keys() - bound)
    evidence = f"; and of its evidence {', '.join(unbound)}" if unbound else ""
    return f"the finding's sentence, severity, score, status and time{evidence}"


def _check_coverage(judgement: Judgement, counts: Callable[[Statement], bool]) -> None:
    for address in () if judgement.claim.of_statements else judgement.claim.blocks:
        item = judgement.held.proven(address, counts)
        if item is None:
            judgement.missing.append(f"no signed statement that counts covers block {address} yet")
        else:
            judgement.shown.append(
                f"block {address}, hash {item.entry.block_hash}, is under {_covers(judgement, item, counts)}"
            )
            judgement.said += _not_under_hash(judgement, item)
    if judgement.claim.of_statements and not any(map(counts, judgement.held.statements)):
        judgement.missing.append("there is no signed statement that counts")
    _compare_disputed(judgement)


def _covers(judgement: Judgement, item: HeldItem, counts: Callable[[Statement], bool]) -> str:
    statements = (judgement.held.statements[number] for number in item.proven_by)
    return "; and under ".join(str(each) for each in statements if counts(each))


def _not_under_hash(judgement: Judgement, item: HeldItem) -> Iterator[str]:
    """A block of QLDB's shows neither its transaction nor its time, and under a digest alone not its number."""
    if item.block is None or item.block.header_bound:
        return
    yield f"transaction and time of block {item.address}, which no hash covers"
    if all(isinstance(judgement.held.statements[number], SnapshotStatement) for number in item.proven_by):
        yield f"the number of block {item.address}, beyond the length of its proof"


def _compare_disputed(judgement: Judgement) -> None:
    """Where the ledger's block is not the one of the log, that is shown."""
    items = judgement.held.items
    for logged in (each for each in items if each.block is None):
        whole = judgement.held.block(logged.address)
        if whole is not None and whole.entry.block_hash != logged.entry.block_hash:
            judgement.shown.append(
                f"the ledger's block {logged.address} is {whole.entry.block_hash}, and not the one that was signed, "
                f"{logged.entry.block_hash}"
            )
