"""What commands about a log are told: where it is, whose signatures it needs, whom to trust for the time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from counterfoil.adapters.system import system_clock
from counterfoil.cli.output import read_bytes
from counterfoil.errors import InputError
from counterfoil.transparency.policy import WitnessPolicy, parse_policy
from counterfoil.transparency.timestamp import CheckTimestamp

LogArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="The directory with the log's tiles.", show_default=False)
]
KeyOption = Annotated[Path, typer.Option(metavar="FILE", help="The log's private key (checkpoints key).")]
VerifierOption = Annotated[str, typer.Option(metavar="KEY", help="The log's verifier key: name+id+key.")]
PolicyOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Whose signatures a checkpoint needs (docs/format.md).")
]
AuthorityOption = Annotated[
    Path | None,
    typer.Option(
        "--tsa-certificate",
        metavar="FILE",
        help="Check time stamps: certificates (PEM, DER) that the authority's leads to.",
    ),
]


def read_policy(path: Path | None) -> WitnessPolicy:
    """The policy of a file, as of now; nobody's signature where there is none."""
    if path is None:
        return WitnessPolicy()
    try:
        return replace(parse_policy(read_bytes(path).decode()), as_of=system_clock())
    except UnicodeDecodeError:
        raise InputError(f"{path} is no policy: not UTF-8") from None


def read_authority(path: Path | None) -> CheckTimestamp | None:
    """What checks time stamps by the certificates of a file, as of now; ``None`` where there is none."""
    if path is None:
        return None
    from counterfoil.adapters.timestamp_tokens import Authority

    authority = Authority.parse(read_bytes(path))
    return lambda token, stamped: authority.verify(token, stamped, system_clock())
