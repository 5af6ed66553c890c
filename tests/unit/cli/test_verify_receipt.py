"""``counterfoil verify receipt``: every hash up to the digest, or what does not hold."""

import json
from pathlib import Path

import pytest
from jsonschema import validate

from counterfoil.ion import dump_text
from counterfoil.journal.builder import render_proof
from tests.journals import STRAND, journal_of, transfer

GENUINE = Path(__file__).resolve().parents[3] / "lab" / "data" / "aws-cli-example.json"
ADDRESS = {
    "type": "object",
    "properties": {"strandId": {"type": "string"}, "sequenceNo": {"type": "integer"}},
    "required": ["strandId", "sequenceNo"],
    "additionalProperties": False,
}
HASH = {"type": "string", "pattern": "^[A-Za-z0-9+/]{43}=$"}
PROPERTIES = {
    "holds": {"const": True},
    "kind": {"enum": ["block", "revision"]},
    "leaf": HASH,
    "blockAddress": ADDRESS,
    "documentId": {"type": ["string", "null"]},
    "digest": HASH,
    "digestTipAddress": ADDRESS,
    "proofLength": {"type": "integer", "minimum": 0},
    "contentsChecked": {"type": "boolean"},
    "addressBound": {"type": "boolean"},
}
SCHEMA = {"type": "object", "properties": PROPERTIES, "required": list(PROPERTIES), "additionalProperties": False}


@pytest.fixture(scope="module")
def journal():
    return journal_of(map(transfer, range(9)))


def receipt(journal, sequence_no, kind):
    """A GetBlock or GetRevision answer with the GetDigest answer that it was asked under."""
    block, digest, tip = journal.blocks[sequence_no], journal.builder.digest(), len(journal.blocks) - 1
    if kind == "block":
        answer = {"Block": {"IonText": block.block_text()}, "Proof": journal.builder.prove_block(sequence_no, tip)}
    else:
        answer = {
            "Revision": {"IonText": dump_text(block.revisions[0])},
            "Proof": journal.builder.prove_revision(block, 0, tip),
        }
    return {
        **answer,
        "Proof": {"IonText": render_proof(answer["Proof"])},
        "Digest": digest.hash.to_base64(),
        "DigestTipAddress": {"IonText": f'{{strandId:"{STRAND}",sequenceNo:{tip}}}'},
    }


@pytest.mark.parametrize("kind", ["block", "revision"])
@pytest.mark.parametrize("sequence_no", [0, 4, 8])
def test_an_honest_receipt_holds(run, write, journal, kind, sequence_no):
    path = write(receipt(journal, sequence_no, kind))
    answer = run("verify", "receipt", path, "--json")
    assert (answer.status, answer.err) == (0, "")
    validate(answer.document, SCHEMA)
    assert answer.document["kind"] == kind
    assert answer.document["blockAddress"] == {"strandId": STRAND, "sequenceNo": sequence_no}
    assert answer.document["digest"] == journal.builder.digest().hash.to_base64()
    spoken = run("verify", "receipt", path)
    assert (spoken.status, spoken.err) == (0, "")
    assert spoken.out.startswith("holds: ")
    assert answer.document["digest"] in spoken.out


@pytest.mark.parametrize("kind", ["block", "revision"])
@pytest.mark.parametrize(
    "alter",
    [
        pytest.param(lambda made: made.update(Digest="A" * 43 + "="), id="another digest"),
        pytest.param(lambda made: made.update(Proof={"IonText": render_proof([])}), id="no proof"),
        pytest.param(
            lambda made: next(iter(made.values())).update(
                IonText=next(iter(made.values()))["IonText"].replace("12.50", "12.51")
            ),
            id="another amount",
        ),
    ],
)
def test_an_altered_receipt_does_not_hold(run, write, journal, kind, alter):
    made = receipt(journal, 4, kind)
    alter(made)
    path = write(made)
    answer = run("verify", "receipt", path, "--json")
    assert answer.status == 1
    assert answer.document["holds"] is False
    assert answer.document["error"]["evidence"]
    spoken = run("verify", "receipt", path)
    assert (spoken.status, spoken.out) == (1, "")
    assert spoken.err.startswith("does not hold: ")


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        7,
        "text",
        {},
        {"Digest": 7},
        {"Revision": None},
        {"Block": {"IonText": "{{{"}, "Proof": {"IonText": "[]"}},
    ],
    ids=repr,
)
def test_a_file_that_is_no_receipt_is_bad_input(run, write, document):
    answer = run("verify", "receipt", write(document), "--json")
    assert answer.status == 2
    assert answer.document["error"]["type"] == "InputError"


@pytest.mark.parametrize("name", ["GetBlock", "GetRevision"])
def test_a_receipt_of_the_service_itself_holds(run, write, name):
    """The AWS CLI's published example, each answer beside the digest it was asked under."""
    vector = json.loads(GENUINE.read_text())
    answer = run("verify", "receipt", write(vector[name] | vector["GetDigest"]), "--json")
    assert (answer.status, answer.document["digest"]) == (0, vector["GetDigest"]["Digest"])
