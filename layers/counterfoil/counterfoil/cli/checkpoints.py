"""``counterfoil checkpoints``: a ledger's log in a directory, made, shown, checked and proved from, without asking anybody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from counterfoil.adapters.log_directory import LogDirectory
from counterfoil.adapters.note_keys import PrivateKey, verifier_of
from counterfoil.adapters.witness_client import ask_witness
from counterfoil.cli.log_options import (
    AuthorityOption,
    KeyOption,
    LogArgument,
    PolicyOption,
    VerifierOption,
    read_authority,
    read_policy,
)
from counterfoil.cli.output import INTEGRITY, JsonOption, out, print_json, printable, read_bytes
from counterfoil.cli.places import DataOption, EndpointOption, LedgerArgument, opened_ledger
from counterfoil.cli.timestamps import check_file, check_kept
from counterfoil.errors import BrokenLinkError, InputError, IntegrityError, NotFoundError, PreconditionError
from counterfoil.ion import read_single
from counterfoil.journal import parse_block, verify_block
from counterfoil.merkle import Hash
from counterfoil.ports import JournalReader
from counterfoil.services.transparency_log import TransparencyLog
from counterfoil.transparency.checkpoint import SignedCheckpoint, parse_checkpoint, verify_checkpoint
from counterfoil.transparency.cosignature import cosigned_at
from counterfoil.transparency.entry import LogEntry, parse_entry, render_entry
from counterfoil.transparency.note import KeyType, Verifier, VerifierKey
from counterfoil.transparency.policy import WitnessPolicy
from counterfoil.transparency.proof_file import LogProof, parse_proof, render_proof, verify_proof
from counterfoil.transparency.tiles import CHECKPOINT_PATH
from counterfoil.transparency.tree import prove_consistency, prove_inclusion

app: Final = typer.Typer(help="A ledger's log: proof that it only grew.", no_args_is_help=True)


@app.command()
def key(
    name: Annotated[
        str, typer.Argument(help="The key's name: the log's origin, or the witness's name.", show_default=False)
    ],
    *,
    to: Annotated[Path, typer.Option(metavar="FILE", help="Where the private key is written; never replaced.")],
    witness: Annotated[bool, typer.Option("--witness", help="A witness's key, not a log's.")] = False,
    json: JsonOption = False,
) -> None:
    """Make a key. Its private half is in the file alone; its verifier key is printed."""
    made = PrivateKey.generate(name, KeyType.COSIGNATURE if witness else KeyType.ED25519)
    made.write(to)
    if json:
        print_json({"holds": True, "name": name, "verifierKey": made.key.render(), "file": str(to)})
    else:
        typer.echo(made.key.render())


@app.command()
def make(
    ledger: LedgerArgument,
    *,
    to: Annotated[
        Path, typer.Option(metavar="DIR", help="The directory with the log's tiles; made if it is not there.")
    ],
    key: KeyOption,
    policy: PolicyOption = None,
    data: DataOption = None,
    endpoint: EndpointOption = None,
    json: JsonOption = False,
) -> None:
    """Add the ledger's new blocks to its log, each verified first, sign, and ask the witnesses of the policy."""
    signer = PrivateKey.read(key)
    log = TransparencyLog(LogDirectory(to), verifier_of(signer.key), read_policy(policy))
    last = log.last()
    begin = 0 if last is None else last.head.size
    with opened_ledger(ledger, data, endpoint) as opened:
        outcome = log.grow(_verified_entries(opened.journal, _last_hash(log, last), begin), signer, ask_witness)
    if outcome is None:
        raise InputError(f"ledger {ledger} has no block yet")
    for name, reason in outcome.contradictions.items():
        raise IntegrityError(
            f"witness {name} contradicts this history: {reason}", checkpoint=outcome.checkpoint.note.text
        )
    answer = _checkpoint_json(outcome.checkpoint, log.policy) | {
        "holds": True,
        "added": outcome.checkpoint.head.size - begin,
        "verifierKey": signer.key.render(),
        "unwitnessed": outcome.failures,
    }
    _print(answer, outcome.checkpoint, log.policy, as_json=json)
    if not json:
        for name, reason in outcome.failures.items():
            out.print(f"  [yellow]missing[/]  {name}: {printable(reason)}", highlight=False)


@app.command()
def show(log: LogArgument, *, policy: PolicyOption = None, json: JsonOption = False) -> None:
    """A log's newest checkpoint, or a file with one, as it is: nothing of it is checked."""
    checkpoint = parse_checkpoint(_checkpoint_bytes(log))
    answer = _checkpoint_json(checkpoint, read_policy(policy)) | {"holds": None}
    _print(answer, checkpoint, read_policy(policy), as_json=json)


@app.command()
def verify(  # noqa: PLR0913 - one parameter for each option
    log: Annotated[
        Path, typer.Argument(metavar="LOG", help="A log's directory, or a .tlog-proof file.", show_default=False)
    ],
    *,
    vkey: VerifierOption,
    policy: PolicyOption = None,
    old: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A checkpoint kept from before, which the log must extend.")
    ] = None,
    ledger: Annotated[str | None, typer.Option(metavar="LEDGER", help="Compare every entry with this ledger.")] = None,
    data: DataOption = None,
    tsa_certificate: AuthorityOption = None,
    timestamp: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A time stamp over this checkpoint that is kept elsewhere.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """A whole log, tile by tile and entry by entry, or one proof: against a checkpoint that the log's key signed."""
    check = read_authority(tsa_certificate)
    if timestamp is not None and check is None:
        raise InputError("a time stamp is checked by somebody's certificate: give --tsa-certificate")
    verifier = verifier_of(VerifierKey.parse(vkey))
    rules = read_policy(policy)
    if log.is_file():
        if old is not None or ledger is not None:
            raise InputError(f"{log} is one proof; --old and --ledger take a log's directory")
        checkpoint, answer = _verified_proof(log, verifier, rules)
        if check is not None and timestamp is None:
            raise InputError(f"{log} is one proof, beside which no time stamp stands: give --timestamp")
    else:
        kept = TransparencyLog(LogDirectory(log), verifier, rules)
        checkpoint, answer = _verified_log(kept, old, verifier)
        if ledger is not None:
            with opened_ledger(ledger, data, None) as opened:
                _compare(kept, checkpoint, opened.journal)
            answer["ledgerCompared"] = True
    if check is not None and timestamp is not None:
        answer["timestamps"] = [check_file(timestamp, checkpoint.render(), checkpoint, check)]
    elif check is not None:
        answer["timestamps"] = check_kept(kept, log, checkpoint, check)
    quorum = rules.satisfied(checkpoint.held)
    answer |= _checkpoint_json(checkpoint, rules) | {"holds": quorum}
    _print(answer, checkpoint, rules, as_json=json)
    if not quorum:
        raise typer.Exit(INTEGRITY)


@app.command()
def prove(
    log: LogArgument,
    *,
    vkey: VerifierOption,
    block: Annotated[int | None, typer.Option(min=0, help="Prove that this block is in the log.")] = None,
    old: Annotated[
        int | None, typer.Option(min=0, help="Prove that the log extends its first so many entries.")
    ] = None,
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="Where the .tlog-proof is written.")] = None,
    json: JsonOption = False,
) -> None:
    """A proof from the tiles, each checked against the signed checkpoint: of one block, as a .tlog-proof, or of growth."""
    if (block is None) == (old is None):
        raise InputError("one of --block and --old says what is to be proved")
    kept = TransparencyLog(LogDirectory(log), verifier_of(VerifierKey.parse(vkey)))
    checkpoint = kept.last()
    if checkpoint is None:
        raise NotFoundError(f"there is no checkpoint in {log}")
    size = checkpoint.head.size
    if (block is not None and block >= size) or (old is not None and old > size):
        raise NotFoundError(f"the log has {size} entries")
    reader = kept.reader(checkpoint)
    if block is not None:
        entry = reader.entry(block)
        made = LogProof(block, prove_inclusion(reader.node, block, size), checkpoint, entry)
        rendered = render_proof(made)
        path, extra = made.path, {"index": block, "entry": entry.decode(), "proof": rendered.decode()}
        if to is not None:
            to.write_bytes(rendered)
    else:
        assert old is not None
        path = prove_consistency(reader.node, old, size)
        rendered = "".join(f"{each.to_base64()}\n" for each in path).encode()
        extra = {"oldSize": old, "path": [each.to_base64() for each in path]}
    if json:
        print_json({"holds": True, "size": size, "proofLength": len(path), **extra})
    elif to is None or block is None:
        typer.echo(rendered, nl=False)


def _checkpoint_bytes(log: Path) -> bytes:
    return read_bytes(log / CHECKPOINT_PATH if log.is_dir() else log)


def _verified_log(
    kept: TransparencyLog, old: Path | None, verifier: Verifier
) -> tuple[SignedCheckpoint, dict[str, Any]]:
    checkpoint = kept.last()
    if checkpoint is None:
        raise NotFoundError("there is no checkpoint in the directory")
    count = 0
    for number, entry in enumerate(kept.reader(checkpoint).all_entries()):
        if parse_entry(entry).sequence_no != number:
            raise IntegrityError(f"entry {number} is of another block: {entry!r}")
        count += 1
    answer: dict[str, Any] = {"entriesVerified": count}
    if old is not None:
        older = verify_checkpoint(parse_checkpoint(read_bytes(old)), verifier)
        kept.verify_extends(older, checkpoint)
        answer["extends"] = older.head.size
    return checkpoint, answer


def _verified_proof(file: Path, verifier: Verifier, rules: WitnessPolicy) -> tuple[SignedCheckpoint, dict[str, Any]]:
    proof = parse_proof(read_bytes(file))
    if proof.extra is None:
        raise InputError(f"{file} does not carry its entry: there is nothing to hold it against")
    checkpoint = verify_proof(proof, proof.extra, verifier, rules.verifiers)
    entry = parse_entry(proof.extra)
    if entry.sequence_no != proof.index:
        raise IntegrityError(f"entry {proof.index} is of block {entry.sequence_no}")
    address = {"strandId": entry.strand_id, "sequenceNo": entry.sequence_no}
    return checkpoint, {"blockAddress": address, "blockHash": entry.block_hash.to_base64()}


def _compare(kept: TransparencyLog, checkpoint: SignedCheckpoint, journal: JournalReader) -> None:
    mine = _verified_entries(journal, None, 0)
    for number, entry in enumerate(kept.reader(checkpoint).all_entries()):
        found = next(mine, None)
        if found != entry:
            raise IntegrityError(f"entry {number} is not the ledger's block: {entry!r}, {found!r}")


def _last_hash(log: TransparencyLog, last: SignedCheckpoint | None) -> LogEntry | None:
    if last is None or not last.head.size:
        return None
    index = last.head.size - 1
    return parse_entry(log.reader(last).entry(index))


def _verified_entries(journal: JournalReader, last: LogEntry | None, begin: int) -> Iterator[bytes]:
    """The ledger's blocks from ``begin`` on, each hashed, and linked with the one before."""
    tip = journal.tip()
    if last is not None and last.strand_id != journal.strand_id:
        raise InputError(f"the log is of strand {last.strand_id}, the ledger's is {journal.strand_id}")
    end = 0 if tip is None else tip + 1
    if begin < journal.first():
        raise PreconditionError(
            f"a log has every block from block 0 on, but this ledger begins at a trust anchor, block {journal.first()}: only a log "
            "that has the blocks before can go on"
        )
    if end < begin:
        raise IntegrityError(f"the log holds {begin} blocks, the ledger only {end}")
    previous: Hash | None = None if last is None else last.block_hash
    for number, data in enumerate(journal.blocks(begin, end), begin):
        block = verify_block(parse_block(read_single(data)))
        if (block.address.strand_id, block.address.sequence_no) != (journal.strand_id, number):
            raise BrokenLinkError(f"block {journal.strand_id}#{number} says that it is {block.address}")
        if number and block.previous_block_hash != previous:
            raise BrokenLinkError(
                f"block {block.address} follows {block.previous_block_hash}, but the one before it is {previous}",
                expected=str(previous),
                found=str(block.previous_block_hash),
            )
        previous = block.block_hash
        yield render_entry(LogEntry(journal.strand_id, number, block.block_hash))


def _checkpoint_json(checkpoint: SignedCheckpoint, policy: WitnessPolicy) -> dict[str, Any]:
    held = {(each.name, each.key_id) for each in checkpoint.held}
    witnesses = {(each.key.name, each.key.key_id) for each in policy.witnesses.values()}
    return {
        "origin": checkpoint.checkpoint.origin,
        "size": checkpoint.head.size,
        "root": checkpoint.head.root.to_base64(),
        "signatures": [
            {
                "name": each.name,
                "keyId": each.key_id.hex(),
                "verified": (each.name, each.key_id) in held,
                "signedAt": cosigned_at(each.value) if (each.name, each.key_id) in held & witnesses else None,
                "datedAhead": (each.name, each.key_id) in held and policy.is_ahead(each),
            }
            for each in checkpoint.note.signatures
        ],
        "quorum": policy.quorum,
        "quorumReached": policy.satisfied(checkpoint.held),
        "checkpoint": checkpoint.render().decode(),
    }


def _print(answer: dict[str, Any], checkpoint: SignedCheckpoint, policy: WitnessPolicy, *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    if answer["holds"] is not None:
        word = "[bold green]holds[/]" if answer["holds"] else "[bold red]does not hold[/]"
        out.print(
            f"{word}: quorum {policy.quorum} {'reached' if answer['quorumReached'] else 'not reached'}", highlight=False
        )
    out.print(printable(f"  origin  {checkpoint.checkpoint.origin}"), markup=False, highlight=False)
    out.print(f"  size    {checkpoint.head.size}", markup=False, highlight=False)
    out.print(f"  root    {checkpoint.head.root.to_base64()}", markup=False, highlight=False)
    for each in answer["signatures"]:
        state = "verified" if each["verified"] else "not checked"
        state += ", but dated later than now: it counts for nothing" if each["datedAhead"] else ""
        said = f"  signed  {each['name']} ({each['keyId']}), {state}"
        out.print(printable(said), markup=False, highlight=False, soft_wrap=True)
    for each in answer.get("timestamps", ()):
        accuracy = "" if each["accuracySeconds"] is None else f" +- {each['accuracySeconds']} s"
        said = f"  stamped {each['size']} entries at {each['at']}{accuracy}, says {each['authority']}"
        out.print(printable(said), markup=False, highlight=False, soft_wrap=True)
