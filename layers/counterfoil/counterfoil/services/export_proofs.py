"""Proofs that lie beside an export (``*.proofs.json``), held against the export itself and against every digest that is known.

A proof is good where its leaf is what the export has at that place, and where it leads to the digest that is said: the export's own at
that block, the one that was given, or else the one that it carries itself, which then nobody else confirms. The export's verdict does
not need them. What is not understood is told as not checked and counts for nothing; what contradicts is a finding.

Nothing but one file of proofs, and ``BATCH`` proofs, is in memory at a time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from typing import Any, Final, NamedTuple

from counterfoil.detection.export_rules import ExportRule, found
from counterfoil.detection.finding import Finding
from counterfoil.errors import ContentsMismatchError, InputError, IntegrityError, RevisionMismatchError
from counterfoil.journal import BlockAddress, Digest, UnverifiedBlock, verify_block
from counterfoil.journal.address import parse_address_text
from counterfoil.journal.anchor import TrustAnchor, digest_from
from counterfoil.journal.export_format import DataName
from counterfoil.journal.proofs_file import MAX_FILE_BYTES, FoundProof, NotUnderstood, find_proofs, is_proofs_file
from counterfoil.journal.receipt import ReceiptLeaf, check_places, leaf_in, path_in
from counterfoil.merkle import Hash, fold, verify_inclusion
from counterfoil.ports import ExportFiles
from counterfoil.services.export_contents import MAX_OBJECT_BYTES, Contents, blocks_at

# Different blocks at which the export's own digest is computed to compare with.
MAX_TIPS: Final = 1_000
# Proofs whose blocks are looked for in one pass over the objects that hold them.
BATCH: Final = 20_000
# Findings kept of proofs, and sentences on what was not checked: more are only counted.
MAX_FINDINGS: Final = 1_000
MAX_TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class ProofsVerdict:
    """What the files of proofs beside an export come to.

    ``checked`` proofs were held against the export, of which ``good`` hold; of these ``confirmed`` lead to a digest that the export
    itself has, or that was given, and the others only to the one that they carry. ``not_checked`` counts files, values and proofs
    nothing is said about, with a sentence on each of the first in ``told``.
    """

    files: int
    checked: int
    good: int
    confirmed: int
    not_checked: int
    told: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def bad(self) -> int:
        return self.checked - self.good


class _Claim(NamedTuple):
    """A proof that is right in itself: what it says, and where it leads."""

    file: str
    place: str
    leaf: ReceiptLeaf
    kind_told: bool
    tip: BlockAddress | None
    carried: bool
    reached: Hash

    @property
    def name(self) -> str:
        return f"{self.file} at {self.place}"


def proofs_files(names: Iterable[str], directory: str) -> list[str]:
    """The files of proofs below the directory of a manifest, ``""`` or one that ends with a slash."""
    return [each for each in names if each.startswith(directory) and is_proofs_file(each)]


def tips_in(files: ExportFiles, names: Iterable[str], strand_id: str) -> frozenset[int]:
    """The blocks of a strand whose digests the proofs in files of these names say they lead to; ``MAX_TIPS`` at most."""
    tips: set[int] = set()
    for name in names:
        for each in _found_in(files, name):
            tip = _tip_of(each.document) if isinstance(each, FoundProof) else None
            if tip is not None and tip.strand_id == strand_id and len(tips) < MAX_TIPS:
                tips.add(tip.sequence_no)
    return frozenset(tips)


def check_proofs(
    files: ExportFiles,
    names: Sequence[str],
    objects: Sequence[tuple[str, DataName]],
    contents: Contents | None,
    known: Mapping[BlockAddress, Hash],
    now: datetime,
) -> ProofsVerdict:
    """Hold the proofs in files of these names against an export: file name and name of each of its objects, and what they came to.

    ``known`` are the digests by their tips: ``known_digests``.
    """
    check = _Check(files, objects, contents, known, frozenset(known.values()), now)
    for batch in batched(check.claims(names), BATCH, strict=False):
        check.hold(batch)
    return ProofsVerdict(
        len(names),
        check.checked,
        check.good,
        check.confirmed,
        check.not_checked,
        tuple(check.told),
        tuple(check.findings),
    )


def known_digests(
    contents: Contents | None, digest: Digest | None, anchor: TrustAnchor | None
) -> dict[BlockAddress, Hash]:
    """The digests that proofs are held against, by their tips: the given one, and the export's own as far as its blocks give some.

    A declared anchor gives none: what is computed behind it is no digest of the whole strand.
    """
    digests = [] if digest is None else [digest]
    if contents is not None and (anchor is None or anchor.digest is not None):
        runs = [each for each in contents.segments[:1] if each.begin == contents.begin] + [*contents.until.values()]
        digests += [each for run in runs if (each := digest_from(anchor, run)) is not None]
    return {each.tip_address: each.hash for each in digests}


def _found_in(files: ExportFiles, name: str) -> Iterator[FoundProof | NotUnderstood]:
    try:
        data = b"".join(files.chunks(name, MAX_FILE_BYTES))
    except InputError as error:
        yield NotUnderstood("$", str(error))
        return
    yield from find_proofs(data)


def _tip_of(document: Mapping[str, Any]) -> BlockAddress | None:
    """The tip that a proof states, if it can be read; where not, that is told when the proof is checked."""
    try:
        return parse_address_text(document["DigestTipAddress"]) if "DigestTipAddress" in document else None
    except InputError:
        return None


@dataclass(slots=True)
class _Check:
    """The fold over all proofs."""

    files: ExportFiles
    objects: Sequence[tuple[str, DataName]]
    contents: Contents | None
    known: Mapping[BlockAddress, Hash]
    digests: frozenset[Hash]
    now: datetime
    checked: int = 0
    good: int = 0
    confirmed: int = 0
    not_checked: int = 0
    told: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def claims(self, names: Iterable[str]) -> Iterator[_Claim]:
        """The proofs that are right in themselves; what is wrong with the others is noted."""
        for name in names:
            for each in _found_in(self.files, name):
                if isinstance(each, NotUnderstood):
                    self._tell(f"{name} at {each.place}: {each.reason}", each.values)
                    continue
                try:
                    yield _claim(name, each)
                except IntegrityError as error:
                    self._contradict(name, each.place, _wrong_itself(error))
                except InputError as error:
                    self._tell(f"{name} at {each.place}: a proof that cannot be read: {error}")

    def hold(self, batch: Sequence[_Claim]) -> None:
        """Hold proofs against the export's blocks, each block read once."""
        waiting: dict[int, list[_Claim]] = defaultdict(list)
        for claim in batch:
            if self._is_of_export(claim.leaf.address):
                waiting[claim.leaf.address.sequence_no].append(claim)
            else:
                self._tell(f"{claim.name}: block {claim.leaf.address} is not in this export")
        numbers = sorted(waiting)
        for file_name, name in self.objects:
            within = numbers[bisect_left(numbers, name.first) : bisect_right(numbers, name.last)]
            wanted = {each for each in within if each in waiting}
            for number, block in self._blocks(file_name, name, wanted):
                for claim in waiting.pop(number):
                    self._compare(claim, block)
        for claim in (claim for claims in waiting.values() for claim in claims):
            self._tell(f"{claim.name}: block {claim.leaf.address} of the export does not hold, or is not there")

    def _is_of_export(self, address: BlockAddress) -> bool:
        contents = self.contents
        if contents is None:
            return False
        return address.strand_id == contents.strand_id and contents.begin <= address.sequence_no < contents.end

    def _blocks(self, file_name: str, name: DataName, wanted: set[int]) -> Iterator[tuple[int, UnverifiedBlock]]:
        """Blocks of an object that hold, as far as they are wanted."""
        if not wanted:
            return
        assert self.contents is not None  # else no block is wanted
        # Where nothing in the export is wrong it is known that they hold.
        doubtful = self.contents.damage.count > 0
        chunks = self.files.chunks(file_name, MAX_OBJECT_BYTES)
        try:
            for number, block in blocks_at(name, chunks, wanted, to_verify=doubtful):
                if block.address == (self.contents.strand_id, number) and (not doubtful or _holds(block)):
                    yield number, block
        except InputError:
            return  # told of each that is still waited for

    def _compare(self, claim: _Claim, block: UnverifiedBlock) -> None:
        """One proof against the block that it is about, then against the digest."""
        wrong = _wrong_leaf(claim, block) or self._wrong_digest(claim)
        if wrong is not None:
            self._contradict(claim.file, claim.place, wrong)
            return
        known = self._knows(claim)
        if not known and not claim.carried:
            at = "" if claim.tip is None else f" at {claim.tip}"
            self._tell(
                f"{claim.name}: it carries no digest, and leads to none that is known{at}; give one with --digest"
            )
            return
        self.checked += 1
        self.good += 1
        self.confirmed += known

    def _wrong_digest(self, claim: _Claim) -> _Wrong | None:
        expected = None if claim.tip is None else self.known.get(claim.tip)
        if expected is None or expected == claim.reached:
            return None
        reason = f"it leads to the digest {claim.reached.to_base64()} at {claim.tip}, which is {expected.to_base64()}"
        return _Wrong("Digest", str(expected), str(claim.reached), reason)

    def _knows(self, claim: _Claim) -> bool:
        if claim.tip is not None:
            return claim.tip in self.known
        return claim.reached in self.digests

    def _tell(self, sentence: str, count: int = 1) -> None:
        self.not_checked += count
        if len(self.told) < MAX_TOLD:
            self.told.append(sentence[:1_000])

    def _contradict(self, file: str, place: str, wrong: _Wrong) -> None:
        self.checked += 1
        if len(self.findings) < MAX_FINDINGS:
            name, reason = f"{file} at {place}", wrong.reason
            evidence = {
                "file": file,
                "place": place,
                "field": wrong.field,
                "expected": wrong.expected,
                "found": wrong.found,
            }
            self.findings.append(found(ExportRule.PROOF_MISMATCH, name, f"{name}: {reason}", self.now, **evidence))


def _claim(file: str, proof: FoundProof) -> _Claim:
    """A proof that is right in itself; errors as of ``verify_receipt``, which does the same where there is a whole digest."""
    document = proof.document
    leaf, path = leaf_in(document), path_in(document)
    tip = None if "DigestTipAddress" not in document else parse_address_text(document["DigestTipAddress"])
    if tip is not None:
        check_places(leaf, tip, path)
    carried = "Digest" in document
    if carried:
        verify_inclusion(leaf.hash, path, Hash.from_base64(document["Digest"]))
    return _Claim(file, proof.place, leaf, proof.kind_told, tip, carried, fold(leaf.hash, path))


def _holds(block: UnverifiedBlock) -> bool:
    try:
        verify_block(block)
    except IntegrityError:
        return False
    return True


class _Wrong(NamedTuple):
    """What contradicts: which field, and the two values."""

    field: str
    expected: str
    found: str
    reason: str


def _wrong_leaf(claim: _Claim, block: UnverifiedBlock) -> _Wrong | None:
    """What of a proof's leaf is not as the export has it."""
    leaf = claim.leaf
    found_hash = leaf.hash.to_base64()
    if leaf.kind == "block" or (leaf.hash == block.block_hash and not claim.kind_told):
        if leaf.hash == block.block_hash:
            return None
        expected = block.block_hash.to_base64()
        return _Wrong(
            "Block.blockHash",
            str(block.block_hash),
            str(leaf.hash),
            f"block {leaf.address} of the export has the hash {expected}",
        )
    documents = [(each.metadata.document_id if each.metadata else None, each.hash) for each in block.revisions]
    named = [each for each, revision_hash in documents if revision_hash == leaf.hash]
    if not named:
        of_document = [each for document_id, each in documents if document_id == leaf.document_id]
        expected = " ".join(map(str, (of_document or [each for _, each in documents])[:8]))
        reason = f"block {leaf.address} of the export has no revision of the hash {found_hash}"
        return _Wrong("Revision.hash", expected, str(leaf.hash), reason)
    if leaf.document_id not in {None, *named}:
        expected = " ".join(map(str, named))
        reason = f"in block {leaf.address} of the export this is a revision of document {expected}, not of {leaf.document_id}"
        return _Wrong("DocumentId", expected, str(leaf.document_id), reason)
    return None


def _wrong_itself(error: IntegrityError) -> _Wrong:
    """What a proof contradicts that does not hold by itself."""
    differs = "Revision.hash" if isinstance(error, RevisionMismatchError) else "Proof"
    if isinstance(error, ContentsMismatchError):
        differs = f"Block.{error.evidence.get('part', 'revisions')}"
    evidence = error.evidence
    return _Wrong(
        evidence.get("part", differs) if differs == "Proof" else differs,
        evidence.get("expected", ""),
        evidence.get("found", ""),
        str(error),
    )
