"""Registered ledgers in memory: for tests and for a server that keeps nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

from counterfoil.errors import ConflictError, LimitError
from counterfoil.ledger.registry import RegisteredLedger
from counterfoil.ports import LedgerRegistry


@dataclass(slots=True)
class MemoryLedgerRegistry(LedgerRegistry):
    """Ledgers by name, tags by ARN."""

    by_name: dict[str, RegisteredLedger] = field(default_factory=dict)
    by_arn: dict[str, dict[str, str]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def ledger(self, name: str) -> RegisteredLedger | None:
        return self.by_name.get(name)

    def ledgers(self, after: str, count: int) -> Sequence[RegisteredLedger]:
        with self.lock:
            return [self.by_name[name] for name in sorted(self.by_name) if name > after][:count]

    def save(self, old: RegisteredLedger | None, new: RegisteredLedger | None) -> None:
        one = old or new
        assert one is not None
        with self.lock:
            if self.by_name.get(one.name) != old:
                raise ConflictError(f"ledger {one.name} is not what it was")
            if new is None:
                del self.by_name[one.name]
            else:
                self.by_name[one.name] = new

    def tags(self, arn: str) -> Mapping[str, str]:
        return dict(self.by_arn.get(arn, {}))

    def tag(self, arn: str, tags: Mapping[str, str], at_most: int) -> None:
        with self.lock:
            all_tags = self.by_arn.get(arn, {}) | dict(tags)
            if len(all_tags) > at_most:
                raise LimitError(f"{len(all_tags)} tags on {arn}; at most {at_most} are allowed")
            self.by_arn[arn] = all_tags

    def untag(self, arn: str, keys: Iterable[str]) -> None:
        with self.lock:
            removed = set(keys)
            self.by_arn[arn] = {key: value for key, value in self.by_arn.get(arn, {}).items() if key not in removed}

    def forget_tags(self, arn: str) -> None:
        with self.lock:
            for each in [each for each in self.by_arn if each == arn or each.startswith(f"{arn}/")]:
                del self.by_arn[each]
