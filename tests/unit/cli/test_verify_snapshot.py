"""``counterfoil verify snapshot``: the public key and the document are all it takes."""

import json
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner

from counterfoil.adapters.memory import MemoryFindings, MemoryHeads, MemoryJournalSource, MemorySnapshots
from counterfoil.cli.verify import app
from counterfoil.detection.snapshot import Signature
from counterfoil.errors import InputError, IntegrityError
from counterfoil.journal.anchor import parse_trust_anchor
from counterfoil.services.snapshot import Snapshotter
from tests.anchors import JOURNAL, receipt
from tests.audit_worlds import NOW, AuditWorld, user_datas
from tests.journals import STRAND, transfers

KEY = ec.generate_private_key(ec.SECP256R1())


class LocalSigner:
    """Signs the hash of the message, as KMS is asked to."""

    def sign(self, message):
        value = KEY.sign(sha256(message).digest(), ec.ECDSA(Prehashed(SHA256())))
        return Signature("alias/test", "ECDSA_SHA_256", value)


@pytest.fixture
def kept(tmp_path):
    world = AuditWorld(heads=MemoryHeads())
    world.deliver(user_datas(transfers(5).blocks))
    snapshots = MemorySnapshots()
    [taken] = Snapshotter(world.heads, MemoryFindings(), snapshots, LocalSigner(), lambda: NOW).take()
    path = tmp_path / "snapshot.json"
    path.write_bytes(snapshots.documents[taken.name])
    return path


def key_file(tmp_path, key=KEY, encoding=Encoding.PEM):
    path = tmp_path / "key"
    path.write_bytes(key.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo))
    return path


def run(*arguments):
    return CliRunner().invoke(app, ["snapshot", *map(str, arguments)])


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_a_signed_snapshot_holds(kept, tmp_path, encoding):
    done = run(kept, "--key", key_file(tmp_path, encoding=encoding), "--json")
    assert done.exit_code == 0
    answer = json.loads(done.stdout)
    assert answer["holds"] is True
    assert answer["tipAddress"]["sequenceNo"] == 4
    assert answer["digest"]


def test_a_person_is_told_the_same(kept, tmp_path):
    done = run(kept, "--key", key_file(tmp_path))
    assert done.exit_code == 0
    assert "holds" in done.stdout


@pytest.mark.parametrize("field", ["digest", "sequenceNo", "takenAt", "status", "tipHash", "extends"])
def test_a_snapshot_changed_in_any_field_does_not_hold(kept, tmp_path, field):
    document = json.loads(kept.read_bytes())
    changes = {
        "digest": None,
        "sequenceNo": 3,
        "takenAt": "2001-01-01T00:00:00+00:00",
        "status": "X",
        "tipHash": "00" * 32,
    }
    document["snapshot"][field] = changes.get(field, True)
    kept.write_text(json.dumps(document))
    error = run(kept, "--key", key_file(tmp_path)).exception
    assert isinstance(error, InputError if field == "digest" else IntegrityError)


def test_another_key_does_not_hold(kept, tmp_path):
    other = key_file(tmp_path, ec.generate_private_key(ec.SECP256R1()))
    assert isinstance(run(kept, "--key", other).exception, IntegrityError)


@pytest.mark.parametrize("data", [b"", b"-----BEGIN PUBLIC KEY-----\n", b"\x30\x00"])
def test_what_is_no_key_is_an_input_error(kept, tmp_path, data):
    path = tmp_path / "nonsense"
    path.write_bytes(data)
    assert isinstance(run(kept, "--key", path).exception, InputError)


def test_a_key_of_another_kind_is_an_input_error(kept, tmp_path):
    path = key_file(tmp_path, rsa.generate_private_key(65537, 2048))
    assert isinstance(run(kept, "--key", path).exception, InputError)


def test_a_snapshot_behind_a_trust_anchor_says_what_is_not_proved_and_that_there_is_no_log(tmp_path):
    world = AuditWorld(anchors=MemoryJournalSource(anchors={STRAND: parse_trust_anchor(receipt(12, 20))}))
    world.deliver(user_datas(JOURNAL.blocks[13:20]))
    snapshots = MemorySnapshots()
    [taken] = Snapshotter(world.heads, MemoryFindings(), snapshots, LocalSigner(), lambda: NOW).take()
    path = tmp_path / "snapshot.json"
    path.write_bytes(snapshots.documents[taken.name])
    answer = json.loads(run(path, "--key", key_file(tmp_path), "--json").stdout)
    assert answer["digest"] == JOURNAL.builder.digest(19).hash.to_base64()
    assert answer["trustAnchor"]["proved"] is True
    said = run(path, "--key", key_file(tmp_path)).stdout
    for text in ("blocks 0 to 12 are not here", "this strand begins at a trust anchor, with block 13"):
        assert text in said
    assert answer["trustAnchor"]["notProved"] in said
    assert answer["noLog"] in said
