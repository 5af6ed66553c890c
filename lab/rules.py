"""Checks the shipped rules with their tests, and writes what follows from them: ``make rules``.

Written are the trees of their conditions, and the chapters of docs/rules.md that say which kinds and which rules there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Final

import counterfoil.detection.catalogue as shipped
from counterfoil.detection.alert_terms import AlertTerms
from counterfoil.detection.expressions import check
from counterfoil.detection.fraud_rules import KINDS, Kind
from counterfoil.detection.parameters import write_settings
from counterfoil.detection.rule import bind
from counterfoil.detection.rule_document import RuleDocument
from counterfoil.detection.rule_trial import try_rule

PAGE: Final = Path(__file__).parents[1] / "docs/rules.md"
MARK: Final = "<!-- what follows is written by `make rules` -->\n"


def conditions() -> str:
    """What ``conditions.json`` must hold."""
    trees: dict[str, dict[str, object]] = {}
    for document in shipped.documents():
        if document.when is not None:
            kind = trees.setdefault(document.kind, {})
            kind[document.when] = check(document.when, KINDS[document.kind].vocabulary)
    return json.dumps(trees, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def chapters() -> str:
    """What docs/rules.md must say behind its mark."""
    kinds = "\n".join(_kind(KINDS[name]) for name in sorted(KINDS))
    rules = "\n".join(_rule(document) for document in shipped.documents())
    return f"\n## Kinds\n\n{kinds}\n## Shipped rules\n\n{rules}"


def _kind(kind: type[Kind]) -> str:
    summary = " ".join((kind.__doc__ or "").replace("``", "`").split())
    defaults = write_settings(kind())
    parameters = [f"`{each.name}` ({json.dumps(defaults[each.name])})" for each in fields(kind)]
    lines = [f"### {kind.kind}", "", *_wrapped(summary), ""]
    lines += _wrapped(f"State: {kind.state}.")
    lines += ["", *_wrapped(f"Parameters, with their defaults: {', '.join(parameters) or 'none'}."), ""]
    shown = ", ".join(f"`{name}` ({found})" for name, found in kind.values.items())
    lines += [*_wrapped(f"Names of reason and score: {shown}."), ""]
    parts = ", ".join(f"`{each}`" for each in sorted(kind.alert_parts))
    lines += [*_wrapped(f"What the key of its alerts may have: {parts}."), ""]
    if not kind.vocabulary:
        return "\n".join([*lines, "It takes no condition.", ""])
    lines += ["| in conditions | type | meaning |", "| --- | --- | --- |"]
    lines += [f"| `{name}` | {each.type} | {each.meaning} |" for name, each in sorted(kind.vocabulary.items())]
    return "\n".join([*lines, ""])


def _rule(document: RuleDocument) -> str:
    parameters = ", ".join(f"`{name}` {json.dumps(value)}" for name, value in document.parameters.items())
    lines = [
        f"### {document.id.removeprefix('fraud.')}",
        "",
        f"{document.title}. {document.severity.name}, ships {document.status}.",
    ]
    lines += ["", *_wrapped(f"Kind `{document.kind}`{': ' if parameters else ''}{parameters}."), ""]
    if document.when is not None:
        lines += [f"`when` {document.when}", ""]
    if not document.alert.usual:
        lines += [*_wrapped(_alert(document.alert)), ""]
    near = "; ".join(_titles(document, "nothing"))
    return "\n".join([*lines, *_wrapped(f"Found: {'; '.join(_titles(document, 'found'))}. Not found: {near}."), ""])


def _alert(terms: AlertTerms) -> str:
    key = " and ".join(f"`{each}`" for each in terms.key)
    window = "" if terms.window_seconds is None else f" in {terms.window_seconds} seconds"
    return f"One alert for each {key}{window}." if key else f"One alert for the rule{window}."


def _titles(document: RuleDocument, expect: str) -> Iterator[str]:
    for each in document.tests:
        if isinstance(each, dict) and each["expect"] == expect:
            yield str(each["title"])


def _wrapped(sentence: str, width: int = 130) -> Iterable[str]:
    line = ""
    for word in sentence.split():
        if line and len(line) + 1 + len(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


def main() -> None:
    Path(shipped.__file__).with_name(shipped.CONDITIONS).write_text(conditions(), "utf-8")
    for document in shipped.documents():
        try_rule(bind(document))
        print(f"{document.id} {document.version} {document.hash[:12]} {document.status}")
    text, _, _ = PAGE.read_text("utf-8").partition(MARK)
    PAGE.write_text(text + MARK + chapters(), "utf-8")


if __name__ == "__main__":
    main()
