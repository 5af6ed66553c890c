"""The functions that an expression may call, by name. Source: Amazon QLDB reference, "PartiQL functions"."""

from __future__ import annotations

from typing import Final

from counterfoil.partiql.functions.conditionals import CONDITIONALS
from counterfoil.partiql.functions.dates import DATES
from counterfoil.partiql.functions.function import Function
from counterfoil.partiql.functions.strings import STRINGS

FUNCTIONS: Final[dict[str, Function]] = {**STRINGS, **DATES, **CONDITIONALS}

__all__ = ["FUNCTIONS", "Function"]
