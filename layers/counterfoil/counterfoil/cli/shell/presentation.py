"""How the rows of a statement are shown: as a table for people, as Ion, or as JSON. Pure: rows in, text or a table out."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from rich.table import Table
from rich.text import Text

from counterfoil.cli.output import printable
from counterfoil.ion.timestamps import IonTimestamp
from counterfoil.ion.value_text import render_json, render_text
from counterfoil.ion.values import IonNull, IonSymbol, Value

# What stands over the column of rows that are no structs.
_VALUE: Final = "value"


class Format(StrEnum):
    """``json`` keeps the digits of decimals, but neither times nor symbols apart from text; ``ion`` keeps everything."""

    TABLE = "table"
    ION = "ion"
    JSON = "json"


def columns_of(rows: Sequence[Value]) -> list[str]:
    """Every field that some row has, in the order in which they are met; rows that are no structs have one column for all."""
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row if isinstance(row, dict) else (_VALUE,)))
    return list(names)


def table_of(rows: Sequence[Value]) -> Table:
    """Rows as a table. An empty cell is a missing field, and ``null`` a null."""
    table = Table(header_style="bold")
    columns = columns_of(rows)
    for name in columns:
        right = all(_is_number(row.get(name)) for row in rows if isinstance(row, dict) and name in row)
        table.add_column(Text(printable(name)), justify="right" if right else "left", overflow="fold")
    for row in rows:
        cells = row if isinstance(row, dict) else {_VALUE: row}
        table.add_row(*(cell_of(cells[name]) if name in cells else "" for name in columns))
    return table


def cell_of(value: Value) -> Text:
    """A value in a table: text without quotes, everything else as Ion text."""
    if value is None or isinstance(value, IonNull):
        return Text(render_text(value), style="dim")
    if isinstance(value, str) and not isinstance(value, IonSymbol):
        return Text(printable(value))
    return Text(printable(render_text(value)))


def ion_of(rows: Sequence[Value]) -> str:
    """A stream of Ion text, a value on a line."""
    return "".join(f"{render_text(row)}\n" for row in rows)


def json_of(rows: Sequence[Value]) -> str:
    """A JSON array, a row on a line."""
    if not rows:
        return "[]\n"
    return "[\n  " + ",\n  ".join(render_json(row) for row in rows) + "\n]\n"


def footer(count: int, read_ios: int, milliseconds: float | None) -> str:
    """What is said below a table. Many documents read for few rows tell of a scan that an index would spare."""
    words = [f"{count} row{'' if count == 1 else 's'}", f"{read_ios} read"]
    if milliseconds is not None:
        words.append(f"{milliseconds:.1f} ms")
    return f"({', '.join(words)})"


def _is_number(value: Value) -> bool:
    return not isinstance(value, str | bytes | bool | list | dict | tuple | IonTimestamp | None)
