"""A finding of a fraud rule against the revisions that it names: what of it they say, and what only the detector says."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from counterfoil.detection.evidence.claim import Claim
from counterfoil.detection.evidence.held import Held
from counterfoil.detection.finding import Finding
from counterfoil.detection.fraud_rules.event import instant, microseconds
from counterfoil.detection.money import parse_amount, parse_amount_text
from counterfoil.errors import ContentsMismatchError, InputError
from counterfoil.ion.reader import IonValue
from counterfoil.journal.address import BlockAddress
from counterfoil.journal.revision import Metadata, Revision

# What a finding on a transfer takes from the document as it stands there.
_OF_TRANSFER: Final = ("transaction_id", "from_account", "to_account", "currency")


def transfer_facts(finding: Finding, claim: Claim, held: Held) -> Iterator[str]:
    """A sentence for each part of the finding that its revision says too; ``ContentsMismatchError`` where it says otherwise."""
    place = claim.place
    assert place is not None
    _expect(finding, "block_address", str(place))
    item = held.block(place)
    if item is None or "revision_hash" not in finding.evidence:
        return
    revision = next(
        (each for hash_, each in item.revisions.items() if hash_.hex() == finding.evidence["revision_hash"]), None
    )
    if revision is None or revision.metadata is None:
        return
    yield _metadata_fact(finding, revision.metadata)
    if revision.data is not None and {*_OF_TRANSFER, "amount"} <= finding.evidence.keys():
        yield _transfer_fact(finding, place, revision.data)


def _metadata_fact(finding: Finding, metadata: Metadata) -> str:
    at = instant(microseconds(metadata.tx_time.to_datetime()))
    _expect(finding, "version", str(metadata.version))
    _expect(finding, "tx_time", at)
    return f"the finding was seen in version {metadata.version} of document {metadata.document_id}, written at {at}"


def _transfer_fact(finding: Finding, place: BlockAddress, data: IonValue) -> str:
    """The finding's account, parties, amount and currency stand in the document."""
    texts, amounts = set[str](), set[Decimal]()
    for field in data.fields().values():
        _read_field(field, texts, amounts)
    evidence = finding.evidence
    if missing := [name for name in _OF_TRANSFER if evidence[name] not in texts]:
        raise _other(missing[0], evidence[missing[0]], place)
    if parse_amount_text(evidence["amount"]) not in amounts:
        raise _other("amount", evidence["amount"], place)
    if finding.account_id not in {evidence["from_account"], evidence["to_account"]}:
        raise _other("account", str(finding.account_id), place)
    return (
        f"the transfer {evidence['transaction_id']} of {evidence['amount']} {evidence['currency']} from "
        f"{evidence['from_account']} to {evidence['to_account']} is what the revision says"
    )


def _read_field(field: IonValue, texts: set[str], amounts: set[Decimal]) -> None:
    try:
        texts.add(field.as_text())
    except InputError:
        try:
            amounts.add(parse_amount(field))
        except InputError:
            return  # what is neither a text nor an amount is nothing that a finding names


def written(revision: Revision) -> str:
    """A revision as a person finds it again."""
    metadata = revision.metadata
    assert metadata is not None
    return f"{revision.kind} revision {metadata.version} of document {metadata.document_id}"


def _expect(finding: Finding, name: str, expected: str) -> None:
    if finding.evidence.get(name, expected) != expected:
        raise ContentsMismatchError(
            f"the finding says that {name} is {finding.evidence[name][:200]}, what it rests on says {expected}",
            expected=expected,
            found=finding.evidence[name][:200],
        )


def _other(name: str, value: str, place: BlockAddress) -> ContentsMismatchError:
    return ContentsMismatchError(
        f"the finding says that {name} is {value[:200]}, its revision in block {place} does not"
    )
