"""``counterfoil ledger`` and ``counterfoil digest``: what the control plane does, from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final

import typer
from rich.table import Table
from rich.text import Text

from counterfoil.cli.answers import plain, show_members
from counterfoil.cli.output import JsonOption, out, print_json
from counterfoil.cli.places import DataOption, EndpointOption, LedgerArgument, Service, opened, opened_ledger
from counterfoil.errors import InputError
from counterfoil.journal.anchor import describe_trust_anchor
from counterfoil.ledger.registry import PermissionsMode

app: Final = typer.Typer(help="Create, list, describe, update and delete ledgers.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The ledger's name.", show_default=False)]


@app.command()
def create(
    name: NameArgument,
    *,
    data: DataOption = None,
    endpoint: EndpointOption = None,
    permissions_mode: Annotated[
        PermissionsMode, typer.Option(help="STANDARD checks each statement's actions on each table.")
    ] = PermissionsMode.STANDARD,
    deletion_protection: Annotated[bool, typer.Option(help="Whether it refuses to be deleted.")] = True,
    tag: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="A tag; may be repeated.")] = None,
    json: JsonOption = False,
) -> None:
    """Create a ledger."""
    parameters = {
        "Name": name,
        "PermissionsMode": permissions_mode.value,
        "DeletionProtection": deletion_protection,
        "Tags": dict(_tag(each) for each in tag or ()),
    }
    with opened(data, endpoint, create=True) as service:
        _show(service.call("CreateLedger", parameters), json=json)


@app.command("list")
def list_(*, data: DataOption = None, endpoint: EndpointOption = None, json: JsonOption = False) -> None:
    """List the ledgers."""
    with opened(data, endpoint) as service:
        found = list(ledgers_of(service))
    if json:
        print_json({"holds": True, "Ledgers": plain(found)})
        return
    table = Table("name", "state", "created", header_style="bold")
    for each in plain(found):
        table.add_row(*(Text(each[member]) for member in ("Name", "State", "CreationDateTime")))
    out.print(table)


@app.command()
def describe(
    name: NameArgument, *, data: DataOption = None, endpoint: EndpointOption = None, json: JsonOption = False
) -> None:
    """Describe a ledger, its tags included."""
    with opened(data, endpoint) as service:
        answer = service.call("DescribeLedger", {"Name": name})
        tags = service.call("ListTagsForResource", {"ResourceArn": answer["Arn"]})
    _show(answer | tags, json=json)


@app.command()
def update(
    name: NameArgument,
    *,
    data: DataOption = None,
    endpoint: EndpointOption = None,
    permissions_mode: Annotated[PermissionsMode | None, typer.Option(help="How statements are authorised.")] = None,
    deletion_protection: Annotated[bool | None, typer.Option(help="Whether it refuses to be deleted.")] = None,
    json: JsonOption = False,
) -> None:
    """Change how a ledger is protected."""
    if permissions_mode is None and deletion_protection is None:
        raise InputError("say what to change: --permissions-mode, --deletion-protection or --no-deletion-protection")
    answer: dict[str, Any] = {}
    with opened(data, endpoint) as service:
        if permissions_mode is not None:
            mode = {"Name": name, "PermissionsMode": permissions_mode.value}
            answer |= service.call("UpdateLedgerPermissionsMode", mode)
        if deletion_protection is not None:
            answer |= service.call("UpdateLedger", {"Name": name, "DeletionProtection": deletion_protection})
    _show(answer, json=json)


@app.command()
def delete(
    name: NameArgument, *, data: DataOption = None, endpoint: EndpointOption = None, json: JsonOption = False
) -> None:
    """Delete a ledger with everything in it; one under deletion protection refuses."""
    with opened(data, endpoint) as service:
        service.call("DeleteLedger", {"Name": name})
    if json:
        print_json({"holds": True, "Name": name, "deleted": True})
    else:
        out.print(f"ledger {name} is deleted", markup=False, highlight=False)


def digest(
    ledger: LedgerArgument, *, data: DataOption = None, endpoint: EndpointOption = None, json: JsonOption = False
) -> None:
    """The digest over all blocks of a ledger. With --json a GetDigest answer: keep it, to verify by it later."""
    with opened_ledger(ledger, data, endpoint) as one:
        taken, anchor = one.digest(), one.anchor
    address = f'{{strandId:"{taken.tip_address.strand_id}",sequenceNo:{taken.tip_address.sequence_no}}}'
    if json:
        answer = {"Digest": taken.hash.to_base64(), "DigestTipAddress": {"IonText": address}}
        print_json(answer | ({} if anchor is None else {"trustAnchor": describe_trust_anchor(anchor)}))
    else:
        note = {} if anchor is None else {"not proved": str(anchor)}
        show_members({"digest": taken.hash.to_base64(), "tip": taken.tip_address} | note)


def ledgers_of(service: Service) -> Iterator[dict[str, Any]]:
    """Every ledger as ListLedgers describes it, page after page."""
    token: dict[str, Any] = {}
    while True:
        answer = service.call("ListLedgers", token)
        yield from answer.get("Ledgers", ())
        if not answer.get("NextToken"):
            return
        token = {"NextToken": answer["NextToken"]}


def _show(answer: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json({"holds": True, **plain(answer)})
    else:
        show_members(plain(answer))


def _tag(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"the tag {text[:80]!r} is not KEY=VALUE")
    return key, value
