"""A log's checkpoint before its witnesses: who signs it, who cannot be reached, and who has seen another history."""

from __future__ import annotations

from dataclasses import dataclass, field

from counterfoil.errors import CounterfoilError, InputError, IntegrityError
from counterfoil.log_ports import AskWitness, WitnessAnswer
from counterfoil.transparency.checkpoint import SignedCheckpoint
from counterfoil.transparency.cosignature import Ed25519Verifier, cosigned_at
from counterfoil.transparency.lines import number_of_line
from counterfoil.transparency.note import Note, NoteSignature, parse_signatures, verify_note
from counterfoil.transparency.policy import Witness, WitnessPolicy
from counterfoil.transparency.tiles import TileReader
from counterfoil.transparency.tree import prove_consistency
from counterfoil.transparency.witness import AddCheckpoint, render_request


@dataclass(frozen=True, slots=True)
class Witnessed:
    """The checkpoint with the signatures that were got. ``failures`` say by name why others are missing; ``contradictions`` by name
    what a witness says that cannot be if the log only grew.
    """

    checkpoint: SignedCheckpoint
    failures: dict[str, str] = field(default_factory=dict)
    contradictions: dict[str, str] = field(default_factory=dict)


class SplitViewError(IntegrityError):
    """A witness has signed what the log's present history does not extend."""


def witnessed(
    checkpoint: SignedCheckpoint,
    reader: TileReader,
    policy: WitnessPolicy,
    ask: AskWitness,
    last: SignedCheckpoint | None = None,
) -> Witnessed:
    """Ask every witness of the policy that has a URL and has not signed the checkpoint yet.

    ``reader`` reads the log at the checkpoint's size; ``last`` is a checkpoint that witnesses may have signed before.
    """
    failures: dict[str, str] = {}
    contradictions: dict[str, str] = {}
    added: list[NoteSignature] = []
    have = policy.signers(checkpoint.held)
    had = frozenset() if last is None else policy.signers(last.held)
    for name, witness in policy.witnesses.items():
        if name in have or witness.url is None:
            continue
        old_size = last.head.size if last is not None and name in had else 0
        try:
            signature = _ask(witness, checkpoint, reader, ask, old_size)
        except SplitViewError as error:
            contradictions[name] = str(error)
        except CounterfoilError as error:
            failures[name] = str(error)
        else:
            if policy.is_ahead(signature):
                at = cosigned_at(signature.value)
                failures[name] = (
                    f"{witness.key.name} dates its signature later than now, {at} seconds since 1970: it counts for nothing"
                )
            else:
                added.append(signature)
    grown = checkpoint.with_signatures(tuple(added))
    whole = SignedCheckpoint(grown.checkpoint, grown.note, (*checkpoint.held, *added))
    return Witnessed(whole, failures, contradictions)


def _ask(
    witness: Witness, checkpoint: SignedCheckpoint, reader: TileReader, ask: AskWitness, old_size: int
) -> NoteSignature:
    """The witness's signature; asked again, once, from the size that it says it signed last."""
    answer = _sent(witness, checkpoint, reader, ask, old_size)
    if answer.status == 409:
        signed = _size_of(answer)
        if signed > checkpoint.head.size:
            raise InputError(f"{witness.key.name} has signed {signed} entries already, of a log that is behind that")
        if signed != old_size:
            answer, old_size = _sent(witness, checkpoint, reader, ask, signed), signed
    if answer.status == 422 or (answer.status == 409 and old_size == checkpoint.head.size == _size_of(answer)):
        raise SplitViewError(
            f"{witness.key.name} has signed another history of the first {old_size} entries (status {answer.status})"
        )
    if answer.status != 200:
        raise InputError(f"{witness.key.name} does not sign: status {answer.status}, {answer.body[:200]!r}")
    return _signature(witness, checkpoint, answer)


def _sent(
    witness: Witness, checkpoint: SignedCheckpoint, reader: TileReader, ask: AskWitness, old_size: int
) -> WitnessAnswer:
    path = prove_consistency(reader.node, old_size, checkpoint.head.size)
    return ask(f"{witness.url}/add-checkpoint", render_request(AddCheckpoint(old_size, path, checkpoint)))


def _size_of(answer: WitnessAnswer) -> int:
    return number_of_line(answer.body.decode("latin-1").removesuffix("\n"), "size")


def _signature(witness: Witness, checkpoint: SignedCheckpoint, answer: WitnessAnswer) -> NoteSignature:
    try:
        lines = parse_signatures(answer.body.decode())
    except UnicodeDecodeError:
        raise InputError(f"{witness.key.name} answers what is not text") from None
    held = verify_note(Note(checkpoint.note.text, lines), (Ed25519Verifier(witness.key),))
    if not held:
        raise InputError(f"{witness.key.name} answers without a signature of its own")
    return held[0]
