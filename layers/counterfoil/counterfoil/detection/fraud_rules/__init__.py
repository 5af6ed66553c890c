"""The kinds of rules: each a small evaluator with typed parameters, their limits, and the names its documents may use."""

from collections.abc import Mapping
from typing import Final

from counterfoil.detection.fraud_rules.aggregate import Aggregate
from counterfoil.detection.fraud_rules.block_rules import (
    ConservationOfMoney,
    DuplicateTransactionId,
    NegativeBalance,
    UnreadableDocument,
    VersionGap,
)
from counterfoil.detection.fraud_rules.kind import AccountKind, BalanceKind, EntryKind, Kind, Sighting, StatementKind
from counterfoil.detection.fraud_rules.network import Contribution, Network, Typology
from counterfoil.detection.fraud_rules.new_payee import NewPayeeHighValue
from counterfoil.detection.fraud_rules.rapid_in_out import RapidInOut
from counterfoil.detection.fraud_rules.single_transfer import OnWatchList, OwnHistory, SingleTransfer
from counterfoil.detection.fraud_rules.statements import StatementMeets
from counterfoil.detection.fraud_rules.structuring import Structuring

# Every kind that a document may name.
KINDS: Final[Mapping[str, type[Kind]]] = {
    kind.kind: kind
    for kind in (
        Aggregate,
        ConservationOfMoney,
        DuplicateTransactionId,
        NegativeBalance,
        Network,
        NewPayeeHighValue,
        OnWatchList,
        OwnHistory,
        RapidInOut,
        SingleTransfer,
        StatementMeets,
        Structuring,
        Typology,
        UnreadableDocument,
        VersionGap,
    )
}

__all__ = [
    "KINDS",
    "AccountKind",
    "Aggregate",
    "BalanceKind",
    "ConservationOfMoney",
    "Contribution",
    "DuplicateTransactionId",
    "EntryKind",
    "Kind",
    "NegativeBalance",
    "Network",
    "NewPayeeHighValue",
    "RapidInOut",
    "Sighting",
    "StatementKind",
    "Structuring",
    "Typology",
    "UnreadableDocument",
]
