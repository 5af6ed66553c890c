"""JSON is taken wherever Ion is, and nothing is lost that either can say."""

from decimal import Decimal

import pytest

from counterfoil.cli.documents import read_documents, read_value
from counterfoil.errors import InputError
from counterfoil.ion.codec import encode
from counterfoil.ion.values import IonSymbol, IonTimestamp


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"ACC-001"', "ACC-001"),
        ("10.00", Decimal("10.00")),
        ("12", 12),
        ("null", None),
        ('{"a": [1, true, "\\ud83d\\ude00"]}', {"a": [1, True, "\U0001f600"]}),
        ("{a: 1}", {"a": 1}),
        ("'a symbol'", IonSymbol("a symbol")),
        ("2024-01-01T00:00:00Z", IonTimestamp((2024, 1, 1, 0, 0, 0), None, 0)),
        ("{{aGk=}}", b"hi"),
    ],
)
def test_a_value_is_read_as_json_or_as_ion(text, value):
    read = read_value(text)
    assert read == value
    assert type(read) is type(value)
    assert str(read) == str(value)


@pytest.mark.parametrize("text", ["ACC-001", "", "1 2", "{", '{"a": 1, "a": 2'])
def test_what_is_neither_says_what_was_wrong_with_both(text):
    with pytest.raises(InputError, match=r"neither JSON .* nor Ion .* needs quotes"):
        read_value(text)


DOCUMENTS = [{"id": 1, "amount": Decimal("1.50")}, {"id": 2, "amount": Decimal("2.00")}]


@pytest.mark.parametrize(
    ("name", "contents"),
    [
        ("a.json", b'[{"id": 1, "amount": 1.50}, {"id": 2, "amount": 2.00}]'),
        ("a.jsonl", b'{"id": 1, "amount": 1.50}\n\n{"id": 2, "amount": 2.00}\n'),
        ("a.NDJSON", b'{"id": 1, "amount": 1.50}\n{"id": 2, "amount": 2.00}'),
        ("a.ion", b"{id: 1, amount: 1.50} {id: 2, amount: 2.00}"),
        ("list.ion", b"[{id: 1, amount: 1.50}, {id: 2, amount: 2.00}]"),
        ("binary.ion", encode(DOCUMENTS)),
        ("a.10n", encode(DOCUMENTS)),
    ],
)
def test_documents_are_read_by_the_ending_of_the_name(write, name, contents):
    read = read_documents(write(contents, name))
    assert read == DOCUMENTS
    assert [str(each["amount"]) for each in read] == ["1.50", "2.00"]


def test_one_document_need_be_no_list(write):
    assert read_documents(write(b'{"id": 1}', "a.json")) == [{"id": 1}]


@pytest.mark.parametrize(
    ("name", "contents", "said"),
    [
        ("a.csv", b"id", "ending"),
        ("a.json", b"[1]", "value 1 is no struct"),
        ("a.jsonl", b'{"id": 1}\n{\n', "line 2"),
        ("a.json", b"\xff", "utf-8"),
        ("a.ion", b"{a: ", "cannot be read"),
        ("a.10n", b"\xe0\x01\x00\xea\xde", "not valid binary Ion"),
    ],
)
def test_what_is_no_document_is_refused_with_its_place(write, name, contents, said):
    with pytest.raises(InputError, match=said):
        read_documents(write(contents, name))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.json cannot be read"):
        read_documents(tmp_path / "gone.json")
