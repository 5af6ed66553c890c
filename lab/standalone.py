"""Writes the product's own verifier alone, one file without dependencies, from its modules; and a wheel of it.

    python -m lab.standalone [DIR]          DIR is ``dist`` where none is given

From the command's module on, the definitions that it needs are taken out of the modules they stand in, in the order in which Python
would run them; methods that nobody calls are left out, and so are docstrings of single functions, for which the modules are
there. What only makes verification faster, or serves amazon.ion's types, has a plain substitute here. The same modules give the same
bytes.
"""

from __future__ import annotations

import ast
import sys
import tomllib
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).parent.parent / "layers" / "counterfoil"
PROJECT: Final = Path(__file__).parent.parent / "pyproject.toml"
NAME: Final = "counterfoil_verify_full"
WHEEL: Final = "counterfoil_verify"
ROOT: Final = ("counterfoil.cli.full_verifier", "main")
HEADER: Final = '''#!/usr/bin/env python3
"""Counterfoil's verifier alone: a QLDB journal export (Ion), a receipt, or evidence, checked with Python 3.13's standard library.

    python3 -I counterfoil_verify_full.py export DIR [--digest FILE]
    python3 -I counterfoil_verify_full.py receipt FILE
    python3 -I counterfoil_verify_full.py evidence FILE [--key FILE]... [--policy FILE]

Exit status: 0 holds, 1 something does not hold, 2 bad input, or evidence in which not all is there. Made by
``python -m lab.standalone`` from the modules named below, which say why each thing is as it is; the rules are written down in
docs/format.md, a walk through them in docs/verify.md.
"""
'''

SUMMARY: Final = (
    "Verifies journal exports, receipts and evidence of Amazon QLDB and Counterfoil, with the standard library alone"
)

# Definitions that are not needed here, in plain form.
SUBSTITUTES: Final = {
    ("counterfoil.ion.hashing", "cut_struct"): "def cut_struct(value):\n    return None",
    ("counterfoil.ion.hashing", "hash_of_ion"): "def hash_of_ion(value):\n    return sha256(serialize(value)).digest()",
    ("counterfoil.ion.streams", "_read_record"): "def _read_record(data):\n    return None",
    ("counterfoil.ion.streams", "_table_like_another"): "def _table_like_another(source):\n    return None",
    ("counterfoil.ion.streams", "_remember_frame"): "def _remember_frame(source, listed):\n    return None",
    ("counterfoil.journal.address", "is_address"): "def is_address(shape):\n    return False",
    ("counterfoil.journal.address", "address_of"): "def address_of(values):\n    raise AssertionError",
    ("counterfoil.journal.revision", "_from_shape"): "def _from_shape(value, shape, values):\n    return None",
    ("counterfoil.journal.block", "_parse_statement"): (
        'def _parse_statement(value):\n    return required(value.fields(), "statement").as_text()'
    ),
    ("counterfoil.journal.revision", "parse_instant"): (
        "def parse_instant(body):\n"
        "    instant = parse_timestamp(body)\n"
        "    if len(instant.fields) < 6:\n"
        '        raise InputError(f"{instant} says no second: a time of commit must")\n'
        "    return instant"
    ),
    ("counterfoil.ion.amazon_values", "from_amazon"): (
        'def from_amazon(value):\n    raise InputError(f"{type(value).__name__} is no Ion value")'
    ),
}


class _Module:
    """A module's definitions by name: a node of its own, or where a name was imported from."""

    def __init__(self, name: str) -> None:
        self.name = name
        path = SOURCE / (name.replace(".", "/") + ".py")
        self.tree = ast.parse((path if path.exists() else path.with_suffix("") / "__init__.py").read_text())
        self.nodes: dict[str, ast.stmt] = {}
        self.imports: dict[str, tuple[str, str]] = {}
        for position, node in enumerate(self.tree.body):
            self._enter(node, position)

    def _enter(self, node: ast.stmt, position: int) -> None:
        if isinstance(node, ast.ImportFrom) and node.module != "__future__":
            self.imports |= {each.asname or each.name: (node.module or "", each.name) for each in node.names}
        elif isinstance(node, ast.Import):
            self.imports |= {each.name: ("", each.name) for each in node.names}
        for name in _defined_by(node):
            substitute = SUBSTITUTES.get((self.name, name))
            if substitute is not None:
                node = self.tree.body[position] = ast.parse(substitute).body[0]
            self.nodes[name] = node


def _defined_by(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.TypeAlias):
        return [node.name.id]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)]


class _Selection:
    """What is needed of which module. It is gone through until no further method turns out to be called."""

    def __init__(self) -> None:
        self.modules: dict[str, _Module] = {}
        self.order: list[str] = []
        self.needed: dict[str, set[str]] = {}
        self.outside: set[tuple[str, str]] = set()
        self.attributes: set[str] = set()
        before = -1
        while before != len(self.attributes):
            before = len(self.attributes)
            self.needed.clear()
            self._need(*ROOT)
        self._arrange(ROOT[0])

    def module(self, name: str) -> _Module:
        if name not in self.modules:
            self.modules[name] = _Module(name)
        return self.modules[name]

    def home(self, module: str, name: str) -> tuple[str, str] | None:
        """Where a name that a module uses is defined; ``None`` for a built-in, a local, or one from outside."""
        found = self.module(module)
        if name in found.nodes:
            return module, name
        if name in found.imports:
            source, original = found.imports[name]
            return self.home(source, original) if source.startswith("counterfoil") else None
        return None

    def kept(self, node: ast.ClassDef) -> list[ast.stmt]:
        """A class's body without the methods that nobody calls."""
        return [each for each in node.body if not isinstance(each, ast.FunctionDef) or self._is_called(each.name)]

    def _is_called(self, method: str) -> bool:
        return method in self.attributes or method.startswith("__")

    def _need(self, module: str, name: str) -> None:
        home = self.home(module, name)
        if home is None:
            source = self.module(module).imports.get(name)
            if source is not None:
                self.outside.add(source)
            return
        if home[1] in self.needed.setdefault(home[0], set()):
            return
        self.needed[home[0]].add(home[1])
        for each in self._parts(self.module(home[0]).nodes[home[1]]):
            if isinstance(each, ast.Attribute):
                self.attributes.add(each.attr)
            elif isinstance(each, ast.Name):
                self._need(home[0], each.id)

    def _parts(self, node: ast.stmt) -> Iterator[ast.AST]:
        if not isinstance(node, ast.ClassDef):
            yield from ast.walk(node)
            return
        for part in (*node.bases, *node.decorator_list, *self.kept(node)):
            yield from ast.walk(part)

    def _arrange(self, module: str) -> None:
        """Modules behind those that they import."""
        if module in self.order:
            return
        self.order.append(module)
        place = len(self.order) - 1
        for source, _ in self.module(module).imports.values():
            if source.startswith("counterfoil"):
                self._arrange(source)
        self.order.append(self.order.pop(place))


class _Renaming(ast.NodeTransformer):
    """Names as they are in one file; without docstrings and methods that nobody calls."""

    def __init__(self, selection: _Selection, module: str, names: dict[tuple[str, str], str]) -> None:
        self._selection, self._module, self._names = selection, module, names

    def _name(self, name: str) -> str:
        home = self._selection.home(self._module, name)
        return name if home is None else self._names.get(home, home[1])

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.copy_location(ast.Name(self._name(node.id), node.ctx), node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.body = node.body[1:] if ast.get_docstring(node) is not None and len(node.body) > 1 else node.body
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.body = self._selection.kept(node)
        self.generic_visit(node)
        return node

    def top(self, node: ast.stmt) -> ast.stmt:
        renamed = self.visit(node)
        if isinstance(renamed, ast.FunctionDef | ast.ClassDef):
            renamed.name = self._names.get((self._module, renamed.name), renamed.name)
        assert isinstance(renamed, ast.stmt)
        return renamed


def render() -> str:
    """The file's text."""
    selection = _Selection()
    taken: set[str] = {name for _, name in selection.outside}
    names: dict[tuple[str, str], str] = {}
    for module in selection.order:
        for name in sorted(selection.needed.get(module, ())):
            short = module.rpartition(".")[2]
            names[module, name] = name if name not in taken else f"_{short}_{name.lstrip('_')}"
            assert names[module, name] not in taken, names[module, name]
            taken.add(names[module, name])
    parts = [HEADER, "\nfrom __future__ import annotations\n\n", *_imports(selection.outside)]
    for module in selection.order:
        text = "\n\n".join(_definitions(selection, module, names))
        if text:
            parts.append(f"\n# {module.replace('.', '/')}.py\n\n{text}\n")
    return "".join((*parts, '\nif __name__ == "__main__":\n    raise SystemExit(main())\n'))


def _definitions(selection: _Selection, module: str, names: dict[tuple[str, str], str]) -> Iterator[str]:
    renaming = _Renaming(selection, module, names)
    for node in selection.module(module).tree.body:
        if selection.needed.get(module, set()).intersection(_defined_by(node)):
            yield ast.unparse(ast.fix_missing_locations(renaming.top(node)))


def _imports(outside: set[tuple[str, str]]) -> Iterator[str]:
    for source, name in sorted(outside):
        yield f"from {source} import {name}\n" if source else f"import {name}\n"


def write_wheel(directory: Path, text: str) -> Path:
    """A wheel of the file alone. Source: PyPA specifications, "Binary distribution format" and "Entry points"."""
    version = tomllib.loads(PROJECT.read_text())["project"]["version"]
    info = f"{WHEEL}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: counterfoil-verify\nVersion: {version}\nSummary: {SUMMARY}\n"
    files = {
        f"{NAME}.py": text,
        f"{info}/METADATA": f"{metadata}License: Apache-2.0\nRequires-Python: >=3.13\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: counterfoil\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\ncounterfoil-verify = {NAME}:main\n",
    }
    record = "".join(f"{name},sha256={_record_hash(each)},{len(each.encode())}\n" for name, each in files.items())
    path = directory / f"{WHEEL}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, each in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            wheel.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), each)
    return path


def _record_hash(text: str) -> str:
    return urlsafe_b64encode(sha256(text.encode()).digest()).decode().rstrip("=")


def main() -> None:
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else "dist")
    directory.mkdir(parents=True, exist_ok=True)
    text = render()
    (directory / f"{NAME}.py").write_text(text)
    print(f"{directory / NAME}.py: {len(text.splitlines())} lines")
    print(write_wheel(directory, text))


if __name__ == "__main__":
    main()
