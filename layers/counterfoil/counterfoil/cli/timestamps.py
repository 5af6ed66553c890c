"""``counterfoil checkpoints timestamp``: a checkpoint shown to a time-stamping authority, and its answer, checked again later."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from counterfoil.adapters.durable_files import write_whole
from counterfoil.adapters.log_directory import LogDirectory
from counterfoil.adapters.note_keys import verifier_of
from counterfoil.cli.log_options import LogArgument, VerifierOption
from counterfoil.cli.output import JsonOption, out, print_json, printable, read_bytes
from counterfoil.errors import AlreadyExistsError, InputError, IntegrityError, LimitError, NotFoundError
from counterfoil.services.transparency_log import TransparencyLog
from counterfoil.transparency.checkpoint import SignedCheckpoint, parse_checkpoint, verify_checkpoint
from counterfoil.transparency.note import VerifierKey
from counterfoil.transparency.tiles import CHECKPOINT_PATH
from counterfoil.transparency.timestamp import (
    FOLDER,
    MAX_TIMESTAMP_BYTES,
    CheckTimestamp,
    Timestamp,
    stamped_path,
    timestamp_path,
)

# One each hour for a year; whoever stamps more keeps the older ones elsewhere.
MAX_TIMESTAMPS: Final = 10_000


def timestamp(
    log: LogArgument,
    *,
    vkey: VerifierOption,
    tsa: Annotated[str, typer.Option(metavar="URL", help="The time-stamping authority (RFC 3161), https://.")],
    tsa_certificate: Annotated[
        Path, typer.Option(metavar="FILE", help="Certificates (PEM, DER) that the authority's leads to.")
    ],
    to: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where the answer is written as well (DER).")
    ] = None,
    plain_http: Annotated[bool, typer.Option("--plain-http", help="Allow an http:// URL of another machine.")] = False,
    json: JsonOption = False,
) -> None:
    """Let an authority swear that the newest checkpoint exists by now, check its answer, and keep that beside the checkpoint."""
    from counterfoil.adapters.system import system_clock
    from counterfoil.adapters.timestamp_client import ask_authority
    from counterfoil.adapters.timestamp_tokens import Authority, query_for

    store, authority = LogDirectory(log), Authority.parse(read_bytes(tsa_certificate))
    stamped = store.load(CHECKPOINT_PATH)
    if stamped is None:
        raise NotFoundError(f"there is no checkpoint in {log}")
    checkpoint = verify_checkpoint(parse_checkpoint(stamped), verifier_of(VerifierKey.parse(vkey)))
    path = timestamp_path(stamped)
    if store.load(path) is not None:
        raise AlreadyExistsError(f"{log / path} is there already: the older time stamp says more than a new one would")
    query = query_for(stamped)
    answer = ask_authority(tsa, query.data, plain=plain_http)
    stamp = authority.verify(answer, stamped, system_clock(), query.nonce)
    store.add(stamped_path(stamped), stamped)
    store.add(path, answer)
    if to is not None:
        write_whole(to, answer)
    if json:
        print_json({"holds": True, "file": str(log / path), **timestamp_json(checkpoint, stamp)})
    else:
        show_timestamp(checkpoint, stamp)


def check_kept(
    kept: TransparencyLog, log: Path, newest: SignedCheckpoint, check: CheckTimestamp
) -> list[dict[str, Any]]:
    """Every time stamp in a log's directory: over a checkpoint of the log that the newest one extends. ``NotFoundError``: none."""
    files = sorted((log / FOLDER).glob("*.tsr"))
    if not files:
        raise NotFoundError(f"there is no time stamp in {log / FOLDER}")
    if len(files) > MAX_TIMESTAMPS:
        raise LimitError(f"{len(files)} time stamps; at most {MAX_TIMESTAMPS} are checked")
    checked = [_check_file(kept, file, newest, check) for file in files]
    return sorted(checked, key=lambda each: each["size"])


def _check_file(kept: TransparencyLog, file: Path, newest: SignedCheckpoint, check: CheckTimestamp) -> dict[str, Any]:
    stamped = kept.store.load(f"{FOLDER}/{file.stem}.checkpoint")
    if stamped is None:
        raise InputError(f"{file} stands without the checkpoint that it is over")
    if timestamp_path(stamped) != f"{FOLDER}/{file.name}":
        raise IntegrityError(f"the checkpoint beside {file} is not the one that it is named after")
    checkpoint = verify_checkpoint(parse_checkpoint(stamped), kept.key)
    kept.verify_extends(checkpoint, newest)
    return check_file(file, stamped, checkpoint, check)


def check_file(file: Path, stamped: bytes, checkpoint: SignedCheckpoint, check: CheckTimestamp) -> dict[str, Any]:
    """What a file with an authority's answer says of a checkpoint's bytes; it is named where it does not hold."""
    if file.is_file() and file.stat().st_size > MAX_TIMESTAMP_BYTES:
        raise LimitError(f"{file} has {file.stat().st_size} bytes; at most {MAX_TIMESTAMP_BYTES} are read")
    try:
        return timestamp_json(checkpoint, check(read_bytes(file), stamped))
    except IntegrityError as error:
        raise IntegrityError(f"{file}: {error}", **error.evidence) from None
    except InputError as error:
        raise InputError(f"{file}: {error}") from None


def timestamp_json(checkpoint: SignedCheckpoint, stamp: Timestamp) -> dict[str, Any]:
    return {
        "size": checkpoint.head.size,
        "root": checkpoint.head.root.to_base64(),
        "at": stamp.at.isoformat(),
        "accuracySeconds": stamp.accuracy_seconds,
        "authority": stamp.authority,
        "policy": stamp.policy,
        "serialNumber": str(stamp.serial_number),
    }


def show_timestamp(checkpoint: SignedCheckpoint, stamp: Timestamp) -> None:
    out.print("[bold green]holds[/]: time stamp kept", highlight=False)
    out.print(f"  size    {checkpoint.head.size}", markup=False, highlight=False)
    said = f"  at      {stamp.time}, says {stamp.authority}"
    out.print(printable(said), markup=False, highlight=False, soft_wrap=True)
