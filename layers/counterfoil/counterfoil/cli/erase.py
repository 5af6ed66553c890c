"""``erase``: destroys a document's key on a ledger, wherever it is, and shows the certificate."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from counterfoil.cli.answers import plain
from counterfoil.cli.desk import AuthorOption, ReasonOption
from counterfoil.cli.output import JsonOption, out, print_json, printable
from counterfoil.cli.places import (
    DataOption,
    EndpointOption,
    LedgerArgument,
    SealsOption,
    TransactionSource,
    opened_ledger,
)
from counterfoil.detection.suppression import MAX_AUTHOR_CHARACTERS, MAX_REASON_CHARACTERS, check_words
from counterfoil.errors import NotFoundError, OccConflictError
from counterfoil.ion.values import Value
from counterfoil.ledger.erasure import CERTIFICATES, PROCEDURE

# Somebody else may erase the same document, or make the table of certificates, at the same time.
ATTEMPTS: Final = 5

_TABLES: Final = "SELECT t.tableId, t.name, t.status FROM information_schema.user_tables AS t"
_ERASE: Final = f"EXEC {PROCEDURE} ?, ?, ?, ?"
_CERTIFICATE: Final = f"SELECT c.blockAddress, c.data FROM _ql_committed_{CERTIFICATES} AS c WHERE c.metadata.id = ?"  # noqa: S608 - a constant


def erase(  # noqa: PLR0913 - one parameter for each option
    ledger: LedgerArgument,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The table's name or id.", show_default=False)],
    document: Annotated[str, typer.Argument(metavar="DOCUMENT_ID", help="The document's id.", show_default=False)],
    *,
    author: AuthorOption,
    reason: ReasonOption,
    data: DataOption = None,
    endpoint: EndpointOption = None,
    seals: SealsOption = None,
    json: JsonOption = False,
) -> None:
    """Erase a document's sealed fields, in all its versions and for good: its key is destroyed, which the ledger certifies."""
    who = check_words("the author", author, MAX_AUTHOR_CHARACTERS)
    why = check_words("the reason", reason, MAX_REASON_CHARACTERS)
    with opened_ledger(ledger, data, endpoint, seals) as open_ledger:
        source = open_ledger.source
        table_id = _prepared(source, table)
        (erased,) = _execute(source, _ERASE, table_id, document, who, why)
        (row,) = _execute(source, _CERTIFICATE, erased["certificateId"])
    certificate = {"certificateId": erased["certificateId"], "blockAddress": row["blockAddress"], **row["data"]}
    _show(ledger, certificate, as_json=json)


def _prepared(source: TransactionSource, table: str) -> str:
    """The table's id, once there is a table for certificates too."""
    # A dropped table's documents can be erased as well; a name means the table that has it now, if one has.
    tables = sorted(_execute(source, _TABLES), key=lambda each: each["status"] != "ACTIVE")
    found = [str(each["tableId"]) for each in tables if table in {each["name"], each["tableId"]}]
    if not found:
        raise NotFoundError(f"there is no table {table[:80]}")
    if not any(each["name"] == CERTIFICATES and each["status"] == "ACTIVE" for each in tables):
        _execute(source, f"CREATE TABLE {CERTIFICATES}")
    return found[0]


def _execute(source: TransactionSource, text: str, *parameters: Value) -> list[Any]:
    """The rows of one statement in a transaction of its own, again where another was in the way."""
    for _ in range(ATTEMPTS - 1):
        try:
            return _execute_once(source, text, parameters)
        except OccConflictError:
            continue
    return _execute_once(source, text, parameters)


def _execute_once(source: TransactionSource, text: str, parameters: tuple[Value, ...]) -> list[Any]:
    transaction = source.begin()
    try:
        rows = list(transaction.execute(text, parameters))
        transaction.commit()
    except BaseException:
        transaction.abort()
        raise
    return rows


def _show(ledger: str, certificate: dict[str, Any], *, as_json: bool) -> None:
    told = plain(certificate)
    if as_json:
        print_json({"holds": True, "ledger": ledger, **told})
        return
    place = certificate["blockAddress"]
    for line in (
        f"erased: document {told['documentId']} of {told['tableName']} in {ledger}; its key is destroyed since {told['destroyedAt']}",
        f"certificate: document {told['certificateId']} of {CERTIFICATES}, block {place['strandId']}#{place['sequenceNo']}",
        f"what remains: {told['remains']}",
    ):
        out.print(printable(line), markup=False, highlight=False, soft_wrap=True)
