"""A bank in miniature: its ledger, its customers' ordinary traffic, and the fraud that is hidden in it."""

from lab.bank.day import BankPlan
from lab.bank.simulation import Simulation, simulate

__all__ = ["BankPlan", "Simulation", "simulate"]
