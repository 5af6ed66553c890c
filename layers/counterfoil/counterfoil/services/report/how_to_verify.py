"""How a reader checks a report without whoever wrote it, step by step."""

from __future__ import annotations

from typing import Final

_TEXT: Final = """\
Check the signature of the manifest and the hash of every file: counterfoil verify report DIR --key KEY.
Or without this product: sha256sum of each file against manifest.json; the signature is ECDSA P-256 over SHA-256 of the line \
'counterfoil audit report 1', a line feed, and the bytes of manifest.json.
Make the report again from the same ledger and the same period: all files but the signature come out the same, byte for byte.
Export the journal and verify it from the first block to the last: counterfoil verify export DIR --digest FILE. The digest at \
the end of the period must be the one stated here.
Check the signed snapshots at both ends: counterfoil verify snapshot FILE --key KEY, with the public half of the signing key.
For one record, ask the ledger for a proof (GetRevision) against the digest stated here: counterfoil verify receipt FILE. The \
hash rules are written down in docs/format.md; verifiers that others wrote for Amazon QLDB compute the same.
Look the hash of the report up in the ledger where it was recorded: SELECT * FROM AuditReports AS r WHERE r.reportHash = 'HASH'.
"""

STEPS: Final = tuple(f"{number}. {step}" for number, step in enumerate(_TEXT.splitlines(), 1))
