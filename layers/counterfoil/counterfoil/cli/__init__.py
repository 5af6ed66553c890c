"""The command line: ``counterfoil``. Never deployed.

Exit status: 0 holds, 1 an integrity failure was found, 2 bad input or usage, 3 something outside was unavailable.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import typer
from typer.exceptions import Abort, TyperException

from counterfoil.cli.output import HOLDS, INPUT, INTEGRITY, INTERRUPTED, UNAVAILABLE, show_error
from counterfoil.errors import CounterfoilError, InputError, IntegrityError

# Loading every command takes longer than verifying some exports does: this one goes without the others.
_ALONE: Final = ["verify", "export"]


def main() -> None:
    """Run the command line; errors of this library, of usage and of output become its exit statuses."""
    as_json = "--json" in sys.argv
    app = _app_for(sys.argv[1:])
    try:
        status = app(standalone_mode=False)
        sys.stdout.flush()
    except CounterfoilError as error:
        show_error(error, as_json=as_json)
        status = exit_status(error)
    except TyperException as error:  # usage: an option, argument or command that is not there
        if message := error.format_message():  # without one the help was shown already
            context = getattr(error, "ctx", None)
            if context is not None and not as_json:
                print(context.get_usage(), file=sys.stderr)  # noqa: T201 - plain, as every program does
            show_error(InputError(message), as_json=as_json)
        status = INPUT
    except Abort:
        status = INTERRUPTED
    except OSError as error:  # nobody reads what is printed, or the disk is full: the verdict did not arrive
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for the interpreter's last flush
        print(f"output: {error.strerror}", file=sys.stderr)  # noqa: T201 - the console of the rest may be what broke
        status = UNAVAILABLE
    raise SystemExit(status or HOLDS)


def exit_status(error: CounterfoilError) -> int:
    """Who has to act: the one who called (2), the one who trusts the data (1), the one who runs the outside (3)."""
    if isinstance(error, InputError):
        return INPUT
    return INTEGRITY if isinstance(error, IntegrityError) else UNAVAILABLE


def _app_for(arguments: Sequence[str]) -> typer.Typer:
    """The commands among which the arguments choose: all of them, unless they begin with one that is loaded alone."""
    if arguments[:2] == _ALONE:
        from counterfoil.cli.verify_export import alone

        return alone()
    from counterfoil.cli.commands import add_commands_of_others, app

    add_commands_of_others(arguments)
    return app
