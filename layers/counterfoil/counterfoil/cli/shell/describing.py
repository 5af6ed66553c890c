r"""What ``\d`` says of a ledger's tables, from the rows of ``information_schema.user_tables``. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from counterfoil.cli.output import printable
from counterfoil.errors import NotFoundError
from counterfoil.ion.values import Value


def list_tables(rows: Iterable[Mapping[str, Value]]) -> str:
    """A line for each table: name, status, how many indexes."""
    listed = sorted(rows, key=lambda each: (str(each["status"]), str(each["name"])))
    if not listed:
        return "no tables: CREATE TABLE makes one"
    width = max(len(each["name"]) for each in listed)
    return "\n".join(
        f"{printable(each['name']):{width}}  {each['status']:8}  {_indexed(each)}".rstrip() for each in listed
    )


def describe_table(rows: Iterable[Mapping[str, Value]], name: str) -> str:
    """A table by its name or id: dropped ones of the name as well."""
    found = [each for each in rows if name in {each["name"], each["tableId"]}]
    if not found:
        raise NotFoundError(f"there is no table {name[:140]!r}; names are case sensitive")
    return "\n\n".join(_described(each) for each in found)


def _described(table: Mapping[str, Value]) -> str:
    lines = [f"{printable(table['name'])}  {table['status']}", f"  id       {table['tableId']}"]
    lines += [f"  index    {printable(each['expr'])}  {each['status']}  {each['indexId']}" for each in table["indexes"]]
    return "\n".join(lines if table["indexes"] else [*lines, "  no index: every query reads the whole table"])


def _indexed(table: Mapping[str, Value]) -> str:
    return " ".join(printable(each["expr"]) for each in table["indexes"])
