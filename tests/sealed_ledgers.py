"""Ledgers with a table whose fields are sealed, and what one looks for in their journals."""

from counterfoil.adapters.aes_gcm import AesGcmCipher
from counterfoil.adapters.memory.document_keys import MemoryDocumentKeys
from counterfoil.ion.codec import decode_datagram
from counterfoil.ion.value_text import render_text
from counterfoil.ion.values import Annotated
from counterfoil.journal import BlockAddress
from counterfoil.journal.builder import render_proof
from counterfoil.ledger.sealing import SEALED, Seals
from tests.ledgers import rows

STRAND = "0123456789abcdefABCDEF"
TABLE = "CREATE TABLE People WITH (aws_tags = `{'counterfoil:sealed': 'name born'}`)"
CERTIFICATES = "CREATE TABLE counterfoil_erasures"
ERASE = "EXEC ERASE_DOCUMENT ?, ?, ?, ?"
NAME = "SELECT VALUE p.name FROM People AS p WHERE p.country = ?"
HISTORY = "SELECT VALUE h.data FROM history(People) AS h"
ERASED = Annotated(("counterfoil_erased",), None)
SECRET = "Margarethe Blumenthal"
PERSON = {"name": SECRET, "born": 1931, "country": "NL"}


def cipher(strand_id=STRAND, key=b"k" * 32):
    return AesGcmCipher(strand_id, lambda: key)


def memory_seals(keys=None):
    return Seals(MemoryDocumentKeys() if keys is None else keys, cipher())


def with_people(ledger):
    """Its table and a person; the ids of both."""
    rows(ledger, TABLE)
    rows(ledger, CERTIFICATES)
    (inserted,) = rows(ledger, "INSERT INTO People ?", PERSON)
    return ledger.catalogue.table("People").table_id, inserted["documentId"]


def blocks(ledger):
    return [decode_datagram(each) for each in ledger.blocks(0, ledger.head.sequence_no + 1)]


def revisions_of(ledger, document_id):
    """The document's revisions as the journal has them."""
    return [each for block in blocks(ledger) for each in block["revisions"] if each["metadata"]["id"] == document_id]


def is_sealed(value):
    return isinstance(value, Annotated) and value.annotations == (SEALED,)


def receipts_of(ledger, document_id):
    """GetRevision's answer for every revision of a document, with today's digest."""
    digest = ledger.digest()
    tip = digest.tip_address
    for revision in revisions_of(ledger, document_id):
        address = BlockAddress(tip.strand_id, revision["blockAddress"]["sequenceNo"])
        yield {
            "Revision": {"IonText": render_text(ledger.revision(address, document_id))},
            "Proof": {"IonText": render_proof(ledger.prove_revision(address, document_id, tip))},
            "Digest": digest.hash.to_base64(),
            "DigestTipAddress": {"IonText": f'{{strandId:"{tip.strand_id}",sequenceNo:{tip.sequence_no}}}'},
        }
