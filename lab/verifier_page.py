"""Seals the verifier page: its policy names the hashes of its own scripts and styles, so that a browser runs these and no others.

    python -m lab.verifier_page [DIR]       DIR is ``dist`` where none is given: a copy of the page goes there

A changed script does not run before this has been run again. docs/verify.md says the hash of the whole file, which is written
there too.
"""

from __future__ import annotations

import re
import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).parent.parent / "docs"
PAGE: Final = DOCS / "verifier.html"
TEXT: Final = DOCS / "verify.md"


def sealed(page: str) -> str:
    """The page with a policy that fits its scripts and styles."""
    for directive in ("script", "style"):
        inline = re.findall(rf"<{directive}\b[^>]*>(.*?)</{directive}>", page, re.DOTALL)
        sources = "".join(f"\n    'sha256-{b64encode(sha256(each.encode()).digest()).decode()}'" for each in inline)
        page, count = re.subn(rf'({directive}-src)[^;"]*', rf"\1{sources}", page, count=1)
        assert count == 1, directive
    return page


def told(text: str, page: str) -> str:
    """docs/verify.md with the hash of the page."""
    line = f"{sha256(page.encode()).hexdigest()}  docs/verifier.html"
    return re.sub(r"\b[0-9a-f]{64}  docs/verifier\.html", line, text)


def main(directory: Path) -> None:
    """Seal the page, tell its hash, and put a copy where it is asked for; what is right already is left alone."""
    page = sealed(PAGE.read_text())
    text = told(TEXT.read_text(), page)
    for file, contents in ((PAGE, page), (TEXT, text)):
        if file.read_text() != contents:
            file.write_text(contents)
    directory.mkdir(parents=True, exist_ok=True)
    copy = directory / PAGE.name
    copy.write_text(page)
    print(copy)


if __name__ == "__main__":
    main(Path(*sys.argv[1:] or ["dist"]))
