"""``counterfoil erase`` on a folder of ledgers that nobody serves: the certificate, what is left, and what proofs and exports say."""

import json

import pytest
from jsonschema import validate

TEXT = {"type": "string", "minLength": 1}
ID = {"type": "string", "minLength": 22, "maxLength": 22}
CERTIFIED = {
    "type": "object",
    "properties": {
        "holds": {"const": True},
        "ledger": TEXT,
        "certificateId": ID,
        "blockAddress": {
            "type": "object",
            "properties": {"strandId": ID, "sequenceNo": {"type": "integer"}},
            "required": ["strandId", "sequenceNo"],
        },
        "tableId": ID,
        "tableName": TEXT,
        "documentId": ID,
        "keyId": ID,
        "destroyedAt": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"},
        "by": TEXT,
        "reason": TEXT,
        "remains": TEXT,
    },
    "additionalProperties": False,
}
CERTIFIED["required"] = list(CERTIFIED["properties"])
BY = ("--author", "Ada", "--reason", "asked for by the person")
TABLE = "CREATE TABLE People WITH (aws_tags = `{'counterfoil:sealed': 'name'}`)"
PERSON = json.dumps({"name": "Margarethe Blumenthal", "country": "NL"})


@pytest.fixture
def where(run, tmp_path):
    """Where the ledger ``bank`` is, as options."""
    data = tmp_path / "ledgers"
    assert run("ledger", "create", "bank", "--data", data).status == 0
    return "--data", data, "--seals", tmp_path / "seals"


@pytest.fixture
def shell(run, where):
    def execute(text, *parameters):
        given = [word for each in parameters for word in ("-p", each)]
        answer = run("shell", "bank", *where, "-c", text, *given, "--json")
        assert answer.status == 0, answer.err
        return answer.document["statements"][0]["rows"]

    return execute


@pytest.fixture
def person(shell):
    shell(TABLE)
    return shell("INSERT INTO People ?", PERSON)[0]["documentId"]


def test_a_document_is_erased_and_the_certificate_is_shown_again_whoever_asks(run, where, shell, person):
    assert shell("SELECT VALUE p.name FROM People AS p") == ["Margarethe Blumenthal"]
    first = run("erase", "bank", "People", person, *BY, *where, "--json")
    assert first.status == 0, first.err
    validate(first.document, CERTIFIED)
    assert (first.document["documentId"], first.document["by"]) == (person, "Ada")
    assert shell("SELECT VALUE p.name FROM People AS p WHERE p.name IS NULL") == [None]
    again = run(
        "erase", "bank", first.document["tableId"], person, "--author", "Bob", "--reason", "-", *where, "--json"
    )
    assert again.document == first.document


def test_it_says_in_words_what_was_done_and_what_remains(run, where, shell, person):
    told = run("erase", "bank", "People", person, *BY, *where)
    assert told.status == 0, told.err
    assert f"erased: document {person} of People in bank" in told.out
    assert "certificate: document" in told.out
    assert "what remains: ciphertext without its key" in told.out


def test_an_export_and_receipts_from_before_and_after_hold(run, where, shell, person, tmp_path):
    data = where[:2]
    before = _digest(run, data, tmp_path / "before.json")
    assert run("erase", "bank", "People", person, *BY, *where).status == 0
    after = _digest(run, data, tmp_path / "after.json")
    assert before != after
    assert run("export", "bank", "--to", tmp_path / "export", *data).status == 0
    for digest in (tmp_path / "after.json",):
        checked = run("verify", "export", tmp_path / "export", "--digest", digest, "--json")
        assert checked.status == 0, checked.err
    exported = b"".join(each.read_bytes() for each in (tmp_path / "export").rglob("*") if each.is_file())
    assert b"Margarethe" not in exported
    assert b"counterfoil_sealed" in exported


def _digest(run, data, path):
    told = run("digest", "bank", *data, "--json")
    assert told.status == 0, told.err
    path.write_text(told.out)
    return told.document["Digest"]


@pytest.mark.parametrize(("table", "document", "says"), [
    ("Nothing", None, "there is no table"),
    ("People", "x" * 22, "there is no document"),
    ("counterfoil_erasures", None, "there is no table"),
])  # fmt: skip
def test_what_is_not_there_cannot_be_erased(run, where, shell, person, table, document, says):
    answer = run("erase", "bank", table, document or person, *BY, *where)
    assert answer.status == 2
    assert says in answer.err


def test_somebody_and_a_reason_are_asked_for(run, where, person):
    assert run("erase", "bank", "People", person, "--author", "Ada", *where).status == 2
    assert run("erase", "bank", "People", person, "--author", " ", "--reason", "x", *where).status == 2


def test_without_its_keys_nothing_is_erased(run, where, person):
    answer = run("erase", "bank", "People", person, *BY, *where[:2])
    assert answer.status == 2
    assert "nothing to erase" in answer.err


def test_a_server_has_its_keys_itself(run, person, tmp_path):
    answer = run(
        "erase", "bank", "People", person, *BY, "--endpoint", "http://127.0.0.1:1", "--seals", tmp_path / "seals"
    )
    assert answer.status == 2
    assert "a server has the keys" in answer.err
