"""The command line"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from counterfoil.plain.exports import MAX_JSON_BYTES, read_file, verify_export
from counterfoil.plain.receipts import DoesNotHoldError, parse_digest, verify_receipt
from counterfoil.plain.values import BAD_INPUT, require, unrepeated


def main(arguments: list[str] | None = None) -> int:
    """Verify what the arguments name, say what came of it, and return the exit status."""
    command, *given = (sys.argv[1:] if arguments is None else arguments) or [""]
    try:
        if command == "receipt" and len(given) == 1:
            say(f"holds: {verify_receipt(read_json(given[0]))}")
            return 0
        is_export = command == "export" and len(given) in {1, 3} and given[1:2] in ([], ["--digest"])
        require(is_export, "usage: counterfoil_verify.py receipt FILE | export DIR [--digest FILE]")
        return 0 if verify_export(Path(given[0]), parse_digest(read_json(given[2])) if given[2:] else None, say) else 1
    except (DoesNotHoldError, *BAD_INPUT, OSError) as error:
        is_found = isinstance(error, DoesNotHoldError)
        say(f"{'does not hold' if is_found else 'error'}: {error}")
        return 1 if is_found else 2


def read_json(name: str) -> dict[str, Any]:
    data = read_file(Path(name), MAX_JSON_BYTES)
    text = data.decode("utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig")
    document = json.loads(text, object_pairs_hook=unrepeated, parse_constant=int)  # NaN and infinities are no numbers
    return dict(require(isinstance(document, dict), f"{name} is not a JSON object", document))


def say(text: str) -> None:
    """One line of ASCII: what came from outside may not move the cursor of a terminal."""
    sys.stdout.write("".join(each if each.isascii() and each.isprintable() else "?" for each in text) + "\n")
