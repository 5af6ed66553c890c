"""The verifier page reads Ion, hashes it and judges receipts as the product does, whatever it is given."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import InputError
from counterfoil.ion import binary_of_text, dump_text, read_single, render_text, serialize
from counterfoil.ion.amazon_values import value_of
from counterfoil.journal.builder import Change
from counterfoil.merkle import Hash
from tests.contract.test_ledger_evidence import receipts, redact_first_version
from tests.ion_values import ion_values
from tests.journals import (
    FEW,
    OTHER_STRAND,
    STRAND,
    TABLE_ID,
    journal_of,
    journals,
    made_id,
    rehash,
    transfer,
)
from tests.ledgers import ledger_on, open_accounts, rows, verified_blocks
from tests.property.test_receipt_laws import block_receipt, ion, places, revision_receipt
from tests.property.test_text_reader_laws import LONG, READ, REFUSED
from tests.verifier_page import RefusedError, VerifierInNode, verdict_of


@pytest.fixture(scope="module")
def page():
    with VerifierInNode() as verifier:
        yield verifier


# Ion --------------------------------------------------------------------------------------------------------------------


def ours(text):
    """What the product makes of a value for its hash; ``None`` of what it refuses."""
    try:
        return serialize(read_single(binary_of_text(text))).hex()
    except InputError:
        return None


def theirs(page, text):
    try:
        return page.ask("serialize", text=text)
    except RefusedError:
        return None


@given(ion_values)
def test_a_value_of_any_type_hashes_alike(page, value):
    text = render_text(value_of(value))
    assert theirs(page, text) == ours(text) is not None


@pytest.mark.parametrize("depth", [99, 100, 101])
@FEW
@given(st.data())
def test_depth_is_bounded_alike(page, depth, data):
    kinds = data.draw(st.lists(st.sampled_from(["[]", "()", "{}"]), min_size=depth, max_size=depth))
    text = "1"
    for opening, closing in kinds:
        text = opening + ("in:" if opening == "{" else "a::" * data.draw(st.integers(0, 1))) + text + closing
    text = text.replace("a::1", "1")
    assert theirs(page, text) == ours(text)
    assert (ours(text) is None) == (depth > 100)


@pytest.mark.parametrize("text", [*READ, *REFUSED, *LONG.values()], ids=lambda text: text[:40])
def test_what_the_product_reads_is_read_alike_and_nothing_else(page, text):
    assert theirs(page, text) == ours(text)


@given(st.text(alphabet="{}[]()'\"\\:, \n\t\r/*$ab_0123456789.-+deTZxnulrfi", max_size=40))
def test_text_made_of_the_marks_of_ion_is_read_or_refused_alike(page, text):
    assert theirs(page, text) == ours(text)


MARKS = ["'", '"', "'''", "\\", "\\u", "{{", "}}", *"[](){},: \n-+_a10", "::", "//", "/*", "*/", "=="]
NAMES = ["$ion_1_0", "$1", "null.", "\x00", "\x7f", "\ud800", "\U0001f9c0", "é"]
PIECES = st.sampled_from([*(each for each in READ if len(each) < 40), *MARKS, *NAMES])


@given(st.lists(PIECES, max_size=12).map("".join))
def test_text_put_together_of_pieces_is_read_or_refused_alike(page, text):
    assert theirs(page, text) == ours(text)


NUMBERS = [
    *(
        "0d0",
        "-0d0",
        "0.",
        "-0.",
        "0.00",
        "-0.00",
        "0d5",
        "1d63",
        "1d64",
        "1d-63",
        "1d-64",
        "1d8191",
        "1d-8192",
        "1d100000",
        "127.",
        "-128.",
    ),
    *(
        "0e0",
        "-0e0",
        "1e400",
        "-1e400",
        "5e-324",
        "1e-400",
        "0.1e0",
        "-0x0",
        "0x0000",
        "-0B0",
        "1" * 2_467,
        "-" + "1" * 2_467,
    ),
    *(
        "9" * 2_466,
        "0x" + "f" * 2_048,
        "0x1" + "0" * 2_048,
        "1." + "0" * 2_465,
        "1." + "9" * 2_465,
        "1d0000000001",
        "1d00000000001",
    ),
    *("1" * 9_000 + "e0", "0b" + "1" * 8_192, "0b1" + "0" * 8_192, "1.5d+2", "1__0", "1_.0", "1._0", "1.0_", "1e1_0"),
]
TIMES = [
    "0001T", "0000T", "9999-12-31", "0001-01-01T00:00+00:01", "0001-01-01T00:00-00:01", "9999-12-31T23:59-00:01",
    "9999-12-31T23:59+00:01", "2000-02-29", "1900-02-29", "2024-00-01", "2024-01-00", "2024-01-01T23:59:59.000Z",
    "2024-01-01T00:00:00.0+00:00", "2024-01-01T00:00:00-00:00", "2024-01-01T00:00+23:59", "2024-01-01T00:00-23:59",
    "2024-01-01T00:00+24:00", "2024-01-01T00:60Z", "2024-01-01T00:00:00.", "2024-01-01T00:00:00.Z",
    "2024-01-01T00:00:00.123456789012345678Z", "2024-01-01T00:00:00.1234567890123456789Z",
    "2024-01-01T00:00:00.000000000000000000Z", "2024-01-01T00:00:00.128Z", "2024T1", "2024-01-01Ta", "2024-01T01",
]  # fmt: skip


@pytest.mark.parametrize("text", [*NUMBERS, *TIMES], ids=lambda text: text[:40])
def test_numbers_and_times_at_their_bounds_are_read_alike(page, text):
    assert theirs(page, text) == ours(text)
    assert theirs(page, f"({text} {text})") == ours(f"({text} {text})")


@pytest.mark.parametrize("octet", range(256))
def test_every_octet_is_escaped_alike(page, octet):
    for text in (
        f'{{{{"a\\x{octet:02x}"}}}}',
        f'"a\\x{octet:02x}"',
        f"'\\x{octet:02x}'",
        f'"{chr(octet)}"',
        f"'''{chr(octet)}'''",
        f'"\\{chr(octet)}"',
    ):
        assert theirs(page, text) == ours(text), text


@pytest.mark.parametrize(
    "unit",
    [
        '"',
        "'",
        "'''",
        "\\",
        '"\\',
        "/*",
        "//",
        "{{",
        "{{'''",
        "''",
        "'\\",
        "a::",
        "1_",
        "$",
        "-",
        "(+",
        "(/*",
        "[",
        "1 ",
        "1",
    ],
)
def test_open_text_costs_no_more_than_its_length(page, unit):
    """A search that began again at each character would take hours; this ends, with a value or with a refusal."""
    text = unit * (1_500_000 // len(unit))
    assert (
        page.ask("verify", text=json.dumps({"Proof": text, "Digest": "A" * 43 + "=", "DigestTipAddress": text}))[
            "outcome"
        ]
        == "cannot be read"
    )
    theirs(page, text)


def test_more_values_or_symbols_than_a_ledger_writes_are_refused(page):
    assert theirs(page, "[" + "1," * 1_499_999 + "]") is not None
    assert theirs(page, "[" + "1," * 1_500_000 + "]") is None
    assert theirs(page, "[" + ",".join(f"s{number}" for number in range(65_526)) + "]") is not None
    assert theirs(page, "[" + ",".join(f"s{number}" for number in range(65_527)) + "]") is None


# Receipts ---------------------------------------------------------------------------------------------------------------


def bare(receipt, kind, leaf, address):
    """A receipt without its contents."""
    kept = {name: value for name, value in receipt.items() if name not in {"Block", "Revision"}}
    return kept | {
        kind: Hash(leaf).to_base64(),
        "BlockAddress": ion(f'{{strandId:"{address.strand_id}",sequenceNo:{address.sequence_no}}}'),
    }


@st.composite
def honest(draw):
    """Any receipt of a drawn journal: of a block, of a revision, or of a bare hash."""
    journal = draw(journals(min_changes=1))
    tip = draw(st.integers(0, len(journal.blocks) - 1))
    index = draw(st.integers(0, tip))
    block = journal.blocks[index]
    receipts = [block_receipt(journal, index, tip)]
    receipts.append(bare(receipts[0], "BlockHash", block.block_hash, block.address))
    for where, place in places(journal):
        if where <= tip:
            receipts.append(revision_receipt(journal, where, place, tip))
            leaf = journal.blocks[where].revisions[place]["hash"]
            receipts.append(bare(receipts[-1], "RevisionHash", leaf, journal.blocks[where].address))
    return draw(st.sampled_from(receipts))


def agreed(page, document):
    text = json.dumps(document)
    outcome, details = verdict_of(text)
    found, told = page.verdict(text)
    assert found == outcome
    labels = [value for name, value in document.items() if name.lower() in {"documentid", "revisionhash", "blockhash"}]
    if all(isinstance(label, str) for label in labels):  # what is no text is shown in another way
        assert told == details
    return outcome


@given(honest())
def test_an_honest_receipt_holds_on_the_page_too(page, receipt):
    assert agreed(page, receipt) == "holds"


def cut(text, start, length, put):
    return text[:start] + put + text[start + length :]


@st.composite
def altered(draw):
    """A receipt of which something was changed: characters of its Ion, its fields, what it says beside its leaf."""
    receipt = draw(honest())
    for _ in range(draw(st.integers(1, 3))):
        name = draw(
            st.sampled_from(
                [
                    *receipt,
                    "DocumentId",
                    "BlockAddress",
                    "RevisionHash",
                    "BlockHash",
                    "LedgerDigest",
                    "Block",
                    "Revision",
                ]
            )
        )
        value = receipt.get(name)
        text = value["IonText"] if isinstance(value, dict) and "IonText" in value else value
        if isinstance(text, str) and draw(st.booleans()):
            start = draw(st.integers(0, len(text)))
            put = draw(
                st.sampled_from(
                    [
                        "",
                        "0",
                        "1",
                        "A",
                        "=",
                        " ",
                        ",",
                        '"',
                        "{",
                        "}",
                        "null",
                        "a::",
                        "x:1,",
                        "-",
                        "/",
                        text[start : start + 40],
                    ]
                )
            )
            receipt[name] = ion(cut(text, start, draw(st.integers(0, 3)), put))
        else:
            made = [
                None,
                5,
                [],
                {},
                True,
                "",
                "A" * 43 + "=",
                "A" * 43 + "B",
                ion("[]"),
                ion(f'{{strandId:"{OTHER_STRAND}",sequenceNo:0}}'),
            ]
            receipt[name] = draw(
                st.sampled_from([*made, ion(f'{{strandId:"{STRAND}",sequenceNo:1}}'), *receipt.values()])
            )
    for name in draw(st.lists(st.sampled_from(list(receipt)), max_size=1)):
        receipt[name[:1].lower() + name[1:]] = receipt.pop(name)
    for name in draw(st.lists(st.sampled_from(list(receipt)), max_size=1)):
        if draw(st.booleans()):
            del receipt[name]
    return receipt


@given(altered())
def test_an_altered_receipt_is_judged_alike(page, receipt):
    agreed(page, receipt)


@st.composite
def tampered(draw):
    """A receipt that still reads as one: one letter or digit of it is another, or its proof has lost, doubled or swapped a hash."""
    receipt = draw(honest())
    name = draw(st.sampled_from([name for name in receipt if name != "Digest"]))
    text = receipt[name]["IonText"] if isinstance(receipt[name], dict) else receipt[name]
    hashes = text.strip("[]").split(",")
    if name == "Proof" and len(hashes) > 1 and draw(st.booleans()):
        place = draw(st.integers(0, len(hashes) - 2))
        pair = hashes[place : place + 2]
        hashes[place : place + 2] = draw(st.sampled_from([pair[:1], pair[:1] + pair, pair[::-1]]))
        text = f"[{','.join(hashes)}]"
    else:
        places = [index for index, each in enumerate(text) if each.isascii() and each.isalnum()] or [0]
        index = draw(st.sampled_from(places))
        put = (
            "0123456789"
            if text[index : index + 1].isdigit()
            else "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
        )
        text = cut(text, index, 1, draw(st.sampled_from(put)))
    return receipt | {name: ion(text) if isinstance(receipt[name], dict) else text}


@given(tampered())
def test_a_receipt_of_which_one_character_or_hash_is_another_is_judged_alike(page, receipt):
    agreed(page, receipt)


@st.composite
def forged_blocks(draw, journal):
    """A block's place, the last one's, and its fields as a forger who hashes anew, or forgot to, would leave them."""
    tip = len(journal.blocks) - 1
    index = draw(st.integers(0, tip))
    forged = journal.fields[index]
    part = draw(
        st.sampled_from(
            ["transactionId", "revisions", "transactionInfo", "redactionInfo", "sequenceNo", "documents", "one", "hash"]
        )
    )
    if part == "sequenceNo":
        forged["blockAddress"]["sequenceNo"] += 1
    elif part == "transactionId":
        forged["transactionId"] = made_id("other", 1)
    elif part == "documents":
        forged["transactionInfo"].get("documents", {}).clear()
    elif part == "one":
        del forged["revisions"][0]
    elif part == "hash":
        forged["revisions"][0] = {"hash": bytes(32)}
    elif part == "revisions":
        forged["revisions"] = []
    else:
        forged.pop(part, None)
    if "transactionInfo" in forged and draw(st.booleans()):
        forged = rehash(forged, bind_header=draw(st.booleans()))
    return index, tip, forged


@FEW
@given(journals(min_size=2, min_changes=1), st.data())
def test_blocks_of_a_forger_who_rehashes_are_judged_alike(page, journal, data):
    index, tip, forged = data.draw(forged_blocks(journal))
    agreed(page, block_receipt(journal, index, tip) | {"Block": ion(dump_text(forged))})


@given(ion_values)
def test_a_document_of_any_types_is_proved_alike(page, value):
    made = transfer(0)
    changes = (
        Change(made_id("doc", 0), 0, "Transactions", TABLE_ID, {"value": value_of(value), "nan": [value_of(value)]}),
    )
    journal = journal_of([replace(made, changes=changes)])
    assert agreed(page, revision_receipt(journal, 0, 0, 0)) == "holds"
    assert agreed(page, block_receipt(journal, 0, 0)) == "holds"


def test_every_receipt_of_a_ledger_that_updates_deletes_and_redacts_holds_on_the_page_too(page, tmp_path):
    with ledger_on("sqlite", tmp_path) as ledger:
        open_accounts(ledger)
        rows(ledger, "UPDATE Accounts AS a SET a.balance = 7.77 WHERE a.accountId = 'A'")
        redact_first_version(ledger)
        rows(ledger, "DELETE FROM Accounts AS a WHERE a.accountId = 'A'")
        blocks = verified_blocks(ledger)
        tip = ledger.digest().tip_address.sequence_no
        given = [each for block in blocks for each in receipts(ledger, block, tip, ledger.digest().hash)]
    assert [agreed(page, receipt) for receipt in given] == ["holds"] * len(given)
    assert len(given) > len(blocks) > 4
