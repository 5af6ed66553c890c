"""Numbers as text, as Java prints them: ``1.0E10`` for floats, ``1E+2`` for decimals."""

from __future__ import annotations

import math
from decimal import Decimal

from counterfoil.partiql.equality import Number


def render_number(number: Number) -> str:
    """The text that ``CAST(number AS string)`` gives."""
    if type(number) is float:
        return _render_float(number)
    if type(number) is int:
        return format(Decimal(number), "f")  # ``str`` refuses ints of thousands of digits
    return str(number)


def _render_float(number: float) -> str:
    """java.lang.Double.toString: plain from a thousandth up to ten million, else with an exponent."""
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    if number == 0 or 1e-3 <= abs(number) < 1e7:
        return format(Decimal(repr(number)), "f")
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    text = "".join(map(str, digits))
    power = len(text) - 1 + int(exponent)
    return f"{'-' if sign else ''}{text[0]}.{text[1:] or '0'}E{power}"
