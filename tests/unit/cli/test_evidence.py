"""``counterfoil evidence`` and ``verify evidence`` on a folder of ledgers with a log: what they write, say and refuse."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jsonschema import validate

import counterfoil
from counterfoil.adapters.note_keys import PrivateKey
from counterfoil.cli.evidence_sources import FileSnapshots, Places, finding_and_sources
from counterfoil.cli.places import opened_ledger
from counterfoil.cli.report.sources import evidence_of_ledger
from counterfoil.cli.served_journal import ServedJournal
from counterfoil.errors import InputError
from counterfoil.ion import read_single, render_text
from counterfoil.journal import BlockAddress, parse_block
from counterfoil.merkle import hash_of
from counterfoil.transparency.checkpoint import parse_checkpoint
from counterfoil.transparency.cosignature import cosignature, cosigned_bytes
from counterfoil.transparency.note import render_signatures
from tests.evidence_worlds import SIGNER, SNAPSHOT_PUBLIC, snapshot_of
from tests.journals import STRAND
from tests.transparency_logs import witness_key
from tests.tsa import ROOT, STRANGER, Tsa, accuracy, issued, pem, serving

TEXT, MAYBE, NUMBER = {"type": "string"}, {"type": ["string", "null"]}, {"type": "integer", "minimum": 0}


def strict(properties):
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def listed(item):
    return {"type": "array", "items": item}


ADDRESS = strict({"strandId": TEXT, "sequenceNo": NUMBER})
BLOCK = {
    "blockAddress": ADDRESS,
    "blockHash": TEXT,
    "blockTimestamp": MAYBE,
    "transactionId": MAYBE,
    "headerBound": {"type": ["boolean", "null"]},
    "provenBy": listed(NUMBER),
}
REVISION = {"blockAddress": ADDRESS, "documentId": TEXT, "version": NUMBER, "hash": TEXT, "kind": TEXT}
SIGNED = {"publicKey": TEXT, "signedByGivenKey": {"type": ["boolean", "null"]}}
WITNESSED = {
    "witnesses": listed(TEXT),
    "quorumReached": {"type": "boolean"},
    "stampedAt": MAYBE,
    "stampAccuracySeconds": MAYBE,
}
CHECKPOINT = {"kind": {"const": "checkpoint"}, **SIGNED, "origin": TEXT, "size": NUMBER, "root": TEXT, **WITNESSED}
SNAPSHOT = {
    "kind": {"const": "snapshot"}, **SIGNED, "tipAddress": ADDRESS, "digest": MAYBE, "takenAt": TEXT, "status": TEXT,
}  # fmt: skip
ANSWER = {
    "holds": {"enum": [True, None]},
    "format": {"const": "counterfoil-evidence/v1"},
    "findingId": TEXT,
    "ruleId": TEXT,
    "keyGiven": {"type": "boolean"},
    "quorum": TEXT,
    "blocks": listed(strict(BLOCK)),
    "revisions": listed(strict(REVISION)),
    "statements": listed({"anyOf": [strict(CHECKPOINT), strict(SNAPSHOT)]}),
    "proven": listed(TEXT),
    "claimed": listed(TEXT),
    "missing": listed(TEXT),
}
PAYMENT = {
    "transactionId": "T-1",
    "fromAccountId": "A-1",
    "toAccountId": "B-1",
    "currency": "EUR",
    "status": "COMPLETED",
}


@pytest.fixture
def place(run, tmp_path, monkeypatch):
    """A folder with a ledger in which a payment is found, its log and the log's keys."""
    monkeypatch.chdir(tmp_path)
    with counterfoil.open("ledgers/bank") as ledger:
        ledger.execute_statement("CREATE TABLE Transactions")
        for number in range(2):
            payment = {**PAYMENT, "transactionId": f"T-{number}", "toAccountId": f"B-{number}"}
            ledger.execute_statement("INSERT INTO Transactions ?", payment | {"amount": Decimal("60000.00")})
    assert run("checkpoints", "key", "ledger.example/bank", "--to", "log.key").status == 0
    assert run("checkpoints", "make", "bank", "--data", "ledgers", "--to", "log", "--key", "log.key").status == 0
    (tmp_path / "vkey").write_text(PrivateKey.read(tmp_path / "log.key").key.render())
    return tmp_path


@pytest.fixture
def finding_id(place):
    with opened_ledger("bank", place / "ledgers", None) as ledger:
        judged = evidence_of_ledger(ledger, datetime(2000, 1, 1, tzinfo=UTC), datetime(2900, 1, 1, tzinfo=UTC), "1")
    return next(each.finding_id for each in judged.findings if each.rule_id == "fraud.new-payee-high-value")


FROM = ("--ledger", "bank", "--data", "ledgers")


@pytest.fixture
def bundle(run, place, finding_id):
    made = run("evidence", finding_id, *FROM, "--log", "log", "--key", "vkey", "--out", "evidence.json", "--json")
    assert made.status == 0, made.err
    validate(made.document, strict({**ANSWER, "file": TEXT, "leftOut": listed(TEXT)}))
    assert made.document["holds"] is True
    return place / "evidence.json"


def verified(run, *arguments):
    answer = run("verify", "evidence", *arguments, "--json")
    validate(answer.document, strict(ANSWER))
    return answer


def test_a_finding_becomes_one_file_that_its_key_alone_proves(run, bundle, finding_id):
    vkey = (bundle.parent / "vkey").read_text()
    for key in ("vkey", vkey):
        answer = verified(run, bundle, "--key", key)
        assert (answer.status, answer.document["holds"], answer.document["findingId"]) == (0, True, finding_id)
    (statement,) = answer.document["statements"]
    assert statement["signedByGivenKey"] is True
    assert [each["blockAddress"]["sequenceNo"] for each in answer.document["blocks"]] == [2]
    assert sorted(each.name for each in bundle.parent.iterdir()) == [
        "evidence.json",
        "ledgers",
        "log",
        "log.key",
        "vkey",
    ]


def test_without_a_key_it_says_whose_signature_is_to_be_compared(run, bundle):
    answer = verified(run, bundle)
    assert (answer.status, answer.document["keyGiven"]) == (0, False)
    assert answer.document["statements"][0]["signedByGivenKey"] is None
    said = run("verify", "evidence", bundle).out
    assert "agrees with itself" in said
    assert answer.document["statements"][0]["publicKey"] in said.replace("\n", "")


def test_people_are_told_what_is_proven_and_what_is_only_claimed(run, bundle, finding_id):
    said = run("verify", "evidence", bundle, "--key", "vkey").out
    assert said.startswith("holds")
    assert finding_id in said
    assert "proven" in said
    assert "claimed    what rule fraud.new-payee-high-value makes of it" in said
    assert "proven" in run("evidence", finding_id, *FROM, "--log", "log", "--key", "vkey", "--out", "again.json").out


def test_another_key_does_not_hold(run, bundle):
    assert run("checkpoints", "key", "ledger.example/bank", "--to", "other.key").status == 0
    other = PrivateKey.read(bundle.parent / "other.key").key.render()
    refused = run("verify", "evidence", bundle, "--key", other)
    assert (refused.status, "does not hold" in refused.err) == (1, True)
    assert run("verify", "evidence", bundle, "--key", other, "--key", "vkey").status == 0


@pytest.mark.parametrize(
    ("old", "new", "status"), [("60000.00", "60000.01", 1), ('"format"', '"farmot"', 2), ("}", "", 2)]
)
def test_a_changed_or_broken_file_is_refused(run, bundle, old, new, status):
    bundle.write_text(bundle.read_text().replace(old, new, 1))
    refused = run("verify", "evidence", bundle, "--key", "vkey", "--json")
    assert (refused.status, refused.document["holds"]) == (status, False)


def test_a_block_that_no_checkpoint_covers_yet_is_bundled_and_said_to_be_unproven(run, place, finding_id):
    made = run("evidence", finding_id, *FROM, "--out", "early.json", "--json")
    assert (made.status, made.document["holds"]) == (0, None)
    assert made.document["leftOut"]
    for key in ((), ("--key", "vkey")):
        answer = verified(run, "early.json", *key)
        assert (answer.status, answer.document["holds"]) == (2, None)
        assert any("covers block" in each for each in answer.document["missing"])
    assert run("verify", "evidence", place / "early.json").out.startswith("not proven")


def test_a_policy_counts_the_witnesses_of_the_checkpoint(run, place, finding_id):
    keys = {name: witness_key(name) for name in "ab"}
    lines = [f"witness {name} {key.key.render()}" for name, key in keys.items()]
    (place / "policy").write_text("\n".join([*lines, "group both all a b", "quorum both"]))
    file = place / "log" / "checkpoint"
    text = parse_checkpoint(file.read_bytes()).note.text
    for count, (status, holds, reached) in enumerate([(2, None, False), (2, None, False), (0, True, True)]):
        if count:
            key = list(keys.values())[count - 1]
            line = cosignature(key.key, 7, key.private.sign(cosigned_bytes(text, 7)))
            file.write_bytes(file.read_bytes() + render_signatures([line]).encode())
        assert run("evidence", finding_id, *FROM, "--log", "log", "--key", "vkey", "--out", "e.json").status == 0
        answer = verified(run, "e.json", "--key", "vkey", "--policy", "policy")
        (statement,) = answer.document["statements"]
        assert (answer.status, answer.document["holds"], statement["quorumReached"]) == (status, holds, reached)
        assert (statement["witnesses"], answer.document["quorum"]) == (sorted(keys)[:count], "both")
    assert (
        "and the quorum both of witnesses"
        in run("verify", "evidence", "e.json", "--key", "vkey", "--policy", "policy").out
    )
    for content, status in ((b"\xff", 2), (b"quorum x\n", 2)):
        (place / "policy").write_bytes(content)
        assert run("verify", "evidence", "e.json", "--policy", "policy").status == status


def test_a_time_stamp_goes_with_the_evidence_and_is_checked_by_a_certificate(run, place, finding_id):
    (place / "root.pem").write_bytes(pem(ROOT))
    (place / "stranger.pem").write_bytes(pem(STRANGER))
    own = issued(begins=datetime(2020, 1, 1, tzinfo=UTC), days=36_500)
    tsa = Tsa(own, at=datetime.now(UTC).replace(microsecond=0), accuracy=accuracy(seconds=1, millis=500))
    with serving(tsa) as server:
        asked = ("--vkey", (place / "vkey").read_text(), "--tsa", server.url, "--tsa-certificate", "root.pem")
        assert run("checkpoints", "timestamp", "log", *asked).status == 0
    assert run("evidence", finding_id, *FROM, "--log", "log", "--key", "vkey", "--out", "e.json").status == 0
    answer = verified(run, "e.json", "--key", "vkey", "--tsa-certificate", "root.pem")
    assert (answer.status, answer.document["statements"][0]["stampedAt"]) == (0, tsa.at.isoformat())
    assert answer.document["statements"][0]["stampAccuracySeconds"] == "1.5"
    unchecked = verified(run, "e.json", "--key", "vkey")
    assert (unchecked.status, unchecked.document["statements"][0]["stampedAt"]) == (0, None)
    assert run("verify", "evidence", "e.json", "--key", "vkey", "--tsa-certificate", "stranger.pem").status == 1


def test_a_log_that_another_key_signed_proves_nothing(run, place, finding_id):
    (place / "key.pem").write_bytes(
        SIGNER.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    made = run("evidence", finding_id, *FROM, "--log", "log", "--key", "key.pem", "--out", "e.json", "--json")
    assert made.status == 0
    assert any("no key that is known here" in each for each in made.document["leftOut"])


def test_a_snapshot_in_a_file_proves_it_too(place, run, finding_id):
    with opened_ledger("bank", place / "ledgers", None) as ledger:
        blocks = [parse_block(read_single(each)) for each in ledger.journal.blocks(0, 3)]
    _, document = snapshot_of([each.block_hash for each in blocks], strand_id=blocks[0].address.strand_id)
    (place / "snapshot.json").write_bytes(document)
    (place / "key.der").write_bytes(SNAPSHOT_PUBLIC.der)
    arguments = ("--snapshot", "snapshot.json", "--key", "key.der")
    made = run("evidence", finding_id, *FROM, *arguments, "--out", "e.json", "--json")
    assert (made.status, made.document["holds"]) == (0, True), made.document
    answer = verified(run, "e.json", "--key", "key.der")
    assert [each["kind"] for each in answer.document["statements"]] == ["snapshot"]


@pytest.mark.parametrize(
    "arguments", [("fraud.x@A#1", *FROM), ("fraud.x@A#1",), ("fraud.x@A#1", *FROM, "--key", "rubbish")]
)
def test_what_is_not_there_is_bad_input_and_nothing_is_written(run, place, monkeypatch, arguments):
    monkeypatch.delenv("COUNTERFOIL_STACK", raising=False)
    assert run("evidence", *arguments, "--out", "nothing.json").status == 2
    assert not (place / "nothing.json").exists()


def test_a_ledger_is_asked_for_its_own_blocks_alone(place, finding_id):
    at = Places("", "", "bank", place / "ledgers", None, None, (), ())
    with finding_and_sources(finding_id, at) as (finding, sources):
        strand_id = finding.place.rpartition("#")[0]
        assert sources.block(BlockAddress(strand_id, 2)) is not None
        assert sources.block(BlockAddress(strand_id, 3)) is None
        with pytest.raises(InputError, match="the finding is of strand"):
            sources.block(BlockAddress(STRAND, 0))


def test_a_server_proves_a_block_to_a_digest(place):
    with opened_ledger("bank", place / "ledgers", None) as ledger:
        address, tip = BlockAddress(ledger.journal.strand_id, 1), BlockAddress(ledger.journal.strand_id, 2)
        path = ledger.prove(address, tip)
    asked = []

    def call(operation, parameters):
        asked.append((operation, parameters["DigestTipAddress"]["IonText"]))
        return {"Proof": {"IonText": render_text([bytes(each) for each in path])}}

    assert ServedJournal("bank", call).prove(address, tip) == path
    assert asked == [("GetBlock", f'{{strandId:"{tip.strand_id}",sequenceNo:2}}')]


def test_snapshots_in_files_have_the_names_that_follow_from_them(tmp_path):
    name, document = snapshot_of([hash_of(b"block")])
    (tmp_path / "any name").write_bytes(document)
    read = FileSnapshots.read([tmp_path / "any name"])
    assert read.names(f"snapshots/{STRAND}/") == [name]
    assert read.load(name) == document
    with pytest.raises(InputError):
        FileSnapshots.read([tmp_path / "nothing"])
