"""``counterfoil train``: fits the model of ``detection/network`` to labelled transactions, and says how well it did.

The measures are those of the detector itself, taken as it judges the file. Only steps up to ``until`` are looked at, labels and
all. The second ensemble sees what the first said of earlier transfers; so that it does not learn to trust a first one that was
shown the answers, those scores come from ensembles fitted to the other parts of the time. The same file, the same options and the
same release of scikit-learn give the same model.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, repeat, takewhile
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from counterfoil.adapters.labelled_transfers import configuration, read_labelled
from counterfoil.adapters.system import system_clock
from counterfoil.detection.judgement import Assessment
from counterfoil.detection.network.measures import NAMES, OWN
from counterfoil.detection.network.model import FORMAT, Scorer, parse_model
from counterfoil.detection.past import Label, Past
from counterfoil.errors import InputError
from counterfoil.services.backtest import average_precision, judge_past

# Chosen on steps 24 to 39 of the set with steps up to 23 and to 31 for fitting; docs/detection.md says what else was tried.
_BOOSTING: Final[dict[str, Any]] = {
    "max_iter": 120,
    "learning_rate": 0.06,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 20,
    "l2_regularization": 1.0,
    "max_features": 0.5,
    "early_stopping": False,
}
_SEEDS: Final = (0, 1, 2)
# In the first days every payment is a first payment: nothing is learned from them.
_FIRST_STEP: Final = 3
_PARTS: Final = 4
_HELD_BACK: Final = 8
_DIGITS: Final = 9


class _Told:
    """A scorer that says what it is told, in order: how the second ensemble's examples are made."""

    hash = "told"

    def __init__(self, scores: Iterable[float]) -> None:
        self._scores: Iterator[float] = iter(scores)

    def first_score(self, measures: Sequence[float]) -> float:  # noqa: ARG002 - told
        return next(self._scores)

    def score(self, measures: Sequence[float]) -> float:  # noqa: ARG002 - told
        return 0.0

    def contributions(self, measures: Sequence[float]) -> dict[str, float]:  # noqa: ARG002 - told
        return {}


def train(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Labelled transactions as CSV, perhaps with .xz.", show_default=False)
    ],
    *,
    until: Annotated[int, typer.Option(min=12, help="The last step that is looked at.")] = 39,
    out_file: Annotated[Path, typer.Option("--out", help="Where the model is written.")] = Path("model.json"),
    name: Annotated[str, typer.Option(help="What the model is called.")] = "model",
) -> None:
    """Fit a model to labelled transactions; needs the extra `train` (scikit-learn)."""
    past = list(takewhile(lambda each: each.step <= until, read_labelled(file)))
    text = json.dumps(fit(past, until, name), separators=(",", ":"))
    parse_model(text)
    out_file.write_text(text + "\n", "utf-8")
    typer.echo(f"{out_file}: {json.dumps(json.loads(text)['card'], indent=2)}")


def fit(past: Sequence[Past], until: int, name: str) -> dict[str, Any]:
    """The model as JSON, with its card."""
    examples = _Examples(past, _Told(repeat(0.0)))
    if not 0 < sum(examples.bad) < len(examples.bad):
        raise InputError("these transactions hold no bad ones, or nothing else: there is nothing to learn")
    checked = until - _HELD_BACK
    scores = examples.cross_fitted(checked)
    held = examples.second(scores).fitted(checked)
    validation = [index for index, step in enumerate(examples.steps) if step > checked]
    said = held.probabilities(validation)
    model_scores = examples.cross_fitted(until)
    first = examples.fitted(until, OWN)
    second = examples.second(model_scores).fitted(until)
    card = {
        "trained_on": f"steps {_FIRST_STEP} to {until}",
        "transfers": len(examples.bad),
        "bad": sum(examples.bad),
        "checked_on": f"steps {checked + 1} to {until} by a model of the steps before",
        "checked_average_precision": round(
            average_precision(said, [examples.bad[index] for index in validation]) or 0.0, 3
        ),
        "boosting": _BOOSTING | {"seeds": list(_SEEDS), "scikit-learn": _version()},
        "meant_for": "payments between private customers of one bank in a simulation; train anew on data of your own",
    }
    return {
        "format": FORMAT,
        "name": name,
        "measures": list(NAMES),
        "first": first.exported(),
        "second": second.exported(),
        "card": card,
    }


class _Examples:
    """The transfers that a past holds, with what the detector measures of each."""

    def __init__(self, past: Sequence[Past], scorer: Scorer) -> None:
        self.past = past
        self.measures: list[Sequence[float]] = []

        def seen(assessment: Assessment) -> None:
            self.measures.append(assessment.observation.measures.all())

        run = judge_past((), past, configuration().only(), scorer, system_clock(), seen)
        self.steps = [each.step for each in run.judged]
        self.labels: list[Label] = run.labels
        self.bad = [each.bad for each in run.labels]

    def second(self, scores: Sequence[float]) -> _Examples:
        """The same with what the accounts remember of these scores."""
        return _Examples(self.past, _Told(scores))

    def fitted(self, until: int, columns: int = len(NAMES), without: tuple[float, float] | None = None) -> _Fitted:
        rows = [
            index
            for index, step in enumerate(self.steps)
            if _FIRST_STEP <= step <= until and not (without and without[0] <= step < without[1])
        ]
        return _Fitted(self.measures, rows, self.bad, columns)

    def cross_fitted(self, until: int) -> list[float]:
        """A first score for each transfer by an ensemble that was not shown its time; those behind ``until`` by one of all before."""
        scores = [0.0] * len(self.steps)
        bounds = [part * (until + 1) / _PARTS for part in range(_PARTS + 1)]
        for low, high in pairwise(bounds):
            rows = [index for index, step in enumerate(self.steps) if low <= step < high]
            self._score(scores, rows, self.fitted(until, OWN, (low, high)))
        later = [index for index, step in enumerate(self.steps) if step > until]
        if later:
            self._score(scores, later, self.fitted(until, OWN))
        return scores

    def _score(self, scores: list[float], rows: Sequence[int], fitted: _Fitted) -> None:
        for index, score in zip(rows, fitted.probabilities(rows), strict=True):
            scores[index] = score


class _Fitted:
    """Boosted trees, several times over from different seeds; their log-odds are averaged."""

    def __init__(
        self, measures: Sequence[Sequence[float]], rows: Sequence[int], bad: Sequence[bool], columns: int
    ) -> None:
        try:
            import numpy as np  # noqa: PLC0415 - an extra that training alone needs
            from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 - as above
        except ImportError:
            raise InputError("training needs scikit-learn: pip install 'counterfoil[train]'") from None
        self._numpy = np
        self._measures, self._columns = measures, columns
        examples = self._table(rows)
        answers = np.array([bad[index] for index in rows])
        self._ensembles = [
            HistGradientBoostingClassifier(random_state=seed, **_BOOSTING).fit(examples, answers) for seed in _SEEDS
        ]

    def probabilities(self, rows: Sequence[int]) -> list[float]:
        table = self._table(rows)
        odds = sum(each.decision_function(table) for each in self._ensembles) / len(self._ensembles)
        return [float(each) for each in 1 / (1 + self._numpy.exp(-odds))]

    def exported(self) -> dict[str, Any]:
        """As ``network/model`` reads it."""
        count = len(self._ensembles)
        baseline = sum(float(each._baseline_prediction[0, 0]) for each in self._ensembles) / count  # noqa: SLF001 - there is no other way
        nodes = [tree.nodes for each in self._ensembles for (tree,) in each._predictors]  # noqa: SLF001 - as above
        return {"baseline": baseline, "trees": [_tree(each, 0, count) for each in nodes]}

    def _table(self, rows: Sequence[int]) -> Any:
        return self._numpy.array([self._measures[index][: self._columns] for index in rows])


def _tree(nodes: Any, place: int, count: int) -> Any:
    node = nodes[place]
    if node["is_leaf"]:
        return round(float(node["value"]) / count, _DIGITS)
    low, high = (_tree(nodes, int(node[side]), count) for side in ("left", "right"))
    return [int(node["feature_idx"]), float(node["num_threshold"]), low, high]


def _version() -> str:
    import sklearn  # noqa: PLC0415 - as above

    return str(sklearn.__version__)
