"""Writes the plain verifier as one file: the modules of ``counterfoil.plain``, one after the other, word for word.

    python -m lab.plain_verifier [DIR]          DIR is ``dist`` where none is given

Left out are only what modules have because they are several (their imports of each other, their docstrings but for a line) and
second blank lines. It must stay short enough to be read (docs/decisions/0032-a-verifier-to-be-read.md).
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOM: Final = Path(__file__).parent.parent / "layers" / "counterfoil" / "counterfoil" / "plain"
NAME: Final = "counterfoil_verify"
MAX_LINES: Final = 599
MAX_WIDTH: Final = 132
LONG: Final = 40
_HEAD: Final = re.compile(r" *(?:if|elif|else|for|while|try|except|with|def|class)\b")
# Each behind those that it imports.
MODULES: Final = (
    "values", "ion_binary", "ion_text", "ion_hash", "tree", "blocks", "receipts", "exports", "command",
)  # fmt: skip
HEADER: Final = '''#!/usr/bin/env python3
"""Verifies receipts and journal exports (in Ion) of Amazon QLDB and Counterfoil; to be read before it is run.

    python3 -I counterfoil_verify.py receipt FILE                    a GetBlock or GetRevision answer with proof and digest
    python3 -I counterfoil_verify.py export DIR [--digest FILE]      every block; FILE is a GetDigest answer

Exit status: 0 holds, 1 something does not hold, 2 bad input. It needs Python 3.9 or later and nothing else, and writes nothing.
The rules stand in docs/format.md, whose sections are named here. Made by ``make verifier``. SPDX-License-Identifier: Apache-2.0
"""
'''


def render() -> str:
    """The file's text."""
    assert {each.stem for each in ROOM.glob("*.py")} - {"__init__"} == set(MODULES)
    imports: set[tuple[str, str]] = set()
    parts: list[str] = []
    for module in MODULES:
        text = (ROOM / f"{module}.py").read_text()
        parts.append(_body(text, imports))
    names = re.findall(r"^(?:def|class) (\w+)", "".join(parts), re.MULTILINE)
    assert len(names) == len(set(names)), "two modules have a definition of one name"
    body = "\n".join(parts) + '\n\nif __name__ == "__main__":\n    raise SystemExit(main())\n'
    used = {each for each in imports if re.search(rf"\b{each[1] or each[0]}\b", body)}
    return _compact("".join((HEADER, "\n", *_imports(used), body)).replace("  # fmt: skip", ""))


def _imports(found: set[tuple[str, str]]) -> Iterator[str]:
    """The imports of the standard library: modules in one line, names with a line for each module."""
    yield f"import {', '.join(sorted(module for module, name in found if not name))}\n"
    for source in sorted({module for module, name in found if name}):
        yield f"from {source} import {', '.join(sorted(name for module, name in found if module == source and name))}\n"


def _body(text: str, imports: set[tuple[str, str]]) -> str:
    """A module's text without its imports and docstring, under a line of the latter; the imports of others' modules are noted."""
    text = _without_types(text)
    tree = ast.parse(text)
    lines = text.splitlines()
    title = (ast.get_docstring(tree) or "").partition("\n")[0].strip()
    for node in tree.body:
        if isinstance(node, ast.Import):
            imports.update((each.name, "") for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
            if not (node.module or "").startswith("counterfoil"):
                imports.update((node.module or "", each.name) for each in node.names)
        elif node is not tree.body[0] and not isinstance(node, ast.ImportFrom):
            continue
        lines[node.lineno - 1 : node.end_lineno] = [""] * ((node.end_lineno or 0) - node.lineno + 1)
    return f"\n\n# {title}\n\n" + "\n".join(lines).strip() + "\n"


def _without_types(text: str) -> str:
    """Without the types of arguments, results and variables, which are for the type checker; those of fields are needed."""
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    spans = []
    tree = ast.parse(text)
    fields = {each for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for each in node.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and node not in fields:
            begin = starts[node.lineno - 1] + (node.target.end_col_offset or 0)
            spans.append((begin, starts[(node.annotation.end_lineno or 0) - 1] + (node.annotation.end_col_offset or 0)))
        if isinstance(node, ast.arg) and node.annotation is not None:
            begin = starts[node.lineno - 1] + node.col_offset + len(node.arg)
            spans.append((begin, starts[(node.annotation.end_lineno or 0) - 1] + (node.annotation.end_col_offset or 0)))
    for begin, end in sorted(spans, reverse=True):
        text = text[:begin] + text[end:]
    text = re.sub(r"^( *def .*\)) -> .*:$", r"\1:", text, flags=re.MULTILINE)
    return re.sub(r"^( *def .*)$", lambda found: found[0].replace(" = ", "="), text, flags=re.MULTILINE)


def _compact(text: str) -> str:
    """The same program in fewer lines, none of them longer than ``MAX_WIDTH``.

    What the formatter broke up is joined where it fits, a docstring of one line stands behind its ``def``, a body of one statement
    behind its ``if``, and blank lines stand before what is long.
    """
    text = re.sub(r"\n{3,}", "\n\n", text)
    text = re.sub(r"\n\n(?=    (?:def |\w+: ))", "\n", text)
    text = re.sub(r"^( *)(.*[\[({])\n((?:\1 {4}.*\n)+)(\1[\])}].*)$", _joined, text, flags=re.MULTILINE)
    text = re.sub(r'^( *def .*:)\n +"""(.*)"""$', _commented, text, flags=re.MULTILINE)
    text = re.sub(r'\n +"""$', '"""', text, flags=re.MULTILINE)
    return _spaced(_with_bodies(text))


def _joined(found: re.Match[str]) -> str:
    inside = " ".join(line.strip() for line in found[3].splitlines())
    line = f"{found[1]}{found[2]}{inside.removesuffix(',')}{found[4].strip()}"
    return line if len(line) <= MAX_WIDTH and "#" not in inside else found[0]


def _commented(found: re.Match[str]) -> str:
    line = f"{found[1]}  # {found[2]}"
    return line if len(line) <= MAX_WIDTH else found[0]


def _with_bodies(text: str) -> str:
    """Bodies of one simple statement behind the line that they belong to."""
    lines = text.splitlines()
    written: list[str] = []
    while lines:
        line = lines.pop(0)
        head, mark, comment = line.partition(":  # ")
        is_head = _HEAD.match(line) is not None and (mark or line.endswith(":"))
        behind = next((each for each in lines[1:] if each), "")
        if is_head and lines and _indent(lines[0]) == _indent(line) + 4 and _indent(behind) <= _indent(line):
            body = lines[0].strip()
            joined = f"{head if mark else line[:-1]}: {body}{'  # ' + comment if mark else ''}"
            if (
                _HEAD.match(body) is None
                and (body[:3] != '"""' or line.startswith("class "))
                and len(joined) <= MAX_WIDTH
            ):
                line = joined
                del lines[0]
        written.append(line)
    return "\n".join(written) + "\n"


def _spaced(text: str) -> str:
    """Blank lines stand before parts, classes and long functions."""
    lines = text.splitlines()
    tree = ast.parse(text)
    long = {
        each.lineno
        for each in tree.body
        if isinstance(each, ast.ClassDef) or (each.end_lineno or 0) - each.lineno >= LONG
    }
    after_header = next(number for number, line in enumerate(lines) if line.startswith("# "))
    written = lines[:after_header]
    for number, line in enumerate(lines[after_header:], after_header + 1):
        if line:
            is_first = bool(re.match(r"# |if __name__", line))
            written += [""] * (is_first or (number in long and not written[-1].startswith("# ")))
            written.append(line)
    return "\n".join(written) + "\n"


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def main() -> None:
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else "dist")
    directory.mkdir(parents=True, exist_ok=True)
    text = render()
    (directory / f"{NAME}.py").write_text(text)
    print(f"{directory / NAME}.py: {len(text.splitlines())} lines")


if __name__ == "__main__":
    main()
