"""The verifier page on what others made: the Ion Hash suite, the receipts of the real service, and files as programs write them."""

import json
from base64 import b64encode
from pathlib import Path

import pytest

from counterfoil.ion import VERSION_MARKER, read_values, text_of
from counterfoil.ion.text_reader import read_texts
from tests.verifier_page import RefusedError, VerifierInNode, verdict_of

DATA = Path(__file__).parents[2] / "lab/data"
EXAMPLE = json.loads((DATA / "aws-cli-example.json").read_text())
RECEIPT = (DATA / "aws-cli-example-receipt.json").read_text()
DIGEST = EXAMPLE["GetDigest"]


@pytest.fixture(scope="module")
def page():
    with VerifierInNode() as verifier:
        yield verifier


@pytest.fixture(scope="module")
def suite(shared_vectors):
    return (shared_vectors / "ionhash/ion_hash_tests.ion").read_text()


@pytest.mark.parametrize(("algorithm", "count"), [("identity", 158), ("md5", 5)])
def test_every_case_of_the_ion_hash_suite_that_is_text_hashes_as_amazon_says(page, suite, algorithm, count):
    cases = page.ask("suite", text=suite, algorithm=algorithm)
    assert [case for case in cases if case["found"] != case["expected"]] == []
    assert len(cases) == count


def test_every_case_that_is_binary_hashes_as_amazon_says_once_it_is_text(page, suite):
    """The page reads text alone; with the 158 of the test before these are the suite's 166."""
    cases = [fields for fields in (getattr(case, "value", case) for case in read_texts(suite)) if "10n" in fields]
    for fields in cases:
        data = bytes(fields["10n"])
        (value,) = read_values(data if data.startswith(VERSION_MARKER) else VERSION_MARKER + data)
        *_, last = (each for each in fields["expect"]["identity"] if each.annotations[0] in {"digest", "final_digest"})
        assert page.ask("serializeWithItself", text=text_of(value)) == bytes(last.value).hex()
    assert len(cases) == 8


@pytest.mark.parametrize("name", ["19of19", "19of35"])
def test_a_receipt_of_the_real_service_holds(page, shared_vectors, name):
    text = (shared_vectors / f"receipts/restapi-receipt-{name}.json").read_text()
    assert page.verdict(text) == verdict_of(text)
    assert page.verdict(text)[0] == "holds"


def test_the_receipt_of_one_tip_does_not_hold_at_the_other(page, shared_vectors):
    early, late = (
        json.loads((shared_vectors / f"receipts/restapi-receipt-19of{tip}.json").read_text()) for tip in (19, 35)
    )
    mixed = json.dumps(early | {"LedgerDigest": late["LedgerDigest"]})
    assert page.verdict(mixed) == verdict_of(mixed)
    assert page.verdict(mixed)[0] == "does not hold"


@pytest.mark.parametrize("answer", ["GetBlock", "GetRevision"])
def test_the_published_answers_hold(page, answer):
    text = json.dumps(EXAMPLE[answer] | DIGEST)
    assert page.verdict(text) == verdict_of(text)
    assert page.verdict(text)[0] == "holds"


CHANGES = [
    ("LEWISR261LL", "LEWISR262LL"),
    ("90.25", "90.250"),
    ("ValidFromDate:2017-08-21", "ValidFromDate:2017-08-21T00:00Z"),
    ("version:3", "version:4"),
    ("2019-09-16T19:37:05.344Z", "2019-09-16T19:37:05.3440Z"),
    ("2019-09-16T19:37:05.344Z", "2019-09-16T20:37:05.344+01:00"),
]


@pytest.mark.parametrize(("old", "new"), CHANGES)
@pytest.mark.parametrize("answer", ["GetBlock", "GetRevision"])
def test_any_change_of_a_value_or_of_its_precision_does_not_hold(page, answer, old, new):
    text = json.dumps(EXAMPLE[answer] | DIGEST)
    assert old in text
    assert page.verdict(text.replace(old, new)) == verdict_of(text.replace(old, new))
    assert page.verdict(text.replace(old, new))[0] == "does not hold"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_is_read_in_the_encodings_in_which_programs_write_json(page, encoding):
    assert page.ask("verifyBytes", bytes=b64encode(RECEIPT.encode(encoding)).decode())["outcome"] == "holds"


def test_a_file_that_is_no_text_or_too_large_is_refused(page):
    for data in (b"\xff\x00\x00", b"\x80", b" " * (16 * 1024 * 1024 + 1)):
        with pytest.raises(RefusedError, match=r"UTF-8|bytes that this page reads"):
            page.ask("verifyBytes", bytes=b64encode(data).decode())


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "7", '"text"', "{}", "{", "NaN", '{"Digest": 7}', '{"Revision": null}', "[" * 100_000]
)
def test_what_is_no_receipt_cannot_be_read(page, text):
    assert page.verdict(text) == ("cannot be read", None)
    assert verdict_of(text)[0] == "cannot be read"


# The digest that somebody kept ----------------------------------------------------------------------------------------------


def with_tip(sequence_no):
    return json.dumps(
        DIGEST | {"DigestTipAddress": {"IonText": f'{{strandId:"KmA3ZZca7vAIiJAK9S5Iwl",sequenceNo:{sequence_no}}}'}}
    )


@pytest.mark.parametrize(
    ("kept", "outcome"),
    [
        ("", "holds"),
        (DIGEST["Digest"], "holds"),
        (f"  {DIGEST['Digest']}\n", "holds"),
        (json.dumps(DIGEST), "holds"),
        (json.dumps({"ledgerDigest": DIGEST}), "holds"),
        ("A" * 43 + "=", "does not hold"),
        (json.dumps(DIGEST | {"Digest": "A" * 43 + "="}), "does not hold"),
        (with_tip(124), "does not hold"),
        ("A" * 42, "cannot be read"),
        ("{}", "cannot be read"),
        ("{", "cannot be read"),
    ],
)
def test_a_kept_digest_must_be_the_one_that_the_receipt_leads_to(page, kept, outcome):
    assert page.ask("verify", text=RECEIPT, kept=kept)["outcome"] == outcome


@pytest.mark.parametrize(
    ("kept", "outcome"),
    [
        (json.dumps(DIGEST), "holds"),
        (with_tip(99), "does not hold"),
        (DIGEST["Digest"], "cannot be read"),
        ("", "cannot be read"),
    ],
)
def test_a_kept_digest_with_its_tip_stands_for_one_that_the_receipt_lacks(page, kept, outcome):
    assert page.ask("verify", text=json.dumps(EXAMPLE["GetRevision"]), kept=kept)["outcome"] == outcome


def test_a_digest_by_itself_is_told_from_a_receipt(page):
    assert page.ask("isDigest", text=json.dumps(DIGEST))
    for other in (RECEIPT, json.dumps(EXAMPLE["GetBlock"]), "{}", "[]", "7", "{"):
        assert not page.ask("isDigest", text=other)
