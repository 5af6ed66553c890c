"""Blocks of the past with what became known of them later: what a backtest judges, and what it is measured by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from counterfoil.detection.account import Holding
from counterfoil.detection.judgement import Contents


class Label(NamedTuple):
    """What is known of a transfer: ``pattern`` names the scheme it was part of, ``typology`` its kind; never shown to the judge."""

    bad: bool
    pattern: str
    typology: str


# What is known of a transfer that nobody has labelled.
UNSUSPECTED: Final = Label(False, "", "")  # noqa: FBT003 - not bad


class Past(NamedTuple):
    """A block of the past, the step (a day, say) it belongs to, and the balances before it by account and document.

    ``labels`` are by transaction id; they may speak of other blocks too.
    """

    step: int
    contents: Contents
    before: Mapping[str, tuple[str, Holding]]
    labels: Mapping[str, Label]

    def label_of(self, transaction_id: str) -> Label:
        return self.labels.get(transaction_id, UNSUSPECTED)
