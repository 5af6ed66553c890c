"""The kinds of rules: each a small evaluator with typed parameters, their limits, and the names its documents may use."""

from collections.abc import Mapping
from typing import Final

from counterfoil.detection.fraud_rules.aggregate import Aggregate
from counterfoil.detection.fraud_rules.block_rules import (
    ConservationOfMoney,
    DuplicateTransactionId,
    NegativeBalance,
    UnreadableDocument,
)
from counterfoil.detection.fraud_rules.kind import AccountKind, BalanceKind, EntryKind, Kind, Sighting, StatementKind
from counterfoil.detection.fraud_rules.new_payee import NewPayeeHighValue
from counterfoil.detection.fraud_rules.rapid_in_out import RapidInOut
from counterfoil.detection.fraud_rules.structuring import Structuring

# Every kind that a document may name.
KINDS: Final[Mapping[str, type[Kind]]] = {
    kind.kind: kind
    for kind in (
        Aggregate,
        ConservationOfMoney,
        DuplicateTransactionId,
        NegativeBalance,
        NewPayeeHighValue,
        RapidInOut,
        Structuring,
        UnreadableDocument,
    )
}

__all__ = [
    "KINDS",
    "AccountKind",
    "Aggregate",
    "BalanceKind",
    "ConservationOfMoney",
    "DuplicateTransactionId",
    "EntryKind",
    "Kind",
    "NegativeBalance",
    "NewPayeeHighValue",
    "RapidInOut",
    "Sighting",
    "StatementKind",
    "Structuring",
    "UnreadableDocument",
]
