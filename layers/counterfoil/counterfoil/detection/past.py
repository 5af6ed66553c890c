"""Blocks of the past with what became known of them later: what a backtest judges, and what it is measured by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from counterfoil.detection.account import Holding
from counterfoil.detection.judgement import Contents


class Label(NamedTuple):
    """What is known of a transfer: ``pattern`` names the scheme it was part of, ``typology`` its kind; never shown to the judge."""

    bad: bool
    pattern: str
    typology: str


class Past(NamedTuple):
    """A block of the past, the step (a day, say) it belongs to, and the balances before it by account and document."""

    step: int
    contents: Contents
    before: Mapping[str, tuple[str, Holding]]
    label: Label
