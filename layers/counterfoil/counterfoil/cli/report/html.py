"""The report as one HTML file: no script, no font and no picture from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Final

from counterfoil.cli.report.drawing import HEIGHT, INK, WIDTH, Drawing, Label, Mark, Path, Rectangle, draw
from counterfoil.cli.report.presentation import MAX_ROWS, Json, Paragraph, Part, Section, Table, present

_STYLE: Final = (
    "body{font:14px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:.7rem 0;width:100%;font-size:12px}"
    "th,td{border:1px solid #ccc;padding:.2rem .4rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
    "th{background:#eef2f6}figure{margin:1rem 0}svg{max-width:100%}nav a{margin-right:.8rem}"
    "@media print{nav{display:none}}"
)
# Nothing of the file may reach out, whatever stands in it.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def render_html(report: Json) -> bytes:
    sections = present(report)
    links = "".join(f'<a href="#{each.name}">{escape(each.title)}</a>' for each in sections)
    title = f"Audit report {report['period']['from'][:10]} to {report['period']['to'][:10]}"
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{escape(title)}</h1><nav>{links}</nav>",
            *(_section(each) for each in sections),
            "</body></html>\n",
        ]
    ).encode("utf-8", "backslashreplace")


def _section(section: Section) -> str:
    parts = "\n".join(_part(each) for each in section.parts)
    return f'<section id="{section.name}"><h2>{escape(section.title)}</h2>\n{parts}</section>'


def _part(part: Part) -> str:
    match part:
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case Table():
            return _table(part)
        case _:
            drawing = draw(part)
            return f"<p>{escape(part.title)}: no figures.</p>" if drawing is None else _figure(drawing)


def _table(table: Table) -> str:
    if not table.rows:
        return f"<p>None ({escape(', '.join(table.head))}).</p>"
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in table.head)
    rows = "\n".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows[:MAX_ROWS])
    more = len(table.rows) - MAX_ROWS
    rest = f"<p>{more} more rows are in the annexes.</p>" if more > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>{rest}"


def _figure(drawing: Drawing) -> str:
    title = escape(drawing.title)
    marks = "".join(_mark(each) for each in drawing.marks)
    box = f'viewBox="0 0 {WIDTH:g} {HEIGHT:g}" width="{WIDTH:g}" height="{HEIGHT:g}"'
    return f'<figure><figcaption>{title}</figcaption><svg role="img" aria-label="{title}" {box}>{marks}</svg></figure>'


def _mark(mark: Mark) -> str:
    match mark:
        case Rectangle(x, y, width, height):
            return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{INK}"/>'
        case Path(points, colour):
            places = " ".join(f"{x:g},{y:g}" for x, y in points)
            return f'<polyline points="{places}" fill="none" stroke="{colour}"/>'
        case Label(x, y, anchor, text):
            return f'<text x="{x:g}" y="{y:g}" font-size="9" text-anchor="{anchor}">{escape(text)}</text>'
