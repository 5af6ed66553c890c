"""The verifier of an export, ours or QLDB's: from the first block to the last, trusting nobody.

The manifests say which objects there are; every object's name is held against its contents, every hash of every block is
computed, every block is linked with the one before, and where the export begins with block 0 the digest is computed from the
blocks and compared. What is not covered: an export that was cut short at its end together with its manifest is whole in
itself; only a digest, or a stream, shows that blocks are missing behind it.

An export is laid out below its top directory as in the bucket, with or without the prefix: a data object is looked for from where
its manifest stands, under the part of its key that begins with the year.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Final, NamedTuple

from counterfoil.detection.export_rules import ExportRule, found, not_holding
from counterfoil.detection.finding import Finding
from counterfoil.errors import BrokenLinkError, InputError, NotFoundError
from counterfoil.journal import BlockAddress, Digest
from counterfoil.journal.anchor import TrustAnchor, digest_from
from counterfoil.journal.export_format import (
    DataName,
    local_name,
    parse_completed_manifest,
    parse_completed_name,
    parse_data_key,
    parse_started_manifest,
)
from counterfoil.ports import ExportFiles
from counterfoil.services.export_contents import MAX_OBJECT_BYTES, Contents, Task, joined, missing_object, verify_object
from counterfoil.services.export_proofs import ProofsVerdict, check_proofs, known_digests, proofs_files, tips_in

MAX_MANIFEST_BYTES: Final = 16 * 1024 * 1024
# Findings kept of an export; which blocks do not hold is kept of all.
MAX_FINDINGS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Work:
    """One object to verify, with everything that doing so takes: it may be done by another process.

    ``file_name`` of ``None``: it is not among the files. ``noted`` is what an earlier verification came to, if it counts still.
    """

    files: ExportFiles
    file_name: str | None
    task: Task
    noted: Contents | None = None

    def do(self, read: Callable[[int], object] = int) -> Contents:
        """Verify the object; ``read`` is called with the size of each piece of it."""
        if self.file_name is None:
            return missing_object(self.task)
        if self.noted is not None and self._is_as_noted(self.file_name, self.noted):
            read(self.noted.size_bytes)
            return self.noted
        return verify_object(self.task, self.files.chunks(self.file_name, MAX_OBJECT_BYTES), read)

    def _is_as_noted(self, file_name: str, noted: Contents) -> bool:
        whole = sha256()
        for chunk in self.files.chunks(file_name, MAX_OBJECT_BYTES):
            whole.update(chunk)
        return whole.digest() == noted.sha256


def work_through(work: Iterable[Work]) -> Iterator[Contents]:
    """One object after the other, in this process."""
    return (each.do() for each in work)


@dataclass(frozen=True, slots=True)
class Notes:
    """What earlier verifications came to, by key, and where to note what this one comes to."""

    known: Mapping[str, Contents] = field(default_factory=dict)
    keep: Callable[[str, Contents], object] = lambda _key, _contents: None


# Does work and gives the outcomes in the same order.
Workers = Callable[[Iterable[Work]], Iterator[Contents]]


@dataclass(frozen=True, slots=True)
class ExportVerdict:
    """What one export comes to. ``digest`` is that of its last block, ``digest_compared`` says that the given one was met.

    ``unlisted`` counts data objects of its strand beside it that its manifest does not name: nobody vouches for them. ``remarks``
    say what is odd about the export and disproves nothing. ``proofs`` is what the files of proofs beside it come to, ``None`` where
    there are none; what contradicts in them is among the findings.
    """

    export_id: str
    strand_id: str
    ledger_name: str | None
    output_format: str | None
    objects: int
    contents: Contents | None
    digest: Digest | None
    digest_compared: bool
    unlisted: int
    findings: tuple[Finding, ...]
    remarks: tuple[str, ...] = ()
    proofs: ProofsVerdict | None = None

    @property
    def not_proved(self) -> int:
        """Revisions of which nobody can tell whether their data or metadata was changed, as JSON has lost types."""
        return 0 if self.contents is None else self.contents.data_unchecked

    @property
    def blocks_hold(self) -> bool:
        """Nothing was found of the export itself, whatever the proofs beside it say."""
        return all(each.rule_id == ExportRule.PROOF_MISMATCH for each in self.findings)

    @property
    def holds(self) -> bool:
        """Nothing was found, and nothing is left that could have been changed unseen."""
        return not self.findings and not self.not_proved


class _Given(NamedTuple):
    """What exports are held against."""

    now: datetime
    digest: Digest | None
    anchor: TrustAnchor | None


@dataclass(frozen=True, slots=True)
class _Manifest:
    """A completed manifest: where it stands, what its name says, and the objects it lists."""

    directory: str
    export_id: str
    strand_id: str
    objects: tuple[tuple[str, DataName], ...]

    def file_names(self) -> list[str]:
        return [self.directory + local_name(key) for key, _ in self.objects]


def verify_export(
    files: ExportFiles,
    now: datetime,
    digest: Digest | None = None,
    workers: Workers = work_through,
    notes: Notes | None = None,
    anchor: TrustAnchor | None = None,
) -> list[ExportVerdict]:
    """Verify every completed export among the files. What is no export at all is an ``InputError``.

    With a digest, an export that does not lead to it has a finding; one that begins neither with block 0 nor at an anchor that was
    proved cannot, which is an ``InputError`` unless something else is wrong with it.
    """
    names = files.names()
    manifests = [each for each in (_manifest_named(files, name) for name in names) if each is not None]
    if not manifests:
        raise InputError("no completed manifest (<exportId>.<strandId>.completed.manifest): not a completed export")
    given = _Given(now, digest, anchor)
    return [_verify(files, names, manifest, given, workers, notes or Notes()) for manifest in manifests]


def objects_of(files: ExportFiles) -> list[tuple[str, DataName]]:
    """File name and contents of each data object of the only export among the files, in order; several are an ``InputError``."""
    manifests = [each for each in (_manifest_named(files, name) for name in files.names()) if each is not None]
    if len(manifests) != 1:
        raise InputError(f"{len(manifests)} completed exports; one was expected")
    names = (name for _, name in manifests[0].objects)
    return list(zip(manifests[0].file_names(), names, strict=True))


def _manifest_named(files: ExportFiles, name: str) -> _Manifest | None:
    directory, slash, last = name.rpartition("/")
    parsed = parse_completed_name(last)
    if parsed is None:
        return None
    keys = parse_completed_manifest(_whole(files, name))
    objects = tuple((key, parse_data_key(key)) for key in keys)
    return _Manifest(directory + slash, parsed.export_id, parsed.strand_id, objects)


def _verify(
    files: ExportFiles,
    names: Sequence[str],
    manifest: _Manifest,
    given: _Given,
    workers: Workers,
    notes: Notes,
) -> ExportVerdict:
    now, digest, anchor = given
    proofs_names = proofs_files(names, manifest.directory)
    digests_at = tips_in(files, proofs_names, manifest.strand_id)
    digests_at |= set() if digest is None else {digest.tip_address.sequence_no}
    present = set(names)
    work = [
        Work(
            files,
            file_name if file_name in present else None,
            Task(key, name, now, within := frozenset(each for each in digests_at if name.first <= each <= name.last)),
            _noted(notes.known.get(key), name, within),
        )
        for file_name, (key, name) in zip(manifest.file_names(), manifest.objects, strict=True)
    ]
    contents = _contents(workers(work), work, notes)
    findings = [*_strangers(manifest, now), *([] if contents is None else contents.findings)]
    if anchor is not None:
        findings += _compare_anchor(anchor, manifest, contents, now)
    if digest is not None:
        findings += _compare(given, digest, manifest, contents, findings)
    whole = contents.segments[0] if contents is not None and len(contents.segments) == 1 else None
    proofs = None
    if proofs_names:
        objects = [(each.file_name, each.task.name) for each in work if each.file_name is not None]
        known = known_digests(contents, digest, anchor)
        proofs = check_proofs(files, proofs_names, objects, contents, known, now)
    started = _started(files, manifest)
    return ExportVerdict(
        manifest.export_id,
        manifest.strand_id,
        started.get("ledgerName"),
        started.get("outputFormat"),
        len(work),
        contents,
        None if whole is None or findings else digest_from(anchor, whole),
        digest is not None and not findings,
        _count_unlisted(names, manifest),
        (*findings, *(() if proofs is None else proofs.findings)),
        tuple(_remarks(started, manifest, contents, anchor)),
        proofs,
    )


def _noted(noted: Contents | None, name: DataName, digests_at: frozenset[int]) -> Contents | None:
    """What was noted of an object, if it is of the blocks that its name says and no digest is to be compared in it."""
    if noted is None or (noted.strand_id, noted.begin, noted.end) != (name.strand_id, name.first, name.last + 1):
        return None
    return None if digests_at else noted


def _contents(outcomes: Iterator[Contents], work: list[Work], notes: Notes) -> Contents | None:
    """All objects as one."""
    whole: Contents | None = None
    for each, outcome in zip(work, outcomes, strict=True):
        if outcome is not each.noted:
            notes.keep(each.task.key, outcome)
        whole = replace(outcome) if whole is None else joined(whole, outcome, each.task)
        del whole.findings[MAX_FINDINGS:]
    return whole


def _remarks(
    started: Mapping[str, str], manifest: _Manifest, contents: Contents | None, anchor: TrustAnchor | None
) -> Iterator[str]:
    if not started:
        yield "there is no started manifest: ledger, range and format are not told"
    elif started.get("exportId", manifest.export_id) != manifest.export_id:
        yield f"the started manifest is of export {started['exportId']}"
    extension = "json" if started.get("outputFormat") == "JSON" else "ion"
    if started and any(name.extension != extension for _, name in manifest.objects):
        yield f"the started manifest says {started.get('outputFormat', 'ION_TEXT')}, but the objects have other names"
    if anchor is not None:
        yield str(anchor)
    elif contents is not None and contents.begin > 0:
        yield f"it begins with block {contents.begin}: whether that follows the blocks before it, no export without them can show"
    if contents is not None and contents.without_transaction:
        yield f"{contents.without_transaction} blocks do not say what their transaction did"


def _strangers(manifest: _Manifest, now: datetime) -> Iterator[Finding]:
    """Objects of another strand than the manifest's."""
    for key, name in manifest.objects[:MAX_FINDINGS]:
        if name.strand_id != manifest.strand_id:
            reason = f"the manifest of strand {manifest.strand_id} lists {key}, an object of strand {name.strand_id}"
            yield found(ExportRule.NAME_MISMATCH, key, reason, now)


def _compare_anchor(
    anchor: TrustAnchor, manifest: _Manifest, contents: Contents | None, now: datetime
) -> Iterator[Finding]:
    """Hold the export's beginning against the anchor; one that begins elsewhere, or in another strand, is an ``InputError``."""
    if contents is None or (manifest.strand_id, contents.begin) != (anchor.strand_id, anchor.begin):
        begins = "nowhere" if contents is None else f"with block {manifest.strand_id}#{contents.begin}"
        raise InputError(
            f"the trust anchor is at block {anchor.strand_id}#{anchor.begin}, but the export begins {begins}"
        )
    if contents.segments and contents.segments[0].begin == contents.begin:
        try:
            anchor.check_begins(contents.segments[0])
        except BrokenLinkError as error:
            contents.damage.add(contents.begin, contents.begin)
            place = BlockAddress(manifest.strand_id, contents.begin)
            yield not_holding(place, error, now, manifest.objects[0][0])


def _compare(
    given: _Given, digest: Digest, manifest: _Manifest, contents: Contents | None, findings: Sequence[Finding]
) -> list[Finding]:
    """Hold the export against a digest; what it does not lead to is a finding."""
    tip, now, anchor = digest.tip_address, given.now, given.anchor
    if anchor is not None and anchor.digest is None:
        raise InputError(
            "a digest covers every block: behind a declared trust anchor none can be compared, only behind a proved one"
        )
    until = None if contents is None else contents.until.get(tip.sequence_no)
    reached = None if until is None else digest_from(anchor, until)
    if reached is not None and reached == digest:
        return []
    if reached is not None and reached.hash != digest.hash:
        reason = f"the blocks up to {tip} have the digest {reached.hash.to_base64()}, not {digest.hash.to_base64()}"
        evidence = {"expected": str(digest.hash), "found": str(reached.hash)}
        return [found(ExportRule.DIGEST_MISMATCH, tip, reason, now, **evidence)]
    if tip.strand_id != manifest.strand_id:
        reason = f"the digest is of strand {tip.strand_id}, the export of strand {manifest.strand_id}"
    elif contents is None or contents.end <= tip.sequence_no:
        last = "nothing" if contents is None else f"block {contents.end - 1}"
        reason = f"the digest covers every block up to {tip}, but the export ends with {last}"
    elif contents.begin == 0 or anchor is not None or findings:
        reason = f"the blocks up to {tip} do not hold, so that there is no digest to compare"
    else:
        raise InputError(
            f"the export begins with block {contents.begin}: a digest can be compared only from block 0 on"
        )
    return [found(ExportRule.DIGEST_MISMATCH, tip, reason, now)]


def _started(files: ExportFiles, manifest: _Manifest) -> dict[str, str]:
    """What the started manifest says, for people; nothing where it is missing."""
    try:
        return parse_started_manifest(_whole(files, f"{manifest.directory}{manifest.export_id}.started.manifest"))
    except NotFoundError:
        return {}


def _count_unlisted(names: Sequence[str], manifest: _Manifest) -> int:
    listed = set(manifest.file_names())
    return sum(_is_data_of(manifest, name) and name not in listed for name in names)


def _is_data_of(manifest: _Manifest, name: str) -> bool:
    try:
        return name.startswith(manifest.directory) and parse_data_key(name).strand_id == manifest.strand_id
    except InputError:
        return False


def _whole(files: ExportFiles, name: str) -> bytes:
    return b"".join(files.chunks(name, MAX_MANIFEST_BYTES))
