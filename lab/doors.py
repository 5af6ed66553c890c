"""The functions' own handlers in this process, over memory adapters that they share, at a time that is set by hand.

What the deployed stack does with queues, tables and clocks happens here in one place: for sample events, and for a
demonstration without an emulator.
"""

from __future__ import annotations

import importlib.util
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Final

from counterfoil.adapters.memory import (
    MemoryAlertLog,
    MemoryChannel,
    MemoryFindings,
    MemoryHeads,
    MemoryJournalCopy,
    MemoryJournalSource,
    MemoryQuarantine,
    MemorySigner,
    MemorySnapshots,
)
from counterfoil.adapters.memory.accounts import MemoryAccounts
from counterfoil.adapters.memory.desk import MemoryAlertBook, MemoryDeskLog, MemoryLedgerDoor
from counterfoil.adapters.memory.registry import MemoryLedgerRegistry
from counterfoil.services.cases import Cases

ROOT: Final = Path(__file__).resolve().parent.parent
FUNCTIONS: Final = (
    "ledger_api",
    "ledger_projector",
    "journal_redactor",
    "journal_publisher",
    "journal_exporter",
    "journal_auditor",
    "fraud_detector",
    "alert_notifier",
    "action_runner",
    "digest_snapshot",
    "journal_forwarder",
    "ledger_compliance",
)
# The attribute of a door's module that holds its service.
SERVICES: Final = {
    "ledger_api": "api",
    "ledger_projector": "projector",
    "journal_redactor": "redactor",
    "journal_publisher": "publisher",
    "journal_exporter": "exporter",
    "journal_auditor": "auditor",
    "fraud_detector": "detector",
    "alert_notifier": "notifier",
    "action_runner": "runner",
    "digest_snapshot": "snapshotter",
    "journal_forwarder": "forwarder",
    "ledger_compliance": "compliance",
}
# Nobody collects traces here.
QUIET: Final = {
    "COUNTERFOIL_ADAPTERS": "memory",
    "POWERTOOLS_METRICS_NAMESPACE": "counterfoil",
    "POWERTOOLS_TRACE_DISABLED": "true",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
}


class Nowhere(io.TextIOBase):
    """Where the functions' metrics and log lines go: nobody collects them here, and standard output belongs to the caller."""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        return len(text)


@dataclass(slots=True)
class Doors:
    """Warm functions, loaded when first called. ``environ`` are their settings, as the template would give them."""

    now: datetime
    environ: Mapping[str, str] = field(default_factory=dict)
    heads: MemoryHeads = field(default_factory=MemoryHeads)
    accounts: MemoryAccounts = field(default_factory=MemoryAccounts)
    findings: MemoryFindings = field(default_factory=MemoryFindings)
    quarantine: MemoryQuarantine = field(default_factory=MemoryQuarantine)
    snapshots: MemorySnapshots = field(default_factory=MemorySnapshots)
    signer: MemorySigner = field(default_factory=MemorySigner)
    alert_book: MemoryAlertBook = field(default_factory=MemoryAlertBook)
    desk: MemoryDeskLog = field(default_factory=MemoryDeskLog)
    ledgers: dict[str, str] = field(default_factory=dict)
    alert_log: MemoryAlertLog = field(default_factory=MemoryAlertLog)
    channel: MemoryChannel = field(default_factory=MemoryChannel)
    journal: MemoryJournalSource = field(default_factory=MemoryJournalSource)
    copied_journal: MemoryJournalCopy = field(default_factory=MemoryJournalCopy)
    registry: MemoryLedgerRegistry = field(default_factory=MemoryLedgerRegistry)
    _loaded: dict[str, ModuleType] = field(default_factory=dict)
    _nowhere: Nowhere = field(default_factory=Nowhere)

    def handle(self, function: str, event: Mapping[str, Any]) -> Any:
        """What the function's handler answers to an event."""
        context = SimpleNamespace(function_name=function, aws_request_id="0", memory_limit_in_mb=512)
        variables = {**QUIET, **self.environ, "POWERTOOLS_SERVICE_NAME": function}
        with _environment(variables), redirect_stdout(self._nowhere):
            if function not in self._loaded:
                self._loaded[function] = self._load(function)
            return self._loaded[function].handler(event, context)

    def _load(self, function: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"door_{function}", ROOT / "functions" / function / "app.py")
        if spec is None or spec.loader is None:
            raise FileNotFoundError(f"functions/{function}/app.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        service = SERVICES[function]
        setattr(module, service, replace(getattr(module, service), **self._stores(function)))
        return module

    def _stores(self, function: str) -> dict[str, Any]:
        """What the function's service uses in place of the stores that its wiring made."""
        stores: dict[str, dict[str, Any]] = {
            "journal_auditor": {"heads": self.heads, "findings": self.findings, "quarantine": self.quarantine},
            "fraud_detector": {"accounts": self.accounts, "findings": self.findings},
            "alert_notifier": {"log": self.alert_log, "book": self.alert_book, "channels": [self.channel]},
            "action_runner": {"log": self.desk, "cases": Cases(self.desk, lambda: self.now), "bus": self.channel}
            | {"ledgers": MemoryLedgerDoor(self.ledgers)},
            "digest_snapshot": {
                "heads": self.heads,
                "findings": self.findings,
                "snapshots": self.snapshots,
                "signer": self.signer,
            },
            "ledger_compliance": {"heads": self.heads, "registry": self.registry},
            "journal_forwarder": {"source": self.journal, "copy": self.copied_journal, "registry": self.registry},
        }
        if function == "ledger_api":  # its time is the machine's: answers of the sample events have none
            return {}
        return {**stores.get(function, {"registry": self.registry}), "clock": lambda: self.now}


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
