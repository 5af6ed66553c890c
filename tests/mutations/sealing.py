"""Mutants of sealed fields: what is sealed, what opens it, what a destroyed key leaves, and what the certificate says."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

FIELDS = "tests/contract/test_sealed_fields.py"
LAWS = "tests/property/test_sealing_laws.py"
KEYS = "tests/contract/test_document_keys.py"
FOLDER = "tests/unit/adapters/test_seals_folder.py"
REQUESTS = "tests/unit/protocol/test_sealed_requests.py"
STATEMENTS = "tests/unit/ledger/test_sealed_statements.py"
MEMORY = ("-k", "memory")

SEALING = [
    Mutant(
        "a value opens in any field",
        "ledger/sealing.py",
        'return b"\\0".join((_BOUND, document_id.encode(), name.encode()))',
        'return b"\\0".join((_BOUND, document_id.encode()))',
        (LAWS,),
    ),
    Mutant(
        "a value opens in any document",
        "ledger/sealing.py",
        'return b"\\0".join((_BOUND, document_id.encode(), name.encode()))',
        'return b"\\0".join((_BOUND, name.encode()))',
        (LAWS,),
    ),
    Mutant(
        "a wrapped key is good for any document",
        "adapters/aes_gcm.py",
        'return b"\\0".join((_WRAPPED, self.strand_id.encode(), document_id.encode(), key_id.encode()))',
        'return b"\\0".join((_WRAPPED, self.strand_id.encode(), key_id.encode()))',
        (LAWS,),
    ),
    Mutant(
        "a length shows",
        "ledger/sealing.py",
        "return data + bytes(-len(data) % PADDED_TO)",
        "return data",
        (LAWS,),
    ),
    Mutant(
        "a key that is not here passes for one that was destroyed",
        "ledger/sealing.py",
        "if parts is None or kept is None or parts[0] != kept.key_id:",
        "if parts is None or kept is None:",
        (LAWS,),
    ),
    Mutant(
        "who has no key gets a new one, whatever was sealed before",
        "ledger/sealing.py",
        "if any(_parts_of(each) is not None for each in before.values()):\n                raise PreconditionError(",
        "if not document_id:\n                raise PreconditionError(",
        (FIELDS, *MEMORY),
    ),
    Mutant(
        "an application may say that a value is erased",
        "ledger/sealing.py",
        "if name in before and encode([shown.get(name)]) == encode([value]):",
        "if name in before:",
        (FIELDS, *MEMORY),
    ),
    Mutant(
        "the digest of a statement tells its parameters",
        "ledger/transaction.py",
        "                self._veiled.add(len(self._statements))\n",
        "",
        (FIELDS, *MEMORY),
    ),
    Mutant(
        "the veil of a transaction that sealed nothing can be guessed",
        "ledger/sealing.py",
        "return veil_under(transaction_id, self._used) if self._used else self._cipher.chance()",
        "return veil_under(transaction_id, self._used)",
        (FIELDS, *MEMORY),
    ),
    Mutant(
        "a certificate is written although the key is still there",
        "ledger/transaction.py",
        "        destroyed = self._engine.seals.keys.destroy(erasure.document_id, times.milliseconds_of(self.dated_at))\n",
        "        destroyed = self._engine.seals.keys.load([erasure.document_id])[erasure.document_id]\n",
        (FIELDS, *MEMORY),
    ),
    Mutant(
        "a key has a certificate for each time it is asked for",
        "ledger/transaction.py",
        "if self._snapshot.document(erasure.certificate_id) is None:",
        "if erasure.certificate_id:",
        (FIELDS, *MEMORY),
    ),
    Mutant(
        "two who erase at once do not meet",
        "ledger/transaction.py",
        "workspace.read.update((name_footprint(CERTIFICATES), erasure.certificate_id))",
        "workspace.read.add(name_footprint(CERTIFICATES))",
        (FIELDS, *MEMORY),
    ),
    Mutant(
        "anybody writes certificates",
        "ledger/workspace.py",
        "    if table.name == CERTIFICATES:\n",
        "    if not table.name:\n",
        (FIELDS, *MEMORY),
    ),
    Mutant(
        "a sealed field is indexed",
        "ledger/changes.py",
        "    if statement.field in entry.sealed:\n",
        "    if not statement.field:\n",
        (FIELDS, *MEMORY),
    ),
    Mutant(
        "a value may stand in a list of the text",
        "ledger/sealed_statements.py",
        "        case tuple():\n            return tree\n",
        "        case tuple():\n            return tree[:1]\n",
        (STATEMENTS,),
    ),
    Mutant(
        "a repetition is not compared once its digest is hidden",
        "services/ledger.py",
        'return veil is None or there["statementDigest"] == bytes(veiled(digest, veil))',
        "return True",
        (REQUESTS,),
    ),
    Mutant(
        "a destroyed key stays in the log of the file",
        "adapters/sqlite/document_keys.py",
        'self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()',
        'self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()',
        (FOLDER,),
    ),
    Mutant(
        "the time of a destruction moves when it is asked for again",
        "adapters/sqlite/document_keys.py",
        '    "WHERE strand_id = ? AND document_id = ? AND wrapped IS NOT NULL"\n',
        '    "WHERE strand_id = ? AND document_id = ?"\n',
        (KEYS, "-k", "sqlite"),
    ),
    Mutant(
        "keys without the one that wraps them are given another",
        "adapters/sqlite/seals.py",
        "                if database.exists():\n",
        "                if not folder:\n",
        (FOLDER,),
    ),
]
