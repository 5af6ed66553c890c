"""``serve``: the ledger on this machine behind QLDB's two protocols; ``client-env``: how official clients find it."""

from __future__ import annotations

import logging
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from counterfoil.cli.output import JsonOption, err, print_json, read_bytes
from counterfoil.cli.places import SealsOption
from counterfoil.errors import InputError
from counterfoil.server.client_env import client_env as environment
from counterfoil.server.client_env import region_of, url_env

DEFAULT_PORT = 8600
DEFAULT_HOST = "127.0.0.1"

PortOption = Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one and prints it.")]
HostOption = Annotated[str, typer.Option(help="The address to listen on.")]


def serve(  # noqa: PLR0913 - one parameter for each option
    *,
    data: Annotated[Path, typer.Option(metavar="DIR", help="The folder with the ledgers.")] = Path("ledgers"),
    port: PortOption = DEFAULT_PORT,
    host: HostOption = DEFAULT_HOST,
    qldb_limits: Annotated[
        bool, typer.Option("--qldb-limits", help="QLDB's own limits instead of wider ones.")
    ] = False,
    keys: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Access keys and what each may do, JSON or TOML.")
    ] = None,
    aws_endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="Where S3 and Kinesis are; without it exports go to DIR/outbox.")
    ] = None,
    freezes: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Which documents freeze accounts, JSON; without it the defaults."),
    ] = None,
    seals: SealsOption = None,
    json: JsonOption = False,
) -> None:
    """Serve the ledgers of a folder until SIGTERM or SIGINT. QLDB's official drivers work unchanged: see client-env."""
    from counterfoil.server.assembly import ServerSettings
    from counterfoil.server.running import serve as run
    from counterfoil.services.freezes import parse_freezes

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

    def ready(bound_port: int) -> None:
        address = f"[{host}]" if ":" in host else host
        err.print(
            f"counterfoil serves {data} on http://{address}:{bound_port}", markup=False, highlight=False, soft_wrap=True
        )
        if json:
            print_json({"holds": True, "url": f"http://{address}:{bound_port}", "port": bound_port, "data": str(data)})

    guard = parse_freezes("" if freezes is None else read_bytes(freezes).decode(errors="replace"))
    run(ServerSettings(data, host, port, qldb_limits, keys, aws_endpoint, guard, seals), ready)


def client_env(
    *,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port of the server.")] = DEFAULT_PORT,
    host: Annotated[str, typer.Option(help="The address of the server.")] = DEFAULT_HOST,
    url: Annotated[str | None, typer.Option(help="A deployed ledger's URL, in place of a server's port.")] = None,
    region: Annotated[str | None, typer.Option(help="The region of the URL, where it does not say so.")] = None,
    json: JsonOption = False,
) -> None:
    """Print the environment variables that point unmodified official clients at it: eval "$(counterfoil client-env)"."""
    variables: dict[str, Any] = dict(environment(port, host) if url is None else _of_url(url, region))
    if json:
        print_json({"holds": True, **variables})
        return
    for name, value in variables.items():
        typer.echo(f"export {name}={shlex.quote(value)}")


def _of_url(url: str, region: str | None) -> dict[str, str]:
    if not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise InputError(f"{url[:200]!r} is no address of a function: it begins with https://")
    found = region or region_of(url)
    if found is None:
        raise InputError("the URL does not say its region: add --region")
    return url_env(url, found)
