"""Competent forgers of evidence: every hash of theirs is right, and something is not theirs to make."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from counterfoil.detection.evidence.bundle import (
    Bundle,
    StatementKind,
    UnverifiedStatement,
    parse_bundle,
    render_bundle,
)
from counterfoil.detection.evidence.verification import verify_bundle
from counterfoil.detection.snapshot import parse_document, render_document
from counterfoil.errors import ContentsMismatchError, InputError, IntegrityError
from counterfoil.ion import dump_text, load_text, render_text
from counterfoil.journal.builder import revision_hash
from counterfoil.journal.stored import block_fields
from tests.audit_worlds import NOW
from tests.evidence_worlds import (
    LOG_PUBLIC,
    SNAPSHOT_PUBLIC,
    LocalSigner,
    fraud_world,
    log_of,
    p256_key,
    public_of,
    snapshot_of,
)
from tests.transparency_logs import ORIGIN, private_key


@pytest.fixture(scope="module")
def honest():
    """A bundle of one payment, and one of several."""
    one, several = fraud_world(), fraud_world(8, "fraud.round-amounts")
    return parse_bundle(one[1].make(one[0]).data), parse_bundle(several[1].make(several[0]).data)


def with_statement(bundle, number, **changes):
    statements = list(bundle.statements)
    statements[number] = statements[number]._replace(**changes)
    return replace(bundle, statements=tuple(statements))


@pytest.mark.parametrize(
    "changes", [{"status": "VERIFIED again"}, {"taken_at": NOW + timedelta(seconds=1)}, {"block_timestamp": "never"}]
)
def test_a_snapshot_that_says_something_else_needs_another_signature(honest, changes):
    text = honest[0].statements[1].text
    snapshot, signature = parse_document(text.encode())
    changed = render_document(replace(snapshot, **changes), signature).decode()
    with pytest.raises(IntegrityError, match="signature does not hold"):
        verify_bundle(with_statement(honest[0], 1, text=changed))


def test_a_snapshot_signed_by_another_key_needs_that_key_named_and_then_counts_for_nobody(honest):
    other = LocalSigner(p256_key(7))
    _, document = snapshot_of(fraud_world()[1].builder.block_hashes, other)
    with pytest.raises(IntegrityError):
        verify_bundle(with_statement(honest[0], 1, text=document.decode()))
    renamed = with_statement(honest[0], 1, text=document.decode(), key=public_of(other.key))
    assert verify_bundle(renamed).complete
    with pytest.raises(IntegrityError, match="nothing in the bundle is signed"):
        verify_bundle(renamed, [SNAPSHOT_PUBLIC])


def test_a_checkpoint_signed_under_the_logs_name_by_another_key_is_not_the_logs(honest):
    other = private_key(ORIGIN, salt="other")
    text = log_of(fraud_world()[1].builder.block_hashes, other).files["checkpoint"].decode()
    with pytest.raises(IntegrityError):
        verify_bundle(with_statement(honest[0], 0, text=text))


def test_a_statement_of_an_unknown_key_covers_nothing_where_a_known_one_does_not(honest):
    """The log's key covers every block, the snapshot's all but one: with the latter's alone that one is not proven."""
    items = list(honest[1].items)
    items[0] = replace(items[0], proofs=items[0].proofs[:1])
    bundle = replace(honest[1], items=tuple(items))
    assert verify_bundle(bundle, [LOG_PUBLIC]).complete
    assert verify_bundle(bundle, [LOG_PUBLIC, SNAPSHOT_PUBLIC]).complete
    verdict = verify_bundle(bundle, [SNAPSHOT_PUBLIC])
    assert [each for each in verdict.missing if "covers block" in each] == list(verdict.missing) != []


def test_a_revision_made_up_for_a_true_block_is_not_in_its_list(honest):
    """Hash, address and transaction are right, and the finding names it: the block still does not list it."""
    made_up = dict(load_text(honest[0].items[0].revisions[0]))
    made_up["data"] = {**made_up["data"], "amount": Decimal("1.00")}
    made_up["hash"] = bytes(revision_hash(made_up["metadata"], made_up["data"]))
    item = replace(honest[0].items[0], revisions=(dump_text(made_up),))
    hex_hash = made_up["hash"].hex()
    evidence = {
        **honest[0].finding.evidence,
        "revision_hash": hex_hash,
        "revision_hashes": json.dumps([hex_hash]),
        "amount": "1.00",
        "amounts": '["1.00"]',
    }
    finding = replace(honest[0].finding, evidence=evidence)
    with pytest.raises(ContentsMismatchError, match="lists no revision"):
        verify_bundle(replace(honest[0], finding=finding, items=(item,)))


def test_a_finding_that_names_a_revision_of_nowhere_is_refused_without_it_too(honest):
    evidence = {**honest[0].finding.evidence, "revision_hash": "ab" * 32}
    with pytest.raises(ContentsMismatchError, match="lists no revision"):
        verify_bundle(replace(honest[0], finding=replace(honest[0].finding, evidence=evidence)))


def test_a_whole_block_in_the_place_of_its_summary_is_refused(honest):
    whole = render_text(block_fields(fraud_world()[1].stored[3]))
    with pytest.raises(InputError, match="stands whole"):
        verify_bundle(replace(honest[0], items=(replace(honest[0].items[0], block=whole),)))


def test_a_checkpoint_is_no_snapshot_and_a_snapshot_no_checkpoint(honest):
    for number, kind in ((0, StatementKind.SNAPSHOT), (1, StatementKind.CHECKPOINT)):
        with pytest.raises(InputError):
            verify_bundle(with_statement(honest[0], number, kind=kind))


def test_statements_and_blocks_that_stand_twice_are_refused(honest):
    bundle = honest[0]
    for changed in (
        replace(bundle, statements=(*bundle.statements, bundle.statements[0])),
        replace(bundle, items=bundle.items * 2),
        replace(bundle, items=(replace(bundle.items[0], revisions=bundle.items[0].revisions * 2),)),
        replace(bundle, items=(replace(bundle.items[0], proofs=bundle.items[0].proofs * 2),)),
    ):
        with pytest.raises(InputError):
            verify_bundle(parse_bundle(render_bundle(changed)))


def test_a_statement_that_proves_nothing_here_is_refused(honest):
    _, document = snapshot_of(fraud_world()[1].builder.block_hashes[:2])
    surplus = UnverifiedStatement(StatementKind.SNAPSHOT, SNAPSHOT_PUBLIC, document.decode())
    bundle = replace(honest[0], statements=(*honest[0].statements, surplus))
    assert isinstance(bundle, Bundle)
    with pytest.raises(InputError, match="no block is proven by"):
        verify_bundle(bundle)
