"""Damaged and invented files of proofs: whatever they hold, the export's own verdict is the same, and nothing is taken for proved."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.damage import damaged
from tests.exports import exported, verdict_of
from tests.journals import FEW, transfers
from tests.proofs_files import NAME, path_of, proofs_bytes, shapes
from tests.property.test_receipt_laws import block_receipt, revision_receipt

JOURNAL = transfers(5)
FILES = exported(JOURNAL)
ALONE = verdict_of(FILES)
SHAPES = list(shapes(JOURNAL, 3, 4).values())
LINES = "\n".join(map(json.dumps, SHAPES)).encode()

NAMES = [
    "Proof", "proof", "PROOF", "blockProof", "revision_proof", "Revision", "revision", "Block", "RevisionHash", "block-hash",
    "hash", "BlockAddress", "address", "documentId", "Digest", "digest", "DigestTipAddress", "LedgerDigest", "IonText",
    "strandId", "sequenceNo", "x",
]  # fmt: skip
GENUINE = [block_receipt(JOURNAL, 3, 4), revision_receipt(JOURNAL, 3, 0, 4)]
PARTS = [part for each in GENUINE for part in each.values()] + [path_of(each) for each in GENUINE]
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5),
    st.sampled_from(PARTS),
)  # fmt: skip
values = st.recursive(
    leaves,
    lambda each: st.lists(each, max_size=4) | st.dictionaries(st.sampled_from(NAMES), each, max_size=6),
    max_leaves=30,
)


def judged(data):
    """The verdict with such a file beside the export; what must be so of any."""
    verdict = verdict_of(FILES | {NAME: data})
    proofs = verdict.proofs
    assert verdict.blocks_hold
    assert (verdict.digest, verdict.contents.blocks) == (ALONE.digest, ALONE.contents.blocks)
    assert proofs.checked == proofs.good + len(proofs.findings)
    assert proofs.confirmed <= proofs.good
    assert proofs.checked + proofs.not_checked > 0
    assert bool(proofs.told) is bool(proofs.not_checked)
    assert len(proofs.told) <= 20
    return verdict


@FEW
@given(damaged(st.sampled_from([*map(proofs_bytes, SHAPES), LINES])) | st.binary(max_size=100))
def test_damaged_files_have_a_verdict(data):
    judged(data)


@FEW
@given(values)
def test_invented_files_have_a_verdict(value):
    judged(proofs_bytes(value))


@given(st.sampled_from(["Block", "Revision"]), values)
def test_only_the_block_or_revision_itself_is_confirmed(name, value):
    """A made-up leaf under a good proof of the same place is never taken, whatever form it has."""
    receipt = GENUINE[name == "Revision"]
    text = value.get("IonText") if isinstance(value, dict) else value
    verdict = judged(proofs_bytes(receipt | {name: value}))
    assert verdict.proofs.confirmed == (text == receipt[name]["IonText"])


@given(st.sampled_from(GENUINE), values)
def test_only_the_proof_itself_is_confirmed(receipt, value):
    verdict = judged(proofs_bytes(receipt | {"Proof": value}))
    text = value.get("IonText", value.get("ionText")) if isinstance(value, dict) else value
    assert verdict.proofs.confirmed == (text in (receipt["Proof"]["IonText"], path_of(receipt)))


@FEW
@given(st.lists(st.sampled_from(SHAPES), max_size=6), st.lists(values, max_size=3), st.randoms(use_true_random=False))
def test_what_others_wrote_between_takes_nothing_from_good_proofs(good, others, random):
    mixed = [*good, *({"x": [each]} for each in others)]
    random.shuffle(mixed)
    alone = verdict_of(FILES | {NAME: proofs_bytes(good)}).proofs
    assert (alone.good, alone.bad) == (len(good), 0)
    assert judged(proofs_bytes(mixed)).proofs.good >= len(good)
