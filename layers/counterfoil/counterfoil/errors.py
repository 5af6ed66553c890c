"""The three families of errors, named for who acts on them, and their few subtypes.

CounterfoilError
├── InputError          what arrived cannot be read or may not be done: quarantine or refuse it and go on
│   ├── StatementError      a PartiQL statement cannot be read or carried out; says where
│   ├── LimitError          more than a stated limit allows
│   ├── NotFoundError       a ledger, table, block, document or job that is not there
│   ├── AlreadyExistsError  a thing of that name is there already
│   ├── PreconditionError   the thing is in a state in which this may not be done
│   ├── ForbiddenError      who asks may not do this
│   └── ClosedError         a transaction or session that has ended or expired
├── IntegrityError      what arrived contradicts a hash: record a finding and stop trusting the strand
│   ├── ContentsMismatchError
│   ├── RevisionMismatchError
│   ├── BrokenLinkError
│   ├── ProofMismatchError
│   ├── SealMismatchError
│   └── SetAsideMismatchError
└── UnavailableError    something outside did not answer: try again from here
    ├── ConflictError       somebody else wrote first: load anew, then try again
    │   └── OccConflictError    a transaction read what another has changed since: run it again
    ├── UnknownOutcomeError whether it was done, or will be, nobody can say yet: ask before doing it another way
    ├── ThrottledError      something outside was asked for too much at once: the same call may succeed later
    └── CapacityError       too much at once: the same call may succeed later
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


class CounterfoilError(Exception):
    """Base of every error that this library raises on purpose."""


class InputError(CounterfoilError):
    """Bytes, text or values from outside are not what they should be; the message says where and what was expected."""


class StatementError(InputError):
    """A PartiQL statement cannot be read, compiled or carried out.

    ``phase`` is Lexer, Parser, Semantic or Evaluator; ``line`` and ``column`` count from 1. The message reads as QLDB's did:
    "Parser Error: at line 1, column 10: expected FROM but found: 'FRM'".
    """

    def __init__(self, phase: str, what: str, line: int = 0, column: int = 0) -> None:
        place = f"at line {line}, column {column}: " if line else ""
        super().__init__(f"{phase} Error: {place}{what}")
        self.phase = phase
        self.what = what
        self.line = line
        self.column = column


class LimitError(InputError):
    """More than a stated limit allows; the message names the limit."""


class NotFoundError(InputError):
    """A ledger, table, block, document or job that is not there."""


class AlreadyExistsError(InputError):
    """A thing of that name is there already."""


class PreconditionError(InputError):
    """The thing is in a state in which this may not be done."""


class ForbiddenError(InputError):
    """Who asks may not do this."""


class ClosedError(InputError):
    """A transaction or session that was committed, aborted, ended or expired."""


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


class SealMismatchError(IntegrityError):
    """A sealed value, or the wrapped key of one, is not what was sealed in this place: it was altered, or is another document's."""


class SetAsideMismatchError(IntegrityError):
    """What lies where a stream record was set aside is not that record. ``data`` is what lies there, as far as it was read."""

    def __init__(self, message: str, data: bytes, **evidence: str) -> None:
        super().__init__(message, **evidence)
        self.data = data


class UnavailableError(CounterfoilError):
    """A store or service did not answer or refused for now; nothing was half-written, the same call may be repeated."""


class ConflictError(UnavailableError):
    """A conditional write found another state than expected: load the state anew and decide again."""


class OccConflictError(ConflictError):
    """A transaction read what another transaction has changed since; nothing of it was kept, running it again may succeed."""


class DeferredError(UnavailableError):
    """Carrying this out may take longer than its caller can wait; nothing of it was done. It is asked for again without the limit."""


class UnknownOutcomeError(UnavailableError):
    """A write was asked for and its answer was lost: it may have happened, or happen yet.

    The same call may be repeated; doing the same in another way may do it twice.
    """


class ThrottledError(UnavailableError):
    """Something outside refuses for now, because it was asked for too much at once. The same call may succeed later."""


class CapacityError(UnavailableError):
    """Too many at once: sessions, transactions or waiting commits. The same call may succeed later."""
