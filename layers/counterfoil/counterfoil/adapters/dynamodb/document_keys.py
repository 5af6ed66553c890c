"""Keys of documents in the SealKeys table, wrapped by a ledger's key that only KMS unwraps.

Items (partition key ``strandId``, sort key ``documentId``):

* a document's id: ``keyId``, and ``wrappedKey`` or, once it was destroyed, ``destroyedMs``;
* ``#ledger-key``: ``wrappedKey``, the ledger's own key as KMS encrypted it, bound to the strand.

Every read is consistent: no instance goes on with a key that another has destroyed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from counterfoil.adapters.aes_gcm import AesGcmCipher
from counterfoil.adapters.boto_errors import there, translated
from counterfoil.errors import ConflictError, NotFoundError, UnavailableError
from counterfoil.ledger.document_keys import DocumentKey, DocumentKeys
from counterfoil.ledger.sealing import Seals

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

Item = Mapping[str, Any]

# DynamoDB reads at most so many items at once (API reference, BatchGetItem).
AT_ONCE: Final = 100
# What it leaves out, since it was asked for too much at once, is asked for again so often.
ATTEMPTS: Final = 5

_LEDGER_KEY: Final = "#ledger-key"


@dataclass(frozen=True, slots=True)
class DynamoDbDocumentKeys(DocumentKeys):
    """The keys of the ledger of one strand."""

    client: DynamoDBClient
    ddb_table: str
    strand_id: str

    def load(self, document_ids: Collection[str], /) -> Mapping[str, DocumentKey]:
        found = (self._load(some) for some in batched(document_ids, AT_ONCE, strict=False))
        return {each.document_id: each for page in found for each in page}

    def add(self, key: DocumentKey, /) -> DocumentKey:
        assert key.wrapped is not None  # a new key
        item = self._key(key.document_id) | {"keyId": {"S": key.key_id}, "wrappedKey": {"B": key.wrapped}}
        try:
            with translated(f"keeping the key of document {key.document_id}"):
                self.client.put_item(
                    TableName=self.ddb_table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(documentId)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConflictError as error:
            kept = there(error)
            if kept is None:
                raise
            return _key_of(kept)
        return key

    def destroy(self, document_id: str, at_ms: int, /) -> DocumentKey:
        try:
            with translated(f"destroying the key of document {document_id}"):
                answer = self.client.update_item(
                    TableName=self.ddb_table,
                    Key=self._key(document_id),
                    UpdateExpression="SET destroyedMs = if_not_exists(destroyedMs, :at) REMOVE wrappedKey",
                    ConditionExpression="attribute_exists(documentId)",
                    ExpressionAttributeValues={":at": {"N": str(at_ms)}},
                    ReturnValues="ALL_NEW",
                )
        except ConflictError:
            raise NotFoundError(f"document {document_id[:80]} never had a key") from None
        return _key_of(answer["Attributes"])

    def _load(self, document_ids: Iterable[str]) -> list[DocumentKey]:
        asked: dict[str, Any] = {
            self.ddb_table: {"Keys": [self._key(each) for each in document_ids], "ConsistentRead": True}
        }
        found: list[DocumentKey] = []
        for _ in range(ATTEMPTS):
            with translated("reading keys of documents"):
                answer = self.client.batch_get_item(RequestItems=asked)
            found += map(_key_of, answer["Responses"].get(self.ddb_table, ()))
            asked = answer.get("UnprocessedKeys") or {}
            if not asked:
                return found
        raise UnavailableError("reading keys of documents: not all of them were given")

    def _key(self, document_id: str) -> dict[str, Any]:
        return _place(self.strand_id, document_id)


@dataclass(slots=True)
class KmsLedgerKey:
    """The key of a ledger: made by KMS when it is first asked for, kept as KMS encrypted it, and in memory once it is known."""

    client: DynamoDBClient
    kms: KMSClient
    ddb_table: str
    kms_key_id: str
    strand_id: str
    known: bytes | None = field(default=None, repr=False)

    def __call__(self) -> bytes:
        if self.known is None:
            self.known = self._decrypted(self._kept() or self._made())
        return self.known

    def _kept(self) -> bytes | None:
        with translated(f"reading the key of strand {self.strand_id}"):
            answer = self.client.get_item(
                TableName=self.ddb_table, Key=_place(self.strand_id, _LEDGER_KEY), ConsistentRead=True
            )
        return _wrapped_in(answer["Item"]) if "Item" in answer else None

    def _made(self) -> bytes:
        """A new key, or that of whoever was faster."""
        with translated(f"making a key for strand {self.strand_id}"):
            made = self.kms.generate_data_key_without_plaintext(
                KeyId=self.kms_key_id, KeySpec="AES_256", EncryptionContext=self._context()
            )["CiphertextBlob"]
        try:
            with translated(f"keeping the key of strand {self.strand_id}"):
                self.client.put_item(
                    TableName=self.ddb_table,
                    Item=_place(self.strand_id, _LEDGER_KEY) | {"wrappedKey": {"B": made}},
                    ConditionExpression="attribute_not_exists(documentId)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConflictError as error:
            kept = there(error)
            if kept is None:
                raise
            return _wrapped_in(kept)
        return bytes(made)

    def _decrypted(self, wrapped: bytes) -> bytes:
        with translated(f"unwrapping the key of strand {self.strand_id}"):
            answer = self.kms.decrypt(KeyId=self.kms_key_id, CiphertextBlob=wrapped, EncryptionContext=self._context())
        return bytes(answer["Plaintext"])

    def _context(self) -> dict[str, str]:
        """What KMS binds the key to, and writes down with each use."""
        return {"counterfoil:strand": self.strand_id}


def seals_of(dynamodb: DynamoDBClient, kms: KMSClient, ddb_table: str, kms_key_id: str, strand_id: str) -> Seals:
    """The seals of one ledger."""
    ledger_key = KmsLedgerKey(dynamodb, kms, ddb_table, kms_key_id, strand_id)
    return Seals(DynamoDbDocumentKeys(dynamodb, ddb_table, strand_id), AesGcmCipher(strand_id, ledger_key))


def _place(strand_id: str, document_id: str) -> dict[str, Any]:
    return {"strandId": {"S": strand_id}, "documentId": {"S": document_id}}


def _key_of(item: Item) -> DocumentKey:
    destroyed = item.get("destroyedMs")
    return DocumentKey(
        item["documentId"]["S"],
        item["keyId"]["S"],
        None if destroyed is not None else _wrapped_in(item),
        None if destroyed is None else int(destroyed["N"]),
    )


def _wrapped_in(item: Item) -> bytes:
    return bytes(item["wrappedKey"]["B"])
