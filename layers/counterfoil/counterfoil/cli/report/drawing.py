"""Charts as rectangles, lines and texts, from which both SVG and PDF are drawn. Lengths are points, y grows downwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from counterfoil.cli.report.presentation import Chart

WIDTH, HEIGHT = 480.0, 150.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 60.0, 10.0, 8.0, 22.0
_MAX_LABEL: Final = 30

# More points than this are thinned out to the greatest of neighbours: there are no more columns to draw them in.
MAX_POINTS: Final = 400

INK, QUIET = "#1f4e79", "#999999"


class Rectangle(NamedTuple):
    x: float
    y: float
    width: float
    height: float


class Path(NamedTuple):
    points: tuple[tuple[float, float], ...]
    colour: str


class Label(NamedTuple):
    x: float
    y: float
    anchor: Literal["start", "end"]
    text: str


Mark = Rectangle | Path | Label


@dataclass(frozen=True, slots=True)
class Drawing:
    title: str
    marks: tuple[Mark, ...]


def draw(chart: Chart) -> Drawing | None:
    """The chart drawn; ``None`` where it has no points."""
    points = _thinned(chart.points)
    if not points:
        return None
    top = max([1.0, *(value for _, value in points)])
    bottom = HEIGHT - _BOTTOM
    axis = Path(((_LEFT, _TOP), (_LEFT, bottom), (WIDTH - _RIGHT, bottom)), QUIET)
    labels = (
        Label(_LEFT - 4, _TOP + 8, "end", f"{top:g}"),
        Label(_LEFT - 4, bottom, "end", "0"),
        Label(_LEFT, HEIGHT - 6, "start", points[0][0][:_MAX_LABEL]),
        *((Label(WIDTH - _RIGHT, HEIGHT - 6, "end", points[-1][0][:_MAX_LABEL]),) if len(points) > 1 else ()),
    )
    marks = _bars(points, top) if chart.kind == "bars" else _line(points, top)
    return Drawing(chart.title, (axis, *marks, *labels))


def _bars(points: Sequence[tuple[str, float]], top: float) -> list[Mark]:
    step = (WIDTH - _LEFT - _RIGHT) / len(points)
    heights = [_height(value, top) for _, value in points]
    return [
        Rectangle(_r(_LEFT + index * step + step * 0.1), _r(HEIGHT - _BOTTOM - high), _r(step * 0.8), high)
        for index, high in enumerate(heights)
    ]


def _line(points: Sequence[tuple[str, float]], top: float) -> list[Mark]:
    step = (WIDTH - _LEFT - _RIGHT) / max(len(points) - 1, 1)
    places = [
        (_r(_LEFT + index * step), _r(HEIGHT - _BOTTOM - _height(value, top)))
        for index, (_, value) in enumerate(points)
    ]
    return [Path(tuple(places if len(places) > 1 else [places[0], (WIDTH - _RIGHT, places[0][1])]), INK)]


def _height(value: float, top: float) -> float:
    return _r(max(value, 0.0) / top * (HEIGHT - _TOP - _BOTTOM))


def _thinned(points: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    if len(points) <= MAX_POINTS:
        return list(points)
    size = -(-len(points) // MAX_POINTS)
    return [max(points[at : at + size], key=lambda each: each[1]) for at in range(0, len(points), size)]


def _r(length: float) -> float:
    return round(length, 2)
