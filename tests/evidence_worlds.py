"""Findings with all that they rest on: an auditor or a detector over a journal, its log, signed snapshots, and what was kept."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from counterfoil.adapters.memory.logs import MemoryLog
from counterfoil.cli.evidence_sources import FileSnapshots
from counterfoil.detection.evidence.bundle import parse_bundle
from counterfoil.detection.evidence.verification import verify_bundle
from counterfoil.detection.snapshot import DigestSnapshot, Signature, render_document, signed_bytes, snapshot_name
from counterfoil.errors import IntegrityError
from counterfoil.journal import BlockAddress
from counterfoil.merkle import CompactRange, Hash
from counterfoil.services.evidence import EvidenceSources, make_evidence
from counterfoil.services.transparency_log import TransparencyLog
from counterfoil.transparency.entry import LogEntry, render_entry
from counterfoil.transparency.public_key import StatementKey
from tests.audit_worlds import NOW, AuditWorld, user_datas
from tests.fraud_bank import Bank, Desk
from tests.journals import STRAND, first_revision, rehash
from tests.transparency_logs import LOG, LOG_KEY

LOG_PUBLIC = StatementKey(LOG_KEY.key.type, LOG_KEY.key.public)


def p256_key(number=1):
    """The same key for the same number."""
    return ec.derive_private_key(number, ec.SECP256R1())


def public_of(key):
    return StatementKey.of_der(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


@dataclass
class LocalSigner:
    """Signs as KMS does, the same each time."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=p256_key)

    def sign(self, message):
        algorithm = ec.ECDSA(Prehashed(SHA256()), deterministic_signing=True)
        return Signature("alias/test", "ECDSA_SHA_256", self.key.sign(sha256(message).digest(), algorithm))

    def verify(self, message, signature):
        if self.sign(message).value != signature.value:
            raise IntegrityError("the signature is not that of this key")


SIGNER = LocalSigner()
SNAPSHOT_PUBLIC = public_of(SIGNER.key)


def log_of(hashes, key=LOG_KEY, strand_id=STRAND):
    """A log over blocks with these hashes, signed."""
    log = MemoryLog()
    entries = (render_entry(LogEntry(strand_id, number, each)) for number, each in enumerate(hashes))
    TransparencyLog(log, LOG).grow(entries, key, lambda *_: None)
    return log


def snapshot_of(hashes, signer=SIGNER, taken_at=NOW, strand_id=STRAND, **changes):
    """A snapshot document over blocks with these hashes, under its name."""
    whole = CompactRange.of_leaf(0, hashes[0])
    for number, each in enumerate(hashes[1:], 1):
        whole += CompactRange.of_leaf(number, each)
    fields = {"status": "VERIFIED", "previous": None, "extends": None, "checkpoint": None} | changes
    tip = BlockAddress(strand_id, len(hashes) - 1)
    whole = fields.pop("range", whole)
    snapshot = DigestSnapshot(tip, whole, hashes[-1], "2025-03-01T09:30:00.000Z", taken_at, **fields)
    return snapshot_name(snapshot), render_document(snapshot, signer.sign(signed_bytes(snapshot)))


@dataclass
class Sources:
    """What evidence is made from. ``stored`` is the ledger's journal as it is now, by number."""

    builder: object
    stored: dict
    kept: dict = field(default_factory=dict)
    log: MemoryLog | None = None
    snapshots: dict = field(default_factory=dict)
    keys: tuple = (LOG_PUBLIC, SNAPSHOT_PUBLIC)

    @classmethod
    def of(cls, builder, blocks, kept=None):
        """With a log and a snapshot over all of the blocks."""
        hashes = builder.block_hashes
        stored = {block.address.sequence_no: block.block_binary() for block in blocks}
        return cls(builder, stored, kept or {}, log_of(hashes), dict([snapshot_of(hashes)]))

    @property
    def sources(self):
        return EvidenceSources(
            self.keys,
            lambda address: self.stored.get(address.sequence_no),
            lambda address, size: self.builder.prove_block(address.sequence_no, size - 1),
            self.log,
            FileSnapshots(self.snapshots),
            self.kept.get,
        )

    def make(self, finding):
        return make_evidence(finding, self.sources)


def bank_of_payments(count=3, *, bind_headers=True):
    """A bank whose one customer pays people whom it never paid before, each much."""
    bank = Bank()
    bank.builder.bind_headers = bind_headers
    bank.open("A1", "900000")
    for number in range(count):
        bank.transfer("A1", f"B{number}", "60000.00")
    return bank


def fraud_world(count=3, rule="fraud.new-payee-high-value", *, bind_headers=True):
    """A finding of a fraud rule, and its sources."""
    bank, desk = bank_of_payments(count, bind_headers=bind_headers), Desk()
    desk.detect(*bank.records())
    found = [each for each in desk.findings.findings.values() if each.rule_id == rule]
    return found[-1], Sources.of(bank.builder, bank.blocks)


def audit_world(journal, datas=None, stored=None):
    """Every finding of the auditor by its rule, and the sources; what was delivered may differ from what the ledger has."""
    world = AuditWorld()
    world.deliver(user_datas(journal.blocks) if datas is None else datas)
    world.wait(100)
    sources = Sources.of(journal.builder, journal.blocks if stored is None else stored, world.quarantine.kept)
    return {str(each.rule_id): each for each in world.findings.findings.values()}, sources


def altered_hash(text):
    """Another hash in base64."""
    return Hash(sha256(text.encode()).digest()).to_base64()


def verdict_of(made, *keys):
    return verify_bundle(parse_bundle(made.data), keys)


def says(sentences, *words):
    return any(all(word in each for word in words) for each in sentences)


def forged(journal, number, *, rehashed):
    """What is delivered in the place of a block: its amount altered, its hashes right again or not."""
    fields = journal.fields[number]
    first_revision(fields)["data"]["amount"] += Decimal(1)
    return rehash(fields) if rehashed else fields


def records_of(block, fields):
    return user_datas([replace(block, fields=fields)])
