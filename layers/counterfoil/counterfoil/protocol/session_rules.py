"""What holds for every kind of session: which command a request holds, who may send it, which statements are allowed."""

from __future__ import annotations

from typing import Final

from counterfoil.errors import CounterfoilError, ForbiddenError
from counterfoil.ledger.registry import PermissionsMode
from counterfoil.partiql.tables import Action
from counterfoil.protocol.directory import Directory
from counterfoil.protocol.faults import ProtocolError, bad_request, session_error
from counterfoil.protocol.hosting import Authorise, Caller, Engine
from counterfoil.protocol.session import COMMANDS, Command

# The service ended sessions after 13 to 17 minutes.
IDLE_SECONDS: Final = 15 * 60

START: Final = "StartSession"
END: Final = "EndSession"
_NAMES: Final = frozenset({START, END, *COMMANDS})
PERMISSION: Final = "qldb:SendCommand"


def name_of_command(request: Command) -> str:
    found = sorted(name for name in request if name in _NAMES)
    if len(found) != 1:
        raise bad_request(f"SendCommand needs exactly one command; found {found}")
    return found[0]


def check_permission(caller: Caller, ledger_name: str) -> None:
    """Whether a caller may use sessions of a ledger at all; statements are checked by themselves."""
    try:
        caller.check(PERMISSION, ledger_name)
    except ForbiddenError as error:
        raise ProtocolError("AccessDeniedException", str(error)) from None


def engine_of(directory: Directory, ledger_name: str) -> Engine:
    """The engine of the ledger that a session is begun for."""
    try:
        return directory.engine(ledger_name)
    except CounterfoilError as error:
        answered = session_error(error)
        raise bad_request(str(error)) if answered.status < 500 else answered from None


def statement_check(directory: Directory, engine: Engine, ledger_name: str, caller: Caller) -> Authorise | None:
    """What checks a statement's actions; nothing does where the ledger allows all or the caller may do everything."""
    if caller.unrestricted or directory.active(ledger_name).permissions_mode is PermissionsMode.ALLOW_ALL:
        return None

    def authorise(actions: frozenset[tuple[Action, str]]) -> None:
        catalogue = engine.catalogue
        for action, table_id in sorted(actions):
            table = catalogue.table_by_id(table_id)
            caller.check_table(action, ledger_name, table_id, None if table is None else table.name)

    return authorise
