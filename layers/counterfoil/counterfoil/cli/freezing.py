"""Freezes by hand, and receipts of findings: both on a ledger, wherever it is."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from counterfoil.cli.answers import plain
from counterfoil.cli.desk import AuthorOption, ReasonOption, now
from counterfoil.cli.output import JsonOption, out, print_json, printable
from counterfoil.cli.places import DataOption, EndpointOption, LedgerArgument, OpenLedger, opened, opened_ledger
from counterfoil.detection.action import FREEZES
from counterfoil.detection.suppression import MAX_AUTHOR_CHARACTERS, MAX_REASON_CHARACTERS, check_words
from counterfoil.errors import InputError
from counterfoil.ion.values import Value
from counterfoil.journal import BlockAddress

AccountArgument = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id.", show_default=False)]

_OF_ACCOUNT: Final = f"SELECT f_id, f.frozen FROM {FREEZES} AS f BY f_id WHERE f.accountId = ?"  # noqa: S608 - a constant
_UNFREEZE: Final = (
    f"UPDATE {FREEZES} AS f BY f_id SET f.frozen = false, f.liftedBy = ?, f.liftedFor = ?, f.liftedAt = ? "  # noqa: S608 - as above
    "WHERE f_id = ?"
)


def freeze(
    ledger: LedgerArgument,
    account: AccountArgument,
    *,
    author: AuthorOption,
    reason: ReasonOption,
    data: DataOption = None,
    endpoint: EndpointOption = None,
    json: JsonOption = False,
) -> None:
    """Freeze an account: no transfer of it is committed any more. The freeze is a document of the ledger itself."""
    who, why = _who_and_why(author, reason)
    with opened_ledger(ledger, data, endpoint) as open_ledger:
        _prepare(open_ledger)
        document = {"accountId": account, "frozen": True, "reason": why, "by": who, "at": now().isoformat()}
        done = _execute(open_ledger, f"INSERT INTO {FREEZES} ?", document)
    _say(ledger, account, frozen=True, documents=done, as_json=json)


def unfreeze(
    ledger: LedgerArgument,
    account: AccountArgument,
    *,
    author: AuthorOption,
    reason: ReasonOption,
    data: DataOption = None,
    endpoint: EndpointOption = None,
    json: JsonOption = False,
) -> None:
    """Lift every freeze of an account. Who did and why is in the ledger, and the freezes stay in its history."""
    who, why = _who_and_why(author, reason)
    with opened_ledger(ledger, data, endpoint) as open_ledger:
        done = _lift(open_ledger, account, who, why)
    _say(ledger, account, frozen=False, documents=done, as_json=json)


def receipt(
    ledger: LedgerArgument,
    place: Annotated[
        str, typer.Argument(metavar="PLACE", help="The finding's place, STRAND#NUMBER.", show_default=False)
    ],
    *,
    to: Annotated[Path, typer.Option(metavar="FILE", help="Where the receipt is to be written.", show_default=False)],
    document: Annotated[
        str, typer.Option(metavar="ID", help="The finding's document; without it, the whole block.")
    ] = "",
    data: DataOption = None,
    endpoint: EndpointOption = None,
    json: JsonOption = False,
) -> None:
    """Fetch what proves a finding's block or revision, with its digest: `counterfoil verify receipt FILE` needs nothing else."""
    strand_id, _, number = place.rpartition("#")
    if not strand_id or not number.isdecimal():
        raise InputError(f"{place[:80]!r} is no place in a journal: STRAND#NUMBER")
    address = BlockAddress(strand_id, int(number))
    with opened(data, endpoint) as service:
        digest = service.call("GetDigest", {"Name": ledger})
        asked: dict[str, Any] = {
            "Name": ledger,
            "BlockAddress": {"IonText": f'{{strandId:"{address.strand_id}",sequenceNo:{address.sequence_no}}}'},
            "DigestTipAddress": digest["DigestTipAddress"],
        }
        operation, which = ("GetRevision", {"DocumentId": document}) if document else ("GetBlock", {})
        answer = service.call(operation, asked | which)
    to.write_text(jsonlib.dumps(plain({**answer, **digest}), indent=2), encoding="utf-8")
    if json:
        print_json({"holds": True, "file": str(to), "place": place, "documentId": document or None})
    else:
        out.print(f"written: counterfoil verify receipt {to}", markup=False, soft_wrap=True)


def _who_and_why(author: str, reason: str) -> tuple[str, str]:
    return (
        check_words("the author", author, MAX_AUTHOR_CHARACTERS),
        check_words("the reason", reason, MAX_REASON_CHARACTERS),
    )


def _lift(ledger: OpenLedger, account: str, who: str, why: str) -> list[str]:
    """Lift the freezes of an account in one transaction; their documents' ids."""
    transaction = ledger.source.begin()
    try:
        rows = list(transaction.execute(_OF_ACCOUNT, (account,)))
        frozen = [row["f_id"] for row in rows if row.get("frozen") is not False]
        for document_id in frozen:
            list(transaction.execute(_UNFREEZE, (who, why, now().isoformat(), document_id)))
        transaction.commit()
    except BaseException:
        transaction.abort()
        raise
    return frozen


def _prepare(ledger: OpenLedger) -> None:
    """Make the table of freezes with its index, where the ledger has none."""
    transaction = ledger.source.begin()
    names = {
        row["name"]
        for row in transaction.execute("SELECT name FROM information_schema.user_tables WHERE status = 'ACTIVE'")
    }
    transaction.abort()
    if FREEZES not in names:
        _execute(ledger, f"CREATE TABLE {FREEZES}")
        _execute(ledger, f"CREATE INDEX ON {FREEZES} (accountId)")


def _execute(ledger: OpenLedger, text: str, *parameters: Value) -> list[str]:
    """Carry out one statement in a transaction of its own; the ids of the documents that it changed."""
    transaction = ledger.source.begin()
    try:
        changed = [str(row.get("documentId", "")) for row in transaction.execute(text, parameters)]
        transaction.commit()
    except BaseException:
        transaction.abort()
        raise
    return changed


def _say(ledger: str, account: str, *, frozen: bool, documents: list[str], as_json: bool) -> None:
    if as_json:
        print_json({"holds": True, "ledger": ledger, "accountId": account, "frozen": frozen, "documentIds": documents})
    elif documents:
        out.print(printable(f"{account} of {ledger} is {'frozen' if frozen else 'free'}"), markup=False, soft_wrap=True)
    else:
        out.print(printable(f"{account} of {ledger} was not frozen"), markup=False, soft_wrap=True)
