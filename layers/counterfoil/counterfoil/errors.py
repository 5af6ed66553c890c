"""The three families of errors, named for who acts on them, and their few subtypes.

CounterfoilError
├── InputError          what arrived cannot be read: quarantine it and go on
├── IntegrityError      what arrived contradicts a hash: record a finding and stop trusting the strand
│   ├── ContentsMismatchError
│   ├── RevisionMismatchError
│   ├── BrokenLinkError
│   └── ProofMismatchError
└── UnavailableError    something outside did not answer: try again from here
└── ConflictError   somebody else wrote first: load anew, then try again
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


class CounterfoilError(Exception):
    """Base of every error that this library raises on purpose."""


class InputError(CounterfoilError):
    """Bytes, text or values from outside are not what they should be; the message says where and what was expected."""


class IntegrityError(CounterfoilError):
    """A hash, link or proof does not hold.

    ``evidence`` maps names to what was compared (hashes in lower-case hex), ready to be stored in a finding.
    """

    def __init__(self, message: str, **evidence: str) -> None:
        super().__init__(message)
        self.evidence: Final[Mapping[str, str]] = evidence


class ContentsMismatchError(IntegrityError):
    """A block's own fields do not hash to what the block says."""


class RevisionMismatchError(IntegrityError):
    """A revision's metadata and data do not hash to its ``hash``."""


class BrokenLinkError(IntegrityError):
    """A block does not follow the block before it."""


class ProofMismatchError(IntegrityError):
    """A proof does not lead from its leaf to the digest."""


class UnavailableError(CounterfoilError):
    """A store or service did not answer or refused for now; nothing was half-written, the same call may be repeated."""


class ConflictError(UnavailableError):
    """A conditional write found another state than expected: load the state anew and decide again."""
