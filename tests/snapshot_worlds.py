"""An auditor in memory and a snapshotter on its memory."""

from dataclasses import dataclass, field
from datetime import timedelta

from counterfoil.adapters.memory import MemorySigner, MemorySnapshots
from counterfoil.services.snapshot import Snapshotter
from tests.audit_worlds import AuditWorld


@dataclass
class World(AuditWorld):
    """An auditor, and a snapshotter on its memory."""

    snapshots: MemorySnapshots = field(default_factory=MemorySnapshots)
    signer: MemorySigner = field(default_factory=MemorySigner)

    def snapshot(self, seconds=60):
        self.now += timedelta(seconds=seconds)
        return Snapshotter(self.heads, self.findings, self.snapshots, self.signer, lambda: self.now).take()
