"""POST /transactions: plain JSON in and out, as openapi.json says."""

import json
from pathlib import Path

import jsonschema
import pytest
from openapi_spec_validator import validate

from counterfoil.errors import CapacityError, ThrottledError
from counterfoil.ledger.limits import QLDB_LIMITS
from counterfoil.server import transactions
from tests.function_urls import JSON_HEADERS, Url, url_event
from tests.served_app import ServedApp
from tests.session_worlds import Side

ONE = "SELECT VALUE 1 FROM [0]"
DESCRIPTION = json.loads((Path(transactions.__file__).parent / "openapi.json").read_text())


def schema(name):
    """A schema of the description, to check documents with."""
    return jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{name}", **DESCRIPTION})


@pytest.fixture
def url():
    made = Url()
    made.create()
    made.transact(request("CREATE TABLE Accounts"))
    return made


def request(*statements, **more):
    """A request; each statement is a text, or a text with parameters."""
    asked = [each if isinstance(each, dict) else {"statement": each} for each in statements]
    return {"ledger": "bank", "statements": asked, **more}


def committed(url, document, **more):
    status, headers, answer = url.transact(document, **more)
    assert (status, headers["content-type"]) == (200, "application/json"), answer
    schema("Committed").validate(answer)
    return answer


def refused(url, document, **more):
    status, headers, answer = url.transact(document, **more)
    assert headers["content-type"] == "application/problem+json", answer
    assert (answer["status"], headers["x-amzn-errortype"]) == (status, answer["code"])
    schema("Problem").validate(answer)
    return answer


def with_parameters(text, *parameters):
    return {"statement": text, "parameters": list(parameters)}


def test_statements_come_back_with_their_rows_and_the_block(url):
    insert = with_parameters("INSERT INTO Accounts ?", {"accountId": "A", "balance": 10.50})
    answer = committed(url, request(insert, "SELECT a.balance FROM Accounts AS a", idempotencyKey="k"))
    assert answer["results"][1] == {"rows": [{"balance": 10.5}]}
    assert answer["results"][0]["rows"][0].keys() == {"documentId"}
    assert answer["blockAddress"]["sequenceNo"] == 1
    assert (answer["repeated"], answer["attempts"], answer["consumedIOs"]) == (False, 1, {"readIOs": 0, "writeIOs": 1})
    again = committed(url, request(insert, "SELECT a.balance FROM Accounts AS a", idempotencyKey="k"))
    assert (again["blockAddress"], again["repeated"]) == (answer["blockAddress"], True)
    assert again["results"] == [answer["results"][0], {"rows": None}]


@pytest.mark.parametrize(
    ("text", "ion", "back"),
    [
        ("10.50", "10.50", "10.50"),
        ("0.1", "0.1", "0.1"),
        ("1E+2", "1d2", "1E+2"),
        ("123456789012345678901234567890.123456789", "123456789012345678901234567890.123456789", None),
        ("12345678901234567890", "12345678901234567890", None),
        ("-0.0", "-0.0", None),
        ("7", "7", None),
        ('"text é"', '"text é"', None),
        ("true", "true", None),
        ("null", "null", None),
        ('{"a":[1,2.0,null]}', "{a:[1,2.0,null]}", None),
    ],
)
def test_json_values_keep_every_digit_both_ways(url, text, ion, back):
    body = f'{{"ledger":"bank","statements":[{{"statement":"SELECT VALUE ? FROM [0]","parameters":[{text}]}}]}}'
    assert f'"rows":[{back or text}]' in raw(url, body.encode())
    body = json.dumps(request({"statement": "SELECT VALUE ? FROM [0]", "ionParameters": [ion]})).encode()
    assert f'"rows":[{back or text}]' in raw(url, body)


@pytest.mark.parametrize(
    ("ion", "back"),
    [
        ("2026-03-01T12:00:00.000Z", '"2026-03-01T12:00:00.000Z"'),
        ("2026T", '"2026"'),
        ("symbol", '"symbol"'),
        ("{{aGVsbG8=}}", '"aGVsbG8="'),
        ("annotated::1", "1"),
        ("null.string", "null"),
        ("1e0", "1.0"),
    ],
)
def test_what_only_ion_says_goes_in_as_ion_and_comes_out_as_json_has_it(url, ion, back):
    body = json.dumps(request({"statement": "SELECT VALUE ? FROM [0]", "ionParameters": [ion]})).encode()
    assert f'"rows":[{back}]' in raw(url, body)


def raw(url, body):
    """The answer's text, in which digits are still as they were sent."""
    answer = url.api.answer(url_event("POST", "/transactions", body, JSON_HEADERS), url.context)
    assert answer["statusCode"] == 200, answer
    return answer["body"]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "JSON"),
        (b"\xff", "UTF-8"),
        (b"[]", "the body must be an object"),
        (b"{}", "ledger must be"),
        ({"ledger": "bank"}, "statements must be"),
        ({"ledger": "", "statements": ["x"]}, "ledger must be"),
        ({"ledger": 1, "statements": ["x"]}, "ledger must be"),
        ({"ledger": "bank", "statements": []}, "statements must be"),
        ({"ledger": "bank", "statements": [ONE]}, r"statements[0] must be an object"),
        (request({"statement": ""}), "statements[0].statement must be"),
        (request({"statement": ONE, "parameter": [1]}), "no member 'parameter'"),
        (request({"statement": ONE, "parameters": {}}), "statements[0].parameters must be a list"),
        (request({"statement": ONE, "parameters": [], "ionParameters": []}), "not with both"),
        (request(ONE, {"statement": ONE, "ionParameters": ["{"]}), "statements[1].ionParameters[0]"),
        (request({"statement": ONE, "ionParameters": [1]}), "a text that holds one Ion value"),
        (request(ONE, idempotencyKey=""), "idempotencyKey must be"),
        (request(ONE, idempotencyKey="x" * 201), "idempotencyKey must be"),
        (request(ONE, idempotencyKey=1), "idempotencyKey must be"),
        (request(ONE, key="x"), "no member 'key'"),
        (b'{"ledger": "bank", "ledger": "shop", "statements": []}', "comes twice"),
        (request("SELECT * FRM Accounts"), "Parser Error: at line 1"),
        (request("SELECT * FROM Nowhere"), "No such table"),
        (request({"statement": ONE, "parameters": [1]}), "has 0 parameters"),
    ],
)
def test_what_is_wrong_with_a_request_is_said_with_its_place(url, body, detail):
    answer = refused(url, body, encoded=True)
    assert (answer["status"], answer["code"]) == (400, "BadRequestException")
    assert detail in answer["detail"]


def test_every_request_of_the_description_is_taken_and_others_are_not(url):
    example = DESCRIPTION["paths"]["/transactions"]["post"]["requestBody"]["content"]["application/json"]["example"]
    schema("Request").validate(example)
    committed(url, example)
    for wrong in (
        request({"statement": ONE, "parameters": [], "ionParameters": []}),
        request(ONE, key="x"),
        request(),
    ):
        assert not schema("Request").is_valid(wrong)
        refused(url, wrong)


def test_parameters_are_bounded_in_each_form(url, monkeypatch):
    limits = QLDB_LIMITS
    tight = Url(LEDGER_LIMITS="qldb")
    tight.create()
    text = "x" * limits.parameter_binary_bytes
    assert "bytes as Ion" in refused(tight, request(with_parameters("SELECT ? FROM [1]", text)))["detail"]
    ion = {"statement": "SELECT ? FROM [1]", "ionParameters": ['"' + "x" * limits.parameter_text_characters + '"']}
    assert "characters" in refused(tight, request(ion))["detail"]


def test_a_key_that_is_taken_is_unprocessable(url):
    committed(url, request(ONE, idempotencyKey="k"))
    answer = refused(url, request("SELECT VALUE 2 FROM [0]", idempotencyKey="k"))
    assert (answer["status"], answer["code"]) == (422, "IdempotencyKeyReusedException")


def test_a_ledger_that_is_not_there_is_not_found(url):
    answer = refused(url, {"ledger": "shop", "statements": [{"statement": ONE}]})
    assert (answer["status"], answer["code"]) == (404, "ResourceNotFoundException")


def test_only_json_is_taken(url):
    body = json.dumps(request(ONE)).encode()
    status, headers, answer = url.request("POST", "/transactions", body, {"content-type": "text/plain"})
    assert (status, headers["content-type"], answer["code"]) == (
        415,
        "application/problem+json",
        "UnsupportedMediaTypeException",
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CapacityError("too many commits wait"), "CapacityExceededException"),
        (ThrottledError("the table is throttled"), "RateExceededException"),
    ],
)
def test_what_may_succeed_later_says_when_to_come_back(url, monkeypatch, error, code):
    monkeypatch.setattr(type(url.api.transactions), "run", lambda *_: (_ for _ in ()).throw(error))
    status, headers, answer = url.transact(request(ONE))
    assert (status, headers["retry-after"], answer["code"]) == (503, "1", code)


def test_text_in_messages_may_be_any(url):
    body = b'{"ledger": "bank", "statements": [{"statement": "SELECT \\ud83e\\uddc0 \xc3\xa4"}]}'
    assert refused(url, body)["code"] == "BadRequestException"


def test_the_description_is_an_openapi_document_and_is_served(url):
    validate(DESCRIPTION)
    assert url.call("GET", "/openapi.json") == DESCRIPTION
    assert set(DESCRIPTION["paths"]) == {"/transactions", "/openapi.json", "/healthz"}


def test_the_description_knows_every_status(url):
    known = set(DESCRIPTION["paths"]["/transactions"]["post"]["responses"])
    assert known == {"200", *(str(status) for status in transactions._TITLES)}


def test_the_server_takes_them_as_the_function_does():
    with ServedApp() as served:
        side = Side(1, lambda: served.service.now, 1)
        served.service.ledgers.engines["bank"] = side.ledger()
        body = json.dumps(request("SELECT VALUE a.balance FROM Accounts AS a", idempotencyKey="k"))
        status, headers, answer = served.request("POST", "/transactions", body, {"Content-Type": "application/json"})
        assert (status, headers["content-type"]) == (200, "application/json")
        schema("Committed").validate(answer)
        assert answer["results"] == [{"rows": [1.0, 2.0]}]
        assert served.request("POST", "/transactions", body, {"Content-Type": "text/plain"})[0] == 415
        assert served.request("POST", "/transactions", "{", {"Content-Type": "application/json"})[2]["code"] == (
            "BadRequestException"
        )
        assert served.request("GET", "/openapi.json")[2] == DESCRIPTION
        assert served.request("GET", "/transactions")[0] == 404
