"""Which witnesses must have signed a checkpoint before it counts.

    witness <name> <verifier key> [<URL>]
    group <name> <any | all | how many> <name of a witness or group> ...
    quorum <name of a witness or group | none>

Empty lines and what follows a ``#`` at a line's beginning count for nothing; names are defined above their use, once. A policy that
names witnesses must have a quorum: one that was forgotten would ask for nobody, unseen.

Source: C2SP, "tlog-policy"; docs/format.md, section "Witnesses".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from counterfoil.errors import InputError, LimitError
from counterfoil.transparency.cosignature import Ed25519Verifier, cosigned_at
from counterfoil.transparency.lines import number_of_line
from counterfoil.transparency.note import KeyType, NoteSignature, VerifierKey

MAX_POLICY_CHARACTERS: Final = 65_536
MAX_MEMBERS: Final = 100
NOBODY: Final = "none"
# As much as clocks may differ; what a time stamp of RFC 3161 is allowed as well.
MAX_AHEAD: Final = timedelta(minutes=5)


class Witness(NamedTuple):
    """``url`` is the prefix of its ``/add-checkpoint``; ``None`` where it is asked by others."""

    key: VerifierKey
    url: str | None


class Group(NamedTuple):
    """Satisfied when ``needed`` of its members are."""

    needed: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WitnessPolicy:
    """Witnesses and groups by name; ``quorum`` is the one that must be satisfied, ``none`` asks for nobody.

    ``as_of`` is when signatures are judged: one that is dated later by more than ``MAX_AHEAD`` counts for nothing, since nobody can
    have seen the log then. ``None``: whatever they are dated. They hold all the same, so that one witness with a wrong clock does not
    make a checkpoint worthless that has its quorum without it.
    """

    witnesses: Mapping[str, Witness] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    quorum: str = NOBODY
    as_of: datetime | None = None

    @property
    def verifiers(self) -> tuple[Ed25519Verifier, ...]:
        return tuple(Ed25519Verifier(each.key) for each in self.witnesses.values())

    def signers(self, held: Collection[NoteSignature]) -> frozenset[str]:
        """The names of the witnesses whose signatures are among these, which were verified, and count."""
        keys = {(each.name, each.key_id) for each in held if not self.is_ahead(each)}
        return self._named(keys)

    def dated_ahead(self, held: Collection[NoteSignature]) -> frozenset[str]:
        """The names of the witnesses whose signatures are among these, and count for nothing as they are of a time to come."""
        return self._named({(each.name, each.key_id) for each in held if self.is_ahead(each)}) - self.signers(held)

    def is_ahead(self, signature: NoteSignature) -> bool:
        """Whether a verified signature is a witness's that is dated too late to count."""
        if self.as_of is None or not self._named({(signature.name, signature.key_id)}):
            return False
        return cosigned_at(signature.value) > (self.as_of + MAX_AHEAD).timestamp()

    def _named(self, keys: Collection[tuple[str, bytes]]) -> frozenset[str]:
        return frozenset(name for name, each in self.witnesses.items() if (each.key.name, each.key.key_id) in keys)

    def satisfied(self, held: Collection[NoteSignature]) -> bool:
        """Whether these verified signatures make the quorum."""
        satisfied = set(self.signers(held))
        for name, group in self.groups.items():
            if sum(member in satisfied for member in group.members) >= group.needed:
                satisfied.add(name)
        return self.quorum == NOBODY or self.quorum in satisfied


def parse_policy(text: str) -> WitnessPolicy:
    """Read a policy; anything else is an ``InputError`` that names the line."""
    if len(text) > MAX_POLICY_CHARACTERS:
        raise LimitError(f"a policy of {len(text)} characters; at most {MAX_POLICY_CHARACTERS} are read")
    reading = _Reading()
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        if words and not words[0].startswith("#"):
            try:
                reading.line(words)
            except InputError as error:
                raise InputError(f"line {number} of the policy: {error}") from None
    if reading.witnesses and not reading.quorum:
        raise InputError("the policy names witnesses and no quorum; with 'quorum none' nobody is asked for")
    return WitnessPolicy(reading.witnesses, reading.groups, reading.quorum or NOBODY)


@dataclass(slots=True)
class _Reading:
    witnesses: dict[str, Witness] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str = ""

    def line(self, words: list[str]) -> None:
        match words:
            case ["witness", name, key, *urls] if len(urls) <= 1:
                self._new(name)
                self.witnesses[name] = Witness(_witness_key(key), urls[0].rstrip("/") if urls else None)
                keys = [each.key.public for each in self.witnesses.values()]
                if len(set(keys)) != len(keys):  # whatever it is called: one key is one witness
                    raise InputError(f"the key of {name} is another witness's")
            case ["group", name, needed, *members]:
                self._new(name)
                self.groups[name] = Group(_needed(needed, len(members)), self._members(members))
            case ["quorum", name] if not self.quorum:
                self.quorum = name if name == NOBODY else self._members([name])[0]
            case _:
                raise InputError(f"{' '.join(words)[:80]!r} is neither witness, group nor the one quorum")

    def _new(self, name: str) -> None:
        if name == NOBODY or name in self.witnesses or name in self.groups:
            raise InputError(f"the name {name[:80]!r} is taken")
        if len(self.witnesses) + len(self.groups) >= MAX_MEMBERS:
            raise LimitError(f"more than {MAX_MEMBERS} witnesses and groups")

    def _members(self, names: list[str]) -> tuple[str, ...]:
        for name in names:
            if name not in self.witnesses and name not in self.groups:
                raise InputError(f"{name[:80]!r} is no witness or group above it")
        if len(set(names)) != len(names):
            raise InputError("a member is named twice")
        return tuple(names)


def _witness_key(text: str) -> VerifierKey:
    key = VerifierKey.parse(text)
    if key.type is not KeyType.COSIGNATURE:
        raise InputError(f"key {key.name} is not one for cosignatures (type {KeyType.COSIGNATURE})")
    return key


def _needed(text: str, members: int) -> int:
    needed = {"any": 1, "all": members}[text] if text in {"any", "all"} else number_of_line(text, "number of members")
    if not 1 <= needed <= members:
        raise InputError(f"{needed} of {members} members can never be")
    return needed
