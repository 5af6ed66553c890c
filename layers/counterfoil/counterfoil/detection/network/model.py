"""A model over the measures of a transfer: two ensembles of decision trees, evaluated without any library.

The first ensemble scores a transfer by its own measures; what it says is remembered with the two accounts. The second sees
these memories too, and its score is the model's. A model is trained elsewhere (``counterfoil model train``) and read here from
JSON, strictly: it is numbers, never code.

    {"format": "counterfoil-model/1", "name": "...", "measures": ["first_payment", ...],
     "first": {"baseline": -5.1, "trees": [[0, 0.5, [3, 1.5, -0.1, 0.2], 0.4], ...]}, "second": {...}, "card": {...}}

A tree is a leaf (a number, added to the log-odds) or ``[measure, threshold, at most the threshold, above it]``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from importlib.resources import files
from math import exp, isfinite
from typing import Any, Final, Protocol

from counterfoil.detection.network.measures import NAMES, OWN
from counterfoil.errors import InputError

FORMAT: Final = "counterfoil-model/1"
SHIPPED: Final = "amlgentex.json"
# A thousand trees of a few leaves are a few hundred kilobytes and half a millisecond.
MAX_CHARACTERS: Final = 4_000_000
MAX_TREES: Final = 1_000
MAX_DEPTH: Final = 32
# Log-odds beyond these are 0 and 1 for every purpose, and ``exp`` stays in its range.
_MOST: Final = 700.0

type Tree = float | tuple[int, float, Tree, Tree]


class Scorer(Protocol):
    """Says how suspicious a transfer is, 0 to 1, from its measures in the order of ``NAMES``. ``hash`` names it in findings."""

    @property
    def hash(self) -> str: ...

    def first_score(self, measures: Sequence[float]) -> float:
        """By the transfer's own measures alone: what the accounts remember."""
        ...

    def score(self, measures: Sequence[float]) -> float:
        """By all measures."""
        ...

    def contributions(self, measures: Sequence[float]) -> dict[str, float]:
        """What each measure added to the score, in log-odds, by its name."""
        ...


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The log-odds of a transfer are ``baseline`` and one leaf of every tree."""

    baseline: float
    trees: tuple[Tree, ...]

    def probability(self, measures: Sequence[float]) -> float:
        odds = self.baseline
        for tree in self.trees:
            node: Any = tree
            while type(node) is tuple:
                node = node[2] if measures[node[0]] <= node[1] else node[3]
            odds += node
        return _probability(odds)


@dataclass(frozen=True)
class Model:
    """``card`` says what the model was trained on and how it did; it is shown, never used."""

    name: str
    first: Ensemble
    second: Ensemble
    card: Mapping[str, Any]
    hash: str

    def first_score(self, measures: Sequence[float]) -> float:
        return self.first.probability(measures)

    def score(self, measures: Sequence[float]) -> float:
        return self.second.probability(measures)

    def contributions(self, measures: Sequence[float]) -> dict[str, float]:
        """Along each tree's path, the change of the subtree's mean leaf is owed to the measure that was asked.

        Leaves count equally, for a model does not say how many transfers of its training came to each. With the baseline and the
        means of the whole trees the contributions add up to the log-odds of the score.
        """
        found: dict[str, float] = {}
        for tree in self._means:
            node, mean = tree, tree[0]
            while len(node) > 1:
                _, measure, threshold, low, high = node
                node = low if measures[measure] <= threshold else high
                found[NAMES[measure]] = found.get(NAMES[measure], 0.0) + node[0] - mean
                mean = node[0]
        return dict(sorted(found.items(), key=lambda item: (-abs(item[1]), item[0])))

    @cached_property
    def _means(self) -> list[tuple[Any, ...]]:
        return [_with_means(each)[0] for each in self.second.trees]


@lru_cache(maxsize=1)
def shipped_model() -> Model:
    """The model that comes with counterfoil: docs/detection.md says what it was trained on."""
    return parse_model((files("counterfoil.detection.network") / SHIPPED).read_text("utf-8"))


def parse_model(text: str) -> Model:
    """Read a model; ``InputError`` says what is wrong with it."""
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"a model of {len(text)} characters; at most {MAX_CHARACTERS} are read")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the model is not JSON: {error}") from None
    known = {"format", "name", "measures", "first", "second", "card"}
    if not isinstance(body, dict) or set(body) != known:
        raise InputError(f"a model is an object of {', '.join(sorted(known))}")
    if body["format"] != FORMAT:
        raise InputError(f"a model of the format {str(body['format'])[:40]!r}; this reads {FORMAT}")
    if body["measures"] != list(NAMES):
        raise InputError("the model was trained on other measures than this version takes: train it anew")
    if not isinstance(body["name"], str) or not isinstance(body["card"], dict):
        raise InputError("a model's name is a text and its card an object")
    return Model(
        body["name"][:120],
        _ensemble(body["first"], OWN, "first"),
        _ensemble(body["second"], len(NAMES), "second"),
        body["card"],
        sha256(text.encode()).hexdigest(),
    )


def _ensemble(body: object, measures: int, where: str) -> Ensemble:
    if not isinstance(body, dict) or set(body) != {"baseline", "trees"} or not isinstance(body["trees"], list):
        raise InputError(f"{where} needs baseline and trees")
    if not 0 < len(body["trees"]) <= MAX_TREES:
        raise InputError(f"{where} has {len(body['trees'])} trees; 1 to {MAX_TREES} are read")
    trees = tuple(_tree(each, measures, where, 0) for each in body["trees"])
    return Ensemble(_real(body["baseline"], where), trees)


def _tree(node: object, measures: int, where: str, depth: int) -> Tree:
    if not isinstance(node, list):
        return _real(node, where)
    if depth > MAX_DEPTH or len(node) != 4:
        raise InputError(f"{where}: a branch is a measure, a threshold and two trees, at most {MAX_DEPTH} deep")
    measure, threshold, low, high = node
    if type(measure) is not int or not 0 <= measure < measures:
        raise InputError(f"{where}: there is no measure {str(measure)[:40]}")
    low, high = (_tree(each, measures, where, depth + 1) for each in (low, high))
    return measure, _real(threshold, where), low, high


def _real(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        raise InputError(f"{where}: {str(value)[:40]} is not a number")
    return float(value)


def _with_means(tree: Tree) -> tuple[tuple[Any, ...], int]:
    """The tree with its mean leaf at the front of every node, and how many leaves it has."""
    if not isinstance(tree, tuple):
        return (tree,), 1
    measure, threshold, low, high = tree
    low_node, low_leaves = _with_means(low)
    high_node, high_leaves = _with_means(high)
    leaves = low_leaves + high_leaves
    mean = (low_node[0] * low_leaves + high_node[0] * high_leaves) / leaves
    return (mean, measure, threshold, low_node, high_node), leaves


def _probability(odds: float) -> float:
    return 1 / (1 + exp(-min(max(odds, -_MOST), _MOST)))
