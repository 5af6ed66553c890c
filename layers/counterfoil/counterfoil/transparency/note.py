"""Signed notes: a text, and under it lines with signatures of named keys.

    text of one or more lines
                                                                            (an empty line)
    — <key name> <base64 of key id (4 bytes) and signature>

Signatures of unknown keys are passed over, however many there are; a signature of a known key that does not hold makes the
note worthless, and so does a second one of the same key, which no honest signer leaves there.

Source: C2SP, "signed-note"; docs/format.md, section "Checkpoints".
"""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Final, NamedTuple, Protocol, Self

from counterfoil.errors import InputError, IntegrityError, LimitError
from counterfoil.transparency.lines import bytes_of_line, text_of

MAX_NOTE_BYTES: Final = 65_536
MAX_SIGNATURES: Final = 100
MAX_NAME_BYTES: Final = 512

_DASH: Final = "\N{EM DASH} "


class KeyType(IntEnum):
    """C2SP's signature types that are made or checked here.

    ECDSA's, as Sigstore uses it: P-256 and SHA-256 over the text, DER-encoded; the key is its SubjectPublicKeyInfo.
    """

    ED25519 = 1
    ECDSA = 2
    COSIGNATURE = 4


class NoteSignature(NamedTuple):
    """One line: whose it says it is, and the bytes of the signature."""

    name: str
    key_id: bytes
    value: bytes


class Note(NamedTuple):
    """``text`` ends in a line feed. The signatures are as found, unchecked."""

    text: str
    signatures: tuple[NoteSignature, ...]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a key: a name, a type and its bytes."""

    name: str
    type: KeyType
    public: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.type is not KeyType.ECDSA and len(self.public) != 32:
            raise InputError(f"an Ed25519 key has 32 bytes, not {len(self.public)}")

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256 over name, line feed, type and key; for ECDSA over the key alone."""
        if self.type is KeyType.ECDSA:
            return sha256(self.public).digest()[:4]
        return sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.public).digest()[:4]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``name+id+base64(type || key)``; another type, or an id that is not the key's, is an ``InputError``."""
        parts = text.split("+", 2)
        if len(parts) != 3 or len(text) > 4_096:
            raise InputError(f"{text[:80]!r} is no verifier key: name+id+key")
        data = bytes_of_line(parts[2])
        if data[0] not in set(KeyType):
            raise InputError(f"key {parts[0][:80]!r} is of type {data[0]:#04x}, which is not known here")
        key = cls(parts[0], KeyType(data[0]), data[1:])
        if parts[1] != key.key_id.hex():
            raise InputError(f"key {key.name!r} has the id {key.key_id.hex()}, not {parts[1][:16]!r}")
        return key

    def render(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([self.type]) + self.public).decode()}"


class Verifier(Protocol):
    """Checks the signatures of one key."""

    key: VerifierKey

    def verify(self, text: str, signature: bytes, /) -> None:
        """Return if the signature is this key's over the note's text, else raise ``IntegrityError``."""
        ...


class NoteSigner(Protocol):
    """Signs with a key that it keeps. TRUSTED for what it signs, not for what is signed."""

    key: VerifierKey

    def sign(self, text: str, /) -> NoteSignature: ...


class NoteKey(NoteSigner, Verifier, Protocol):
    """A key that signs notes, and checks what it signed."""


def check_name(name: str) -> None:
    """A key's name is not empty, and has no white space, no plus and no control characters."""
    if not name or len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES or not all(map(_in_name, name)):
        raise InputError(f"{name[:80]!r} is no name of a key: no spaces, no '+', at most {MAX_NAME_BYTES} bytes")


def _in_name(character: str) -> bool:
    return character != "+" and not character.isspace() and unicodedata.category(character) not in {"Cc", "Cs"}


def parse_note(data: bytes) -> Note:
    """Read a signed note, its signatures unchecked; anything else is an ``InputError``."""
    text, between, lines = text_of(data, MAX_NOTE_BYTES, "a signed note").rpartition("\n\n")
    if not between or not text or not lines.endswith("\n"):
        raise InputError("not a signed note: a text, an empty line and lines with signatures")
    return Note(f"{text}\n", parse_signatures(lines))


def parse_signatures(lines: str) -> tuple[NoteSignature, ...]:
    """Read signature lines, each with its line feed."""
    found = lines.split("\n")
    if found.pop() or not found:
        raise InputError("no signature line, or one without its line feed")
    if len(found) > MAX_SIGNATURES:
        raise LimitError(f"{len(found)} signatures; at most {MAX_SIGNATURES} are read")
    return tuple(map(_signature_of_line, found))


def _signature_of_line(line: str) -> NoteSignature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise InputError(f"{line[:80]!r} is no signature line")
    check_name(name)
    data = bytes_of_line(encoded)
    if len(data) < 5:
        raise InputError(f"the signature of {name[:80]!r} is shorter than a key id")
    return NoteSignature(name, data[:4], data[4:])


def render_note(note: Note) -> bytes:
    return f"{note.text}\n{render_signatures(note.signatures)}".encode()


def render_signatures(signatures: Iterable[NoteSignature]) -> str:
    return "".join(f"{_DASH}{each.name} {base64.b64encode(each.key_id + each.value).decode()}\n" for each in signatures)


def verify_note(note: Note, verifiers: Sequence[Verifier]) -> tuple[NoteSignature, ...]:
    """The signatures of the known keys, each now known to hold; of none, ``()``.

    ``IntegrityError`` where one of them does not hold, or a key has signed twice. Two keys with one name and id cannot be told
    apart: ``ValueError``.
    """
    known = {(each.key.name, each.key.key_id): each for each in verifiers}
    if len(known) != len(verifiers):
        raise ValueError("two verifiers with the same name and id")
    held: dict[tuple[str, bytes], NoteSignature] = {}
    for signature in note.signatures:
        place = (signature.name, signature.key_id)
        if place in known:
            if place in held:
                raise IntegrityError(f"key {signature.name} has signed twice", note=note.text)
            known[place].verify(note.text, signature.value)
            held[place] = signature
    return tuple(held.values())
