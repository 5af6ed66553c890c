"""A block in JSON is given back the types that its places have; what is not such a block is refused."""

import json

import pytest

from counterfoil.errors import InputError
from counterfoil.journal import json_block, verify_block
from counterfoil.journal.export_format import OutputFormat
from counterfoil.journal.json_block import lines_of, parse_json_block
from counterfoil.journal.rendering import render_block
from tests.journals import transfers

LINE = render_block(transfers(2).blocks[1].block_binary(), OutputFormat.JSON).decode()


def changed(**fields):
    return json.dumps(json.loads(LINE) | fields)


def test_a_block_is_one_line_of_plain_json():
    document = json.loads(LINE)
    assert LINE.count("\n") == 1
    assert document["blockTimestamp"] == "2025-03-01T09:30:01.000Z"
    assert len(document["blockHash"]) == 44
    assert '"amount":12.50' in LINE


def test_every_hash_of_it_is_computed():
    block = parse_json_block(LINE)
    assert block.data_unchecked == 0
    assert verify_block(block.block).header_bound


@pytest.mark.parametrize(
    "line",
    [
        "", "[]", "1", "null", "{}", '{"a":', "{'a':1}", LINE + "x", LINE.replace("blockHash", "Hash"), changed(blockHash="###"),
        changed(blockHash=1), changed(blockHash="YQ=="), changed(blockTimestamp="yesterday"), changed(blockTimestamp=12),
        changed(blockTimestamp="2025-13-01T09:30:01.000Z"), changed(blockTimestamp="2025-03-01T09:30:01.000+02:00"),
        changed(entriesHashList="x"), changed(entriesHashList=[None]), changed(transactionInfo=[]), changed(revisions={"a": 1}),
        changed(revisions=[1]), changed(revisions=[{"hash": None}]), changed(transactionInfo={"statements": [1]}), "[" * 10_000,
        '{"a":NaN}', '{"a":1,"a":1}', '{"a":"\\ud800"}',
    ],
)  # fmt: skip
def test_what_is_no_block_is_refused(line):
    with pytest.raises(InputError):
        parse_json_block(line)


@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_lines_come_out_wherever_the_pieces_end(size):
    data = "größe\r\n\n  \nb\nc".encode()
    assert list(lines_of(data[at : at + size] for at in range(0, len(data), size))) == ["größe", "b", "c"]


def test_lines_are_bounded_and_must_be_utf_8(monkeypatch):
    monkeypatch.setattr(json_block, "MAX_SIZE_BYTES", 10)
    with pytest.raises(InputError, match="a line of more"):
        list(lines_of([b"x" * 6, b"x" * 6]))
    with pytest.raises(InputError, match="UTF-8"):
        list(lines_of([b"\xff\n"]))
