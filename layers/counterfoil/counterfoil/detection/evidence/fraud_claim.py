"""A finding of a fraud rule against the revisions that it names: what of it they say, and what only the detector says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from counterfoil.detection.evidence.claim import texts_in
from counterfoil.detection.evidence.judging import Judgement
from counterfoil.detection.fraud_rules.event import instant, microseconds
from counterfoil.detection.money import parse_amount, plain
from counterfoil.errors import ContentsMismatchError, InputError
from counterfoil.journal.revision import Metadata, Revision

# What a finding on a transfer takes from the document as it stands there, and of each of several that it adds up.
_OF_TRANSFER: Final = ("transaction_id", "from_account", "to_account", "currency", "amount")
_OF_EACH: Final = ("transaction_ids", "amounts")


def judge_fraud(judgement: Judgement) -> None:
    """Hold what the finding says of its revisions against them; ``ContentsMismatchError`` where they say otherwise."""
    judgement.expect("block_address", str(judgement.place))
    judgement.said.append(f"what rule {judgement.finding.rule_id} makes of it")
    cited = [_cited(judgement, number) for number in range(len(judgement.claim.citations))]
    if "revision_hash" in judgement.finding.evidence and cited[0] is not None and cited[0].metadata is not None:
        judgement.shown.append(_metadata_fact(judgement, cited[0].metadata))
        if set(_OF_TRANSFER) <= judgement.finding.evidence.keys() and cited[0].data is not None:
            judgement.shown.append(_transfer_fact(judgement, cited[0]))
    if set(_OF_EACH) <= judgement.finding.evidence.keys():
        _check_each(judgement, [each for each in cited if each is not None])


def _cited(judgement: Judgement, number: int) -> Revision | None:
    citation = judgement.claim.citations[number]
    item = judgement.held.block(citation.address)
    return None if item is None else item.revisions.get(citation.revision_hash)


def _metadata_fact(judgement: Judgement, metadata: Metadata) -> str:
    at = instant(microseconds(metadata.tx_time.to_datetime()))
    judgement.expect("version", str(metadata.version))
    judgement.expect("tx_time", at)
    return f"the finding was seen in version {metadata.version} of document {metadata.document_id}, written at {at}"


def _transfer_fact(judgement: Judgement, revision: Revision) -> str:
    """The finding's account, parties, amount and currency stand in the document."""
    said = _said_by(revision)
    evidence = {name: judgement.evidence(name) for name in _OF_TRANSFER}
    if missing := [name for name, value in evidence.items() if value not in said]:
        raise _other(missing[0], evidence[missing[0]])
    if judgement.finding.account_id not in {evidence["from_account"], evidence["to_account"]}:
        raise _other("account", str(judgement.finding.account_id))
    return (
        f"the transfer {evidence['transaction_id']} of {evidence['amount']} {evidence['currency']} from "
        f"{evidence['from_account']} to {evidence['to_account']} is what the revision says"
    )


def _check_each(judgement: Judgement, cited: Iterable[Revision]) -> None:
    """Every transaction and amount that the finding lists stands in one of the revisions, if those with data are all there."""
    revisions = list(cited)
    if any(each.data is None for each in revisions) or len(revisions) < len(judgement.claim.citations):
        return
    said = {each.hash.hex(): _said_by(each) for each in revisions}
    of_any = set[str]().union(*said.values())
    lists = {name: texts_in(judgement.finding.evidence, name) for name in (*_OF_EACH, "revision_hashes")}
    for name in _OF_EACH:
        judgement.bound.add(name)
        # With a list of blocks the lists go together, one place for each movement.
        together = "blocks" in judgement.finding.evidence and len(lists[name]) == len(lists["revision_hashes"])
        if "blocks" in judgement.finding.evidence and not together:
            raise _other(name, f"{len(lists[name])} of {len(lists['revision_hashes'])}")
        for number, value in enumerate(lists[name]):
            if value not in (said[lists["revision_hashes"][number]] if together else of_any):
                raise _other(name, value)
    judgement.shown.append("the amounts and transactions that the finding lists are what its revisions say")


def _said_by(revision: Revision) -> set[str]:
    """The texts and amounts of a document's own fields, as findings write them."""
    found = set[str]()
    for field in {} if revision.data is None else revision.data.fields().values():
        try:
            found.add(field.as_text())
        except InputError:
            try:
                found.add(plain(parse_amount(field)))
            except InputError:
                continue  # what is neither a text nor an amount is nothing that a finding names
    return found


def written(revision: Revision) -> str:
    """A revision as a person finds it again."""
    metadata = revision.metadata
    assert metadata is not None
    return f"{revision.kind} revision {metadata.version} of document {metadata.document_id}"


def _other(name: str, value: str) -> ContentsMismatchError:
    return ContentsMismatchError(
        f"the finding says that {name} is {value[:200]}, its revision does not", found=value[:200]
    )
