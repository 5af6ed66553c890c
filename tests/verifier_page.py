"""docs/verifier.html for tests: its verifier in Node, asked line by line, and the command whose verdict it must come to."""

import json
import subprocess
from pathlib import Path

from counterfoil.errors import InputError, IntegrityError
from counterfoil.journal import verify_receipt
from tests.served import NODE, ROOT

PAGE = ROOT / "docs/verifier.html"
ANSWER = Path(__file__).parent / "browser/answer.mjs"


class RefusedError(Exception):
    """What the page's verifier could not read; the message is its own."""


class VerifierInNode:
    """The page's own script, from the beginning of a ``with`` block to its end."""

    def __enter__(self):
        self._process = subprocess.Popen(
            [NODE, ANSWER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        return self

    def __exit__(self, *_):
        self._process.communicate()

    def ask(self, what, **given):
        self._process.stdin.write(json.dumps({"ask": what, **given}) + "\n")
        self._process.stdin.flush()
        found = json.loads(self._process.stdout.readline())
        if "refusal" in found:
            raise RefusedError(found["refusal"])
        return found["answer"]

    def verdict(self, text, kept=""):
        """As ``verdict_of``, of the page."""
        found = self.ask("verify", text=text, kept=kept)
        if found["outcome"] == "cannot be read":
            return found["outcome"], None
        if found["outcome"] == "does not hold":
            return found["outcome"], found["message"]
        receipt = found["receipt"]
        places = [
            (each["strandId"], int(each["sequenceNo"])) for each in (receipt["address"], receipt["digest"]["tip"])
        ]
        return found["outcome"], (
            receipt["kind"], receipt["hash"], places[0], receipt["digest"]["hash"], places[1], receipt["pathLength"],
            receipt["documentId"], receipt["contentsChecked"], receipt["addressBound"],
        )  # fmt: skip


def verdict_of(text):
    """(outcome, details) of the command: what a receipt proves, or what does not hold. Of what cannot be read, that alone."""
    try:
        document = json.loads(text)
        if not isinstance(document, dict):
            return "cannot be read", None
        receipt = verify_receipt(document)
    except (InputError, ValueError, RecursionError):
        return "cannot be read", None
    except IntegrityError as error:
        return "does not hold", str(error)
    return "holds", (
        receipt.kind, receipt.leaf.to_base64(), tuple(receipt.address), receipt.digest.hash.to_base64(),
        tuple(receipt.digest.tip_address), receipt.path_length, receipt.document_id, receipt.contents_checked,
        receipt.address_bound,
    )  # fmt: skip
