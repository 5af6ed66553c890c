"""What every verifier says of the same files: the command, the plain one, the whole single file's, and the page's script."""

import json
from base64 import b64encode
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from typer.testing import CliRunner

from counterfoil.cli import full_verifier
from counterfoil.cli.commands import app
from counterfoil.errors import InputError, IntegrityError
from tests.plain_verifier import run, write_export
from tests.verifier_page import RefusedError

HOLDS, DOES_NOT_HOLD, UNREADABLE = range(3)
OUTCOMES = {"holds": HOLDS, "does not hold": DOES_NOT_HOLD, "cannot be read": UNREADABLE}


def by_command(*arguments):
    """The exit status of ``counterfoil verify``, whose errors the entry point turns into one."""
    done = CliRunner().invoke(app, ["verify", *map(str, arguments)])
    if isinstance(done.exception, InputError | IntegrityError):
        return UNREADABLE if isinstance(done.exception, InputError) else DOES_NOT_HOLD
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code


def plainly(*arguments):
    return run(*arguments)[0]


def by_the_whole_file(*arguments):
    with redirect_stdout(StringIO()):
        return full_verifier.main([str(each) for each in arguments])


def on_the_page(page, data):
    try:
        return OUTCOMES[page.ask("verifyBytes", bytes=b64encode(data).decode())["outcome"]]
    except RefusedError:  # bytes that are no text; the page says so where it says that a receipt cannot be read
        return UNREADABLE


def receipt_verdict(data, page=None):
    """What all say of the bytes of a receipt; they must say the same."""
    with TemporaryDirectory() as directory:
        file = Path(directory) / "receipt.json"
        file.write_bytes(data)
        found = {each.__name__: each("receipt", file) for each in (by_command, plainly, by_the_whole_file)}
    if page is not None:
        found["page"] = on_the_page(page, data)
    assert len(set(found.values())) == 1, found
    return found["plainly"]


def export_verdict(files, change=None):
    """What all say of an export of these files (bytes by name), once ``change`` was done to its directory."""
    with TemporaryDirectory() as directory:
        written = write_export(files, Path(directory) / "export")
        if change is not None:
            change(written)
        found = {each.__name__: each("export", written) for each in (by_command, plainly, by_the_whole_file)}
    assert len(set(found.values())) == 1, found
    return found["plainly"]


def with_text(receipt, name, text):
    """A receipt in which one part is this Ion text."""
    return json.dumps(receipt | {name: {"IonText": text}}).encode()
