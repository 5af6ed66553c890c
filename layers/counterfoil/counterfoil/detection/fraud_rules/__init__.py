"""The fraud rules: each a small unit with its settings, their defaults and limits, and its severity."""

from counterfoil.detection.fraud_rules.block_rules import (
    BlockRule,
    ConservationOfMoney,
    DuplicateTransactionId,
    NegativeBalance,
    UnreadableAccount,
    UnreadableTransfer,
)
from counterfoil.detection.fraud_rules.new_payee import NewPayeeHighValue
from counterfoil.detection.fraud_rules.rapid_in_out import RapidInOut
from counterfoil.detection.fraud_rules.sighting import AccountRule, Event, Sighting
from counterfoil.detection.fraud_rules.structuring import Structuring
from counterfoil.detection.fraud_rules.velocity import VelocityCount, VelocitySum

__all__ = [
    "AccountRule",
    "BlockRule",
    "ConservationOfMoney",
    "DuplicateTransactionId",
    "Event",
    "NegativeBalance",
    "NewPayeeHighValue",
    "RapidInOut",
    "Sighting",
    "Structuring",
    "UnreadableAccount",
    "UnreadableTransfer",
    "VelocityCount",
    "VelocitySum",
]
