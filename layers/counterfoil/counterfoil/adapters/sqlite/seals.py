"""A folder with what sealing on this machine needs: ``sealing.key``, and ``document-keys.db`` with the keys that it wraps.

Either without the other opens nothing. Keep it apart from the ledgers and from their backups: who has both has what is sealed.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from pathlib import Path
from typing import Final, Self

from counterfoil.adapters.aes_gcm import KEY_BYTES, AesGcmCipher
from counterfoil.adapters.durable_files import disk_errors, make_directory, make_durable
from counterfoil.adapters.sqlite.document_keys import DocumentKeysFile
from counterfoil.errors import InputError
from counterfoil.ledger.sealing import Seals

KEY_NAME: Final = "sealing.key"
DATABASE_NAME: Final = "document-keys.db"
_PREFIX: Final = "counterfoil sealing key 1 "


class SealsFolder:
    """The seals of all ledgers of a server, or of one that is open in this process."""

    def __init__(self, key: bytes, file: DocumentKeysFile) -> None:
        self._key = key
        self._file = file

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Made, with a new key, where there is none. ``InputError`` where one of its two files is there without the other."""
        key, database = folder / KEY_NAME, folder / DATABASE_NAME
        with disk_errors(f"opening {folder}"):
            make_directory(folder)
            if not key.exists():
                if database.exists():
                    raise InputError(
                        f"{database} is there, but not {key}, which its keys are wrapped with: bring it back"
                    )
                _write_new(key, secrets.token_bytes(KEY_BYTES))
        return cls(read_sealing_key(key), DocumentKeysFile(database))

    def of(self, strand_id: str) -> Seals:
        """The seals of one ledger."""
        return Seals(self._file.of(strand_id), AesGcmCipher(strand_id, lambda: self._key))

    def close(self) -> None:
        self._file.close()


def read_sealing_key(path: Path) -> bytes:
    """The 32 bytes of a key's file; anything else is an ``InputError``, which says nothing of what was read."""
    try:
        text = path.read_text(encoding="ascii")
        data = base64.b64decode(text.removeprefix(_PREFIX).strip(), validate=True)
    except (OSError, UnicodeDecodeError, binascii.Error):
        raise InputError(f"{path} cannot be read as a sealing key") from None
    if not text.startswith(_PREFIX) or len(data) != KEY_BYTES:
        raise InputError(f"{path} is not a sealing key")
    return data


def _write_new(path: Path, key: bytes) -> None:
    """A new file that only its owner may read; whole, or not there."""
    waiting = path.with_name(f".{path.name}.partial")
    waiting.unlink(missing_ok=True)
    with os.fdopen(os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(f"{_PREFIX}{base64.b64encode(key).decode()}\n")
        file.flush()
        os.fsync(file.fileno())
    waiting.replace(path)
    make_durable(path.parent)
