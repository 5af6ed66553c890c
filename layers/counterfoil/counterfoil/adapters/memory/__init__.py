"""Adapters that keep everything in memory, one process long."""

from counterfoil.adapters.memory.findings import MemoryFindings
from counterfoil.adapters.memory.heads import MemoryHeads
from counterfoil.adapters.memory.quarantine import MemoryQuarantine

__all__ = ["MemoryFindings", "MemoryHeads", "MemoryQuarantine"]
