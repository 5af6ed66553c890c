"""What comes of holding a finding against the evidence for it: sentences on what is shown, what is only said, what is missing."""

from __future__ import annotations

from dataclasses import dataclass, field

from counterfoil.detection.evidence.claim import Claim
from counterfoil.detection.evidence.held import Held, HeldItem
from counterfoil.detection.finding import Finding
from counterfoil.errors import ContentsMismatchError
from counterfoil.journal.address import BlockAddress


@dataclass(slots=True)
class Judgement:
    """What came of holding a finding against its evidence, in sentences."""

    finding: Finding
    claim: Claim
    held: Held
    shown: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    # Names of the finding's evidence that something in the bundle says too.
    bound: set[str] = field(default_factory=set)

    @property
    def place(self) -> BlockAddress:
        assert self.claim.place is not None
        return self.claim.place

    @property
    def before(self) -> BlockAddress:
        return BlockAddress(self.place.strand_id, self.place.sequence_no - 1)

    def block(self, address: BlockAddress) -> HeldItem | None:
        """The whole block of a place; where it is not there that is noted, once."""
        item = self.held.block(address)
        if item is None and (said := f"block {address} is not there whole") not in self.missing:
            self.missing.append(said)
        return item

    def record(self) -> bytes | None:
        """The bytes that the finding names; where they are not there that is noted."""
        return self._kept(self.claim.record)

    def record_before(self) -> bytes | None:
        """The same, of the block before."""
        return self._kept(self.claim.record_before)

    def _kept(self, record: str | None) -> bytes | None:
        if record is None:
            return None
        data = self.held.records.get(record)
        if data is None:
            self.missing.append(f"the bytes {record} are not there")
        else:
            self.bound |= {name for name, value in self.finding.evidence.items() if value == record}
        return data

    def evidence(self, name: str) -> str:
        """What the finding's evidence of this name says, which the caller holds against something; empty where it has none."""
        self.bound.add(name)
        return self.finding.evidence.get(name, "")

    def expect(self, name: str, expected: str) -> None:
        """Raise unless the finding's evidence of this name, where it has one, is so."""
        self.bound.add(name)
        found = self.finding.evidence.get(name, expected)
        if found != expected:
            raise ContentsMismatchError(
                f"the finding says that {name} is {found[:200]}, what it rests on gives {expected[:200]}",
                expected=expected[:1_000],
                found=found[:1_000],
            )

    def again(self, derived: Finding) -> None:
        """The same rule on the same evidence gives this finding: it must be the same one."""
        if derived.subject != self.finding.subject or derived.document_id != self.finding.document_id:
            raise ContentsMismatchError(f"the rule gives the finding {derived.finding_id[:200]}, not this one")
        for name, value in derived.evidence.items():
            self.expect(name, value)
        self.shown.append("the rule, applied again to the block, gives this finding")
