"""What the services need from outside, each port described by what it guarantees and by how far it is trusted.

Every port raises ``UnavailableError`` when the outside does not answer or refuses for now, and then has either done all
or nothing of the call; a call may always be repeated. Adapters subclass the port; one contract suite runs on all of them
(tests/contract).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from counterfoil.journal.publication import KeyedRecord, OuterRecord
from counterfoil.journal.set_aside import SetAsidePlace
from counterfoil.ledger.jobs import ExportJob, StreamJob
from counterfoil.ledger.registry import RegisteredLedger
from counterfoil.merkle import Hash

# Only for types: the ledger's function starts without the pipeline's half of the library.
if TYPE_CHECKING:
    from counterfoil.detection.account import StateKey
    from counterfoil.detection.account_book import StateChange, StoredState
    from counterfoil.detection.alert import Message
    from counterfoil.detection.finding import Finding
    from counterfoil.detection.snapshot import Signature
    from counterfoil.detection.strand import KnownBlock, Run, StrandState
    from counterfoil.journal.anchor import TrustAnchor

Clock = Callable[[], datetime]


class FindingStore(Protocol):
    """Keeps findings. Not trusted for integrity: a lost or altered finding can be derived again by replaying the stream."""

    def record(self, findings: Sequence[Finding]) -> int:
        """Keep each finding once; return how many were new or moved on. Some may have been kept before an error is raised.

        A finding whose id is known changes nothing but its status, and that only forward (``Status``); its evidence and
        ``found_at`` stay those of the first time. One that is ``HEALED`` when it comes is kept like any other: what it tells of was
        missing for too long, and a consumer that lost a race may still record that as ``OPEN`` afterwards.
        """
        ...

    def load(self, finding_id: str) -> Finding | None: ...


def quarantine_name(data: bytes) -> str:
    """Where bytes are kept: the name follows from them, so that keeping twice is keeping once."""
    return f"quarantine/{sha256(data).hexdigest()}"


class Quarantine(Protocol):
    """Keeps bytes that could not be read or did not verify. Write-once: the name follows from the bytes."""

    def keep(self, data: bytes) -> str:
        """Keep the bytes under ``quarantine_name`` and return it; keeping the same bytes again changes nothing."""
        ...

    def load(self, name: str) -> bytes: ...


# DynamoDB takes 100 items in one transaction; the state, the listing of the strand and parts of large runs need some.
MAX_RUNS: Final = 80


class HeadStore(Protocol):
    """Keeps what is verified of each strand. TRUSTED: whoever can write here can hide a fork."""

    def load(self, strand_id: str) -> StrandState | None:
        """The strand's state as last saved; reads are never stale."""
        ...

    def advance(self, old: StrandState | None, new: StrandState, runs: Sequence[Run]) -> None:
        """Replace ``old`` by ``new`` and add the runs, all in one step; ``ConflictError`` if the stored state is not ``old``.

        At most ``MAX_RUNS`` runs fit one step.
        """
        ...

    def known_blocks(self, strand_id: str, sequence_nos: Iterable[int]) -> Mapping[int, KnownBlock]:
        """Those of the blocks that some run holds."""
        ...

    def runs(self, strand_id: str, begin: int, end: int) -> Iterator[Run]:
        """Every run that holds a block from ``begin`` (included) to ``end`` (excluded), in order of their first blocks."""
        ...

    def strands(self) -> Sequence[str]:
        """Ids of all strands, in order."""
        ...


class AlertLog(Protocol):
    """Remembers which alerts were sent. Not trusted: losing it costs a second message."""

    def was_sent(self, alert_id: str) -> bool: ...

    def note_sent(self, alert_id: str, sent_at: datetime) -> None: ...


class AlertChannel(Protocol):
    """Tells a person or a system about a finding. A channel may deliver twice; ``alert_id`` lets the receiver notice."""

    name: str

    def send(self, alert: Message) -> None: ...


class Signer(Protocol):
    """Signs with a key that never leaves its keeper. TRUSTED for what it signs, not for what is signed."""

    def sign(self, message: bytes) -> Signature: ...

    def verify(self, message: bytes, signature: Signature) -> None:
        """Return if the signature is this key's over the message, else raise ``IntegrityError``."""
        ...


class SnapshotStore(Protocol):
    """Keeps digest snapshots, write-once. Not trusted for content: the signature is checked on every reading."""

    def keep(self, name: str, document: bytes) -> None:
        """Keep a document for as long as the retention says; the same name with other bytes is an ``IntegrityError``."""
        ...

    def latest(self, prefix: str) -> tuple[str, bytes] | None:
        """The document with the greatest name under a prefix."""
        ...


class AccountStore(Protocol):
    """Keeps what the fraud rules remember. Not trusted for integrity: replaying the stream derives all of it again.

    It knows nothing of what is in a state: each is a text under a key, with the number of times it was replaced. Unlike
    the other ports' calls, ``save``, ``hold`` and ``release`` with several items may have done some of them before they raise.
    """

    def load(self, keys: Sequence[StateKey]) -> Mapping[StateKey, StoredState]:
        """Those of the states that are kept; reads are never stale."""
        ...

    def save(self, changes: Sequence[StateChange]) -> None:
        """Replace each state, its version going up by one; ``ConflictError`` if one's stored version is not ``old_version``.

        Each state is replaced in one step; which of the others were replaced before an error is not said.
        """
        ...

    def held(self, keys: Sequence[StateKey]) -> Mapping[StateKey, bytes]:
        """Those of the pieces that are kept; reads are never stale."""
        ...

    def hold(self, pieces: Mapping[StateKey, bytes], expires_at: datetime) -> None:
        """Keep bytes of at most 350,000 each under keys that follow from them; keeping them again changes nothing."""
        ...

    def release(self, keys: Sequence[StateKey]) -> None:
        """Forget pieces; those that are not kept are none the less forgotten."""
        ...

    def strands(self) -> Sequence[str]:
        """Items kept under the key of cursors: ids of all strands, in order."""
        ...


class JournalReader(Protocol):
    """Reads the committed blocks of a ledger's strand, in their whole form. Not trusted by any verifier.

    Times of blocks never go back along the strand: whoever looks for a time may halve the range.
    """

    @property
    def strand_id(self) -> str: ...

    def tip(self) -> int | None:
        """Sequence number of the last committed block; ``None`` for a ledger without blocks."""
        ...

    @property
    def anchor(self) -> TrustAnchor | None:
        """Where the strand begins, if that is not block 0. It never changes."""
        return None

    def first(self) -> int:
        """Sequence number of the first block that there is or will be: 0, or that of a trust anchor."""
        return 0 if (anchor := self.anchor) is None else anchor.begin

    def blocks(self, begin: int, end: int, /) -> Iterator[bytes]:
        """Blocks ``begin`` (included) to ``end`` (excluded) in order, each as a binary datagram; they must be there."""
        ...

    def wait_for(self, sequence_no: int, timeout: float, /) -> bool:
        """Wait until this block is committed, at most ``timeout`` seconds; return whether it is."""
        ...


class AnchorSource(Protocol):
    """Says where strands begin that do not begin with block 0. NOT trusted: what it says is compared with what it said first."""

    def anchor(self, strand_id: str, /) -> TrustAnchor | None:
        """The strand's trust anchor; ``None`` where it has none. Never stale."""
        ...


class StoredBlock(NamedTuple):
    """A block as a journal keeps it: ``data`` is its whole form, ``kept`` what stands beside it, for a journal of the same kind."""

    sequence_no: int
    block_hash: Hash
    data: bytes
    kept: Any


class CopiedTip(NamedTuple):
    """The last block of a copied strand."""

    sequence_no: int
    block_hash: Hash


class JournalSource(AnchorSource, Protocol):
    """The journal that is copied into another region. Not trusted: what is read from it is verified before it is copied."""

    def stored(self, strand_id: str, begin: int, count: int, /) -> Sequence[StoredBlock]:
        """At most ``count`` committed blocks from ``begin`` on, by their numbers; none behind the tip. Never stale."""
        ...

    def registered(self) -> Registered:
        """What is registered of the ledgers that another region needs as well: themselves, tags and permissions."""
        ...


# What a registry holds of a kind, by id; each thing in the form of the registry's own store.
Registered = Mapping[str, Mapping[str, Any]]


# What a block follows in a copy: the block of a hash, the anchor that the strand begins at, or nothing, as block 0.
type Previous = Hash | TrustAnchor | None


class JournalCopy(Protocol):
    """A journal in another region that blocks are added to. TRUSTED to keep what it has: promoted, it becomes the journal."""

    def tip(self, strand_id: str, /) -> CopiedTip | None:
        """Where the copy of a strand ends; never stale."""
        ...

    def begin(self, anchor: TrustAnchor, /) -> None:
        """Let a strand begin at an anchor, for good; the same again changes nothing, ``BrokenLinkError`` where it begins elsewhere."""
        ...

    def append(self, strand_id: str, previous: Previous, blocks: Sequence[StoredBlock], /) -> None:
        """Put blocks, in order, directly behind what ``previous`` names and where no block is.

        A block that is there already, with the same hash, is passed over. Another one is a ``BrokenLinkError``, also if the copy
        was promoted and has blocks of its own; nothing is ever replaced. Before an error some of the blocks may have been put.
        """
        ...

    def keep_registered(self, registered: Registered, /) -> None:
        """Make the copy's registry hold exactly this of each kind named; other kinds are its own."""
        ...


# Puts user records into one frame (journal/kpl.py reads it); ``ValueError`` where they do not fit into one Kinesis record.
Aggregate = Callable[[Sequence[KeyedRecord]], bytes]


class StreamSink(Protocol):
    """One Kinesis stream, to be written. Not trusted: whoever can write to it is found out by the auditor.

    ``record_limit_bytes`` bounds a Kinesis record's data and partition key together.
    """

    record_limit_bytes: int

    def put(self, records: Sequence[OuterRecord], /) -> None:
        """Put records, each at least once, in order but for those that the stream refused at first.

        ``NotFoundError`` where there is no such stream, ``ForbiddenError`` where it may not be written; then, and before an
        ``UnavailableError``, some of the records may have been put.
        """
        ...


class SetAsideRecords(Protocol):
    """Keeps stream records that are too large for Kinesis. NOT trusted: what is fetched is held against the pointer's hash."""

    def keep(self, data: bytes, /) -> SetAsidePlace:
        """Keep a record for longer than the stream keeps the pointer to it, and return where it lies.

        Write-once: keeping the same bytes again on the same day (UTC) changes nothing.
        """
        ...

    def fetch(self, place: SetAsidePlace, /) -> bytes:
        """What lies there, at most one byte more than ``place.size_bytes``. ``place.bucket`` is not looked at: a pointer that
        anybody may have put says it. ``UnavailableError`` where nothing is there, or not any more.
        """
        ...


class ObjectStore(Protocol):
    """One bucket, to be written. Not trusted: an export is verified from its contents."""

    def put(self, key: str, data: bytes, /) -> None:
        """Write an object, whole or not at all; it replaces what was under the key.

        ``NotFoundError`` where there is no such bucket, ``ForbiddenError`` where it may not be written.
        """
        ...


class ExportFiles(Protocol):
    """The files of an export, wherever they were copied to. NOT trusted in any way.

    Names are paths below the top, with slashes, as ``names`` gives them. ``InputError`` where a file is none or too large.
    """

    def names(self) -> Sequence[str]:
        """All files, in order of their names."""
        ...

    def size_bytes(self) -> int:
        """All files together, for whoever wants to know how long it will take."""
        ...

    def chunks(self, name: str, limit_bytes: int, /) -> Iterator[bytes]:
        """A file's bytes in pieces; ``NotFoundError`` where there is no such file."""
        ...


class SharedCache(Protocol):
    """Keeps bytes for all instances for a while. NOT trusted to be current or to have anything; what it has, an instance put there.

    A cache that does not answer is an ``UnavailableError``, within a few milliseconds.
    """

    def get(self, names: Sequence[str], /) -> Mapping[str, bytes]:
        """Those of the entries that are there."""
        ...

    def put(self, entries: Mapping[str, bytes], seconds: int, /) -> None:
        """Keep entries for at most so long, in the place of what was kept under their names."""
        ...


class JobStore(Protocol):
    """Keeps exports and streams with their progress. Not trusted: losing progress repeats work, at least once.

    A call that returned is durable. ``save`` is for whoever begins a job, or runs alone; where several may change one, they
    ``advance`` it. Progress of an export only adds to its keys.
    """

    def save_export(self, job: ExportJob, /) -> None:
        """Keep an export under its id, in the place of what was kept."""
        ...

    def save_stream(self, job: StreamJob, /) -> None:
        """Keep a stream under its id, in the place of what was kept."""
        ...

    def advance_export(self, old: ExportJob, new: ExportJob, /) -> None:
        """Replace ``old`` by ``new`` in one step; ``ConflictError`` if what is kept is not ``old``."""
        ...

    def advance_stream(self, old: StreamJob, new: StreamJob, /) -> None:
        """Replace ``old`` by ``new`` in one step; ``ConflictError`` if what is kept is not ``old``."""
        ...

    def export(self, export_id: str, /) -> ExportJob | None:
        """The export as last saved; never stale."""
        ...

    def stream(self, stream_id: str, /) -> StreamJob | None:
        """The stream as last saved; never stale."""
        ...

    def exports(self) -> Sequence[ExportJob]:
        """All exports of all ledgers, in order of ``created_at`` and id."""
        ...

    def streams(self) -> Sequence[StreamJob]:
        """All streams of all ledgers, in order of ``created_at`` and id."""
        ...

    def forget(self, job_id: str, /) -> None:
        """Forget an export or a stream; one that is not kept is none the less forgotten."""
        ...


class SessionEvent(NamedTuple):
    """One thing that happened on a session; ``number`` counts from 0. ``base`` is that of the event from which on all later ones
    tell how the session stands.
    """

    number: int
    base: int
    data: bytes


class SessionLog(Protocol):
    """Keeps what happened on each session. TRUSTED: whoever can write here speaks for whoever began the session.

    A session is named by a text that nobody can guess, and that is no key to it.
    """

    def append(self, session: str, event: SessionEvent, expires_at: datetime, /) -> None:
        """Add an event behind those that are there; ``ConflictError`` if another one of its number is. It may be forgotten later
        than ``expires_at``. Adding the same event again changes nothing.
        """
        ...

    def events(self, session: str, /) -> Sequence[SessionEvent]:
        """The events from the base of the last one on, in order; never stale. None where the session was forgotten."""
        ...


class LedgerRegistry(Protocol):
    """Keeps which ledgers there are and what they are tagged with. TRUSTED for what may be deleted and for permissions."""

    def ledger(self, name: str) -> RegisteredLedger | None:
        """The ledger of that name, whatever its state."""
        ...

    def ledgers(self, after: str, count: int) -> Sequence[RegisteredLedger]:
        """At most ``count`` ledgers whose names are greater than ``after``, by name."""
        ...

    def save(self, old: RegisteredLedger | None, new: RegisteredLedger | None) -> None:
        """Add a ledger (``old`` is ``None``), change it, forget it (``new`` is ``None``); ``ConflictError`` if it is not ``old``."""
        ...

    def tags(self, arn: str) -> Mapping[str, str]: ...

    def tag(self, arn: str, tags: Mapping[str, str], at_most: int) -> None:
        """Add tags or replace their values; ``LimitError``, and nothing changed, if there were more than ``at_most`` then."""
        ...

    def untag(self, arn: str, keys: Iterable[str]) -> None:
        """Remove those of the tags that are there."""
        ...

    def forget_tags(self, arn: str) -> None:
        """Remove every tag of a resource, and of all whose ARNs begin with its ARN and a slash."""
        ...
