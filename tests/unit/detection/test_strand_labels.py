"""What a block says of its revisions beside their hashes, against what the revisions say themselves."""

import pytest

from tests.audit_worlds import StrandWorld, revisions_of, said, verified
from tests.journals import STRAND, transfers

CONTRADICTED = [("contents-mismatch", f"{STRAND}#1", "OPEN")]


@pytest.fixture(scope="module")
def block():
    return transfers(2).blocks[1]


def renamed(block, document_id):
    """The block with another document, or none, in its first summary: in a service's block no hash covers that name."""
    honest = verified(block)
    first, *others = honest.summaries
    return honest._replace(summaries=(first._replace(document_id=document_id), *others))


def outcomes_of(world, block, revisions, *, revision_first):
    steps = [lambda: world.take(revisions=revisions), lambda: world.take(block)]
    return [said(step()) for step in (steps if revision_first else reversed(steps))]


@pytest.mark.parametrize("named", ["AAAAAAAAAAAAAAAAAAAAAA", None], ids=["another document", "no document"])
@pytest.mark.parametrize("revision_first", [True, False])
def test_a_summary_that_names_another_document_or_none_contradicts_its_revision(block, named, revision_first):
    world = StrandWorld()
    found = outcomes_of(world, renamed(block, named), revisions_of(block)[:1], revision_first=revision_first)
    assert found == [[], CONTRADICTED]


@pytest.mark.parametrize("revision_first", [True, False])
def test_a_block_under_another_transaction_id_contradicts_its_revisions(block, revision_first):
    """In a service's block no hash covers its transaction id; the one in a revision's metadata is hashed."""
    world = StrandWorld()
    other = verified(block)._replace(transaction_id="AAAAAAAAAAAAAAAAAAAAAA")
    found = outcomes_of(world, other, revisions_of(block)[:1], revision_first=revision_first)
    assert found == [[], CONTRADICTED]


def test_a_block_that_does_not_say_its_tables_contradicts_no_revision_of_its_documents(block):
    world = StrandWorld()
    silent = verified(block)._replace(documents=())
    assert said(world.take(silent, revisions=revisions_of(block))) == []
    assert not world.state.awaited
