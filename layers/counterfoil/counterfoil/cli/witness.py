"""``counterfoil witness``: serve as a witness of logs, and have a log's checkpoint signed by witnesses."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Final

import typer

from counterfoil.adapters.log_directory import LogDirectory
from counterfoil.adapters.note_keys import PrivateKey, verifier_of
from counterfoil.adapters.system import system_clock
from counterfoil.adapters.witness_client import ask_witness
from counterfoil.cli.log_options import LogArgument, VerifierOption, read_policy
from counterfoil.cli.output import HOLDS, INTEGRITY, UNAVAILABLE, JsonOption, err, out, print_json, printable
from counterfoil.cli.serve import DEFAULT_HOST, HostOption, PortOption
from counterfoil.errors import InputError
from counterfoil.services.transparency_log import TransparencyLog
from counterfoil.services.witness import WitnessService
from counterfoil.transparency.note import KeyType, VerifierKey

app: Final = typer.Typer(help="Vouch that logs only grow.", no_args_is_help=True)

DEFAULT_PORT: Final = 8601


@app.command()
def serve(
    *,
    state: Annotated[Path, typer.Option(metavar="DIR", help="Where it keeps what it signed last, and evidence.")],
    key: Annotated[Path, typer.Option(metavar="FILE", help="The witness's private key (checkpoints key --witness).")],
    log: Annotated[
        list[str], typer.Option(metavar="KEY", help="The verifier key of a log that is watched; repeat it.")
    ],
    port: PortOption = DEFAULT_PORT,
    host: HostOption = DEFAULT_HOST,
    json: JsonOption = False,
) -> None:
    """Sign the checkpoints of these logs, each only if it extends the last one signed, until SIGTERM or SIGINT."""
    from counterfoil.server.running import serve_app
    from counterfoil.server.witness import WitnessApp

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    signer = PrivateKey.read(key)
    if signer.key.type is not KeyType.COSIGNATURE:
        raise InputError(f"{key} is a log's key; a witness's is made with --witness")
    keys = [VerifierKey.parse(each) for each in log]
    logs = {each.name: verifier_of(each) for each in keys}
    if len(logs) != len(keys):
        raise InputError("two keys of one log")
    service = WitnessService(LogDirectory(state), logs, signer, system_clock)

    def ready(bound_port: int) -> None:
        url = f"http://{f'[{host}]' if ':' in host else host}:{bound_port}"
        err.print(f"witness {signer.key.name} on {url}", markup=False, highlight=False, soft_wrap=True)
        if json:
            print_json({"holds": True, "url": url, "port": bound_port, "verifierKey": signer.key.render()})

    serve_app(WitnessApp(service), host, port, ready)


@app.command()
def cosign(
    log: LogArgument,
    *,
    vkey: VerifierOption,
    policy: Annotated[Path, typer.Option(metavar="FILE", help="The witnesses, and where each is asked.")],
    json: JsonOption = False,
) -> None:
    """Show a log's newest checkpoint to the witnesses that have not signed it, and add their signatures to it."""
    rules = read_policy(policy)
    kept = TransparencyLog(LogDirectory(log), verifier_of(VerifierKey.parse(vkey)), rules)
    outcome = kept.witness(ask_witness)
    reached = rules.satisfied(outcome.checkpoint.held)
    if json:
        print_json(
            {
                "holds": reached and not outcome.contradictions,
                "signedBy": sorted(rules.signers(outcome.checkpoint.held)),
                "unwitnessed": outcome.failures,
                "contradictions": outcome.contradictions,
                "quorumReached": reached,
            }
        )
    else:
        for name in sorted(rules.signers(outcome.checkpoint.held)):
            out.print(f"  [green]signed[/]   {name}", highlight=False)
        for name, reason in (outcome.failures | outcome.contradictions).items():
            colour = "red" if name in outcome.contradictions else "yellow"
            out.print(f"  [{colour}]missing[/]  {name}: ", end="", highlight=False)
            out.print(printable(reason), markup=False, highlight=False)
        out.print(f"quorum {rules.quorum} {'reached' if reached else 'not reached'}", highlight=False)
    raise typer.Exit(INTEGRITY if outcome.contradictions else HOLDS if reached else UNAVAILABLE)
