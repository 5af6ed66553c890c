r"""The report as PDF, for people who file paper. ReportLab's invariant mode leaves out times and ids of the moment.

The standard fonts are used, which every reader has and which know Western European letters; any other character is written as its
number (``\u4e2d``). The HTML and JSON have all characters as they are.
"""

from __future__ import annotations

from html import escape
from io import BytesIO
from typing import Any, Final

from reportlab.lib.colors import HexColor, whitesmoke
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.platypus import Flowable, SimpleDocTemplate, Spacer, TableStyle
from reportlab.platypus import Paragraph as Words
from reportlab.platypus import Table as Grid

from counterfoil.cli.report.drawing import HEIGHT, INK, WIDTH, Drawing, Label, Mark, Path, Rectangle, draw
from counterfoil.cli.report.presentation import MAX_ROWS, Json, Paragraph, Part, Table, present

_STYLES: Final = getSampleStyleSheet()
_CELL: Final = ParagraphStyle("cell", fontName="Helvetica", fontSize=6.5, leading=8, wordWrap="CJK")
_HEAD: Final = ParagraphStyle("head", parent=_CELL, fontName="Helvetica-Bold")
_GRID: Final = TableStyle(
    [
        ("GRID", (0, 0), (-1, -1), 0.25, HexColor("#cccccc")),
        ("BACKGROUND", (0, 0), (-1, 0), whitesmoke),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
)
# A cell may not be higher than a page; whoever wants all of it has the annexes.
_MAX_CELL: Final = 600


def render_pdf(report: Json) -> bytes:
    into = BytesIO()
    title = f"Audit report {report['period']['from'][:10]} to {report['period']['to'][:10]}"
    document = SimpleDocTemplate(
        into, pagesize=landscape(A4), leftMargin=36, rightMargin=36, topMargin=36, bottomMargin=36,
        invariant=1, title=title, author="counterfoil", pageCompression=1,
    )  # fmt: skip
    story: list[Any] = [_words(title, "Title")]
    for section in present(report):
        story.append(_words(section.title, "Heading2"))
        for part in section.parts:
            story += _flowables(part, document.width)
    document.build(story, onFirstPage=_page_number, onLaterPages=_page_number)
    return into.getvalue()


def _page_number(canvas: Any, _document: Any) -> None:
    canvas.setFont("Helvetica", 7)
    canvas.drawRightString(landscape(A4)[0] - 36, 20, str(canvas.getPageNumber()))


def _flowables(part: Part, width: float) -> list[Any]:
    match part:
        case Paragraph(text):
            return [_words(text, "BodyText")]
        case Table():
            return _table(part, width)
        case _:
            drawing = draw(part)
            caption = _words(part.title if drawing is not None else f"{part.title}: no figures.", "BodyText")
            return [caption] if drawing is None else [caption, _Figure(drawing)]


def _table(table: Table, width: float) -> list[Any]:
    if not table.rows:
        return [_words(f"None ({', '.join(table.head)}).", "BodyText")]
    head = [Words(_printable(each), _HEAD) for each in table.head]
    rows = [[Words(_printable(cell[:_MAX_CELL]), _CELL) for cell in row] for row in table.rows[:MAX_ROWS]]
    grid = Grid([head, *rows], colWidths=_widths(table, width), repeatRows=1)
    grid.setStyle(_GRID)
    more = len(table.rows) - MAX_ROWS
    rest = [_words(f"{more} more rows are in the annexes.", "BodyText")] if more > 0 else []
    return [grid, *rest, Spacer(1, 6)]


def _widths(table: Table, width: float) -> list[float]:
    """Columns in proportion to their longest text, none of them very narrow or very wide."""
    longest = [
        min(max(len(str(row[column])) for row in [table.head, *table.rows[:MAX_ROWS]]), 60) + 8
        for column in range(len(table.head))
    ]
    return [round(width * each / sum(longest), 2) for each in longest]


def _words(text: str, style: str) -> Any:
    return Words(_printable(text), _STYLES[style])


def _printable(text: str) -> str:
    """What the standard fonts have, and what is no markup."""
    shown = "".join(each if each.isprintable() else " " for each in text)
    return escape(shown.encode("cp1252", "backslashreplace").decode("cp1252"), quote=False)


class _Figure(Flowable):  # type: ignore[misc]  # ReportLab has no types
    def __init__(self, drawing: Drawing) -> None:
        super().__init__()
        self.drawing = drawing
        self.width, self.height = WIDTH, HEIGHT

    def draw(self) -> None:
        for mark in self.drawing.marks:
            self._mark(mark)

    def _mark(self, mark: Mark) -> None:
        canvas = self.canv
        match mark:
            case Rectangle(x, y, width, height):
                canvas.setFillColor(HexColor(INK))
                canvas.rect(x, HEIGHT - y - height, width, height, stroke=0, fill=1)
            case Path(points, colour):
                canvas.setStrokeColor(HexColor(colour))
                path = canvas.beginPath()
                path.moveTo(points[0][0], HEIGHT - points[0][1])
                for x, y in points[1:]:
                    path.lineTo(x, HEIGHT - y)
                canvas.drawPath(path)
            case Label(x, y, anchor, text):
                canvas.setFillColor(HexColor("#222222"))
                canvas.setFont("Helvetica", 8)
                write = canvas.drawString if anchor == "start" else canvas.drawRightString
                write(x, HEIGHT - y, text.encode("cp1252", "backslashreplace").decode("cp1252"))
