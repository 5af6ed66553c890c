"""The rules that are shipped: one JSON document per rule beside this file, and the trees of their conditions.

``conditions.json`` holds, by kind and text, what ``expressions.check`` makes of every condition, so that a cold start does not
import rule-engine; ``make rules`` writes it, and a test holds it to what would be written now.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from counterfoil.detection.fraud_rules import Kind
from counterfoil.detection.rule import Rule, bind
from counterfoil.detection.rule_document import RuleDocument, parse_rule_document

CONDITIONS: Final = "conditions.json"


def documents() -> list[RuleDocument]:
    """The shipped documents, by id."""
    folder = files(__name__)
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".json") and each.name != CONDITIONS)
    return [parse_rule_document((folder / name).read_text("utf-8")) for name in names]


@lru_cache(maxsize=1)
def catalogue() -> tuple[Rule[Kind], ...]:
    """The shipped rules, bound."""
    conditions: dict[str, dict[str, Any]] = json.loads((files(__name__) / CONDITIONS).read_text("utf-8"))
    return tuple(bind(document, conditions.get(document.kind, {})) for document in documents())
