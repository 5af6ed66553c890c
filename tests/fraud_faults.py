"""Stores that fail: before a write or after it took effect, by crashing the process or by being unavailable."""

from dataclasses import dataclass

from counterfoil.adapters.memory import MemoryFindings
from counterfoil.adapters.memory.accounts import MemoryAccounts
from counterfoil.ports import AccountStore, FindingStore


class CrashError(Exception):
    """The process ends here: nothing of the detector may catch it."""


@dataclass
class Fuse:
    """Counts single writes, and blows at write number ``at`` (0-based), before it or after it took effect, once."""

    at: int | None = None
    after: bool = False
    error: type[Exception] = CrashError
    writes: int = 0
    blown: bool = False

    def through(self, write):
        number, self.writes = self.writes, self.writes + 1
        if number != self.at or self.blown:
            write()
            return
        self.blown = True
        if self.after:
            write()
        raise self.error(f"write {number} failed {'after' if self.after else 'before'} it took effect")


@dataclass
class FusedAccounts(AccountStore):
    """Writes one by one through a fuse."""

    inner: MemoryAccounts
    fuse: Fuse

    def load(self, keys):
        return self.inner.load(keys)

    def save(self, changes):
        for change in changes:
            self.fuse.through(lambda change=change: self.inner.save([change]))

    def held(self, keys):
        return self.inner.held(keys)

    def hold(self, pieces, expires_at):
        for key, data in pieces.items():
            self.fuse.through(lambda key=key, data=data: self.inner.hold({key: data}, expires_at))

    def release(self, keys):
        for key in keys:
            self.fuse.through(lambda key=key: self.inner.release([key]))

    def strands(self):
        return self.inner.strands()


@dataclass
class FusedFindings(FindingStore):
    inner: MemoryFindings
    fuse: Fuse

    def record(self, findings):
        written = []
        for finding in findings:
            self.fuse.through(lambda finding=finding: written.append(self.inner.record([finding])))
        return sum(written)

    def load(self, finding_id):
        return self.inner.load(finding_id)


class ReversedAccounts(FusedAccounts):
    """Writes the states of a batch in the opposite order: nothing may depend on which comes first."""

    def save(self, changes):
        super().save(list(reversed(changes)))


__all__ = ["CrashError", "Fuse", "FusedAccounts", "FusedFindings", "ReversedAccounts"]
