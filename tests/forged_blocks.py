"""Forgers of one block, each of whom leaves one thing wrong: how they change the fields of a transfer's block.

What is in ``REHASHED`` is followed by hashing everything anew; who does what is in ``BEHIND_IT`` hopes that nobody looks.
"""

from decimal import Decimal

from counterfoil.ion import IonTimestamp
from counterfoil.journal.builder import revision_hash
from counterfoil.merkle import Hash, dot
from tests.journals import OTHER_STRAND, first_revision

# The block that is altered: what is said of its number below must be of this one.
ALTERED = 5


def revision_changed(name, value):
    return lambda fields: first_revision(fields)["metadata"].update({name: value})


def data_changed(fields):
    first_revision(fields)["data"]["amount"] = Decimal("99.50")


def other_document(fields):
    documents = fields["transactionInfo"]["documents"]
    documents[f"doc{'9' * 19}"] = documents.pop(next(iter(documents)))


def entry_added(fields):
    fields["entriesHashList"].append(b"\x05" * 32)


def entry_cut(fields):
    fields["entriesHashList"][2] = b"\x05" * 31


def statement_changed(fields):
    fields["transactionInfo"]["statements"][0]["statement"] = "INSERT INTO Transactionz ?"


def set_field(name, value):
    return lambda fields: fields.update({name: value})


def set_address(name, value, *, of_revision=False):
    return lambda fields: (first_revision(fields) if of_revision else fields)["blockAddress"].update({name: value})


def with_revisions(fields, place):
    fields["blockAddress"].update(place)
    first_revision(fields)["blockAddress"].update(place)


def transaction_renamed(name):
    def change(fields):
        fields["transactionId"] = first_revision(fields)["metadata"]["txId"] = name

    return change


REHASHED = {
    "a revision of another transaction": revision_changed("txId", "x" * 22),
    "a version beyond": revision_changed("version", 2**63),
    "the last version": revision_changed("version", 2**63 - 1),
    "a negative version": revision_changed("version", -1),
    "no document id": revision_changed("id", "doc 000000000000000005"),
    "another document's id": revision_changed("id", f"doc{'8' * 19}"),
    "a time without seconds": revision_changed("txTime", IonTimestamp((2025, 3, 1, 9, 30), None, 0)),
    "a document that was not changed": other_document,
    "an entry that nothing stands for": entry_added,
    "no transaction id": transaction_renamed("tx 0000000000000000005"),
    "another transaction id": transaction_renamed("tx" + "9" * 20),
    "another block": lambda fields: with_revisions(fields, {"sequenceNo": ALTERED + 1}),
    "a block beyond": lambda fields: with_revisions(fields, {"sequenceNo": 2**63}),
    "another strand": lambda fields: with_revisions(fields, {"strandId": OTHER_STRAND}),
    "no strand": lambda fields: with_revisions(fields, {"strandId": "strand 000000000000000"}),
    "a block's time without seconds": set_field("blockTimestamp", IonTimestamp((2025, 3, 1, 9, 30), None, 0)),
    "a statement changed": statement_changed,
    "data changed": data_changed,
}


def rehashed_alone(fields):
    data_changed(fields)
    revision = first_revision(fields)
    revision["hash"] = bytes(revision_hash(revision["metadata"], revision["data"]))


def other_entries_hash(fields):
    fields["entriesHash"] = b"\x05" * 32
    fields["blockHash"] = bytes(dot(Hash(fields["entriesHash"]), Hash(fields["previousBlockHash"])))


BEHIND_IT = {
    "a revision rehashed alone": rehashed_alone,
    "another entries hash in the block hash": other_entries_hash,
    "data of another hash": data_changed,
    "a revision of another block": set_address("sequenceNo", 4, of_revision=True),
    "a revision of another strand": set_address("strandId", OTHER_STRAND, of_revision=True),
    "a transaction info of another hash": statement_changed,
    "another entries hash": set_field("entriesHash", b"\x05" * 32),
    "another block hash": set_field("blockHash", b"\x05" * 32),
    "another hash before": set_field("previousBlockHash", b"\x05" * 32),
    "no hash before": set_field("previousBlockHash", b""),
    "a cut entry": entry_cut,
    "a header that nothing binds": set_field(
        "blockTimestamp", IonTimestamp((2025, 3, 1, 9, 30, 4), Decimal("0.001"), 0)
    ),
}
